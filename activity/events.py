"""The registry of event types: each app declares its own in its `events.py`.

An event type is data: a dotted name, a sentence, an audience. The journal, the notifications and the mails are
readers of it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol
from uuid import UUID

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise
# How long an event is kept goes by its family: see `activity.retention`. What a journal tells of itself stays for good.
CHANGES, ACCESSES, PROOFS = "changes", "accesses", "proofs"
REGISTRY: dict[str, type["EventType"]] = {}


class Actor(Protocol):
    """Who acts: a firm's member, a client's person, or a person alone."""

    @property
    def user_id(self) -> UUID | None: ...

    @property
    def name(self) -> str: ...


class Recipient(Actor, Protocol):
    """Who is told."""

    @property
    def email(self) -> str: ...

    @property
    def language(self) -> str: ...


class EventType:
    """One kind of event.

    `name`      dotted: app.thing.verb-in-the-past
    `summary`   a mail's subject when it is alone; names no client
    `sentence`  with %(actor)s, %(subject)s and the names in `details`
    `route`     the page of the subject, reversed with its key (`pk`); none if it has none
    `routes`    the same by the subject's kind, where the type is told of several
    `query`     the parameter that holds the subject's key, where the page is a list that it narrows
    `opposite`  the name of the event type that takes this one back, if both fall within one hold
    `begins`    brings its subject into being: taken back, all that happened to the subject meanwhile goes too
    `security`  told at once, whatever the person chose
    `topic`     for which of `activity.topics` people choose when they are told by mail; none where nobody is told
    `family`    of what else is kept as long: CHANGES, ACCESSES (somebody looked at something or took it away), PROOFS
    `fields`    labels of what may stand in `changes`, where the model's own labels don't serve
    `words`     name → value → words, for what `changes` and `details` hold as a choice's value
    `concerns`  who is told, in words for docs/audiences.md
    """

    name: ClassVar[str]
    summary: ClassVar[Text]
    sentence: ClassVar[Text]
    route: ClassVar[str] = ""
    routes: ClassVar[Mapping[str, str]] = {}
    query: ClassVar[str] = ""
    opposite: ClassVar[str] = ""
    begins: ClassVar[bool] = False
    security: ClassVar[bool] = False
    topic: ClassVar[str] = ""
    family: ClassVar[str] = CHANGES
    fields: ClassVar[Mapping[str, Text]] = {}
    words: ClassVar[Mapping[str, Mapping[Any, Text]]] = {}
    concerns: ClassVar[Text] = _("Nobody: it stands in the journal only")

    @classmethod
    def audience(cls, subject: Any, details: Mapping[str, Any]) -> Iterable[Recipient]:
        """Who is concerned, the actor included (who is then left out). Nobody unless a type says so."""
        return ()

    @classmethod
    def target(cls, details: Mapping[str, Any]) -> Any:
        """What besides the subject the event is about: two that take each other back share it."""
        keys = {name: value for name, value in details.items() if name.endswith("_id")}
        return tuple(sorted((name, str(value)) for name, value in (keys or details).items()))

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            if cls.name in REGISTRY:
                raise TypeError(f"Two event types are named {cls.name}.")
            REGISTRY[cls.name] = cls


class Forgotten(EventType):
    """Stands for a type that an older version recorded and nobody declares any more."""

    summary = _("A change")
    sentence = _("%(actor)s changed %(subject)s.")


def type_named(name: str) -> type[EventType]:
    return REGISTRY.get(name, Forgotten)


def subject_name(subject: models.Model | None) -> str:
    return str(subject)[:300] if subject is not None else ""
