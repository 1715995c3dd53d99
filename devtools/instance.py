"""One running product per folder: a lock that dies with its holder, and a note of what runs."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

from devtools import children
from devtools.console import Stop, say
from devtools.paths import var

PATIENCE = float(os.environ.get("PORTAL_PATIENCE", "10"))  # seconds in which what is left may end by itself


@dataclass
class Running:
    """What the holder of the lock has written down."""

    pid: int
    url: str = ""
    children: dict[str, tuple[int, str]] = field(default_factory=dict)  # name → pid, when it started
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls) -> Self | None:
        try:
            return cls(**json.loads(_note().read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self) -> None:
        beside = _note().with_suffix(".new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(self), file)
        beside.replace(_note())


def _note() -> Path:
    return var() / "running.json"


def _lock_file() -> Path:
    return var() / "running.lock"


@contextlib.contextmanager
def held() -> Iterator[Running]:
    """Hold the lock. Raises Stop, with the address of the one that runs, where somebody else does."""
    handle = os.open(_lock_file(), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Stop(_already_running()) from None
        _wait_for_the_orphans_of_a_kill()
        running = Running(os.getpid())
        running.write()
        try:
            yield running
        finally:
            _note().unlink(missing_ok=True)
    finally:
        os.close(handle)


def _already_running() -> str:
    running = Running.read()
    if running is not None and running.url:
        return (
            f"Firm Portal is already running at {running.url} (process {running.pid}). `make stop` ends it."
        )
    return (
        "Firm Portal is being started or used by another command on this folder; try again when it has ended."
    )


def current() -> Running | None:
    """What runs at this moment, or None."""
    handle = os.open(_lock_file(), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return Running.read()
    finally:
        os.close(handle)
    return None


def stop() -> int:
    """End the running product, and wait until it has ended."""
    running = current()
    if running is None:
        say("Nothing is running.")
        return 0
    os.kill(running.pid, signal.SIGTERM)
    if not children.wait_until(lambda: current() is None, seconds=60, every=0.2):
        raise Stop(f"Process {running.pid} has not ended within a minute.")
    say("Stopped.")
    return 0


def _wait_for_the_orphans_of_a_kill() -> None:
    """A supervisor that was killed leaves its note, and what it started may still be ending."""
    left = Running.read()
    if left is not None:
        if any(_lives(*child) for child in left.children.values()):
            say("The last run was killed; waiting for the rest of it to end …")
        end_what_is_left(left)


def end_what_is_left(left: Running) -> None:
    """Give the programs of a killed supervisor time to end, then end them, and what they started in turn."""
    deadline = time.monotonic() + PATIENCE
    for name, child in left.children.items():
        if not children.wait_until(partial(_is_gone, *child), seconds=deadline - time.monotonic()):
            say(f"{name} (process {child[0]}) hangs; ending it.")
        if _lives(*child) or not children.started_at(child[0]):  # else its number is somebody else's by now
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child[0], signal.SIGKILL)


def _lives(pid: int, since: str) -> bool:
    return bool(since) and children.started_at(pid) == since


def _is_gone(pid: int, since: str) -> bool:
    return not _lives(pid, since)
