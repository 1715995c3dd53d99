"""Who may still be told: between a change and its mail, somebody may have lost their place, or the right to know."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from activity.models import Event

# Each answers, in the scope of a firm or of a client's space, which of these events the person may still be told of.
STILL_TOLD_OF: list[Callable[[UUID, Sequence[Any]], list[Any]]] = []


def still_concerning(recipient: UUID, events: Sequence[Event]) -> list[Event]:
    """Those of the events, all of the owner in scope, that the person may still be told of."""
    left = list(events)
    if not left or left[0].person_id is not None:
        return left
    for still_told_of in STILL_TOLD_OF:
        left = still_told_of(recipient, left)
    return left
