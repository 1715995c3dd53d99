"""The test database: made and emptied by the owner, used by the tests as the runtime role."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import psycopg
from django.db import connections
from psycopg import sql

from tests.parallel import run, suffix

# What the migrations fill and no test changes.
KEPT = {"django_migrations", "django_content_type", "auth_permission", "accounts_terms"}
# To truncate is to make the files of all tables and their indexes anew, which costs more than to delete some rows.
WORTH_TRUNCATING = 1 << 20


def make() -> None:
    """Make the test database as the owner, and lead the runtime role's connection to it.

    Of several processes the first one migrates, the others copy what it made. Nothing is dropped: `dev.py test` throws
    its whole server away, and elsewhere the next run replaces it.
    """
    settings = connections["owner"].settings_dict
    pattern = settings["TEST"]["NAME"] = f"test_{settings['NAME']}"
    name = pattern + suffix()
    with _as_owner("postgres", autocommit=True) as server:
        # Held until this connection ends.
        server.execute("SELECT pg_advisory_lock(hashtext('a test database is being made'))")
        if name == pattern or _made_by(server, pattern) != run():
            connections["owner"].creation.create_test_db(verbosity=0, autoclobber=True)
            server.execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(pattern), sql.Literal(run()))
            )
        connections["owner"].close()  # nobody may be in a database that is copied
        connections["default"].close()
        if name != pattern:
            copy, original = sql.Identifier(name), sql.Identifier(pattern)
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(copy))
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(copy, original))
    for alias in ("owner", "default"):
        connections[alias].settings_dict["NAME"] = name


def _made_by(server: psycopg.Connection, database: str) -> str | None:
    """The run of tests that made the database; `None` where nothing says so."""
    query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    found: tuple[str | None] = server.execute(query, [database]).fetchone() or (None,)
    return found[0]


@contextmanager
def as_owner() -> Iterator[psycopg.Connection]:
    """A connection of the owner to the test database, past all policies, outside of Django's."""
    with _as_owner(connections["owner"].settings_dict["NAME"]) as connection:
        yield connection


@contextmanager
def _as_owner(database: str, *, autocommit: bool = False) -> Iterator[psycopg.Connection]:
    parameters = connections["owner"].get_connection_params() | {"dbname": database}
    wanted = {
        key: parameters[key] for key in ("dbname", "user", "host", "port", "password") if key in parameters
    }
    with psycopg.connect(**wanted, autocommit=autocommit) as connection:
        yield connection


def empty() -> None:
    """Take all rows away, after a test that committed."""
    with as_owner() as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        tables = {name: sql.Identifier(name) for (name,) in found if name not in KEPT}
        # So that whoever still writes is waited for.
        connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(_list(tables.values())))
        sizes = _sizes_of_those_with_rows(connection, tables)
        if any(size > WORTH_TRUNCATING for size in sizes.values()):
            connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(_list(tables.values())))
        elif sizes:  # in one statement, at whose end nothing points at what is gone
            deletes = [
                sql.SQL("{} AS (DELETE FROM {})").format(sql.Identifier(f"from_{name}"), tables[name])
                for name in sizes
            ]
            connection.execute(sql.SQL("WITH {} SELECT").format(_list(deletes)))


def _sizes_of_those_with_rows(
    connection: psycopg.Connection, tables: dict[str, sql.Identifier]
) -> dict[str, int]:
    looks = [
        sql.SQL("(SELECT {name}, pg_relation_size({name}) FROM {table} LIMIT 1)").format(
            name=sql.Literal(name), table=table
        )
        for name, table in tables.items()
    ]
    return dict(connection.execute(sql.SQL(" UNION ALL ").join(looks)).fetchall())


def _list(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)
