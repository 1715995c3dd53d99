"""Whom a firm still tells of what happens: who may enter it; the others, of their own place alone."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from accounts.models import Membership
from tenancy.scopes import current


def still_told_of(person: UUID, events: Sequence[Any]) -> list[Any]:
    """Somebody who may not enter the firm in scope (any more) is told of their own places there all the same."""
    if current().firm_id is None:
        return list(events)
    places = list(Membership.objects.filter(user_id=person))
    if any(place.is_open for place in places):
        return list(events)
    own = {place.pk for place in places}
    return [event for event in events if event.subject_id in own]
