import subprocess
from pathlib import Path

import pytest

from devtools import backup
from devtools.console import Stop
from devtools.postgres import OWNER, RUNTIME, Postgres, tool

# As in the product: a table of firms behind a policy that shows its owner nothing without BYPASSRLS, and a function
# of the resolver's in a schema of its own.
WALLED = """
CREATE SCHEMA app;
GRANT CREATE ON SCHEMA app TO portal_resolver;
CREATE FUNCTION app.look_up() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
ALTER FUNCTION app.look_up() OWNER TO portal_resolver;
REVOKE CREATE ON SCHEMA app FROM portal_resolver;
CREATE TABLE dossier (id int PRIMARY KEY, note text);
ALTER TABLE dossier ENABLE ROW LEVEL SECURITY;
ALTER TABLE dossier FORCE ROW LEVEL SECURITY;
CREATE POLICY wall ON dossier TO portal_runtime USING (false);
GRANT SELECT ON dossier TO portal_runtime;
INSERT INTO dossier SELECT n, E'two\\nlines \\\\.' FROM generate_series(1, 1000) n;
CREATE TABLE empty_one (id int);
"""
COUNTS = {"public.dossier": 1000, "public.empty_one": 0}


@pytest.fixture
def url(shared_server: Postgres, database: str) -> str:
    shared_server.sql(WALLED, database=database, user=OWNER)
    return shared_server.url(OWNER, database)


def test_a_backup_comes_back_row_for_row(
    url: str, shared_server: Postgres, database: str, folder: Path
) -> None:
    file = folder / "portal.dump"
    assert backup.dump(url, file) == COUNTS
    shared_server.sql("DELETE FROM dossier WHERE id > 10", database=database, user=OWNER)

    counts, kept = backup.bring_back(url, file)

    assert counts == backup.counts_now(url) == COUNTS
    assert shared_server.sql("SELECT count(*) FROM dossier", database=kept, user=OWNER) == "10"
    owner = "SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE proname = 'look_up'"
    assert shared_server.sql(owner, database=database) == "portal_resolver"


def test_a_role_that_policies_hold_back_may_not_back_up(
    url: str, shared_server: Postgres, database: str, folder: Path
) -> None:
    with pytest.raises(Stop, match="BYPASSRLS"):
        backup.dump(shared_server.url(RUNTIME, database), folder / "portal.dump")
    assert not list(folder.glob("*.dump*"))


def test_an_empty_dump_of_such_a_role_is_not_restored(
    url: str, shared_server: Postgres, database: str, folder: Path
) -> None:
    file = folder / "empty.dump"
    blind = [
        tool("pg_dump"),
        "-Fc",
        "--enable-row-security",
        "-t",
        "dossier",
        "-f",
        str(file),
        "-d",
        shared_server.url(RUNTIME, database),
    ]
    subprocess.run(blind, check=True)  # exit code 0, and not one row
    with pytest.raises(Stop, match="holds no row at all"):
        backup.bring_back(url, file)
    assert backup.counts_now(url) == COUNTS


def test_a_dump_that_lost_rows_is_not_kept(
    url: str, shared_server: Postgres, database: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "counts_in", lambda file: COUNTS | {"public.dossier": 999})
    with pytest.raises(Stop, match=r"public\.dossier: 1000 in the database, 999 in the dump"):
        backup.dump(url, folder / "portal.dump")
    assert not list(folder.glob("*.dump*"))


def test_a_restore_that_lost_rows_leaves_everything_as_it_was(
    url: str, shared_server: Postgres, database: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup.dump(url, folder / "portal.dump")
    monkeypatch.setattr(backup, "counts_now", lambda url: {"public.dossier": 3, "public.empty_one": 0})
    with pytest.raises(Stop, match="The rows differ"):
        backup.bring_back(url, folder / "portal.dump")
    monkeypatch.undo()
    assert backup.counts_now(url) == COUNTS
    assert shared_server.sql(f"SELECT count(*) FROM pg_database WHERE datname LIKE '{database}%'") == "1"


def test_a_damaged_file_is_refused(url: str, folder: Path) -> None:
    file = folder / "portal.dump"
    backup.dump(url, file)
    file.write_bytes(file.read_bytes()[:-400])
    with pytest.raises(Stop):
        backup.bring_back(url, file)
    assert backup.counts_now(url) == COUNTS


def test_a_database_in_use_is_not_replaced(
    url: str, shared_server: Postgres, database: str, folder: Path
) -> None:
    backup.dump(url, folder / "portal.dump")
    with subprocess.Popen(
        [tool("psql"), "-X", "-q", "-A", "-t", "-d", url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as session:
        assert session.stdin is not None
        assert session.stdout is not None
        session.stdin.write("SELECT 'connected';\n")
        session.stdin.flush()
        assert session.stdout.readline() == "connected\n"
        with pytest.raises(Stop, match="Somebody is using the database"):
            backup.bring_back(url, folder / "portal.dump")
    assert backup.counts_now(url) == COUNTS
