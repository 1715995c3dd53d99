"""An event as a line of a workbook."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from activity.events import type_named
from activity.models import Event, who
from activity.searching import Asked, Search
from activity.sentences import changes, plain_sentence, subject_kind
from spreadsheets.writing import CellValue
from tenancy.expressions import among

# Keys are read in larger lots than what they lead to: each lot asks anew for the things that are asked about.
KEYS, LOT = 10_000, 2_000


def columns() -> list[tuple[str, int]]:
    """Headers and widths."""
    return [
        (_("Date"), 17),
        (_("Person"), 24),
        (_("On behalf of"), 20),
        (_("What happened"), 70),
        (_("Action"), 32),
        (_("Kind of object"), 18),
        (_("Object"), 32),
        (_("Field"), 20),
        (pgettext("of a change", "Before"), 26),
        (pgettext("of a change", "After"), 26),
        (_("IP address"), 16),
        (_("Request"), 34),
        (_("In one go"), 38),
        (_("Event"), 38),
    ]


def lines(asked: Asked) -> Iterator[list[CellValue]]:
    """A line of each event that answers what is asked, the newest first, in the active language."""
    words = _Words()
    for keys in Search(asked).lots(KEYS):
        for place in range(0, len(keys), LOT):
            yield from _lines_of(keys[place : place + LOT], words)


_COLUMNS = (
    "id", "at", "type", "actor_name", "behalf_name", "subject_type", "subject_name", "changes", "details", "group",
    "ip", "request_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Row:
    """An event without what a model costs, a hundred thousand times."""

    id: UUID
    at: datetime
    type: str
    actor_name: str
    behalf_name: str
    subject_type: str
    subject_name: str
    changes: dict[str, Any]
    details: dict[str, Any]
    group: UUID | None
    ip: str | None
    request_id: str

    @property
    def who(self) -> str:
        return who(self.actor_name, self.behalf_name)


class _Words:
    """What is alike in many lines, in the active language, said once."""

    def __init__(self) -> None:
        self.nobody = _("Firm Portal")
        self.zone = get_current_timezone()
        self.action = cache(lambda name: str(type_named(name).summary))
        self.kind = cache(subject_kind)


def _lines_of(keys: list[UUID], words: _Words) -> Iterator[list[CellValue]]:
    for values in Event.objects.of_scope().filter(among(keys)).order_by("-id").values_list(*_COLUMNS):
        yield _line(_Row(*values), words)


def _line(event: _Row, words: _Words) -> list[CellValue]:
    changed = changes(event)
    return [
        event.at.astimezone(words.zone),
        event.actor_name or words.nobody,
        event.behalf_name,
        plain_sentence(event),
        words.action(event.type),
        words.kind(event.subject_type),
        event.subject_name,
        "\n".join([one.label for one in changed]),
        "\n".join([one.before for one in changed]),
        "\n".join([one.after for one in changed]),
        event.ip,
        event.request_id,
        str(event.group or ""),
        str(event.id),
    ]
