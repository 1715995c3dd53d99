"""What no nudge announces: reminders whose moment has come, and orders whose worker died."""

from itertools import groupby
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError

from invitations.actions.reminding import remind
from invitations.lookups import due_reminders, due_sendings
from tenancy.scopes import scope
from tenancy.tasks import nudge

log = structlog.get_logger(__name__)

CARRY_OUT = "invitations.carry_out"


def remind_due() -> int:
    """Send all reminders that are due; returns how many left. A fault with one sender's keeps nobody else's."""
    left, seen = 0, set[UUID]()
    while due := [row for row in due_reminders() if row["id"] not in seen]:
        seen |= {row["id"] for row in due}
        for (firm, space), rows in groupby(due, key=lambda row: (row["firm_id"], row["space_id"])):
            left += _remind(firm, space, [row["id"] for row in rows])
    return left


def _remind(firm: UUID | None, space: UUID | None, keys: list[UUID]) -> int:
    try:
        with scope(firm=firm, space=space):
            return remind(keys=keys)
    except (OperationalError, InterfaceError):
        raise  # the database is away: for everyone
    except Exception:
        log.exception("invitations_not_reminded")
        return 0


def resume() -> int:
    """Hand orders that nobody works on to a worker; returns how many were due."""
    due = due_sendings()
    for one in due:
        nudge(CARRY_OUT, one["firm_id"], one["id"])
    return len(due)
