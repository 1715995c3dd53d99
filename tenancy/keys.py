"""Primary keys: UUID version 7 (RFC 9562), so that they sort by time and leak no volumes."""

import os
import struct
import threading
import time
from uuid import UUID


class _Stamps:
    """Milliseconds and a counter in one growing number, so that keys of one process never repeat nor go back."""

    COUNTER_BITS = 12

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def take(self, count: int) -> range:
        """48 bits of Unix milliseconds, then 12 bits that count within one (RFC 9562, 6.2, method 1)."""
        now = time.time_ns() // 1_000_000 << self.COUNTER_BITS
        with self._lock:
            first = max(now, self._last + 1)
            self._last = first + count - 1
        return range(first, first + count)


_stamps = _Stamps()


def uuid7s(count: int) -> list[UUID]:
    """As many new keys, in order; the clock and the system's randomness are asked once."""
    noise = struct.unpack(f">{count}Q", os.urandom(8 * count))
    return [_key(stamp, random >> 2) for stamp, random in zip(_stamps.take(count), noise, strict=True)]


def uuid7() -> UUID:
    """A new key, greater than every key this process made before."""
    return uuid7s(1)[0]


def _key(stamp: int, random: int) -> UUID:
    milliseconds, counter = stamp >> _Stamps.COUNTER_BITS, stamp & 0xFFF
    return UUID(int=milliseconds << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | random)


def stamps(count: int) -> int:
    """The first of as many stamps for keys that the database makes (`key_sql`): greater than every key before."""
    return _stamps.take(count)[0]


def key_sql(stamp: str) -> str:
    """A key of this stamp, in SQL. The last digits of a random UUID begin with its variant."""
    head = f"lpad(to_hex(({stamp}) >> {_Stamps.COUNTER_BITS}), 12, '0')"
    counter = f"lpad(to_hex(({stamp}) & 4095), 3, '0')"
    return f"({head} || '7' || {counter} || right(gen_random_uuid()::text, 17))::uuid"
