"""PostgreSQL and Valkey together, and the environment variables that lead the product to them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devtools import children, postgres
from devtools.paths import short_name, var
from devtools.postgres import Postgres, refuse_strange
from devtools.supervisor import Program
from devtools.valkey import Valkey

# A unix socket's path has 108 bytes at most (104 elsewhere); PostgreSQL's file is "/.s.PGSQL.5432".
LONGEST_SOCKET_FOLDER = 85
THROW_AWAY_PREFIX = "firm-portal-throw-away."
JUST_MADE = 60  # seconds within which a throw-away folder may not be locked yet


@dataclass
class Services:
    """The servers that we bring along; None for one that the environment already names (DATABASE_URL, REDIS_URL)."""

    postgres: Postgres | None
    valkey: Valkey | None

    def start(self) -> None:
        for server in (self.postgres, self.valkey):
            if server is not None:
                server.start()

    def stop(self) -> None:
        for server in (self.valkey, self.postgres):
            if server is not None:
                server.stop()

    def programs(self) -> list[Program]:
        """The servers that run, for the supervisor to look after."""
        programs = []
        if self.postgres is not None:
            signum, process = self.postgres.stop_signal, self.postgres.process
            programs.append(Program("postgres", self.postgres.launch, stop_signal=signum, process=process))
        if self.valkey is not None:
            programs.append(Program("valkey", self.valkey.launch, process=self.valkey.process))
        return programs

    def has_consumer(self) -> bool:
        """Whether a worker listens; of a server of one's own, we do not ask."""
        return self.valkey is None or self.valkey.has_consumer()

    def environment(self) -> dict[str, str]:
        """The variables of our own servers, for the product's settings."""
        variables = {}
        if self.postgres is not None:
            variables["DATABASE_URL"] = self.postgres.url(postgres.RUNTIME)
            variables["OWNER_DATABASE_URL"] = self.postgres.url(postgres.OWNER)
        if self.valkey is not None:
            variables["REDIS_URL"] = self.valkey.url
        return variables


def lasting() -> Services:
    """The servers of `make run`, whose data stays in var/; none for what the environment names."""
    home, sockets, logs = _home(), _sockets(), logs_folder()
    return Services(
        None if "DATABASE_URL" in os.environ else Postgres(home / "postgres", sockets, logs / "postgres.log"),
        None if "REDIS_URL" in os.environ else Valkey(sockets / "valkey.sock", logs / "valkey.log"),
    )


def logs_folder() -> Path:
    folder = var() / "log"
    folder.mkdir(exist_ok=True)
    return folder


def _home() -> Path:
    """var/, or a folder in /var/tmp where the account that runs PostgreSQL cannot get into var/."""
    if children.server_account().can_reach(var()):
        return var()
    return _outside(Path("/var/tmp"))


def _sockets() -> Path:
    folder = _home() / "sockets"
    if len(os.fsencode(folder)) > LONGEST_SOCKET_FOLDER:
        folder = _outside(Path("/tmp")) / "sockets"
    return folder


def _outside(parent: Path) -> Path:
    folder = parent / short_name(var())
    folder.mkdir(mode=0o755, exist_ok=True)
    refuse_strange(folder)
    return folder


@contextlib.contextmanager
def throw_away() -> Iterator[dict[str, str]]:
    """Quick servers in a temporary folder, side by side with any others; gives the environment that leads to them."""
    _sweep_after_kills()
    folder = Path(tempfile.mkdtemp(prefix=THROW_AWAY_PREFIX, dir=_temporary()))
    folder.chmod(0o755)
    in_use = os.open(folder, os.O_RDONLY)
    fcntl.flock(in_use, fcntl.LOCK_EX)
    sockets = folder / "sockets"
    servers = Services(
        Postgres(folder / "postgres", sockets, folder / "postgres.log", throw_away=True),
        Valkey(sockets / "valkey.sock", folder / "valkey.log"),
    )
    try:
        servers.start()
        yield servers.environment() | test_settings(folder)
    finally:
        servers.stop()
        shutil.rmtree(folder, ignore_errors=True)
        os.close(in_use)


def _temporary() -> Path:
    """The machine's temporary folder, unless sockets in it would be too long or PostgreSQL could not get in."""
    folder = Path(tempfile.gettempdir())
    short = len(os.fsencode(folder)) + len(THROW_AWAY_PREFIX) + 20 < LONGEST_SOCKET_FOLDER
    return folder if short and children.server_account().can_reach(folder) else Path("/tmp")


def _sweep_after_kills() -> None:
    """Remove throw-away folders that nobody holds any more."""
    for folder in _temporary().glob(f"{THROW_AWAY_PREFIX}*"):
        if time.time() - folder.stat().st_mtime < JUST_MADE:
            continue
        with contextlib.suppress(OSError):  # held, just removed by another sweep, or another user's
            held = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(held)


def test_settings(folder: Path) -> dict[str, str]:
    """The rest of the environment for throw-away servers: as in production, but nothing leaves the machine."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "DEBUG": "0",
        "DEMO": "0",
        "BASE_URL": "http://localhost:8000",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
        "EMAIL_URL": "memorymail://",
        "MAIL_CATCHER_DIR": str(folder / "mails"),
        "PORTAL_VAR": str(folder),
    }


def development_settings(*, debug: bool) -> dict[str, str]:
    """The environment of `make run` and `make dev`; what the developer's own environment names stays as it is."""
    mails = var() / "mails"
    mails.mkdir(exist_ok=True)
    settings = {
        "SECRET_KEY": _secret("secret_key"),
        "DEBUG": "1" if debug else "0",
        "DEMO": "0" if "DATABASE_URL" in os.environ else "1",
        **({} if "DATABASE_URL" in os.environ else {"OPERATORS": "alice@lemoine.example"}),
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "LOG_LEVEL": "INFO",
    }
    if "EMAIL_URL" not in os.environ:
        settings["MAIL_CATCHER_DIR"] = str(mails)
    return {name: value for name, value in settings.items() if name not in os.environ}


def _secret(name: str) -> str:
    """A secret of this run's folder: made once, so that sessions outlive a restart, readable by us alone."""
    path = var() / name
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(50))
    return path.read_text()
