"""Reading what happened, for the pages of other apps: always of the owner in scope, always the newest first."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection
from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.safestring import SafeString

from activity import sentences
from activity.events import REGISTRY
from activity.models import Event, EventQuerySet, MailState, OutgoingEmail
from tenancy import scopes
from tenancy.prepared import Place, Prepared, among_those_of

# Keys sort by time to the millisecond; one made under load may be a little ahead of its event.
_KEYS_RUN_AHEAD = timedelta(minutes=1)

MOST_DETAILS = 1_000
_COUNT_DETAILS = """
SELECT one.key, (SELECT count(*) FROM (
    SELECT FROM activity_event WHERE "group" = one.key AND owner = %s AND is_detail LIMIT %s
) AS lines) FROM unnest(%s::uuid[]) AS one (key)
"""


@dataclass(frozen=True)
class Asked:
    """What a reader of the journal asks for; empty fields ask for nothing."""

    person: UUID | None = None
    # An event type's name, several that read alike with commas between them, or their beginning, ended by a dot.
    kind: str = ""
    subject: UUID | None = None
    since: date | None = None
    until: date | None = None  # that day included
    text: str = ""
    group: UUID | None = None  # what one action did in one go

    @property
    def folds(self) -> bool:
        """May the lines behind a group's own event be left out? Not where it is one of those that one looks for."""
        return not (self.kind or self.subject or self.text or self.group)


@dataclass(frozen=True)
class Slice:
    """Some events, newest first, and the keys from which the neighbouring ones are read; None at an end."""

    lines: "list[Line]"
    newer: UUID | None
    older: UUID | None


@dataclass(frozen=True)
class Line:
    """One event as a list shows it (templates/activity/_events.html). `details`: how many lines stand behind it."""

    event: Event
    details: int = 0

    @property
    def has_many_details(self) -> bool:
        """More than were counted."""
        return self.details > MOST_DETAILS

    @cached_property
    def sentence(self) -> SafeString:
        return sentences.sentence(self.event)

    @cached_property
    def changes(self) -> list[sentences.Change]:
        return sentences.changes(self.event)

    @property
    def kind(self) -> str:
        """What kind of thing it was about."""
        return sentences.subject_kind(self.event.subject_type)


def journal(asked: Asked | None = None) -> EventQuerySet:
    """The events of the owner in scope that answer what is asked, newest first."""
    asked = asked or Asked()
    events: EventQuerySet = _events().order_by("-id")
    conditions: list[tuple[object, Callable[[], Q]]] = [
        (asked.person, lambda: Q(actor_id=asked.person)),
        (
            asked.kind,
            lambda: (
                Q(type__startswith=asked.kind)
                if asked.kind.endswith(".")
                else Q(type__in=asked.kind.split(","))
            ),
        ),
        (asked.subject, lambda: Q(subject_id=asked.subject)),
        (asked.since, lambda: _from(_midnight(asked.since))),
        (asked.until, lambda: _before(_midnight(asked.until, days=1))),
        (asked.text, lambda: _mentions(asked.text)),
        (asked.group, lambda: Q(group=asked.group)),
        (asked.folds, lambda: Q(is_detail=False)),
    ]
    for value, condition in conditions:
        if value:
            events = events.filter(condition())
    return events


def about(subject_ids: Iterable[UUID]) -> EventQuerySet:
    """What happened to these things, newest first."""
    found: EventQuerySet = _events().filter(subject_id__in=list(subject_ids)).order_by("-id")
    return found


def latest_of(subject: OuterRef, firm: Any) -> Subquery:
    """When something last happened to the thing of the query in which it stands, as a column of it."""
    events = Event.objects.filter(subject_id=subject, firm_id=firm).order_by()
    return Subquery(events.values("subject_id").annotate(latest=Max("at")).values("latest"))


def latest_at(subject_ids: Iterable[UUID]) -> dict[UUID, datetime]:
    """When something last happened to these things of the firm in scope, of those to which something has. One query."""
    return dict(_LATEST_AT.rows(firm=scopes.firm_id(), subjects=subject_ids))


def _latest_at() -> QuerySet[Event, Any]:
    events = Event.objects.filter(among_those_of("subjects", "subject_id"), firm_id=Place("firm"))
    found: QuerySet[Event, Any] = events.order_by().values_list("subject_id").annotate(latest=Max("at"))
    return found


_LATEST_AT = Prepared(_latest_at)


def latest(kind: str, subject_id: UUID) -> Event | None:
    """The newest event of this kind about the thing."""
    found: Event | None = about([subject_id]).filter(type=kind).first()
    return found


def last_done(kind: str, subject_ids: Iterable[UUID]) -> dict[UUID, tuple[datetime, str]]:
    """When, and by whom, that kind of thing was last done to each of these. One query."""
    events = Event.objects.of_scope().filter(type=kind, subject_id__in=list(subject_ids))
    newest = events.order_by("subject_id", "-id").distinct("subject_id")
    return {key: (at, name) for key, at, name in newest.values_list("subject_id", "at", "actor_name") if key}


def of_group(group: UUID) -> EventQuerySet:
    """What one action did in one go, oldest first. The group's key was made first, and an action takes no hour."""
    begun = datetime.fromtimestamp((group.int >> 80) / 1000, tz=UTC)
    keys = {"id__gte": _first_key(begun - _KEYS_RUN_AHEAD), "id__lt": _first_key(begun + timedelta(hours=1))}
    found: EventQuerySet = _events().filter(group=group, **keys).order_by("id")
    return found


def concerning(user_id: UUID, limit: int = 10) -> list[Line]:
    """The last things that others did and that this person was to be told of."""
    mine = _events().filter(notifications__recipient_id=user_id)
    return described(mine.order_by("-id")[:limit])


def described(events: Iterable[Event]) -> list[Line]:
    """As lines for templates/activity/_events.html."""
    return [Line(event) for event in events]


def one_slice(
    events: EventQuerySet, *, size: int, before: UUID | None = None, after: UUID | None = None
) -> Slice:
    """`size` events older than the key `before`, or newer than the key `after`, or the newest of all."""
    if after is not None:
        found = list(events.filter(id__gt=after).order_by("id")[: size + 1])
        shown, more = found[:size][::-1], len(found) > size
        newer, older = (shown[0].pk if shown and more else None), (shown[-1].pk if shown else None)
        return Slice(described(shown), newer=newer, older=older)
    found = list((events.filter(id__lt=before) if before else events)[: size + 1])
    shown, more = found[:size], len(found) > size
    newer, older = (shown[0].pk if shown and before else None), (shown[-1].pk if more else None)
    return Slice(described(shown), newer=newer, older=older)


def with_details(shown: Slice) -> Slice:
    """The same, each event with how many lines of its group are folded away behind it, up to MOST_DETAILS + 1.

    One query, which reads no more of an import's hundreds of thousands than it tells.
    """
    groups = {line.event.group for line in shown.lines if line.event.group}
    if not groups:
        return shown
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_DETAILS, [Event.ownership()["owner"], MOST_DETAILS + 1, list(groups)])
        counts = dict(cursor.fetchall())
    return replace(shown, lines=[replace(one, details=counts.get(one.event.group, 0)) for one in shown.lines])


def counted(events: EventQuerySet, *, most: int) -> int:
    """How many there are, up to `most` + 1: counting millions would take longer than anyone waits."""
    return events.order_by()[: most + 1].count()


def kinds() -> list[tuple[str, list[tuple[str, str]]]]:
    """What may be asked for as `kind`: for each app, its event types by their summaries, each summary once."""
    groups: dict[str, dict[str, list[str]]] = {}
    for name, event_type in REGISTRY.items():
        app = name.partition(".")[0]
        label = str(apps.get_app_config(app).verbose_name) if apps.is_installed(app) else app
        groups.setdefault(label, {}).setdefault(str(event_type.summary), []).append(name)
    return [
        (label, [(",".join(names), summary) for summary, names in sorted(types.items())])
        for label, types in sorted(groups.items())
    ]


def _events() -> Any:
    return Event.objects.of_scope().select_related("firm")


def _midnight(day: date | None, days: int = 0) -> datetime:
    assert day is not None
    return timezone.make_aware(datetime.combine(day + timedelta(days=days), time.min))


def _from(moment: datetime) -> Q:
    """By time, and by key too, which the index leads to."""
    return Q(at__gte=moment, id__gte=_first_key(moment - _KEYS_RUN_AHEAD))


def _before(moment: datetime) -> Q:
    return Q(at__lt=moment, id__lt=_first_key(moment + _KEYS_RUN_AHEAD))


def _first_key(moment: datetime) -> UUID:
    """The least key that can have been made at that time (the first 48 bits are milliseconds)."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _mentions(text: str) -> Q:
    """Each word in the name of the person or of the thing."""
    found = Q()
    for word in text.split():
        found &= Q(subject_name__icontains=word) | Q(actor_name__icontains=word)
    return found


def mail_counts(batch: UUID) -> dict[str, int]:
    """Of the mails of one batch: how many are `waiting`, `sent`, `failed` and `dropped`."""
    return mail_counts_of([batch])[batch]


def mail_counts_of(batches: Collection[UUID]) -> dict[UUID, dict[str, int]]:
    """The same of several, in one query."""
    counts = {batch: dict.fromkeys(map(str, MailState), 0) for batch in batches}
    of_batches = OutgoingEmail.objects.of_scope().filter(batch__in=counts).order_by()
    for batch, state, number in of_batches.values_list("batch", "state").annotate(Count("pk")):
        counts[batch][state] = number
    return counts
