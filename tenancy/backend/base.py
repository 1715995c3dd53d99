"""Django's PostgreSQL engine, which tells each transaction the scope in which it runs."""

from collections.abc import Sequence

from django.db.backends.postgresql import base

from tenancy import scopes


class DatabaseWrapper(base.DatabaseWrapper):
    """Applies the scope with `set_config(…, true)` whenever a transaction begins.

    The setting ends with the transaction, so nothing leaks through a connection that is kept or pooled.
    """

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

    def set_scope(self, keys: Sequence[str]) -> None:
        """The keys of firm, space and person, '' for none, until the transaction ends."""
        with self.wrap_database_errors:
            self.connection.execute(
                "SELECT set_config('app.firm', %s, true), set_config('app.space', %s, true),"
                " set_config('app.person', %s, true)",
                list(keys),
            )

    def run_and_clear_commit_hooks(self) -> None:
        with scopes.nowhere():
            super().run_and_clear_commit_hooks()
