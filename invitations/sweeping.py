"""What no nudge announces: reminders whose moment has come, and orders whose worker died."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from itertools import groupby
from typing import Any
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError

from invitations.actions.reminding import put_off, remind
from invitations.lookups import due_reminders, due_sendings
from tenancy.scopes import scope
from tenancy.tasks import nudge

log = structlog.get_logger(__name__)

CARRY_OUT = "invitations.carry_out"
_AFTER_A_FAULT = timedelta(hours=1)
# Classes of SQLSTATE: of the connection itself, and of an operator's intervention.
_OF_CONNECTION = {"08", "57"}


def remind_due() -> int:
    """Send all reminders that are due; returns how many left. A fault with one keeps nobody else's.

    Senders take turns: who has many waits for those that have few. What can't be sent now (another sweep has it, or it
    was put off in vain) is left out of the next look, so that it stands in nobody's way.
    """
    left, failed = 0, 0
    seen, stuck = set[UUID](), set[UUID]()
    while due := due_reminders(list(stuck)):
        stuck |= {row["id"] for row in due} & seen
        fresh = [row for row in due if row["id"] not in seen]
        seen |= {row["id"] for row in fresh}
        for (firm, space), keys in _by_sender(fresh):
            sent, faults = _remind(firm, space, keys)
            left, failed = left + sent, failed + faults
    if left or failed:
        log.info("invitations_reminded", left=left, failed=failed)
    return left


def _by_sender(rows: Iterable[dict[str, Any]]) -> list[tuple[tuple[UUID | None, UUID | None], list[UUID]]]:
    """The keys of each sender's, in the order of their turns."""

    def sender(row: dict[str, Any]) -> tuple[str, str]:
        return str(row["firm_id"]), str(row["space_id"])

    grouped = [list(group) for _sender, group in groupby(sorted(rows, key=sender), key=sender)]
    return [((of[0]["firm_id"], of[0]["space_id"]), [row["id"] for row in of]) for of in grouped]


def _remind(firm: UUID | None, space: UUID | None, keys: Sequence[UUID]) -> tuple[int, int]:
    """How many left, and at how many something failed: then each is tried by itself, and put off if it fails again."""
    if (sent := _in_scope(firm, space, partial(remind, keys=keys), at_length=True)) is not None:
        return sent, 0
    outcomes = {key: _in_scope(firm, space, partial(remind, keys=[key])) for key in keys}
    broken = [key for key, outcome in outcomes.items() if outcome is None]
    if broken:
        log.error("reminders_put_off", firm=str(firm or ""), space=str(space or ""), count=len(broken))
        _in_scope(firm, space, partial(put_off, keys=broken, by=_AFTER_A_FAULT), at_length=True)
    return sum(outcome or 0 for outcome in outcomes.values()), len(broken)


def _in_scope(
    firm: UUID | None, space: UUID | None, act: Callable[[], int], *, at_length: bool = False
) -> int | None:
    """What the act returns on that side; None, logged, if it fails. Raises what says that the database is away."""
    try:
        with scope(firm=firm, space=space):
            return act()
    except Exception as error:
        if _is_away(error):
            raise  # for everyone
        whose = {"firm": str(firm or ""), "space": str(space or "")}
        log.error("invitations_not_reminded", error=type(error).__name__, exc_info=at_length, **whose)
        return None


def _is_away(error: Exception) -> bool:
    """A deadlock, or a lock that was waited for too long, is this sender's trouble alone."""
    code = getattr(error.__cause__, "sqlstate", None)
    is_of_connection = code is None or code[:2] in _OF_CONNECTION
    return isinstance(error, OperationalError | InterfaceError) and is_of_connection


def resume() -> int:
    """Hand orders that nobody works on to a worker; returns how many were due."""
    due = due_sendings()
    for one in due:
        nudge(CARRY_OUT, one["firm_id"], one["id"])
    return len(due)
