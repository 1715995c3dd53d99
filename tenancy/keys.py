"""Primary keys: UUID version 7 (RFC 9562), so that they sort by time and leak no volumes."""

import os
import threading
import time
from uuid import UUID


class _Stamps:
    """Milliseconds and a counter in one growing number, so that keys of one process never repeat nor go back."""

    COUNTER_BITS = 12

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> tuple[int, int]:
        """48 bits of Unix milliseconds, and 12 bits that count within one (RFC 9562, 6.2, method 1)."""
        now = time.time_ns() // 1_000_000 << self.COUNTER_BITS
        with self._lock:
            self._last = max(now, self._last + 1)
            return self._last >> self.COUNTER_BITS, self._last & 0xFFF


_stamps = _Stamps()


def uuid7s(count: int) -> list[UUID]:
    """As many new keys, in order; the system's randomness is asked once."""
    noise = os.urandom(8 * count)
    return [_key(noise[start : start + 8]) for start in range(0, 8 * count, 8)]


def uuid7() -> UUID:
    """A new key, greater than every key this process made before."""
    return _key(os.urandom(8))


def _key(noise: bytes) -> UUID:
    milliseconds, counter = _stamps.next()
    random = int.from_bytes(noise, "big") >> 2
    return UUID(int=milliseconds << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | random)
