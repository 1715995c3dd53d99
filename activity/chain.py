"""What stands in the chain of a journal, to the byte: docs/decisions/0027. Version 1.

An event is three parts, so that one may be forgotten while the others stay proven: its frame (what kind of thing, when,
which keys), who did it (names and address) and what (the subject's name, changes, details). Of each part a salted
digest is taken:

    part  = SHA-256("firm-portal journal 1 <part>\\n" || salt (16 bytes) || its fields)
    leaf  = SHA-256(frame || who || what)
    chain = SHA-256(chain before || number (8 bytes) || the event's key (16 bytes) || leaf)
    the chain before number 1 = SHA-256("firm-portal journal 1\\n" || the owner's key (16 bytes))

A field is its length in bytes, a colon, its UTF-8 text and a comma; one that is NULL is "-,". Texts are those that
PostgreSQL writes: of `jsonb` (keys in its order, numbers to the digit), of `inet` with its mask, of keys and booleans;
a moment is its microseconds since 1970. They are the same in a dump, on any server and in any time zone.
"""

import os
from collections.abc import Iterable, Sequence
from hashlib import sha256
from uuid import UUID

VERSION = 1

_MOMENT = "(extract(epoch FROM {table}.at) * 1000000)::bigint::text"
# Part → its fields, in this order; a new column of events is a new version.
FIELDS: dict[str, tuple[str, ...]] = {
    "frame": (
        "id", "owner", "type", "at", "actor_id", "behalf_id", "subject_type", "subject_id", "group", "is_detail",
        "request_id",
    ),
    "who": ("actor_name", "behalf_name", "ip"),
    "what": ("subject_name", "changes", "details"),
}  # fmt: skip
PARTS = tuple(FIELDS)
# In which a person may be made unknown: what happened, when and to what stays proven as it was.
ERASABLE = ("who", "what")
_HEADS = {part: f"firm-portal journal {VERSION} {part}\n".encode() for part in PARTS}
_SLICES = {"frame": slice(0, 11), "who": slice(11, 14), "what": slice(14, 17)}


def columns(table: str) -> str:
    """The fields of all parts as texts, in SQL."""
    return ", ".join(_as_text(table, name) for names in FIELDS.values() for name in names)


def _as_text(table: str, name: str) -> str:
    return _MOMENT.format(table=table) if name == "at" else f'{table}."{name}"::text'


def part_digest(part: str, salt: UUID, row: Sequence[str | None]) -> bytes:
    """Of one part of an event, whose `columns` are the row."""
    told = [_HEADS[part], salt.bytes]
    for value in row[_SLICES[part]]:
        if value is None:
            told.append(b"-,")
        else:
            text = value.encode()
            told.append(b"%d:%b," % (len(text), text))
    return sha256(b"".join(told)).digest()


def beginning(owner: UUID) -> bytes:
    """What stands before the first event."""
    return sha256(f"firm-portal journal {VERSION}\n".encode() + owner.bytes).digest()


def linked(before: bytes, number: int, event: UUID, parts: Iterable[bytes]) -> bytes:
    """The chain's digest once this event has joined it."""
    leaf = sha256(b"".join(parts)).digest()
    return sha256(before + number.to_bytes(8, "big") + event.bytes + leaf).digest()


def salts(count: int) -> list[UUID]:
    """As many random values of 128 bits."""
    noise = os.urandom(16 * count)
    return [UUID(bytes=noise[at : at + 16]) for at in range(0, len(noise), 16)]


class Sum:
    """A digest over what an event of the chain tells of in one go: which events a purge removed, what an erasure
    wrote. In the order of the numbers."""

    def __init__(self) -> None:
        self._told = sha256(b"firm-portal journal 1 sum\n")
        self.count = 0

    def add(self, number: int, *more: bytes) -> None:
        self._told.update(number.to_bytes(8, "big") + b"".join(more))
        self.count += 1

    def hexdigest(self) -> str:
        return self._told.hexdigest()
