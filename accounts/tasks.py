"""Background work on firms and their members."""

from celery import shared_task

from accounts.actions.replacements import tell_replacement
from accounts.lookups import due_replacements
from tenancy.sweeps import for_each


@shared_task(name="accounts.tell_replacements")
def tell_replacements() -> int:
    """Tell of the replacements that have begun or ended by themselves; returns of how many."""
    told = for_each(
        due_replacements(), lambda key: tell_replacement(replacement_id=key), sweep="tell_replacements"
    )
    return len(told)
