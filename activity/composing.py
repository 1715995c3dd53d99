"""From due notifications to mails: one per person and owner, with what is left of the changes of a hold."""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Q
from django.utils import timezone

from activity.concern import still_concerning
from activity.digest import net_changes
from activity.events import type_named
from activity.lookups import due_notifications
from activity.models import Notification, OutgoingEmail
from activity.precedence import SINGLE, URGENT
from activity.preferences import chosen_by
from activity.topics import Timing
from tenancy.scopes import current, scope
from tenancy.tasks import nudge

log = structlog.get_logger(__name__)

CHANGES = "activity.changes"
_PEOPLE_AT_ONCE = 200
_AFTER_A_FAULT = timedelta(minutes=10)


def compose_due() -> int:
    """Make the mails of everyone whose hold is over; returns how many. Each is made and committed by itself.

    Those of whom nothing came stay due where another composer has them: as many more are looked for behind them.
    """
    made = 0
    seen: set[tuple[UUID, ...]] = set()
    while due := [row for row in _due(len(seen) - made) if tuple(row.values()) not in seen]:
        for row in due:
            seen.add(tuple(row.values()))
            made += _compose(row)
    if made:
        nudge("activity.deliver_mails")
    return made


def _due(passed_over: int) -> list[dict[str, UUID]]:
    return due_notifications(_PEOPLE_AT_ONCE + passed_over)


def _compose(row: dict[str, UUID]) -> bool:
    """One person's mail of one owner. A fault keeps that person's waiting, and nobody else's."""
    recipient = row["recipient_id"]
    try:
        with scope(firm=row["firm_id"], space=row["space_id"], person=row["person_id"]):
            return compose_for(recipient) is not None
    except (OperationalError, InterfaceError):
        raise  # the database is away: for everyone
    except Exception:
        log.exception("mail_not_composed")
        with scope(firm=row["firm_id"], space=row["space_id"], person=row["person_id"]):
            _uncomposed(recipient).filter(due_at__lte=timezone.now()).update(
                due_at=timezone.now() + _AFTER_A_FAULT
            )
        return False


def compose_for(recipient: UUID) -> OutgoingEmail | None:
    """The person's mail about what happened to the owner in scope; None if nothing is left to say, or to this person.

    What another composer is about to tell that person is left to it.
    """
    if not _alone_with(recipient):
        return None
    now = timezone.now()
    held = _wanted(recipient, _gathered(recipient, now), now)
    lines = net_changes(still_concerning(recipient, [notification.told for notification in held]))
    said = {event.pk for line in lines for event in line.events}
    mail = _mail_to(held) if lines else None
    of_scope = Notification.objects.of_scope()
    of_scope.filter(pk__in=[one.pk for one in held if one.event_id in said]).update(
        composed_at=now, mail=mail
    )
    of_scope.filter(pk__in=[one.pk for one in held if one.event_id not in said]).update(composed_at=now)
    return mail


def _alone_with(recipient: UUID) -> bool:
    """Take the person's turn until the transaction ends; False if another composer has it.

    Locking the rows alone is not enough: two composers that begin together each lock some of them, and the person
    would get two mails.
    """
    key = hashlib.blake2b(f"compose {current()} {recipient}".encode(), digest_size=8).digest()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(key, "big", signed=True)])
        return bool(cursor.fetchone()[0])


def _gathered(recipient: UUID, now: datetime) -> list[Notification]:
    """The notifications that leave together, oldest first.

    Once one hold is over, or the hour of the daily mail has come, what gathered meanwhile goes along; what is daily
    waits for its hour. Security waits for nothing and hurries nothing: due by itself, it leaves by itself.
    """
    hold = timedelta(seconds=settings.NOTIFICATION_HOLD_SECONDS)
    over = Q(due_at__lte=now) | Q(due_at__lte=now + hold, daily=False)
    waiting = _uncomposed(recipient).filter(over).select_related("event")
    held: list[Notification] = list(waiting.order_by("event_id"))
    due = [notification for notification in held if notification.due_at <= now]
    return due if _only_security(due) else held


def _wanted(recipient: UUID, gathered: list[Notification], now: datetime) -> list[Notification]:
    """Those of them that the person wants to be told by mail now.

    The choice is asked again: it may have changed while the event that tells was being recorded.
    """
    if _only_security(gathered):
        return gathered
    chosen, of_scope = chosen_by(recipient), Notification.objects.of_scope()
    wanted: list[Notification] = []
    late: dict[Timing, list[UUID]] = {Timing.DAILY: [], Timing.NEVER: []}
    for one in gathered:
        timing = chosen.of_type(type_named(one.event.type))
        is_wanted = timing == Timing.AT_ONCE or (timing == Timing.DAILY and one.daily)
        wanted.append(one) if is_wanted else late[timing].append(one.pk)
    of_scope.filter(pk__in=late[Timing.NEVER]).update(composed_at=now)
    of_scope.filter(pk__in=late[Timing.DAILY]).update(due_at=chosen.next_daily(now), daily=True)
    return wanted


def _only_security(notifications: list[Notification]) -> bool:
    return all(type_named(notification.event.type).security for notification in notifications)


def _uncomposed(recipient: UUID) -> Any:
    return Notification.objects.of_scope().filter(recipient_id=recipient, composed_at=None)


def _mail_to(held: list[Notification]) -> OutgoingEmail:
    newest = held[-1]
    mail: OutgoingEmail = OutgoingEmail.objects.create(
        **OutgoingEmail.ownership(),
        kind=CHANGES,
        to=newest.address,
        to_name=newest.name,
        language=newest.language,
        precedence=URGENT if _only_security(held) else SINGLE,
    )
    return mail
