"""How many questions a page asks the database, without the savepoints that a test's own transaction adds."""

from collections.abc import Generator
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext

NOT_QUESTIONS = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")


@contextmanager
def queries_at_most(most: int) -> Generator[None]:
    """Fails with all of them if there are more."""
    with CaptureQueriesContext(connection) as captured:
        yield
    asked = [query["sql"] for query in captured if not query["sql"].startswith(NOT_QUESTIONS)]
    assert len(asked) <= most, "\n".join([f"{len(asked)} queries:", *(sql[:200] for sql in asked)])
