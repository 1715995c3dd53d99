"""The three database roles, and what PostgreSQL must know before the first table exists.

`owner` (BYPASSRLS) migrates and backs up; `runtime` is what web and workers use: it owns nothing and is held by
every policy; `resolver` can't log in and owns the few look-ups that must work before or across scopes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    from tenancy.backend.base import DatabaseWrapper

# Written by migrations alone; a stray `assign_perm` or `Permission.objects.create` is thereby loud.
READ_ONLY_TABLES = (
    "accounts_terms",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
    "django_content_type",
    "django_migrations",
    "guardian_userobjectpermission",
    "guardian_groupobjectpermission",
)

# PL/pgSQL, because what is in SQL is put into each query that a policy holds, and in it what that calls in turn: the
# planner took twice as long for a query on events.
SCOPE_FUNCTIONS = """
CREATE SCHEMA IF NOT EXISTS app;
CREATE OR REPLACE FUNCTION app.setting(owner text) RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('app.' || owner, true), '')::uuid $$;
CREATE OR REPLACE FUNCTION app.refuse(wanted text) RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$ BEGIN RAISE EXCEPTION 'no % in scope', wanted USING ERRCODE = 'insufficient_privilege'; END $$;
CREATE OR REPLACE FUNCTION app.firm() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$ BEGIN RETURN coalesce(app.setting('firm'), app.refuse('firm')); END $$;
CREATE OR REPLACE FUNCTION app.space() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$ BEGIN RETURN coalesce(app.setting('space'), app.refuse('space')); END $$;
CREATE OR REPLACE FUNCTION app.some_scope() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$ BEGIN RETURN
        coalesce(app.setting('firm'), app.setting('space'), app.setting('person'), app.refuse('scope')); END $$;
CREATE OR REPLACE FUNCTION app.any_firm() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$ BEGIN RETURN CASE WHEN app.some_scope() IS NOT NULL THEN app.setting('firm') END; END $$;
CREATE OR REPLACE FUNCTION app.any_space() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$ BEGIN RETURN CASE WHEN app.some_scope() IS NOT NULL THEN app.setting('space') END; END $$;
CREATE OR REPLACE FUNCTION app.any_person() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$ BEGIN RETURN CASE WHEN app.some_scope() IS NOT NULL THEN app.setting('person') END; END $$;
GRANT USAGE ON SCHEMA app TO {runtime}, {resolver};
GRANT USAGE ON SCHEMA public TO {runtime}, {resolver};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {runtime};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {runtime};
"""


@dataclass(frozen=True)
class LookUp:
    """A function of the resolver: it sees across scopes, so it returns ids and what the page needs, no more.

    `signature` and `returns` are SQL; `body` is one SQL statement, or says it once all apps are loaded; `reads`,
    `updates` and `deletes` name the tables.
    """

    name: str
    signature: str
    returns: str
    body: str | Callable[[], str]
    reads: tuple[str, ...] = ()
    updates: tuple[str, ...] = field(default=())
    deletes: tuple[str, ...] = field(default=())

    @property
    def tables(self) -> set[str]:
        """What must exist before the look-up can: after a migration backwards, some may not."""
        return {*self.reads, *self.updates, *self.deletes}

    def removal(self) -> str:
        return f"DROP FUNCTION IF EXISTS app.{self.name}({self.signature})"

    def statements(self) -> list[str]:
        resolver, runtime = quoted(settings.RESOLVER_ROLE), quoted(settings.RUNTIME_ROLE)
        function = f"app.{self.name}({self.signature})"
        volatility = "VOLATILE" if self.updates or self.deletes else "STABLE"
        body = self.body() if callable(self.body) else self.body
        return [
            self.removal(),
            f"CREATE FUNCTION {function} RETURNS {self.returns} LANGUAGE sql {volatility} SECURITY DEFINER"
            f" SET search_path = public, pg_temp AS $look$ {body} $look$",
            f"ALTER FUNCTION {function} OWNER TO {resolver}",
            f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC",
            f"GRANT EXECUTE ON FUNCTION {function} TO {runtime}",
            *(statement for table in self.reads for statement in _opened(table, "SELECT")),
            *(statement for table in self.updates for statement in _opened(table, "UPDATE")),
            *(statement for table in self.deletes for statement in _opened(table, "DELETE")),
        ]


LOOK_UPS: dict[str, LookUp] = {}


def register(look_up: LookUp) -> Callable[..., list[dict[str, Any]]]:
    """Declare a look-up of the resolver (installed after each migration) and return the function that calls it."""
    LOOK_UPS[look_up.name] = look_up

    def call(*arguments: Any) -> list[dict[str, Any]]:
        places = ", ".join(["%s"] * len(arguments))
        with cast("DatabaseWrapper", connections["default"]).prepared_cursor() as cursor:
            cursor.execute(f"SELECT * FROM app.{look_up.name}({places})", arguments)
            columns = [column.name for column in cursor.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

    return call


def quoted(role: str) -> str:
    """A role's name as SQL."""
    return '"' + role.replace('"', '""') + '"'


def prepare(connection: BaseDatabaseWrapper) -> None:
    """Before the migrations: roles are checked, the `app` schema and its functions are there.

    Raises ImproperlyConfigured with what the owner needs.
    """
    refuse_weak_owner(connection)
    with connection.cursor() as cursor:
        names = {"runtime": quoted(settings.RUNTIME_ROLE), "resolver": quoted(settings.RESOLVER_ROLE)}
        cursor.execute(SCOPE_FUNCTIONS.format(**names))


def install_look_ups(connection: BaseDatabaseWrapper) -> None:
    """After the migrations: the resolver's functions, and the tables that runtime only reads."""
    resolver = quoted(settings.RESOLVER_ROLE)
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT CREATE ON SCHEMA app TO {resolver}")  # needed to own a function in it
        # Half-way back, a table may lack columns that the newest look-ups name.
        cursor.execute("SET check_function_bodies = off")
        tables = set(connection.introspection.table_names(cursor))
        for look_up in LOOK_UPS.values():
            for statement in look_up.statements() if look_up.tables <= tables else [look_up.removal()]:
                cursor.execute(statement)
        cursor.execute("RESET check_function_bodies")
        cursor.execute(f"REVOKE CREATE ON SCHEMA app FROM {resolver}")
        for table in tables.intersection(READ_ONLY_TABLES):
            cursor.execute(
                f"REVOKE INSERT, UPDATE, DELETE ON {quoted(table)} FROM {quoted(settings.RUNTIME_ROLE)}"
            )


def refuse_weak_owner(connection: BaseDatabaseWrapper) -> None:
    """Raise ImproperlyConfigured if this role, meant to own the tables, could not migrate data or back up.

    Without BYPASSRLS a data migration changes 0 rows in silence and a dump comes out empty.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        if not cursor.fetchone()[0]:
            raise ImproperlyConfigured(
                "The role of OWNER_DATABASE_URL needs BYPASSRLS: without it, migrations would change no row and "
                "backups would be empty. Run as a superuser: ALTER ROLE … BYPASSRLS (README, “Your own PostgreSQL”)."
            )


def refuse_powerful_role() -> None:
    """Raise ImproperlyConfigured if the runtime role could pass the wall between firms."""
    connection = connections["default"]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT rolsuper OR rolbypassrls
                   OR EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid AND relkind IN ('r', 'p'))
                   OR EXISTS (SELECT FROM pg_roles AS other WHERE pg_has_role(pg_roles.oid, other.oid, 'MEMBER')
                              AND (other.rolsuper OR other.rolbypassrls OR other.rolname = %s))
            FROM pg_roles WHERE rolname = current_user
            """,
            [settings.RESOLVER_ROLE],
        )
        if cursor.fetchone()[0]:
            raise ImproperlyConfigured(
                "The role of DATABASE_URL could pass the wall between firms: it is a superuser, has BYPASSRLS, owns "
                "tables or may become a role that does. Give the application the runtime role (README)."
            )


def _opened(table: str, right: str) -> list[str]:
    """The resolver's own way past the policies of one table, for one kind of statement."""
    resolver, policy = quoted(settings.RESOLVER_ROLE), quoted(f"resolver_{right.lower()}")
    return [
        f"GRANT {right} ON {quoted(table)} TO {resolver}",
        f"DROP POLICY IF EXISTS {policy} ON {quoted(table)}",
        f"CREATE POLICY {policy} ON {quoted(table)} FOR {right} TO {resolver} USING (true)",
    ]
