"""How long a person waits for what another transaction holds: a moment, then they are told."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

PATIENCE = timedelta(seconds=2)


class HeldElsewhere(Exception):
    """Another transaction has locked what is needed here, and did not give it back in time."""


@contextmanager
def patient() -> Generator[None]:
    """Inside, no lock is waited for longer than PATIENCE. Raises HeldElsewhere: nothing was written inside then."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            milliseconds = f"{PATIENCE.total_seconds() * 1000:.0f}"
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [milliseconds])
            yield
            cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise HeldElsewhere from error
        raise
