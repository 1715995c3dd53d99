"""Who may still be told: between a change and its mail, somebody may have lost their place, or the right to know."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from activity.models import Event

# Each answers, in the scope of a firm or of a client's space, which of these events the person may still be told of: by
# key, and whether they may open what each is about.
STILL_TOLD_OF: list[Callable[[UUID, Sequence[Any]], dict[UUID, bool]]] = []
# Each answers whether the place in scope is still open to the person.
MAY_ENTER: list[Callable[[UUID], bool]] = []


def still_concerning(recipient: UUID, events: Sequence[Event]) -> list[Event]:
    """Those of the events, all of the owner in scope, that the person may still be told of; `leads` says the rest."""
    left = list(events)
    if not left or left[0].person_id is not None:
        return left
    for still_told_of in STILL_TOLD_OF:
        leads = still_told_of(recipient, left)
        left = [event for event in left if event.pk in leads]
        for event in left:
            event.leads = event.leads and leads[event.pk]
    return left


def may_enter(recipient: UUID) -> bool:
    """Is the firm or the client's space in scope still open to the person?"""
    return all(enters(recipient) for enters in MAY_ENTER)
