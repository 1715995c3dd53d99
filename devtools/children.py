"""Child processes that never outlive us, and the people they run as."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(signum: int) -> Callable[[], None]:
    """A function for the child, before it executes its program: it gets `signum` when its parent dies.

    Linux watches the *thread* that made the child, so children are started from the main thread only.
    """
    parent = os.getpid()

    def ask_kernel() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
            if os.getppid() != parent:  # it died before we could ask
                os._exit(1)

    return ask_kernel


@dataclass(frozen=True)
class Person:
    """The system account that a server runs as."""

    uid: int
    gid: int

    @property
    def is_us(self) -> bool:
        return self.uid == os.geteuid()

    def can_reach(self, path: Path) -> bool:
        """Whether this account may enter every folder on the way to `path`, and read there."""
        return all(self._may_enter(folder) for folder in (path, *path.parents))

    def _may_enter(self, folder: Path) -> bool:
        status = folder.stat()
        return self.is_us or status.st_uid == self.uid or bool(status.st_mode & 0o001)

    def own(self, path: Path, mode: int = 0o700) -> None:
        """Make `path` a folder that belongs to this account."""
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        if not self.is_us:
            os.chown(path, self.uid, self.gid)


def server_account() -> Person:
    """Us; or `nobody` where we are root, because PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return Person(os.geteuid(), os.getegid())
    nobody = pwd.getpwnam("nobody")
    return Person(nobody.pw_uid, nobody.pw_gid)


def spawn(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    output: int | IO[bytes] | None = None,
    on_orphaned: int = signal.SIGTERM,
    person: Person | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in its own session (Ctrl-C reaches us alone), which gets `on_orphaned` if we die."""
    switch = person is not None and not person.is_us
    return subprocess.Popen(
        command,
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        start_new_session=True,
        preexec_fn=die_with_parent(on_orphaned),
        user=person.uid if person and switch else None,
        group=person.gid if person and switch else None,
        extra_groups=[] if switch else None,
    )


def stop(process: subprocess.Popen[bytes], signum: int, *, patience: float) -> None:
    """Ask the program to end; after `patience` seconds end it, and whatever it left in its session."""
    if process.poll() is None:
        process.send_signal(signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def started_at(pid: int) -> str:
    """When the kernel started this process, in its own unit, or "": two processes may bear one number in turn."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *fields = status.rpartition(")")[2].split()
    return "" if state == "Z" else fields[18]


def wait_until(condition: Callable[[], bool], *, seconds: float, every: float = 0.05) -> bool:
    """Wait for the condition; False if it did not come in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True
