"""On whose behalf somebody acts: an app that knows of replacements registers how to tell."""

from collections.abc import Callable

from django.db import models

from activity.events import Actor

# Each answers for whom the actor stands in where they act on the subject; None for nobody.
STAND_INS: list[Callable[[Actor, models.Model], Actor | None]] = []


def stood_in_for(actor: Actor | None, subject: models.Model | None) -> Actor | None:
    """Whom the actor stands in for here; None for nobody."""
    if actor is None or subject is None:
        return None
    return next((found for tell in STAND_INS if (found := tell(actor, subject)) is not None), None)
