"""The sweeps of the outbox and of the journal.

Beat starts them, and a nudge those of the outbox sooner; either may come twice or never.
"""

from celery import shared_task

from activity.composing import compose_due
from activity.delivery import deliver_due
from activity.retention import purge_due
from activity.sealing import seal_due
from activity.senders import place

# Then whatever else waits has its turn, and delivery goes on after it. Who still waits for an answer goes on meanwhile,
# for as long again at most.
_DELIVER_FOR = 20.0


@shared_task(name="activity.compose_notifications", time_limit=150)
def compose_notifications() -> int:
    return compose_due()


@shared_task(name="activity.deliver_mails", time_limit=2 * _DELIVER_FOR + 150)
def deliver_mails() -> int:
    with place() as is_there:
        return deliver_due(for_seconds=_DELIVER_FOR) if is_there else 0


@shared_task(name="activity.seal_journals", time_limit=600)
def seal_journals() -> int:
    """Join to their chains the events that were committed since."""
    return seal_due()


@shared_task(name="activity.purge_journals", time_limit=3600)
def purge_journals() -> int:
    """Remove the events whose time is over, once a day of each owner."""
    return purge_due()
