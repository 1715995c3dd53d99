"""Whom a client's space still tells of what happens: its people; who has left, of the end of their own place alone."""

from collections.abc import Collection
from uuid import UUID

from clients.models import SpaceMember
from tenancy.scopes import current


def still_told_of(person: UUID) -> Collection[UUID] | None:
    """The place, in the space in scope, of somebody who has lost it; None: they are told of everything."""
    if current().space_id is None:
        return None
    places = list(SpaceMember.objects.filter(user_id=person))
    return None if any(place.ended_at is None for place in places) else [place.pk for place in places]
