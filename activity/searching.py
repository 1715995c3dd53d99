"""Finding events of a journal of millions: by an index whatever is asked, and never more of them than a page takes.

What is asked becomes one `Want` or several: who acted, what it was about, which kinds; what is not asked for is None.
The events of a want are read thing by thing, the newest of each, and merged: so that nothing is read for its order, and
no guess of the planner about how much there is can lead it past the index.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache, cached_property, lru_cache, reduce
from itertools import product
from operator import attrgetter, or_
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language

from activity import names
from activity.events import REGISTRY
from activity.models import Event, EventQuerySet
from activity.planning import Statement, by_index
from spreadsheets.text import fold
from tenancy.expressions import among, as_array

T = TypeVar("T")

# Keys sort by time to the millisecond; one made under load may be a little ahead of its event.
KEYS_RUN_AHEAD = timedelta(minutes=1)
FIRST_DAY, LAST_DAY = date(1970, 1, 3), date(9999, 12, 29)
# Of more things than these, each is not looked up; the journal is gone through, which meets one of them soon.
MOST_THINGS = 5_000
# So many words count, the longest: each further one would only narrow what these find.
MOST_WORDS = 5


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
    of_groups: bool = (
        True  # the lines behind a group's own event too, where it is one of those that one looks for
    )

    @property
    def folds(self) -> bool:
        """May the lines behind a group's own event be left out? Not where it is one of those that one looks for."""
        return not (self.kind or self.subject or self.among is not None or self.text or self.group)


@dataclass(frozen=True)
class Want:
    """Events of one of these persons, about one of these things, of one of these kinds; None: of any.

    About a member is what names them beside its subject, too (`Event.named`, `.taker`).
    """

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

    def values(self) -> dict[str, Any]:
        """What is asked for, by name."""
        keys = {"actors": self.actors, "subjects": self.subjects}
        found: dict[str, Any] = {name: as_array(some) for name, some in keys.items() if some is not None}
        return found if self.types is None else {**found, "types": sorted(self.types)}

    def condition(self) -> Q:
        found = Q()
        if self.actors is not None:
            found &= among(self.actors, "actor_id") | among(self.actors, "behalf_id")
        if self.subjects is not None:
            found &= reduce(or_, (among(self.subjects, column) for column in _ABOUT))
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
        direction = _NEWEST if after is None else _OLDEST
        given = {"before": before, "after": after}
        statements = [
            (
                f"SELECT found.id FROM ({sql}) AS found ORDER BY found.id {direction.by_id} LIMIT {size}",
                values,
            )
            for sql, values in self._queries(given, direction, size)
        ]
        found = {key for rows in by_index(statements) for (key,) in rows}
        return sorted(found, key=attrgetter("int"), reverse=direction is _NEWEST)[:size]

    def lots(self, size: int) -> Iterator[list[UUID]]:
        """All keys, the newest first, so many at a time."""
        before: UUID | None = None
        while lot := self.keys(size, before=before):
            yield lot
            before = lot[-1]

    def count(self, most: int) -> int:
        """About how many there are, up to `most` + 1: what answers in several ways counts as often."""
        statements = [
            (f"SELECT count(*) FROM (SELECT FROM ({sql}) AS one LIMIT {most + 1}) AS found", values)
            for sql, values in self._queries({}, _NEWEST, most + 1)
        ]
        found: int = sum(rows[0][0] for rows in by_index(statements))
        return min(found, most + 1)

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
        return Q(is_detail=False) if self._folds(want) else Q()

    def _folds(self, want: Want) -> bool:
        return not self.asked.group and (want.folds or not self.asked.of_groups)

    def _queries(self, given: Mapping[str, Any], direction: "_Direction", size: int) -> Iterator[Statement]:
        """Of keys, unsorted; the first `size` of all are among them. `given`: the keys that bound the page."""
        values = {name: value for name, value in given.items() if value is not None}
        for name, day, days in (("since", self.asked.since, 0), ("until", self.asked.until, 1)):
            if day:
                values[name] = _midnight(day, days)
                values[f"{name}_key"] = first_key(
                    values[name] + (KEYS_RUN_AHEAD if days else -KEYS_RUN_AHEAD)
                )
        column, values["owner"] = next((name, key) for name, key in Event.ownership().items() if key)
        base = _Reading(column, tuple(values), direction, size)
        for want in self.wants:
            for reading, more in self._readings(want, base):
                yield reading.sql, {**values, **more}

    def _readings(self, want: Want, base: "_Reading") -> "Iterator[tuple[_Reading | _Walk, dict[str, Any]]]":
        """By which index the events of this want are read, and what is asked of each of them besides."""
        values = want.values()
        if self._folds(want):
            base = replace(base, folds=True)
        if self.asked.group:
            yield base.by("group", also=values), {**values, "group": [self.asked.group]}
        elif want.subjects is not None and len(want.subjects) <= MOST_THINGS:
            others = [name for name in values if name != "subjects"]
            # Those of a portfolio are no members, whom alone an event names besides.
            columns = _ABOUT if self.asked.among is None else _ABOUT[:1]
            readings = [base.by(column, also=others, things=len(want.subjects)) for column in columns]
            if steps := 0 if others else _steps(len(want.subjects), base.size):
                yield _Walk(base, tuple(readings), steps), values
            else:
                yield from ((reading, values) for reading in readings)
        elif want.actors is not None:
            yield from self._readings_of_people(want, base, values)
        elif want.types is not None:
            others = [name for name in values if name != "types"]
            yield base.by("types", also=others, things=len(want.types)), values
        else:
            yield base.by(also=values), values

    def _readings_of_people(
        self, want: Want, base: "_Reading", values: dict[str, Any]
    ) -> "Iterator[tuple[_Reading, dict[str, Any]]]":
        """What they did, and the little that others did on their behalf."""
        others = [name for name in values if name not in ("actors", "types")]
        if want.folds:
            yield base.by("actors", also=others), values
        else:
            yield base.by("actors", "types", also=others), {"types": sorted(REGISTRY), **values}
        yield base.by("behalf", also=[*others, *(["types"] if want.types is not None else [])]), values


@dataclass(frozen=True)
class _Direction:
    """Along the keys: `by_id` of the last column of an index, `by_column` of the one before it."""

    by_id: str
    by_column: str
    within: str  # on which side of a key stands what comes before it, itself included
    beyond: str  # and what comes after it
    end: UUID


_NEWEST = _Direction("DESC", "ASC", ">=", "<", UUID(int=0))
_OLDEST = _Direction("ASC", "DESC", "<=", ">", UUID(int=(1 << 128) - 1))

# Where an event says what it is about.
_ABOUT = ("subject_id", "named", "taker")
# What is asked of each event that is met, by the name of its value.
_ASKED = {
    "before": "event.id < %(before)s",
    "after": "event.id > %(after)s",
    "since": "event.at >= %(since)s",
    "since_key": "event.id >= %(since_key)s",
    "until": "event.at < %(until)s",
    "until_key": "event.id < %(until_key)s",
    "actors": "(event.actor_id = ANY (%(actors)s::uuid[]) OR event.behalf_id = ANY (%(actors)s::uuid[]))",
    "subjects": "(" + " OR ".join(f"event.{column} = ANY (%(subjects)s::uuid[])" for column in _ABOUT) + ")",
    "types": "event.type = ANY (%(types)s::text[])",
}
# By whose values events are read one after the other: column, and the array of values.
_BY = {
    **{column: (column, "%(subjects)s::uuid[]") for column in _ABOUT},
    "actors": ("actor_id", "%(actors)s::uuid[]"),
    "behalf": ("behalf_id", "%(actors)s::uuid[]"),
    "types": ("type", "%(types)s::text[]"),
    "group": ('"group"', "%(group)s::uuid[]"),
}


@dataclass(frozen=True)
class _Reading:
    """One statement: its text hangs on what is asked, never on the values, so that each connection plans it once."""

    owner: str  # the column that says whose event it is
    asked: tuple[str, ...]
    direction: _Direction
    size: int
    columns: tuple[str, ...] = ()
    folds: bool = False
    share: int = (
        0  # so many of each thing are read to learn from where on the others need be read; 0: at once
    )

    def by(self, *columns: str, also: Iterable[str], things: int = 1) -> "_Reading":
        """By the index of these columns; `also`: what is asked of each event besides. `things`: how many there are."""
        also = tuple(also)
        share = 1
        while share * things < self.size:
            share *= 2
        return replace(
            self,
            asked=self.asked + also,
            columns=columns,
            share=share if things > 1 and not also and share < self.size else 0,
        )

    @property
    def sql(self) -> str:
        return _text(self)


@lru_cache(maxsize=1_024)
def _text(reading: _Reading) -> str:
    """The first `size` of the events of each of these things (or of each pair)."""
    if not reading.share:
        return f"SELECT found.id FROM {_things(reading)} CROSS JOIN LATERAL ({_read(reading, reading.size)}) AS found"
    # The first 51 of 800 things are hardly more than one of each: the first few of each tell from where on they stand,
    # and of which things there may be more.
    (name,), direction = reading.columns, reading.direction
    nth = f"(array_agg(newest.id ORDER BY newest.id {direction.by_id}))[{reading.share}]"
    first = (
        f"SELECT newest.id FROM newest ORDER BY newest.id {direction.by_id} OFFSET {reading.size - 1} LIMIT 1"
    )
    beyond = f"event.id {direction.beyond} of_{name}.id"
    within = f"event.id {direction.within} (SELECT bound.id FROM bound)"
    return f"""
        WITH newest AS MATERIALIZED (
            SELECT of_{name}.key, found.id
            FROM {_things(reading)} CROSS JOIN LATERAL ({_read(reading, reading.share)}) AS found),
        -- Made whole beforehand: beside the events' keys, the wall would let no coalesce() through to the index.
        bound AS MATERIALIZED (SELECT coalesce(({first}), '{direction.end}'::uuid) AS id),
        of_{name} AS MATERIALIZED (
            SELECT newest.key, {nth} AS id FROM newest GROUP BY newest.key
            HAVING {nth} {direction.within} (SELECT bound.id FROM bound))
        SELECT newest.id FROM newest UNION ALL
        SELECT found.id FROM of_{name} CROSS JOIN LATERAL ({_read(reading, reading.size, beyond, within)}) AS found
    """


@dataclass(frozen=True)
class _Walk:
    """Of hundreds of things, the journal soon meets so many that a page is full, and each is looked up only if not."""

    journal: _Reading
    of_things: tuple[_Reading, ...]
    steps: int  # through how many events

    @property
    def sql(self) -> str:
        return _text_of_walk(self)


def _steps(things: int, size: int) -> int:
    """As many events are gone through in less than half the time that it takes to look up so many things; 0: too few
    of them to fill the page."""
    steps = 4 << things.bit_length() - 1
    return steps if steps >= 32 * size else 0


@lru_cache(maxsize=1_024)
def _text_of_walk(walk: _Walk) -> str:
    """What meets them is read as far as is needed. At the journal's end nothing is left to look up either."""
    columns = [column for reading in walk.of_things for column in reading.columns]
    # As subqueries, for which a table of the keys is made: an array's would be compared one by one.
    meets = " OR ".join(f"event.{_BY[column][0]} IN (SELECT unnest({_BY[column][1]}))" for column in columns)
    things = " UNION ALL ".join(f"SELECT one.id FROM ({reading.sql}) AS one" for reading in walk.of_things)
    return f"""
        WITH walked AS MATERIALIZED ({_read(walk.journal, walk.steps, columns=f"event.id, {meets} AS meets")}),
        met AS MATERIALIZED (SELECT walked.id FROM walked WHERE walked.meets LIMIT {walk.journal.size})
        SELECT met.id FROM met UNION
        SELECT found.id FROM ({things}) AS found WHERE CASE
            WHEN (SELECT count(*) FROM met) < {walk.journal.size} THEN (SELECT count(*) FROM walked) = {walk.steps}
            ELSE false END
    """


def _things(reading: _Reading) -> str:
    """Each of the things, or pairs, by which is read; one row where it is the owner alone."""
    things = [f"unnest({_BY[name][1]}) AS of_{name} (key)" for name in reading.columns]
    return " CROSS JOIN ".join(things) or "(SELECT) AS one"


def _read(reading: _Reading, size: int, *more: str, columns: str = "event.id") -> str:
    """Of one thing, in the order of its index.

    The rest of what is asked is asked of each event that is met. That the last column is equal is said as a range, and
    it stands in the order: so no other index gives that order, and nobody's few events are looked for among all of the
    firm's.
    """
    keys = [(_BY[name][0], f"of_{name}.key") for name in reading.columns]
    *equal, (last, key) = [(reading.owner, "%(owner)s"), *keys]
    where = [f"event.{column} = {value}" for column, value in equal]
    where += [f"event.{last} >= {key}", f"event.{last} <= {key}"]
    where += [_ASKED[name] for name in reading.asked if name in _ASKED]
    where += ["NOT event.is_detail"] if reading.folds else []
    return (
        f"SELECT {columns} FROM activity_event AS event WHERE {' AND '.join([*where, *more])}"
        f" ORDER BY event.{last} {reading.direction.by_column}, event.id {reading.direction.by_id} LIMIT {size}"
    )


# --- Words ---------------------------------------------------------------------------------------------------------


def _wants(words: list[str]) -> Iterator[Want]:
    """Where each word may stand: in the name of who acted, in that of the thing, or in what the action is called.

    Things and people are found by each name that they ever had. A want for each way to spread the words over the three.
    """
    actors, subjects, types = _Holders(words), _Holders(words), _Holders(words)
    language = get_language() or ""
    for name in REGISTRY:
        types.add(name, _said(name, language))
    # Words that stand nowhere else must stand in what a thing is called: few things are called by all of them. So it is
    # asked at once, and once more where some of these do stand in the names of people, or of what is not sealed yet:
    # which is read first, for what is sealed meanwhile has its names noted by then.
    alone = ~types.any
    to_come, acted, called = by_index(
        [
            names.to_come(Event.ownership()["owner"]),
            names.holders(words, acts=True),
            names.holders(words, acts=False, all_of=alone),
        ]
    )
    events = (dict(zip(names.COLUMNS, row, strict=True)) for row in to_come)
    for acts, key, name in {one for event in events for one in names.named(event)}:
        (actors if acts else subjects).add(UUID(key), fold(name))
    actors.add_all(acted)
    if len(words) > 1 and (subjects.held or actors.any & alone):
        elsewhere = actors.any | types.any
        (called,) = by_index([names.holders(words, acts=False, all_of=~elsewhere, or_of=subjects.held)])
    subjects.add_all(called)
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
            self.add_all([(key, bits)])

    def add_all(self, found: Iterable[tuple[Any, int]]) -> None:
        for key, bits in found:
            self.held[key] = self.held.get(key, 0) | bits

    @property
    def any(self) -> int:
        """The words that stand in some name."""
        return reduce(or_, self.held.values(), 0)

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
