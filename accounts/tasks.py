"""Background work on firms and their members."""

from typing import Any
from uuid import UUID

from celery import shared_task

from accounts.actions.journal import CHECK, give_head
from accounts.actions.replacements import tell_replacement
from accounts.checking import check_journal as check_one
from accounts.lookups import due_checks, due_replacements
from activity.lookups import due_heads
from activity.retention import midnight
from tenancy.sweeps import for_each
from tenancy.tasks import FirmTask, nudge


@shared_task(name="accounts.tell_replacements")
def tell_replacements() -> int:
    """Tell of the replacements that have begun or ended by themselves; returns of how many."""
    told = for_each(
        due_replacements(), lambda key: tell_replacement(replacement_id=key), sweep="tell_replacements"
    )
    return len(told)


@shared_task(name="accounts.give_heads")
def give_heads() -> int:
    """Once a day, give the administrators of each firm in which something happened a proof of its journal to keep."""
    due = [{"id": row["firm_id"], "firm_id": row["firm_id"]} for row in due_heads(midnight())]
    return sum(for_each(due, lambda _firm: give_head(), sweep="give_heads"))


@shared_task(base=FirmTask, bind=True, name=CHECK, scoped=False)
def check_journal(self: Any, firm_id: UUID, check_id: str) -> None:
    """Verify the firm's journal. Opens its own scopes: it may take minutes."""
    check_one(firm_id, UUID(check_id))


@shared_task(name="accounts.resume_journal_checks")
def resume_journal_checks() -> int:
    """Hand verifications that nobody works on to a worker."""
    due = due_checks()
    for one in due:
        nudge(CHECK, one["firm_id"], one["id"])
    return len(due)
