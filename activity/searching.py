"""Finding events of a journal of millions: by an index whatever is asked, and never more of them than a page takes.

What is asked becomes one `Want` or several: who acted, what it was about, which kinds; what is not asked for is None.
The events of a want are read thing by thing, the newest of each, and merged: so that nothing is read for its order, and
no guess of the planner about how much there is can lead it past the index.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache, cached_property, reduce
from itertools import chain, product
from operator import or_
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Field, Q, TextField, UUIDField
from django.utils import timezone
from django.utils.translation import get_language

from activity import names
from activity.events import REGISTRY
from activity.models import Event, EventQuerySet, Unsealed
from spreadsheets.text import fold
from tenancy.expressions import Compiled, among

T = TypeVar("T")
_Query = tuple[str, tuple[Any, ...]]

# Keys sort by time to the millisecond; one made under load may be a little ahead of its event.
KEYS_RUN_AHEAD = timedelta(minutes=1)
FIRST_DAY, LAST_DAY = date(1970, 1, 3), date(9999, 12, 29)
# Of more things than these, each is not looked up; the journal is gone through, which meets one of them soon.
MOST_THINGS = 5_000
# So many words count, the longest: each further one would only narrow what these find.
MOST_WORDS = 5
# What is not sealed yet has names that are not noted yet (`activity.names`): so much of it is looked at instead.
UNSEALED_STATEMENTS, UNSEALED = 500, 2_000


@dataclass(frozen=True)
class Asked:
    """What a reader of the journal asks for; empty fields ask for nothing."""

    person: UUID | None = None
    # An event type's name, several that read alike with commas between them, or their beginning, ended by a dot.
    kind: str = ""
    subject: UUID | None = None
    among: frozenset[UUID] | None = None  # what it may have been about: a portfolio and what is in it
    since: date | None = None
    until: date | None = None  # that day included
    text: str = ""
    group: UUID | None = None  # what one action did in one go

    @property
    def folds(self) -> bool:
        """May the lines behind a group's own event be left out? Not where it is one of those that one looks for."""
        return not (self.kind or self.subject or self.among is not None or self.text or self.group)


@dataclass(frozen=True)
class Want:
    """Events of one of these persons, about one of these things, of one of these kinds; None: of any."""

    actors: frozenset[UUID] | None = None
    subjects: frozenset[UUID] | None = None
    types: frozenset[str] | None = None

    @property
    def is_empty(self) -> bool:
        return any(part is not None and not part for part in (self.actors, self.subjects, self.types))

    @property
    def folds(self) -> bool:
        """Is it about persons alone? Then the lines behind a group's own event are left out."""
        return self.subjects is None and self.types is None

    def and_also(self, other: "Want") -> "Want":
        return Want(
            _both(self.actors, other.actors),
            _both(self.subjects, other.subjects),
            _both(self.types, other.types),
        )

    def condition(self) -> Q:
        found = Q()
        if self.actors is not None:
            found &= among(self.actors, "actor_id") | among(self.actors, "behalf_id")
        if self.subjects is not None:
            found &= among(self.subjects, "subject_id")
        if self.types is not None:
            found &= Q(type__in=sorted(self.types))
        return found


def _both(one: frozenset[T] | None, other: frozenset[T] | None) -> frozenset[T] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


class Search:
    """The events of the owner in scope that answer what is asked."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked

    @cached_property
    def wants(self) -> list[Want]:
        """Each event that is asked for answers one of these, perhaps several."""
        base = Want(
            actors=None if self.asked.person is None else frozenset({self.asked.person}),
            subjects=None if self.asked.subject is None else frozenset({self.asked.subject}),
            types=_types(self.asked.kind) if self.asked.kind else None,
        ).and_also(Want(subjects=self.asked.among))
        words = sorted(set(fold(self.asked.text).split()), key=len, reverse=True)[:MOST_WORDS]
        wants = [base.and_also(want) for want in _wants(words)] if words else [base]
        return [want for want in wants if not want.is_empty]

    @cached_property
    def events(self) -> EventQuerySet:
        """All of them, the newest first: to be read whole where they are few, for it may go by no index."""
        conditions = [want.condition() & self._folded(want) for want in self.wants]
        if not conditions:
            return self._common().none()
        # An empty condition is all of them, which Django's own OR would leave out.
        found = Q() if not all(conditions) else reduce(or_, conditions)
        if self.asked.group:
            found &= Q(group=self.asked.group)
        return self._common().filter(found).order_by("-id")

    def keys(self, size: int, *, before: UUID | None = None, after: UUID | None = None) -> list[UUID]:
        """The `size` newest, of those older than `before`; or the `size` oldest of those newer than `after`."""
        bounds = Q(id__lt=before) if before else Q()
        bounds &= Q(id__gt=after) if after else Q()
        order = "-id" if after is None else "id"
        direction = "DESC" if order == "-id" else "ASC"
        found: set[UUID] = set()
        with _by_index() as cursor:
            for sql, parameters in self._queries(bounds, order, size):
                first = (
                    f"SELECT found.key FROM ({sql}) AS found (key) ORDER BY found.key {direction} LIMIT %s"
                )
                cursor.execute(first, [*parameters, size])
                found.update(key for (key,) in cursor.fetchall())
        return sorted(found, reverse=order == "-id")[:size]

    def lots(self, size: int) -> Iterator[list[UUID]]:
        """All keys, the newest first, so many at a time."""
        before: UUID | None = None
        while lot := self.keys(size, before=before):
            yield lot
            before = lot[-1]

    def count(self, most: int) -> int:
        """About how many there are, up to `most` + 1: what answers in several ways counts as often."""
        count = 0
        with _by_index() as cursor:
            for sql, parameters in self._queries(Q(), "-id", most + 1):
                some = f"SELECT count(*) FROM (SELECT FROM ({sql}) AS one LIMIT %s) AS found"
                cursor.execute(some, [*parameters, most + 1])
                count += cursor.fetchone()[0]
        return min(count, most + 1)

    # --- How ---------------------------------------------------------------------------------------------------

    def _common(self) -> EventQuerySet:
        """What is asked besides who, what and which kind."""
        events: EventQuerySet = Event.objects.of_scope()
        if self.asked.since:
            events = events.filter(_from(_midnight(self.asked.since)))
        if self.asked.until:
            events = events.filter(_before(_midnight(self.asked.until, days=1)))
        return events

    def _folded(self, want: Want) -> Q:
        return Q(is_detail=False) if want.folds and not self.asked.group else Q()

    def _queries(self, bounds: Q, order: str, size: int) -> Iterator[_Query]:
        """Of keys, unsorted; the first `size` of all are among them."""
        base = self._common().filter(bounds).order_by(order)
        for want in self.wants:
            yield from self._queries_of(want, base, size)

    def _queries_of(self, want: Want, base: EventQuerySet, size: int) -> Iterator[_Query]:
        if self.asked.group:
            yield _each(base.filter(want.condition()), {"group": [self.asked.group]}, size)
        elif want.subjects is not None and len(want.subjects) <= MOST_THINGS:
            others = replace(want, subjects=None)
            yield _each(base.filter(others.condition()), {"subject_id": want.subjects}, size)
        elif want.actors is not None:
            yield from self._queries_of_people(want, base, size)
        elif want.types is not None:
            others = replace(want, types=None)
            yield _each(base.filter(others.condition()), {"type": want.types}, size)
        else:
            yield _plain(base.filter(want.condition(), self._folded(want)), size)

    def _queries_of_people(self, want: Want, base: EventQuerySet, size: int) -> Iterator[_Query]:
        """What they did, and the little that others did on their behalf."""
        assert want.actors is not None
        by: dict[str, Collection[Any]] = {"actor_id": want.actors}
        if not want.folds:
            by["type"] = REGISTRY.keys() if want.types is None else want.types
        done = replace(want, actors=None, types=None)
        yield _each(base.filter(done.condition(), self._folded(want)), by, size)
        behalf = replace(want, actors=None)
        yield _each(base.filter(behalf.condition(), self._folded(want)), {"behalf_id": want.actors}, size)


@contextmanager
def _by_index() -> Iterator[CursorWrapper]:
    """For questions whose answer an index gives in order.

    The policy's condition says once more what the firm's key says, but to the planner it is another one that few rows
    meet: it would rather read all events of the firm and sort them than go along an index for fifty.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off")
        yield cursor
        cursor.execute("SET LOCAL enable_bitmapscan = on; SET LOCAL enable_sort = on")


# By whose values events are read one after the other.
_FIELDS: "dict[str, Field[Any, Any]]" = {
    "subject_id": UUIDField(),
    "actor_id": UUIDField(),
    "behalf_id": UUIDField(),
    "group": UUIDField(),
    "type": TextField(),
}


def _plain(events: EventQuerySet, size: int) -> _Query:
    return events.values("pk")[:size].query.sql_with_params()


def _each(events: EventQuerySet, by: dict[str, Collection[Any]], size: int) -> _Query:
    """The first `size` of the events of each of these things (or of each pair).

    The rest of what is asked is asked of each event that is met; an index leads to those of one thing in order. That
    the last column is equal is said as a range, and it stands in the order: so no other index gives that order, and
    nobody's few events are looked for among all of the firm's.
    """
    *before, last = by
    is_newest_first = events.query.order_by == ("-id",)
    for column in before:
        events = events.filter(**{column: _key_of(column)})
    events = events.filter(**{f"{last}__gte": _key_of(last), f"{last}__lte": _key_of(last)})
    events = events.order_by(last, "-id") if is_newest_first else events.order_by(f"-{last}", "id")
    inner, parameters = _plain(events, size)
    things = " CROSS JOIN ".join(
        f"unnest(%s::{_FIELDS[column].db_type(connection)}[]) AS of_{column} (key)" for column in by
    )
    sql = f"SELECT found.pk FROM {things} CROSS JOIN LATERAL ({inner}) AS found"
    return sql, (*(list(keys) for keys in by.values()), *parameters)


def _key_of(column: str) -> Compiled:
    return Compiled(f"of_{column}.key", (), _FIELDS[column])


# --- Words ---------------------------------------------------------------------------------------------------------


def _wants(words: list[str]) -> Iterator[Want]:
    """Where each word may stand: in the name of who acted, in that of the thing, or in what the action is called.

    Things and people are found by each name that they ever had. A want for each way to spread the words over the three.
    """
    actors, subjects = _Holders(words), _Holders(words)
    for acts, key, name in chain(names.found(words), _names_to_come()):
        (actors if acts else subjects).add(key, name)
    types, language = _Holders(words), get_language() or ""
    for name in REGISTRY:
        types.add(name, _said(name, language))
    for places in product((actors, subjects, types), repeat=len(words)):
        yield Want(*(part.of(places) for part in (actors, subjects, types)))


class _Holders:
    """Which words stand in the names of each person, thing or kind: a set of bits for each."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.held: dict[Any, int] = {}

    def add(self, key: Any, name: str) -> None:
        bits = sum(1 << place for place, word in enumerate(self.words) if word in name)
        if bits:
            self.held[key] = self.held.get(key, 0) | bits

    def of(self, places: "Sequence[_Holders]") -> frozenset[Any] | None:
        """Those that hold each word whose place is here; None if there is no such word."""
        sought = sum(1 << number for number, place in enumerate(places) if place is self)
        return (
            frozenset(key for key, bits in self.held.items() if bits & sought == sought) if sought else None
        )


@cache
def _said(name: str, language: str) -> str:
    """What the kind of event is called, in the language in force: its summary and its sentence without the names."""
    kind = REGISTRY[name]
    words = (word for word in str(kind.sentence).split() if "%(" not in word)
    return fold(f"{kind.summary} {' '.join(words)}")


def _names_to_come() -> Iterator[names.Named]:
    """Those that events bring which nobody has sealed yet: the latest some thousands of such events."""
    lately = Unsealed.objects.filter(owner=Event.ownership()["owner"]).order_by("-id")[:UNSEALED_STATEMENTS]
    keys = [key for one in lately for key in one.keys][-UNSEALED:]
    if not keys:
        return
    columns = ("actor_id", "actor_name", "behalf_id", "behalf_name", "subject_id", "subject_name")
    brought = Event.objects.of_scope().filter(among(keys)).order_by()
    for actor, actor_name, behalf, behalf_name, subject, subject_name in set(brought.values_list(*columns)):
        for acts, key, name in (
            (True, actor, actor_name),
            (True, behalf, behalf_name),
            (False, subject, subject_name),
        ):
            if key and name:
                yield acts, key, fold(name)


def _types(kind: str) -> frozenset[str]:
    if kind.endswith("."):
        return frozenset(name for name in REGISTRY if name.startswith(kind))
    return frozenset(kind.split(","))


# --- Dates ---------------------------------------------------------------------------------------------------------


def _midnight(day: date, days: int = 0) -> datetime:
    """Of a day of which keys can tell; before the first of these and after the last nothing has happened."""
    told = min(max(day, FIRST_DAY), LAST_DAY) + timedelta(days=days)
    return timezone.make_aware(datetime.combine(told, time.min))


def _from(moment: datetime) -> Q:
    """By time, and by key too, which the index leads to."""
    return Q(at__gte=moment, id__gte=first_key(moment - KEYS_RUN_AHEAD))


def _before(moment: datetime) -> Q:
    return Q(at__lt=moment, id__lt=first_key(moment + KEYS_RUN_AHEAD))


def first_key(moment: datetime) -> UUID:
    """The least key that can have been made at that time (the first 48 bits are milliseconds)."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
