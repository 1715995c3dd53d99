"""Is the journal what it was? Goes through the whole chain of one owner, portion by portion, in constant memory.

Nothing of it trusts what it verifies: each digest is made anew, in Python, from what the rows hold now.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.db import connections
from django.db.models import Max
from django.utils import timezone

from activity import chain
from activity.faults import Fault, moment_of
from activity.heads import Given, given_heads
from activity.models import Event, Redaction, Seal
from activity.proofs import JournalPurged, PersonErased
from activity.sealing import owner_key, seal_journal
from tenancy.leases import Progress
from tenancy.scopes import scope

if TYPE_CHECKING:
    from tenancy.backend.base import DatabaseWrapper

AT_ONCE = 2_000
MOST_FAULTS = 100
# Nothing is kept for less (`activity.lookups.LEAST_MONTHS`): what is younger did not go because its time was over.
LEAST_AGE = timedelta(days=180)

_READ = f"""
SELECT seal.number, seal.event, seal.version, seal.purge, seal.chain, seal.frame, seal.who, seal.what, seal.frame_salt,
    seal.who_salt, seal.what_salt, event.id IS NOT NULL, {chain.columns("event")}
FROM activity_seal AS seal LEFT JOIN activity_event AS event ON event.id = seal.event AND event.owner = seal.owner
WHERE seal.owner = %s AND seal.number > %s ORDER BY seal.number LIMIT %s
"""
# What one removal took in, as the rows say now.
_REMOVED = """
SELECT seal.number, seal.event FROM activity_seal AS seal
WHERE seal.owner = %s AND seal.purge = %s AND NOT EXISTS (
    SELECT FROM activity_event AS event WHERE event.id = seal.event AND event.owner = seal.owner)
ORDER BY seal.number
"""
# Each portion by its keys: after a large import and before its statistics, the planner would read all events for each.
_BY_KEYS = """
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true), set_config('enable_material', 'off', true)
"""
_UNSEALED = """
WITH loose AS MATERIALIZED (
    SELECT event.id FROM activity_event AS event
    WHERE event.owner = %s AND NOT EXISTS (SELECT FROM activity_seal AS seal WHERE seal.event = event.id))
SELECT loose.id FROM loose WHERE NOT EXISTS (
    SELECT FROM activity_unsealed AS waiting WHERE waiting.owner = %s AND loose.id = ANY (waiting.keys))
ORDER BY loose.id LIMIT %s
"""


@dataclass(frozen=True)
class Owner:
    """Whose journal: a firm's, a space's or a person's key."""

    firm: UUID | None = None
    space: UUID | None = None
    person: UUID | None = None

    def scope(self) -> Any:
        return scope(firm=self.firm, space=self.space, person=self.person)

    @property
    def key(self) -> UUID:
        return cast(UUID, self.firm or self.space or self.person)


@dataclass
class Report:
    """What was found. `faults` holds the first hundred; `number` is the last event's."""

    number: int = 0
    events: int = 0
    purged: int = 0
    redacted: int = 0
    heads: int = 0
    fault_count: int = 0
    faults: list[Fault] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_intact(self) -> bool:
        return not self.fault_count

    def add(self, fault: Fault) -> None:
        self.fault_count += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(fault)

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        numbers = {name: value for name, value in vars(self).items() if name != "faults"}
        return {**numbers, "faults": [fault.plain() for fault in self.faults]}


@dataclass(frozen=True)
class _Row:
    """One seal, and the event beside it if it is still there."""

    number: int
    event: UUID
    version: int
    purge: UUID | None
    chain: bytes
    parts: tuple[bytes, ...]
    salts: tuple[UUID | None, ...]
    is_there: bool
    columns: Sequence[str | None]

    @cached_property
    def at(self) -> Any:
        return moment_of(self.event)


def _row(one: Sequence[Any]) -> _Row:
    number, event, version, purge, digest, frame, who, what, *rest = one
    return _Row(
        number, event, version, purge, digest, (frame, who, what), tuple(rest[:3]), rest[3], tuple(rest[4:])
    )


_NO_KEY = UUID(int=0)


@dataclass
class _Told:
    """What the removal or the erasure of one group took in, as the rows say."""

    first: int
    sum: chain.Sum = field(default_factory=chain.Sum)
    # Of what was removed, the newest event's key.
    newest: UUID = _NO_KEY

    def remove(self, number: int, event: UUID) -> None:
        self.sum.add(number, event.bytes)
        self.newest = max(self.newest, event)


def verify(owner: Owner, *, given: Iterable[Given] = (), progress: Progress | None = None) -> Report:
    """Go through all of it; `given`: heads that somebody kept elsewhere, beside those in the table.

    What waits to be sealed is sealed before. Opens scopes of its own: it may take minutes.
    """
    seal_journal(owner.firm, owner.space, owner.person)
    return _Verification(owner, progress or Progress()).run(given)


class _Verification:
    def __init__(self, owner: Owner, progress: Progress) -> None:
        self.owner, self.progress, self.report = owner, progress, Report()
        self.number, self.digest = 0, chain.beginning(owner.key)
        self.heads: dict[int, list[Given]] = {}
        self.purges: dict[UUID, _Told] = {}
        self.standing: dict[tuple[int, str], tuple[UUID | None, bytes]] = {}

    def run(self, given: Iterable[Given]) -> Report:
        begun = time.monotonic()
        with self.owner.scope():
            self._prepare(given)
        while rows := self._read():
            for row in rows:
                self._look_at(row)
            self.progress.step = self.number
        with self.owner.scope():
            self._end()
        self.report.seconds = round(time.monotonic() - begun, 2)
        return self.report

    def _prepare(self, given: Iterable[Given]) -> None:
        for head in {*given_heads(), *given}:
            self.report.heads += 1
            self.heads.setdefault(head.number, []).append(head)
            if not head.is_ours:
                self.report.add(Fault("forged", head.number, at=head.at))
        last = Seal.objects.filter(owner=self.owner.key).aggregate(last=Max("number"))["last"]
        self.progress.step, self.progress.total = 0, last or 0

    def _read(self) -> list[_Row]:
        with self.owner.scope():
            connection = cast("DatabaseWrapper", connections["default"])
            with connection.prepared_cursor() as cursor:
                cursor.execute(_BY_KEYS)
                cursor.execute(_READ, [self.owner.key, self.number, AT_ONCE])
                rows = [_row(one) for one in cursor.fetchall()]
            is_redacted = any(row.is_there and None in row.salts for row in rows)
            self.standing = self._redactions(rows) if is_redacted else {}
        return rows

    def _look_at(self, row: _Row) -> None:
        is_next = row.number == self.number + 1
        if not is_next:
            self.report.add(Fault("gap", self.number + 1, row.number - 1))
        linked = chain.linked(self.digest, row.number, row.event, row.parts)
        if is_next and (linked != row.chain or row.version != chain.VERSION):
            self.report.add(Fault("broken", row.number, at=row.at))
        for head in self.heads.get(row.number, ()):
            if head.digest != row.chain:
                self.report.add(Fault("head", row.number, at=head.at))
        self.number, self.digest = row.number, row.chain
        self._look_at_event(row)

    def _look_at_event(self, row: _Row) -> None:
        if row.is_there:
            self.report.events += 1
            self._look_at_parts(row)
        elif row.purge is None:
            self.report.add(Fault("missing", row.number, at=row.at))
        else:
            self.report.purged += 1
            self.purges.setdefault(row.purge, _Told(row.number)).remove(row.number, row.event)

    def _look_at_parts(self, row: _Row) -> None:
        changed, unproven = [], []
        for part, sealed, sealed_salt in zip(chain.PARTS, row.parts, row.salts, strict=True):
            salt, digest = sealed_salt, sealed
            if salt is None:
                salt, digest = self.standing.get((row.number, part), (None, b""))
                self.report.redacted += salt is not None
            if salt is None:
                unproven.append(part)
            elif chain.part_digest(part, salt, row.columns) != digest:
                changed.append(part)
        if changed:
            self.report.add(Fault("changed", row.number, at=row.at, parts=tuple(changed)))
        if unproven:
            self.report.add(Fault("unproven", row.number, at=row.at, parts=tuple(unproven)))

    def _redactions(self, rows: list[_Row]) -> dict[tuple[int, str], tuple[UUID | None, bytes]]:
        """Number and part → salt and digest of what stands there now: of the last erasure that met it. No erasure
        changes what happened, when, and to what: of that part it explains nothing."""
        found = Redaction.objects.filter(
            owner=self.owner.key, number__range=(rows[0].number, rows[-1].number), part__in=chain.ERASABLE
        ).order_by("id")
        return {(one.number, one.part): (one.salt, bytes(one.digest)) for one in found}

    def _check_erasures(self) -> None:
        told: dict[UUID, _Told] = {}
        found = Redaction.objects.filter(owner=self.owner.key).order_by("number", "part")
        for one in found.iterator(chunk_size=AT_ONCE):
            entry = told.setdefault(one.erasure, _Told(one.number))
            entry.sum.add(one.number, one.part.encode(), bytes(one.digest))
        self._compare("erasure", PersonErased.name, told)

    def _compare(self, kind: str, event_type: str, told: dict[UUID, _Told]) -> None:
        """With what the journal's own events say of these groups: one event each."""
        groups = list(told)
        for at in range(0, len(groups), AT_ONCE):
            portion = groups[at : at + AT_ONCE]
            events = Event.objects.of_scope().filter(type=event_type, group__in=portion)
            said = list(events.values_list("group", "details__sum", "at"))
            times = Counter(group for group, _sum, _at in said)
            sums = {group: (told_sum, happened) for group, told_sum, happened in said}
            for group in portion:
                if times[group] != 1 or not self._fits(kind, group, told[group], *sums[group]):
                    self.report.add(Fault(kind, told[group].first, told[group].sum.count))

    def _fits(self, kind: str, group: UUID, told: _Told, said: str, happened: datetime) -> bool:
        if kind == "purge":
            if told.sum.hexdigest() != said:
                told = self._removed(group, told.first)
            newest = moment_of(told.newest)
            if newest is None or newest > min(happened, timezone.now()) - LEAST_AGE:
                return False
        return told.sum.hexdigest() == said

    def _removed(self, group: UUID, first: int) -> _Told:
        """By one look: a removal may have gone on while the portions were read, some of them before it."""
        told = _Told(first)
        with connections["default"].cursor() as cursor:
            cursor.execute(_REMOVED, [self.owner.key, group])
            for number, event in cursor.fetchall():
                told.remove(number, event)
        return told

    def _end(self) -> None:
        self.report.number = self.number
        self._compare("purge", JournalPurged.name, self.purges)
        # Not before: whoever is made unknown meanwhile is so in the portions that are read afterwards.
        self._check_erasures()
        for number, heads in self.heads.items():
            if number > self.number:
                self.report.add(Fault("cut", number, self.number, at=heads[0].at))
        for event in self._unsealed():
            self.report.add(Fault("unsealed", at=moment_of(event)))

    def _unsealed(self) -> Iterator[UUID]:
        with connections["default"].cursor() as cursor:
            key = owner_key()
            cursor.execute(_UNSEALED, [key, key, MOST_FAULTS])
            yield from (event for (event,) in cursor.fetchall())
