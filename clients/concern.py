"""Whom a client's space still tells of what happens: those whom it concerns at this moment, as their profile is now.

Of what becomes of their own place, everybody is told, whoever has lost it too.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.apps import apps

from activity.events import type_named
from clients.models import SpaceMember
from tenancy.scopes import current


def still_told_of(person: UUID, events: Sequence[Any]) -> dict[UUID, bool]:
    """By key, those that the person may still be told of, and whether they may open what each is about.

    The audience of each event is asked again: by it, the table of profiles decides.
    """
    if current().space_id is None:
        return {event.pk: True for event in events}
    own = dict(SpaceMember.objects.filter(user_id=person).values_list("pk", "ended_at"))
    told = {}
    for event in events:
        if event.subject_id in own:
            told[event.pk] = own[event.subject_id] is None
        elif _concerns(event, person):
            told[event.pk] = True
    return told


def _concerns(event: Any, person: UUID) -> bool:
    audience = type_named(event.type).audience(_subject(event), event.details)
    return any(recipient.user_id == person for recipient in audience)


def _subject(event: Any) -> Any:
    if event.subject_id is None:
        return None
    return apps.get_model(event.subject_type)._default_manager.filter(pk=event.subject_id).first()
