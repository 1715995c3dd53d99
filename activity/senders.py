"""How many processes of one worker send mails at the same moment: the others are left to all other work.

A mail server may keep a sender busy for as long as it likes; what makes mails, and imports, must not wait for it.
"""

import fcntl
import tempfile
from collections.abc import Generator
from contextlib import contextmanager

MOST_SENDERS = 2
# Opened before the worker forks. Each byte is a place: whose process ends, however, has given it back.
_PLACES = tempfile.TemporaryFile()  # noqa: SIM115 - for as long as the process lives


@contextmanager
def place() -> Generator[bool]:
    """Is there one? Inside, it is taken."""
    taken = next((number for number in range(MOST_SENDERS) if _take(number)), None)
    try:
        yield taken is not None
    finally:
        if taken is not None:
            fcntl.lockf(_PLACES, fcntl.LOCK_UN, 1, taken)


def _take(number: int) -> bool:
    try:
        fcntl.lockf(_PLACES, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
    except OSError:
        return False
    return True
