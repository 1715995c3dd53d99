"""Moments as they come from the database: always Django's UTC, whatever the server writes."""

from datetime import UTC, datetime

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-03-12 09:57:01.5+01", datetime(2026, 3, 12, 8, 57, 1, 500_000, tzinfo=UTC)),
        ("2026-07-12 09:57:01.123456+00", datetime(2026, 7, 12, 9, 57, 1, 123_456, tzinfo=UTC)),
        ("2026-07-12 09:57:00+05:30", datetime(2026, 7, 12, 4, 27, tzinfo=UTC)),
        ("0001-01-01 00:00:00+00", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Europe/Paris"])
def test_a_moment_is_read_in_utc_whatever_the_session_writes(written: str, read: datetime, zone: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL TimeZone = '{zone}'")
        if read.year == 1 and zone != "UTC":
            pytest.skip("The year 1 has no local times in Python.")
        cursor.execute("SELECT %s::timestamptz", [written])
        (found,) = cursor.fetchone()
        cursor.execute("SET LOCAL TimeZone = 'UTC'")
    assert (found, found.tzinfo) == (read, UTC)


def test_what_python_has_no_moment_for_is_an_error_as_ever() -> None:
    with connection.cursor() as cursor, pytest.raises(Exception, match="timestamp too large"):
        cursor.execute("SELECT 'infinity'::timestamptz")
        cursor.fetchone()
