"""Django's PostgreSQL engine, which tells each transaction the scope in which it runs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Self, cast

import psycopg
from django.db.backends.postgresql import base, operations
from django.db.backends.utils import CursorWrapper
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap
from psycopg.types.datetime import TimestamptzLoader

from tenancy import scopes


class MomentLoader(TimestamptzLoader):
    """Moments as Django wants them, read by Python's own parser: lists show dozens on each page."""

    timezone = UTC  # by which Django sees that this loader is for its connection

    def load(self, data: Buffer) -> datetime:
        try:
            return datetime.fromisoformat(bytes(data).decode()).astimezone(UTC)
        except ValueError:  # infinity, before Christ
            return super().load(data).astimezone(UTC)


_SET_SCOPE = (
    "SELECT set_config('app.firm', %s, true), set_config('app.space', %s, true),"
    " set_config('app.person', %s, true)"
)


@cache
def _with_moments(adapters: AdaptersMap) -> AdaptersMap:
    quicker = AdaptersMap(adapters)
    quicker.register_loader("timestamptz", MomentLoader)
    return quicker


class PreparedCursor(psycopg.Cursor[Any]):
    """Its statements are parsed and planned once per connection, under a name that the server keeps.

    For itself alone it switches on what Django switches off: where it is on, psycopg forgets all of them with each
    savepoint that is taken back (and each table that is dropped: those are temporary ones, of which none is asked so).
    """

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        self.connection.prepare_threshold = 0
        try:
            super().execute(query, params, **{**options, "prepare": True})
        finally:
            self.connection.prepare_threshold = None
        return self


class DatabaseOperations(operations.DatabaseOperations):
    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str:
        """What Django's debugging shows; of a prepared statement, psycopg keeps no text with its values."""
        return str(super().last_executed_query(cursor, sql, params) or sql)


class DatabaseWrapper(base.DatabaseWrapper):
    """Applies the scope with `set_config(…, true)` whenever a transaction begins.

    The setting ends with the transaction, so nothing leaks through a connection that is kept or pooled.
    """

    ops_class = DatabaseOperations

    def set_autocommit(
        self, autocommit: bool, force_begin_transaction_with_broken_autocommit: bool = False
    ) -> None:
        super().set_autocommit(autocommit, force_begin_transaction_with_broken_autocommit)
        if autocommit or scopes.current() == scopes.NOWHERE:
            return
        try:
            scopes.apply(self, scopes.current())
        except Exception:
            super().set_autocommit(True)
            raise

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        return {**params, "context": _with_moments(params["context"])}

    def prepared_cursor(self) -> CursorWrapper:
        """A cursor for statements that are asked again and again, with other values."""
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor = PreparedCursor(self.connection)
        return cast(CursorWrapper, cast(Any, self)._prepare_cursor(cursor))  # not in the stubs

    def set_scope(self, keys: Sequence[str]) -> None:
        """The keys of firm, space and person, '' for none, until the transaction ends."""
        with self.wrap_database_errors:
            PreparedCursor(self.connection).execute(_SET_SCOPE, list(keys))

    def execute_in_scope(
        self, keys: Sequence[str], outer: Sequence[str], statement: str, parameters: Sequence[Any]
    ) -> None:
        """In one exchange: what a pipeline sends is one transaction, which ends with it unless one is open already.

        Then the scope that was before it is set again.
        """
        self.ensure_connection()
        with self.wrap_database_errors, self.connection.pipeline():
            PreparedCursor(self.connection).execute(_SET_SCOPE, list(keys))
            with self.prepared_cursor() as cursor:
                cursor.execute(statement, parameters)
            if self.in_atomic_block:
                PreparedCursor(self.connection).execute(_SET_SCOPE, list(outer))

    def rows_of(
        self, statements: Sequence[tuple[str, Any]], *, before: tuple[str, Any], after: tuple[str, Any]
    ) -> list[list[Any]]:
        """The rows of several statements with their values, in one exchange; each is planned once per connection.

        `before` and `after` set what is to be set for them alone.
        """
        self.ensure_connection()
        cursors = []
        with self.wrap_database_errors, self.connection.pipeline():
            PreparedCursor(self.connection).execute(*before)
            for statement, values in statements:
                cursors.append(cursor := self.prepared_cursor())
                cursor.execute(statement, values)
            PreparedCursor(self.connection).execute(*after)
        return [cursor.fetchall() for cursor in cursors]

    def run_and_clear_commit_hooks(self) -> None:
        with scopes.nowhere():
            super().run_and_clear_commit_hooks()
