"""The real product, as `make run` starts it: web, worker, beat, PostgreSQL and Valkey, in a folder of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300.0  # seconds until everything answers, or has ended, on a busy machine
# What `dev.py test` tells this process about its own servers must not reach the product under test.
OURS = ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "SECRET_KEY", "BASE_URL", "PORT", "DEBUG")

# No test takes the power away: a commit need not wait for the disk.
QUICKER = {"PGOPTIONS": "-c synchronous_commit=off"}


@dataclass(frozen=True)
class Stack:
    """A running product."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]
    # By address: the session that somebody signed in to last, and where that led them.
    sessions: dict[str, tuple[str, str]] = field(default_factory=dict)

    def mails_to(self, address: str) -> list[EmailMessage]:
        """The mails caught for that address, oldest first."""
        found = []
        for path in sorted((self.folder / "mails").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns):
            message = message_from_bytes(path.read_bytes(), policy=default)
            if address in str(message["To"]):
                found.append(message)
        return found

    def mail_to(self, address: str, *, count: int = 1, within: float = 90.0) -> EmailMessage:
        """The newest mail to that address, once there are `count`. Raises AssertionError if they don't come."""
        until = time.monotonic() + within
        while len(mails := self.mails_to(address)) < count:
            assert time.monotonic() < until, f"{len(mails)} of {count} mails to {address} after {within} s"
            time.sleep(0.2)
        return mails[-1]


@contextmanager
def started(folder: Path, **settings: str) -> Iterator[Stack]:
    """Start the product in that folder, wait until it answers, and stop it."""
    environment = _environment() | {"PORTAL_VAR": str(folder), "PORT": str(_free_port()), **settings}
    with (folder / "output.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "dev.py", "run"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
        try:
            yield Stack(_url(process, folder), folder, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=PATIENCE)


@contextmanager
def beside(running: Stack, **settings: str) -> Iterator[Stack]:
    """Another web server of a running product, under other settings: the same database, worker and mails."""
    note = json.loads((running.folder / "running.json").read_text())
    port = str(_free_port())
    here = {"PORT": port, "BASE_URL": f"http://localhost:{port}", "WEB_CONCURRENCY": "1"}
    environment = _environment() | note["environment"] | here | settings
    environment.pop("OWNER_DATABASE_URL")
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}"]
    with (running.folder / "beside.log").open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            _wait_for(f"{here['BASE_URL']}/healthz", process, running.folder / "beside.log")
            yield Stack(here["BASE_URL"], running.folder, process, running.sessions)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=PATIENCE)


def _environment() -> dict[str, str]:
    product = {
        name: value
        for name, value in os.environ.items()
        if name not in OURS and not name.endswith("_DATABASE_URL") and name != "MAIL_CATCHER_DIR"
    }
    return product | QUICKER


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with suppress(urllib.error.URLError), urllib.request.urlopen(url):
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-3000:])


def _url(process: subprocess.Popen[bytes], folder: Path) -> str:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        note = folder / "running.json"
        if note.exists() and (url := json.loads(note.read_text() or "{}").get("url")):
            return str(url)
        time.sleep(0.2)
    raise AssertionError((folder / "output.log").read_text()[-3000:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
