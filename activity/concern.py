"""Whether somebody may still be told: between a change and its mail, they may have lost their place."""

from collections.abc import Callable, Collection, Sequence
from uuid import UUID

from activity.models import Event

# Each answers, in the scope of a firm or of a client's space, of which subjects alone the person may still be told.
# None: of anything.
STILL_TOLD_OF: list[Callable[[UUID], Collection[UUID] | None]] = []


def still_concerning(recipient: UUID, events: Sequence[Event]) -> list[Event]:
    """Those of the events, all of the owner in scope, that the person may still be told of."""
    if not events or events[0].person_id is not None:
        return list(events)
    answers = [still_told_of(recipient) for still_told_of in STILL_TOLD_OF]
    limits = [subjects for subjects in answers if subjects is not None]
    return [event for event in events if all(event.subject_id in subjects for subjects in limits)]
