"""Who at the firm saw a client file, between two days: what administrators answer a client with, or a court."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Membership
from activity.actions import record
from clients.events.journal import AccessesRemoved
from clients.models import AccessKind, AccessRecord, Dossier


@dataclass(frozen=True)
class Seen:
    """What one person did with the file on one day: opened it, or took files out of it; the first and the last time."""

    name: str
    what: str
    day: date
    first_at: datetime
    last_at: datetime
    count: int


def seen(dossier: Dossier, asked: dict[str, Any]) -> QuerySet[AccessRecord]:
    """The latest first. `asked`: `person` (a key), `kind`, `since` and `until` (days, both included), or nothing."""
    found = AccessRecord.objects.filter(dossier=dossier)
    narrowing = {
        "user_id": asked.get("person"),
        "kind": asked.get("kind"),
        "day__gte": asked.get("since"),
        "day__lte": asked.get("until"),
    }
    given = {column: value for column, value in narrowing.items() if value}
    return found.filter(**given).order_by("-day", "-last_at", "-id")


def told(records: Iterable[AccessRecord]) -> Iterator[Seen]:
    """With the names that people have now: who was made unknown is so here too."""
    names = {one.user_id: one.name for one in Membership.objects.exclude(user=None)}
    for one in records:
        what = str(AccessKind(one.kind).label)
        yield Seen(names.get(one.user_id, "–"), what, one.day, one.first_at, one.last_at, one.count)


def who_saw(dossier: Dossier) -> list[tuple[UUID, str]]:
    """Keys and names of all who ever did, for choosing one."""
    users = AccessRecord.objects.filter(dossier=dossier).order_by().values("user_id")
    members = Membership.objects.filter(user__in=users).order_by("last_name", "first_name")
    return [(one.user_id, one.name) for one in members if one.user_id]


def remove_before(moment: datetime) -> None:
    """Accesses are kept as long as the journal's (`activity.retention`); that some are gone stays told."""
    day = timezone.localdate(moment)
    over, _each = AccessRecord.objects.filter(day__lt=day).delete()
    if over:
        record(
            AccessesRemoved, actor=None, subject=None, details={"count": over, "until": moment.isoformat()}
        )
