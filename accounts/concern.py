"""Whom a firm tells of what happens there, by mail and under the bell: as their place and their rights are now.

Set-based: one query for each kind of object that not everybody sees, however many events. Each app registers in its
AppConfig who sees its objects and what is for administrators alone, so that a worker has it as a page does.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet

from accounts.models import Membership
from accounts.places import places_of
from activity.events import EventType, type_named
from tenancy.expressions import among
from tenancy.scopes import current


@dataclass(frozen=True)
class Seen:
    """Of a kind of object that not everybody sees: which of these objects the member does.

    `of`: it is asked for these types of event alone.
    """

    model: type[Model]
    by: Callable[[Membership, Any], QuerySet[Any]]
    of: type[EventType] = EventType

    def asks(self, event: Any) -> bool:
        is_kind = event.subject_type == self.model._meta.label_lower and event.subject_id is not None
        return is_kind and issubclass(type_named(event.type), self.of)


SEEN: list[Seen] = []
# What administrators alone are told of, besides whoever it happened to.
OF_ADMINISTRATORS: list[type[EventType]] = []


def still_told_of(person: UUID, events: Sequence[Any]) -> dict[UUID, bool]:
    """As `shown_to_member`, in the firm in scope; elsewhere all of them.

    Somebody who may not enter the firm (any more) is told of their own places there all the same.
    """
    if current().firm_id is None:
        return {event.pk: True for event in events}
    places = list(Membership.objects.filter(user_id=person))
    own = {place.pk for place in places}
    told = {event.pk: False for event in events if event.subject_id in own}
    for place in places:
        if place.is_open:
            told |= shown_to_member(place, events)
    return told


def may_enter(person: UUID) -> bool:
    """Is the firm or the client's space in scope one of the person's places?"""
    here = current()
    return any(place.key in (here.firm_id, here.space_id) for place in places_of(person))


def shown_to_member(member: Membership, events: Sequence[Any]) -> dict[UUID, bool]:
    """By key, those that the member may still see, and whether they may open the subject.

    Of what happened to themself they read to the end, and that they lost something (`Event.outside`), though what they
    lost opens no more.
    """
    unseen = _unseen(member, events)
    told: dict[UUID, bool] = {}
    for event in events:
        may = event.pk not in unseen and _is_for(member, event)
        if may or event.outside or _is_about(member, event):
            told[event.pk] = may
    return told


def _is_for(member: Membership, event: Any) -> bool:
    return member.is_admin or not issubclass(type_named(event.type), tuple(OF_ADMINISTRATORS))


def _is_about(member: Membership, event: Any) -> bool:
    """Their own place, role, access: named by the event as its subject or in its details."""
    own = {str(member.pk), str(member.user_id)}
    return str(event.subject_id) in own or str(event.details.get("member_id")) in own


def _unseen(member: Membership, events: Iterable[Any]) -> set[UUID]:
    """The events whose subjects, of the kinds that not everybody sees, the member does not."""
    unseen: set[UUID] = set()
    for seen in SEEN:
        asked = [event for event in events if seen.asks(event)]
        if asked:
            keys = {event.subject_id for event in asked}
            found = seen.by(member, seen.model._default_manager.filter(among(keys)))
            still = set(found.order_by().values_list("pk", flat=True))
            unseen |= {event.pk for event in asked if event.subject_id not in still}
    return unseen
