"""Authorisations of technical support that have run out: the access ended by itself, this clears up and tells."""

from clients.actions.support import run_out
from clients.lookups import due_support_ends
from tenancy.scopes import scope


def sweep() -> int:
    """Returns how many had run out. Each in its own transaction, so that one that fails holds nobody up."""
    ended = 0
    for due in due_support_ends():
        with scope(firm=due["firm_id"]):
            ended += run_out(due["id"])
    return ended
