"""What PostgreSQL's own catalogue says about the tables, read as the owner."""

from dataclasses import dataclass

from tests.database import as_owner

TABLES = """
    SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, pg_get_userbyid(c.relowner)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY 1
"""
POLICIES = """
    SELECT tablename, policyname, permissive = 'PERMISSIVE', roles, cmd, qual, with_check
    FROM pg_policies WHERE schemaname = 'public'
"""
FOREIGN_KEYS = """
    SELECT con.conname, child.relname, parent.relname,
           ARRAY(SELECT attname FROM unnest(con.conkey) AS k JOIN pg_attribute
                 ON attrelid = con.conrelid AND attnum = k)::text[],
           ARRAY(SELECT attname FROM unnest(con.confkey) AS k JOIN pg_attribute
                 ON attrelid = con.confrelid AND attnum = k)::text[]
    FROM pg_constraint AS con
    JOIN pg_class AS child ON child.oid = con.conrelid JOIN pg_class AS parent ON parent.oid = con.confrelid
    WHERE con.contype = 'f'
"""
UNIQUE_INDEXES = """
    SELECT i.indexrelid::regclass::text, t.relname,
           ARRAY(SELECT pg_get_indexdef(i.indexrelid, k + 1, true) FROM generate_subscripts(i.indkey, 1) AS k
                 WHERE k < i.indnkeyatts ORDER BY k)::text[]
    FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid
    JOIN pg_namespace AS n ON n.oid = t.relnamespace
    WHERE i.indisunique AND NOT i.indisprimary AND n.nspname = 'public'
"""


@dataclass(frozen=True)
class Policy:
    table: str
    name: str
    permissive: bool
    roles: list[str]
    command: str
    using: str
    check: str | None


@dataclass(frozen=True)
class ForeignKey:
    name: str
    child: str
    parent: str
    columns: list[str]
    targets: list[str]


@dataclass(frozen=True)
class Catalogue:
    """`tables` maps each table to whether row-level security is enabled and forced."""

    tables: dict[str, bool]
    owners: set[str]
    policies: list[Policy]
    foreign_keys: list[ForeignKey]
    unique_indexes: list[tuple[str, str, list[str]]]

    def walled(self) -> set[str]:
        return {table for table, walled in self.tables.items() if walled}


def read() -> Catalogue:
    with as_owner() as connection:
        tables = connection.execute(TABLES).fetchall()
        return Catalogue(
            tables={name: walled for name, walled, _owner in tables},
            owners={owner for _name, _walled, owner in tables},
            policies=[Policy(*row) for row in connection.execute(POLICIES).fetchall()],
            foreign_keys=[ForeignKey(*row) for row in connection.execute(FOREIGN_KEYS).fetchall()],
            unique_indexes=[(*row,) for row in connection.execute(UNIQUE_INDEXES).fetchall()],
        )
