"""The test database: made and emptied by the owner, used by the tests as the runtime role."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connections
from psycopg import sql

from tests.parallel import suffix

# What the migrations fill and no test changes.
KEPT = {"django_migrations", "django_content_type", "auth_permission", "accounts_terms"}


def make() -> None:
    """Make the test database as the owner, and lead the runtime role's connection to it.

    It is never dropped: `dev.py test` throws its whole server away, and elsewhere the next run replaces it.
    """
    creation = connections["owner"].creation
    settings = connections["owner"].settings_dict
    settings["TEST"]["NAME"] = f"test_{settings['NAME']}{suffix()}"
    name = creation.create_test_db(verbosity=0, autoclobber=True)
    connections["owner"].close()
    connections["default"].close()
    connections["default"].settings_dict["NAME"] = name


@contextmanager
def as_owner() -> Iterator[psycopg.Connection]:
    """A connection of the owner to the test database, past all policies, outside of Django's."""
    parameters = connections["owner"].get_connection_params()
    wanted = {
        key: parameters[key] for key in ("dbname", "user", "host", "port", "password") if key in parameters
    }
    with psycopg.connect(**wanted) as connection:
        yield connection


def empty() -> None:
    """Take all rows away, after a test that committed."""
    with as_owner() as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        tables = [sql.Identifier(name) for (name,) in rows if name not in KEPT]
        connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.SQL(", ").join(tables)))
