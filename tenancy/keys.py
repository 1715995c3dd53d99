"""Primary keys: UUID version 7 (RFC 9562), so that they sort by time and leak no volumes."""

import os
import threading
import time
from uuid import UUID

_lock = threading.Lock()
_last = 0
_RANDOM_BITS = 62
_COUNTER_BITS = 12


def uuid7() -> UUID:
    """A new key, greater than every key this process made before.

    48 bits of Unix milliseconds, 12 bits of counter (RFC 9562, 6.2, method 1), 62 random bits.
    """
    global _last
    with _lock:
        now = time.time_ns() // 1_000_000 << _COUNTER_BITS
        _last = max(now, _last + 1)
        stamp = _last
    milliseconds, counter = stamp >> _COUNTER_BITS, stamp & 0xFFF
    tail = int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=milliseconds << 80 | 0x7 << 76 | counter << 64 | 0b10 << _RANDOM_BITS | tail)
