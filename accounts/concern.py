"""Whom a firm still tells of what happens: who may enter it; the others, of their own place alone."""

from collections.abc import Collection
from uuid import UUID

from accounts.models import Membership
from tenancy.scopes import current


def still_told_of(person: UUID) -> Collection[UUID] | None:
    """The places of somebody who may not enter the firm in scope (any more), of which they are told all the same."""
    if current().firm_id is None:
        return None
    places = list(Membership.objects.filter(user_id=person))
    return None if any(place.is_open for place in places) else [place.pk for place in places]
