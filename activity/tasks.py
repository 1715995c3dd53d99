"""The two sweeps of the outbox. Beat starts them, and a nudge does so sooner; either may come twice or never."""

from celery import shared_task

from activity.composing import compose_due
from activity.delivery import deliver_due

# Then whatever else waits has its turn, and delivery goes on after it.
_DELIVER_FOR = 20.0


@shared_task(name="activity.compose_notifications", time_limit=150)
def compose_notifications() -> int:
    return compose_due()


@shared_task(name="activity.deliver_mails", time_limit=_DELIVER_FOR + 150)
def deliver_mails() -> int:
    return deliver_due(for_seconds=_DELIVER_FOR)
