"""Background work on firms and their members."""

from celery import shared_task

from accounts.actions.replacements import tell_replacement
from accounts.lookups import due_replacements
from tenancy.scopes import scope


@shared_task(name="accounts.tell_replacements")
def tell_replacements() -> int:
    """Tell of the replacements that have begun or ended by themselves; returns how many were due."""
    due = due_replacements()
    for one in due:
        with scope(firm=one["firm_id"]):
            tell_replacement(replacement_id=one["id"])
    return len(due)
