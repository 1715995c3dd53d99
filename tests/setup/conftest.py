"""Folders and servers for the tests of the set-up, apart from those that this very test run uses."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.postgres import Postgres

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
    path = Path(tempfile.mkdtemp(prefix="portal-setup."))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def var(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh PORTAL_VAR, and none of the variables that lead to this test run's servers."""
    for name in NOT_THEIRS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORTAL_VAR", str(folder))
    monkeypatch.setenv("DEMO", "0")
    return folder


@pytest.fixture
def server(folder: Path) -> Iterator[Postgres]:
    """A PostgreSQL with the three roles and an empty database."""
    postgres = Postgres(folder / "postgres", folder / "sockets", folder / "postgres.log", throw_away=True)
    postgres.start()
    yield postgres
    postgres.stop()
