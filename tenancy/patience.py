"""How long a person waits for what another transaction holds: a moment, then they are told.

Who waits longer keeps a web worker from everybody else, and knows nothing of why.
"""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

PATIENCE = timedelta(seconds=2)


class HeldElsewhere(Exception):
    """Another transaction has locked what is needed here, and did not give it back in time."""


def be_patient() -> str:
    """From now on, until the transaction ends, no lock is waited for longer than PATIENCE: see `was_held`. Returns how
    long it was before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('lock_timeout'), set_config('lock_timeout', %s, true)",
            [f"{PATIENCE.total_seconds() * 1000:.0f}"],
        )
        return str(cursor.fetchone()[0])


def was_held(error: BaseException) -> bool:
    """Is it that another transaction has held for too long what was needed?"""
    is_told = isinstance(error, OperationalError) and isinstance(error.__cause__, LockNotAvailable)
    return is_told or isinstance(error, HeldElsewhere)


@contextmanager
def patient() -> Generator[None]:
    """Inside, no lock is waited for longer than PATIENCE. Raises HeldElsewhere: nothing was written inside then."""
    try:
        with transaction.atomic():
            before = be_patient()
            yield
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [before])
    except OperationalError as error:
        if was_held(error):
            raise HeldElsewhere from error
        raise
