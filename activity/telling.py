"""An event as a line of a workbook."""

from collections.abc import Iterator
from uuid import UUID

from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from activity.events import type_named
from activity.models import Event
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
    for keys in Search(asked).lots(KEYS):
        for place in range(0, len(keys), LOT):
            yield from _lines_of(keys[place : place + LOT])


def _lines_of(keys: list[UUID]) -> Iterator[list[CellValue]]:
    for event in Event.objects.of_scope().filter(among(keys)).order_by("-id"):
        yield _line(event)


def _line(event: Event) -> list[CellValue]:
    changed = changes(event)
    return [
        localtime(event.at),
        event.actor_name or _("Firm Portal"),
        event.behalf_name,
        plain_sentence(event),
        str(type_named(event.type).summary),
        subject_kind(event.subject_type),
        event.subject_name,
        "\n".join(one.label for one in changed),
        "\n".join(one.before for one in changed),
        "\n".join(one.after for one in changed),
        event.ip,
        event.request_id,
        str(event.group or ""),
        str(event.pk),
    ]
