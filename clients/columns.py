"""What apps above `clients` add to the list of dossiers: registered here, read by its view and its filter."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# Each answers, for the dossiers of one page, the state of the client's invitation (a key of `STATES`). A dossier that
# none of them names has not been invited ("none").
CLIENT_STATES: list[Callable[[list[UUID]], dict[UUID, str]]] = []


@dataclass(frozen=True)
class StateFilter:
    """A state to which the list may be narrowed. `condition` makes the Q on dossiers."""

    label: "str | _StrPromise"
    condition: Callable[[], Q]


# By the same keys as CLIENT_STATES gives, in the order in which they are offered. The list offers none if it is empty.
STATE_FILTERS: dict[str, StateFilter] = {}


def client_states(dossiers: list[UUID]) -> dict[UUID, str]:
    """The state of each dossier's invitation, of those that have one."""
    found: dict[UUID, str] = {}
    for provider in CLIENT_STATES:
        found |= provider(dossiers)
    return found
