"""On whose behalf somebody acts: an app that knows of replacements registers how to tell."""

from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from django.db import models

from activity.events import Actor

# Each answers for whom the actor stands in where they act on objects of this kind: key → whom, of those where they do.
STAND_INS: list[Callable[[Actor, type[models.Model], Collection[UUID]], Mapping[UUID, Actor]]] = []


def stood_in_for(actor: Actor | None, subject: models.Model | None) -> Actor | None:
    """Whom the actor stands in for here; None for nobody."""
    return None if subject is None else stood_in_for_among(actor, type(subject), [subject.pk]).get(subject.pk)


def stood_in_for_among(
    actor: Actor | None, model: type[models.Model], keys: Collection[UUID]
) -> dict[UUID, Actor]:
    """Whom the actor stands in for with each of these objects; without those where it is nobody."""
    found: dict[UUID, Actor] = {}
    if actor is not None:
        for tell in STAND_INS:
            found = {**tell(actor, model, keys), **found}
    return found
