"""Folders and servers for the tests of the set-up, apart from those that this very test run uses."""

import contextlib
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.postgres import OWNER, Postgres

NOT_THEIRS = (
    "DATABASE_URL",
    "OWNER_DATABASE_URL",
    "REDIS_URL",
    "EMAIL_URL",
    "MAIL_CATCHER_DIR",
    "BASE_URL",
    "DEBUG",
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder with a short path, which the account that runs PostgreSQL may enter (pytest's own may not be)."""
    with new_folder() as path:
        yield path


@contextlib.contextmanager
def new_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="portal-setup.") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture
def var(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh PORTAL_VAR, and none of the variables that lead to this test run's servers."""
    for name in NOT_THEIRS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORTAL_VAR", str(folder))
    monkeypatch.setenv("DEMO", "0")
    return folder


def make_server(folder: Path) -> Postgres:
    return Postgres(folder / "postgres", folder / "sockets", folder / "postgres.log", throw_away=True)


@pytest.fixture
def server(folder: Path) -> Iterator[Postgres]:
    """A PostgreSQL with the three roles and an empty database, for one test to ill-treat."""
    postgres = make_server(folder)
    postgres.start()
    yield postgres
    postgres.stop()


@pytest.fixture(scope="session")
def shared_server() -> Iterator[Postgres]:
    """The same, for tests that leave it as it was."""
    with new_folder() as path:
        postgres = make_server(path)
        postgres.start()
        yield postgres
        postgres.stop()


@pytest.fixture
def database(shared_server: Postgres) -> Iterator[str]:
    """The name of a fresh database of the owner's."""
    name = f"fresh_{secrets.token_hex(4)}"
    shared_server.sql(f"CREATE DATABASE {name} OWNER {OWNER}")
    yield name
    for left in shared_server.sql(
        f"SELECT datname FROM pg_database WHERE datname LIKE '{name}%'"
    ).splitlines():
        shared_server.sql(f"DROP DATABASE {left} WITH (FORCE)")
