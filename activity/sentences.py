"""Events in words, in the reader's language: the sentence, and what changed from what to what."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Protocol

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.urls import NoReverseMatch, reverse
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from activity.events import Text, type_named
from activity.models import Event


class Told(Protocol):
    """What of an event its words are made of."""

    @property
    def type(self) -> str: ...

    @property
    def who(self) -> str: ...

    @property
    def subject_type(self) -> str: ...

    @property
    def subject_name(self) -> str: ...

    @property
    def changes(self) -> Any: ...

    @property
    def details(self) -> Any: ...


@dataclass(frozen=True)
class Change:
    """One field: its label, and its values as people read them."""

    label: str
    before: str
    after: str


def sentence(event: Event, *, actors: list[str] | None = None, base: str = "") -> SafeString:
    """As HTML: names escaped, the subject linked to its page where it has one.

    `actors` replaces the actor's name; `base` makes the link absolute, for mails.
    """
    subject: str = conditional_escape(_subject(event))
    if url := page_of(event):
        subject = format_html('<a href="{}{}">{}</a>', base, url, subject)
    words = {name: conditional_escape(value) for name, value in _words(event, actors).items()}
    text = str(conditional_escape(str(type_named(event.type).sentence)))
    return mark_safe(text % _Named({**words, "subject": subject}))  # noqa: S308 - each part was escaped above


def plain_sentence(event: Told, *, actors: list[str] | None = None) -> str:
    """As text, for mails and workbooks."""
    kind: Any = type_named(event.type)
    text = _sentence_of(kind, get_language())
    return text % _Named({**_words(event, actors), "subject": _subject(event)})


def changes(event: Told, values: Mapping[str, Any] | None = None) -> list[Change]:
    """What changed, field by field, in the order in which it was recorded. `values`: other values, of the same kind."""
    kind = type_named(event.type)
    shown = event.changes if values is None else values
    return [_change(kind, event.subject_type, name, *pair) for name, pair in shown.items()]


def page_of(event: Event) -> str:
    """The path of the subject's page on the side of the event's owner; empty if it has none there, or not for whoever
    is told."""
    kind = type_named(event.type)
    route = kind.route or kind.routes.get(event.subject_type, "")
    query = f"?{kind.query}={event.subject_id}" if kind.query else ""
    if not route or event.subject_id is None or not event.leads:
        return ""
    place: dict[str, Any] = {}
    if event.firm_id and event.firm is not None:
        place = {"firm_slug": event.firm.slug}
    elif event.space_id:
        place = {"space_id": event.space_id}
    for key in ({"pk": event.subject_id}, {}):
        try:
            return reverse(route, kwargs={**place, **key}) + query
        except NoReverseMatch:
            continue
    return ""


def subject_kind(label: str) -> str:
    """What kind of thing a subject is (“dossier”), from its model's label; empty for none."""
    try:
        return capfirst(str(apps.get_model(label)._meta.verbose_name)) if label else ""
    except LookupError:
        return ""


class _Named(dict[str, Any]):
    """A name that an older event does not have reads as a dash."""

    def __missing__(self, key: str) -> str:
        return "–"


def _words(event: Told, actors: list[str] | None) -> dict[str, Any]:
    actor = _(" and ").join(actors) if actors else event.who
    known = type_named(event.type).words
    details = {name: _worded(known.get(name), value) for name, value in event.details.items()}
    return {**details, "actor": actor or _("Firm Portal")}


def _worded(known: Mapping[Any, Text] | None, value: Any) -> Any:
    """A choice's value in words; a moment as a local date and time."""
    if known and isinstance(value, str):
        return str(known.get(value, value))
    return (_is_moment(value) and _date(None, value)) or value


def _subject(event: Told) -> str:
    return event.subject_name or "–"


def _change(kind: Any, label: str, name: str, before: Any, after: Any) -> Change:
    field, shown = _labelled(kind, label, name, get_language())
    before, after = (_worded(kind.words.get(name), value) for value in (before, after))
    return Change(shown, _readable(field, before), _readable(field, after))


# A workbook tells of a hundred thousand events in the same few words. `kind` is an event type.
_kept = lru_cache(maxsize=4_096)


@_kept
def _sentence_of(kind: Any, _language: str | None) -> str:
    return str(kind.sentence)


@_kept
def _labelled(
    kind: Any, label: str, name: str, _language: str | None
) -> tuple["models.Field[Any, Any] | None", str]:
    """The field of the subject, if it is one, and what people call it."""
    field = _field(label, name)
    return field, capfirst(str(kind.fields.get(name) or getattr(field, "verbose_name", name)))


def _field(label: str, name: str) -> "models.Field[Any, Any] | None":
    try:
        found = apps.get_model(label)._meta.get_field(name) if label else None
    except (LookupError, FieldDoesNotExist):
        return None
    return found if isinstance(found, models.Field) else None


def _readable(field: "models.Field[Any, Any] | None", value: Any) -> str:
    """A stored value as people read it: the choice's label, yes or no, a local date; a dash for nothing."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if field is not None and field.choices:
        return str(dict(field.flatchoices).get(value, value))
    return _date(field, value) or str(value)


def _date(field: "models.Field[Any, Any] | None", value: Any) -> str:
    moment: datetime | date | None = None
    if isinstance(field, models.DateTimeField) or (field is None and _is_moment(value)):
        moment = parse_datetime(str(value))
    elif isinstance(field, models.DateField):
        moment = parse_date(str(value))
    if isinstance(moment, datetime):
        return date_format(localtime(moment), "SHORT_DATETIME_FORMAT")
    return date_format(moment, "SHORT_DATE_FORMAT") if moment else ""


def _is_moment(value: Any) -> bool:
    """Is it a moment as `changes` hold it? Of what is no field of the subject, nothing else tells."""
    return isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:.+", value) is not None
