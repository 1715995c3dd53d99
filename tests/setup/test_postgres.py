import os
import signal
from pathlib import Path

import pytest

from devtools import services
from devtools.console import Stop
from devtools.postgres import OWNER, RUNTIME, Postgres
from tests.setup.conftest import make_server


def test_the_roles_have_their_rights_and_no_more(shared_server: Postgres) -> None:
    rights = shared_server.sql(
        "SELECT rolname, rolcanlogin, rolbypassrls, rolsuper FROM pg_roles WHERE rolname LIKE 'portal%' ORDER BY 1"
    )
    assert rights.splitlines() == ["portal_owner|t|t|f", "portal_resolver|f|f|f", "portal_runtime|t|f|f"]


def test_the_server_answers_on_its_socket_only(shared_server: Postgres) -> None:
    assert shared_server.sql("SHOW listen_addresses") == ""
    assert shared_server.sql("SELECT current_user", database="portal", user=RUNTIME) == RUNTIME
    assert shared_server.sockets.stat().st_mode & 0o077 == 0


def test_its_log_says_what_failed_and_not_about_whom(shared_server: Postgres, database: str) -> None:
    shared_server.sql("CREATE TABLE clients (name text UNIQUE)", database=database, user=OWNER)
    add = "INSERT INTO clients VALUES ('Boulangerie Kanari')"
    shared_server.sql(add, database=database, user=OWNER)
    with pytest.raises(Stop, match="Kanari"):  # whoever asked is told
        shared_server.sql(add, database=database, user=OWNER)
    log = shared_server.log.read_text()
    assert "clients_name_key" in log
    assert "Kanari" not in log


def test_it_starts_after_a_kill_whose_pid_file_names_another_process(server: Postgres) -> None:
    server.stop()
    server.throw_away = False  # as in `make run`, where a commit is on the disk
    server.start()
    server.sql("CREATE TABLE kept AS SELECT 1", database="portal", user=OWNER)
    assert server.process is not None
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()
    pid_file = server.data / "postmaster.pid"
    pid_file.write_text(pid_file.read_text().replace(str(server.process.pid), str(os.getpid()), 1))
    server.start()
    assert server.sql("SELECT count(*) FROM kept", database="portal", user=OWNER) == "1"


def test_a_start_that_was_cut_off_while_creating_the_data_begins_anew(folder: Path) -> None:
    (folder / "postgres" / "data.beginning").mkdir(parents=True)
    (folder / "postgres" / "data.beginning" / "PG_VERSION").write_text("18")
    server = make_server(folder)
    server.start()
    server.stop()


def test_why_it_does_not_start_is_told(server: Postgres) -> None:
    server.stop()
    with (server.data / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    with pytest.raises(Stop, match="no_such_setting"):
        server.start()


def test_throw_away_servers_stand_side_by_side_and_leave_nothing() -> None:
    with services.throw_away() as one, services.throw_away() as other:
        folders = [Path(one["PORTAL_VAR"]), Path(other["PORTAL_VAR"])]
        assert one["DATABASE_URL"] != other["DATABASE_URL"]
        assert all(folder.exists() for folder in folders)
    assert not any(folder.exists() for folder in folders)


def test_sockets_find_a_short_path_where_the_checkout_has_a_long_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_VAR", str(folder / ("deep" * 25)))
    sockets = services._sockets()
    sockets.parent.rmdir()
    assert len(str(sockets)) < services.LONGEST_SOCKET_FOLDER
