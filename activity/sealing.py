"""Events join their owner's chain after their commit, in order, one sealer at a time; nobody who records waits for it.

Which events are not sealed yet, a trigger of theirs says (`Unsealed`): by the order of keys it could not be told, for
transactions do not commit in the order in which their keys were made.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, connections

from activity import chain, names
from activity.lookups import unsealed_journals
from activity.models import Journal, Seal, Unsealed
from tenancy import scopes
from tenancy.scopes import scope

if TYPE_CHECKING:
    from tenancy.backend.base import DatabaseWrapper

log = structlog.get_logger(__name__)

AT_ONCE = 2_000
STATEMENTS_AT_ONCE = 500
# In place of each digest of an event that was gone before it was sealed: a fault for ever.
LOST = bytes(32)

_FIELDS = [name for part in chain.FIELDS.values() for name in part]
# Where what names whom or what stands in what is read.
_NAMING = {column: _FIELDS.index(column) for column in names.COLUMNS}
_READ = f"""
SELECT event.id, {chain.columns("event")} FROM activity_event AS event
WHERE event.id = ANY (%s) AND event.owner = %s
"""
_WRITE = """
INSERT INTO activity_seal (owner, version, number, event, frame_salt, who_salt, what_salt, frame, who, what, chain)
SELECT %s, %s, line.* FROM unnest(%s::bigint[], %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::bytea[],
    %s::bytea[], %s::bytea[], %s::bytea[]) AS line
"""


@dataclass
class _End:
    """Where the chain ends for the moment."""

    number: int
    digest: bytes


@dataclass
class _Lines:
    """Seals to be written, as columns."""

    columns: list[list[Any]] = field(default_factory=lambda: [[] for _ in range(9)])

    def add(self, *values: Any) -> None:
        for column, value in zip(self.columns, values, strict=True):
            column.append(value)


def seal_due() -> int:
    """Seal what waits, of everybody; returns how many events. A fault keeps nobody else's waiting."""
    sealed = 0
    for row in unsealed_journals():
        try:
            with scopes.nowhere():
                sealed += seal_journal(row["firm_id"], row["space_id"], row["person_id"])
        except (OperationalError, InterfaceError):
            raise  # the database is away: for everyone
        except Exception:
            log.exception("journal_not_sealed")
    return sealed


def seal_journal(firm: UUID | None = None, space: UUID | None = None, person: UUID | None = None) -> int:
    """Seal what waits of this owner, in portions that are committed one by one; returns how many events."""
    sealed, portion = 0, -1
    while portion:
        with scope(firm=firm, space=space, person=person):
            portion = seal_portion()
            sealed += portion
    return sealed


def seal_portion() -> int:
    """Some statements' events of the owner in scope; 0 if there are none, or another sealer is at it.

    An event that was put back by hand, out of a backup, waits anew though its seal is there: it keeps that one.
    """
    owner = UUID(owner_key())
    if not _alone(owner):
        return 0
    waiting = list(Unsealed.objects.filter(owner=owner).order_by("id")[:STATEMENTS_AT_ONCE])
    taken = list(_as_many_as_fit(waiting))
    keys = [key for one in taken for key in one.keys]
    end = _end(owner)
    has_seal = set(Seal.objects.filter(owner=owner, event__in=keys).values_list("event", flat=True))
    new = [key for key in keys if key not in has_seal]
    for at in range(0, len(new), AT_ONCE):
        _seal(owner, end, new[at : at + AT_ONCE])
    Unsealed.objects.filter(owner=owner, pk__in=[one.pk for one in taken]).delete()
    return len(keys)


def owner_key() -> str:
    """The key of the owner in scope. Raises NoScope."""
    return str(Journal.ownership()["owner"])


def _as_many_as_fit(waiting: Iterable[Unsealed]) -> Iterator[Unsealed]:
    room = AT_ONCE
    for one in waiting:
        yield one
        room -= len(one.keys)
        if room <= 0:
            return


def _alone(owner: UUID) -> bool:
    """Take the owner's turn until the transaction ends; False if another sealer has it."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_turn_of(owner)])
        return bool(cursor.fetchone()[0])


def keep_sealers_off(owner: UUID, using: str = "default") -> None:
    """Take the owner's turn until the transaction ends, after whoever has it: for those who change what sealers note.

    A sealer notes no name that is there already; the statement that removes it may have begun before the event came.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_turn_of(owner)])


def _turn_of(owner: UUID) -> int:
    key = hashlib.blake2b(b"seal " + owner.bytes, digest_size=8).digest()
    return int.from_bytes(key, "big", signed=True)


def _end(owner: UUID) -> _End:
    # Also where seals stand already: without this row no proof of the chain would be given any more.
    Journal.objects.get_or_create(owner=owner, defaults=Journal.ownership())
    last = Seal.objects.filter(owner=owner).order_by("-number").values_list("number", "chain").first()
    if last is None:
        return _End(0, chain.beginning(owner))
    return _End(last[0], bytes(last[1]))


def _seal(owner: UUID, end: _End, keys: list[UUID]) -> None:
    connection = cast("DatabaseWrapper", connections["default"])
    with connection.prepared_cursor() as cursor:
        cursor.execute(_READ, [keys, owner])
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
        lines, salts = _Lines(), iter(chain.salts(3 * len(keys)))
        for key in keys:
            own = [next(salts) for _ in chain.PARTS]
            row = rows.get(key)
            parts = [
                LOST if row is None else chain.part_digest(part, salt, row)
                for part, salt in zip(chain.PARTS, own, strict=True)
            ]
            end.number += 1
            end.digest = chain.linked(end.digest, end.number, key, parts)
            lines.add(end.number, key, *own, *parts, end.digest)
        cursor.execute(_WRITE, [owner, chain.VERSION, *lines.columns])
    _note_names(rows.values())


def _note_names(rows: Iterable[Sequence[str | None]]) -> None:
    """By them a search of the firm's journal finds the events; it is here that each is read once, by one sealer."""
    firm = scopes.current().firm_id
    if firm is None:
        return
    told: set[tuple[bool, str, str]] = set()
    for row in rows:
        told.update(names.named({column: row[place] for column, place in _NAMING.items()}))
    names.note(told, firm)
