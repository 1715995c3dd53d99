"""The whole product on servers of its own: web server, worker and beat as `make run` starts them, any of which, and of
their servers, can be killed as the kernel kills."""

import contextlib
import os
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connections

from devtools import children
from devtools.paths import ROOT
from devtools.postgres import OWNER, RUNTIME, Postgres, tool
from devtools.running import HOST, beat_command, web_command, worker_command
from devtools.valkey import Valkey
from firm_portal.settings import database
from tenancy import tasks
from tests.resilience.silence import Way

PATIENCE = 60.0


class Product:
    """`with Product(folder, variables) as product`: it serves at `address`, and this process's Django looks into its
    database.

    `programs`: of web, worker and beat. `folder` must be one that the account which runs PostgreSQL may enter.
    """

    def __init__(self, folder: Path, programs: Sequence[str], variables: Mapping[str, str]) -> None:
        self.folder = folder
        self.name = connections["default"].settings_dict["NAME"]
        self.postgres = Postgres(folder / "postgres", folder / "sockets", folder / "postgres.log")
        self.valkey = Valkey(folder / "valkey.sock", folder / "valkey.log")
        self.way = Way(self.valkey.socket_path)
        self.port = _free_port()
        self.address = f"http://{HOST}:{self.port}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._programs, self._variables = programs, variables
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "Product":
        with self._stack as stack:
            stack.callback(self._end)
            _copy_test_server(self.postgres)
            self.postgres.start()
            self.valkey.start()
            stack.enter_context(self.way)
            stack.enter_context(self._looked_into())
            for name in self._programs:
                self.start(name)
            assert children.wait_until(self._serves, seconds=PATIENCE), self.told("web")
            self.wait_for_worker()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def start(self, name: str) -> None:
        command = {
            "web": web_command(self.port),
            "worker": worker_command(),
            "beat": beat_command(self.folder / "beat-schedule"),
        }[name]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = children.spawn(command, cwd=ROOT, env=self._environment(), output=log)

    def kill(self, name: str) -> None:
        """The program and what it has started, as `kill -9` does."""
        process = self.processes[name]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=30)

    def kill_one_child(self, name: str) -> None:
        """One of the processes that the program has started."""
        if started := _started_by(self.processes[name].pid):
            os.kill(started[-1], signal.SIGKILL)

    def web_workers(self) -> list[int]:
        """The processes that make the pages."""
        return _started_by(self.processes["web"].pid)

    def kill_broker(self) -> None:
        assert self.valkey.process is not None
        self.valkey.process.kill()
        self.valkey.process.wait(timeout=30)

    def flush_broker(self) -> None:
        """All that was queued is gone."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.valkey.socket_path))
            connection.sendall(b"FLUSHALL\r\n")
            assert connection.recv(100).startswith(b"+OK")

    def kill_database(self) -> None:
        """The server and all its backends at once, as a machine that loses its power."""
        assert self.postgres.process is not None
        for pid in (self.postgres.process.pid, *_started_by(self.postgres.process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.postgres.process.wait(timeout=30)
        connections["default"].close()

    def owner(self) -> psycopg.Connection:
        """A connection past all walls; each statement is a transaction."""
        return psycopg.connect(self.postgres.url(OWNER, self.name), autocommit=True)

    def has_worker(self) -> bool:
        return self.valkey.has_consumer()

    def wait_for_worker(self) -> None:
        assert children.wait_until(self.has_worker, seconds=PATIENCE), self.told("worker")

    def told(self, name: str) -> str:
        """The end of what a program has logged."""
        return (self.folder / f"{name}.log").read_text(errors="replace")[-5000:]

    def _environment(self) -> dict[str, str]:
        ours = {
            "DATABASE_URL": self.postgres.url(RUNTIME, self.name),
            "REDIS_URL": self.broker,
            "BASE_URL": self.address,
            "PORTAL_VAR": str(self.folder),
            "MAIL_CATCHER_DIR": "",
            "LOG_LEVEL": "WARNING",
            **self._variables,
        }
        return {name: of for name, of in (os.environ | ours).items() if name != "OWNER_DATABASE_URL"}

    @property
    def broker(self) -> str:
        return f"redis://127.0.0.1:{self.way.port}/0"

    def _serves(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    @contextlib.contextmanager
    def _looked_into(self) -> Iterator[None]:
        """Lead this process's Django to the product's database and broker, as the runtime role."""
        connection, broker = connections["default"], settings.CELERY_BROKER_URL
        before = dict(connection.settings_dict)
        connection.close()
        connection.settings_dict.update(database(self.postgres.url(RUNTIME, self.name)))
        settings.CELERY_BROKER_URL = self.broker
        tasks._broker.cache_clear()
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict.update(before)
            settings.CELERY_BROKER_URL = broker
            tasks._broker.cache_clear()

    def _end(self) -> None:
        for process in self.processes.values():
            children.stop(process, signal.SIGKILL, patience=0)
        self.valkey.stop()
        if self.postgres.process is not None:
            children.stop(self.postgres.process, signal.SIGQUIT, patience=20)


def _copy_test_server(target: Postgres) -> None:
    """Its roles and tables come along, which migrations would take many seconds to make."""
    target.person.own(target.folder)
    source = connections["owner"].get_connection_params()
    command = [tool("pg_basebackup"), "-h", source["host"], "-U", "postgres", "-D", str(target.data)]
    subprocess.run([*command, "--checkpoint=fast", "--no-sync"], check=True)
    for path in (target.data, *target.data.rglob("*")):
        os.chown(path, target.person.uid, target.person.gid)


def _started_by(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
