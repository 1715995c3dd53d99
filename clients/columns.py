"""What apps above `clients` add to the list of dossiers: registered here, read by its view."""

from collections.abc import Callable
from uuid import UUID

# Each answers, for the dossiers of one page, the state of the client's invitation (a key of `STATES`).
# A dossier that none of them names has not been invited.
CLIENT_STATES: list[Callable[[list[UUID]], dict[UUID, str]]] = []


def client_states(dossiers: list[UUID]) -> dict[UUID, str]:
    """The state of each dossier's invitation, of those that have one."""
    found: dict[UUID, str] = {}
    for provider in CLIENT_STATES:
        found |= provider(dossiers)
    return found
