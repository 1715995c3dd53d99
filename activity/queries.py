"""Reading what happened, for the pages of other apps: always of the owner in scope, always the newest first."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Count, F, Max, OuterRef, QuerySet, Subquery
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from activity import searching, sentences
from activity.events import ACCESSES, REGISTRY
from activity.models import Event, EventQuerySet, MailState, OutgoingEmail, Seal
from activity.planning import by_index
from activity.searching import KEYS_RUN_AHEAD, Search, first_key
from activity.topics import ORDERS, TOPICS
from spreadsheets.text import fold
from tenancy import scopes
from tenancy.expressions import among, as_array
from tenancy.prepared import Place, PreparedModels, among_those_of

Asked = searching.Asked
MOST_DETAILS = 1_000
# The group is said as a range, and stands in the order: no index but its own gives that one.
_COUNT_DETAILS = f"""
SELECT one.key, (SELECT count(*) FROM (
    SELECT FROM activity_event AS event
    WHERE event."group" >= one.key AND event."group" <= one.key AND event.owner = %(owner)s AND event.is_detail
    ORDER BY event."group", event.id DESC LIMIT {MOST_DETAILS + 1}
) AS lines) FROM unnest(%(groups)s::uuid[]) AS one (key)
"""


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
    """The events of the owner in scope that answer what is asked, newest first: for what is known to be little."""
    return Search(asked or Asked()).events.select_related("firm")


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
    values = {"firm": scopes.firm_id(), "subjects": as_array(subject_ids)}
    return dict(by_index([(_LATEST_AT, values)])[0])


# One event of each: of a thing to which much has happened, no more is read than of another.
_LATEST_AT = """
SELECT thing.key, newest.at FROM unnest(%(subjects)s::uuid[]) AS thing (key) CROSS JOIN LATERAL (
    SELECT event.at FROM activity_event AS event
    WHERE event.firm_id = %(firm)s AND event.subject_id >= thing.key AND event.subject_id <= thing.key
    ORDER BY event.subject_id, event.id DESC LIMIT 1) AS newest
"""


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
    keys = {"id__gte": first_key(begun - KEYS_RUN_AHEAD), "id__lt": first_key(begun + timedelta(hours=1))}
    found: EventQuerySet = _events().filter(group=group, **keys).order_by("id")
    return found


def concerning(user_id: UUID, limit: int = 10) -> list[Line]:
    """The last things that others did and that this person was to be told of."""
    mine = _events().filter(notifications__recipient_id=user_id)
    mine = mine.annotate(outside=F("notifications__outside"))
    return described(mine.order_by("-id")[:limit])


def described(events: Iterable[Event]) -> list[Line]:
    """As lines for templates/activity/_events.html."""
    return [Line(event) for event in events]


def concerning_member(key: UUID, limit: int) -> list[Line]:
    """The last things that happened to a member's place or concern them besides, less the lines behind others."""
    keys = Search(Asked(subject=key, of_groups=False)).keys(limit)
    return described(with_keys(keys))


def one_slice(asked: Asked, *, size: int, before: UUID | None = None, after: UUID | None = None) -> Slice:
    """`size` events older than the key `before`, or newer than the key `after`, or the newest of all."""
    search = Search(asked)
    if after is not None:
        found = search.keys(size + 1, after=after)
        keys, more = found[:size][::-1], len(found) > size
        newer, older = (keys[0] if keys and more else None), (keys[-1] if keys else None)
    else:
        found = search.keys(size + 1, before=before)
        keys, more = found[:size], len(found) > size
        newer, older = (keys[0] if keys and before else None), (keys[-1] if more else None)
    return Slice(described(with_keys(keys)), newer=newer, older=older)


def with_keys(keys: Collection[UUID]) -> list[Event]:
    """Those events of the owner in scope, the newest first."""
    firm = scopes.current().firm_id
    if firm is None:
        return list(_events().filter(among(keys)).order_by("-id"))
    return _WITH_KEYS.all(firm=firm, keys=keys)


def _with_keys() -> QuerySet[Event]:
    # Of the firm as their owner, along whose key they stand: by `firm_id` the planner, for which the policy says it a
    # second time, would read all of an index of the firm's.
    found: QuerySet[Event] = Event.objects.filter(among_those_of("keys"), owner=Place("firm")).order_by("-id")
    return found


_WITH_KEYS = PreparedModels(Event, "firm", _with_keys)


def with_key(key: UUID) -> Event | None:
    """That event of the owner in scope, if there is one."""
    found: Event | None = _events().filter(pk=key).first()
    return found


def number_of(key: UUID) -> int | None:
    """Its place in the chain of its journal; None as long as it has none."""
    return Seal.objects.filter(event=key).values_list("number", flat=True).first()


def latest_name(subject: UUID) -> str:
    """What the thing was last called in the journal; empty if nothing was told of it."""
    latest = about([subject]).values_list("subject_name", flat=True).first()
    return str(latest or "")


def with_details(shown: Slice) -> Slice:
    """The same, each event with how many lines of its group are folded away behind it, up to MOST_DETAILS + 1.

    One query, which reads no more of an import's hundreds of thousands than it tells.
    """
    groups = {line.event.group for line in shown.lines if line.event.group}
    if not groups:
        return shown
    values = {"owner": Event.ownership()["owner"], "groups": as_array(groups)}
    counts = dict(by_index([(_COUNT_DETAILS, values)])[0])
    return replace(shown, lines=[replace(one, details=counts.get(one.event.group, 0)) for one in shown.lines])


def kinds() -> list[tuple[str, list[tuple[str, str]]]]:
    """What may be asked for as `kind`: in groups, event types by their summaries, each summary once."""
    alike: dict[str, list[str]] = {}
    for name, event_type in REGISTRY.items():
        alike.setdefault(str(event_type.summary), []).append(name)
    groups: dict[str, list[tuple[str, str]]] = {}
    for summary, names in sorted(alike.items()):
        groups.setdefault(_group_of(names[0]), []).append((",".join(names), summary))
    return sorted(groups.items())


def _group_of(kind: str) -> str:
    """The topic, where it says what the event is about; who looked or took away; else the app that declares it."""
    event_type, app = REGISTRY[kind], kind.partition(".")[0]
    if event_type.topic and event_type.topic != ORDERS:
        return str(TOPICS[event_type.topic].label)
    if event_type.family == ACCESSES:
        return gettext("Exports, downloads and sign-ins")
    return str(apps.get_app_config(app).verbose_name) if apps.is_installed(app) else app


def who_acted(but: Collection[UUID], also: Collection[UUID] = ()) -> list[tuple[UUID, str]]:
    """Those who did something in the firm in scope, as they were last called there: the last MOST_PEOPLE to appear.

    Without those of `but`, and with those of `also`, if they did anything.
    """
    values = {"firm": scopes.firm_id(), "but": as_array(but), "also": as_array(also)}
    found = dict(by_index([(_WHO_ACTED, values)])[0])
    return sorted(((key, name) for key, name in found.items() if name), key=lambda one: fold(one[1]))


MOST_PEOPLE = 200
_WHO_ACTED = f"""
-- Apart from its order: for that it would go along the names of all firms.
WITH other AS MATERIALIZED (
    SELECT name.key, name.id FROM activity_name AS name
    WHERE name.firm_id = %(firm)s AND name.acts = true AND name.key <> ALL (%(but)s::uuid[])),
latest AS MATERIALIZED (SELECT other.key FROM other ORDER BY other.id DESC LIMIT {MOST_PEOPLE}),
one AS MATERIALIZED (SELECT latest.key FROM latest UNION SELECT unnest(%(also)s::uuid[]))
SELECT one.key, newest.actor_name FROM one CROSS JOIN LATERAL (
    SELECT event.actor_name FROM activity_event AS event
    WHERE event.firm_id = %(firm)s AND event.actor_id >= one.key AND event.actor_id <= one.key AND NOT event.is_detail
    ORDER BY event.actor_id, event.id DESC LIMIT 1) AS newest
"""


def _events() -> Any:
    """With their firm; on a client's side there is none, and its table is closed."""
    events = Event.objects.of_scope()
    return events.select_related("firm") if scopes.current().firm_id else events


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
