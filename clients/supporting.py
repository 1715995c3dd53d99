"""Authorisations of technical support that are over, by time or with their link: this clears up and tells."""

from clients.actions.support import run_out
from clients.lookups import due_support_ends
from tenancy.sweeps import for_each


def sweep() -> int:
    """Returns how many were over. Each in its own transaction, so that one that fails holds nobody up."""
    return sum(for_each(due_support_ends(), run_out, sweep="end_support"))
