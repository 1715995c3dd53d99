"""One process that starts the others in order, shows what they say, and ends them all."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from devtools import children
from devtools.console import Stop, say
from devtools.instance import Running
from devtools.paths import ROOT

CODE = {".py", ".html", ".txt"}
LONGEST_PAUSE = 30.0
STABLE_AFTER = 30.0  # seconds after which a program that ends is not counted as failing again


@dataclass
class Program:
    """A program to keep running. `ready` tells when the next one may start; `changed` when to start it anew."""

    name: str
    launch: Callable[[], subprocess.Popen[bytes]]
    ready: Callable[[], bool] = lambda: True
    changed: Callable[[], bool] = lambda: False
    stop_signal: int = signal.SIGTERM
    patience: float = 20.0  # seconds between asking it to end and ending it
    process: subprocess.Popen[bytes] | None = None
    since: float = field(default_factory=time.monotonic)
    failures: int = 0
    not_before: float = 0.0

    def start(self) -> None:
        self.process = self.launch()
        self.since = time.monotonic()
        if self.process.stdout is not None:
            threading.Thread(target=self._show, args=(self.process.stdout,), daemon=True).start()

    def stop(self) -> None:
        if self.process is not None:
            children.stop(self.process, self.stop_signal, patience=self.patience)
            self.process = None

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def plan_restart(self) -> float:
        """Note that it ended by itself; the pause in seconds, which doubles while it keeps failing."""
        stable = time.monotonic() - self.since > STABLE_AFTER
        self.failures = 1 if stable else self.failures + 1
        pause = min(LONGEST_PAUSE, 0.5 * 2.0**self.failures)
        self.not_before = time.monotonic() + pause
        self.stop()  # what it started may have outlived it
        return pause

    def _show(self, output: IO[bytes]) -> None:
        for line in output:
            say(line.decode(errors="replace").rstrip(), who=self.name)


def launcher(
    command: Sequence[str | Path], environment: Mapping[str, str]
) -> Callable[[], subprocess.Popen[bytes]]:
    """A function that starts the command at the checkout's top, in that environment alone, its lines to be shown."""
    return lambda: children.spawn(command, cwd=ROOT, env=environment, output=subprocess.PIPE)


class Supervisor:
    """Keeps programs running until a signal asks it to end."""

    def __init__(self, running: Running) -> None:
        self.programs: list[Program] = []
        self._running = running
        self._ending = False
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self._end)

    def adopt(self, program: Program) -> None:
        """Look after a program that already runs."""
        self.programs.append(program)
        self._note(program)

    def start(self, *programs: Program, seconds: float = 120) -> None:
        """Start programs together and wait until all are ready. Raises Stop if one ends before, or takes longer."""
        for program in programs:
            program.start()
            self.adopt(program)
        for program in programs:
            self._wait_for(program, seconds)

    def _wait_for(self, program: Program, seconds: float) -> None:
        def settled() -> bool:
            return program.has_ended() or self._ending or program.ready()

        if not children.wait_until(settled, seconds=seconds):
            raise Stop(f"{program.name} is not ready after {seconds:.0f} seconds: see its lines above.")
        if self._ending:
            raise Stop("Stopped before it was ready.")
        if program.has_ended():
            raise Stop(f"{program.name} ended while starting: see its lines above.")
        say(f"ready after {time.monotonic() - program.since:.1f} s", who=program.name)

    def watch(self) -> None:
        """Keep everything running; returns when a signal asked to end."""
        while not self._ending:
            for program in self.programs:
                self._look_after(program)
            time.sleep(0.25)

    def stop(self) -> None:
        """End everything, last started first."""
        say("Stopping …")
        for program in reversed(self.programs):
            program.stop()

    def _look_after(self, program: Program) -> None:
        if program.has_ended():
            code = program.process.returncode if program.process else 0
            pause = program.plan_restart()
            say(f"ended with code {code}; starting it again in {pause:.0f} s", who=program.name)
        elif program.process is None and time.monotonic() >= program.not_before:
            program.start()
            self._note(program)
        elif program.process is not None and program.changed():
            say("the code changed; starting again", who=program.name)
            program.stop()
            program.start()
            self._note(program)

    def _note(self, program: Program) -> None:
        if program.process is not None:
            pid = program.process.pid
            self._running.children[program.name] = (pid, children.started_at(pid))
            self._running.write()

    def _end(self, signum: int, _frame: FrameType | None) -> None:
        """A signal comes in the midst of anything, also while we hold a lock: so nothing here may want one."""
        self._ending = True


def code_watcher(folders: Sequence[Path], *, every: float = 1.0) -> Callable[[], bool]:
    """A function that tells whether code or templates below the folders changed since it was last called."""
    state = _fingerprint(folders)
    next_look = time.monotonic() + every

    def changed() -> bool:
        nonlocal state, next_look
        if time.monotonic() < next_look:
            return False
        previous, state = state, _fingerprint(folders)
        next_look = time.monotonic() + every
        return state != previous

    return changed


def _fingerprint(folders: Sequence[Path]) -> frozenset[tuple[str, int]]:
    return frozenset(_files(folders))


def _files(folders: Sequence[Path]) -> Iterator[tuple[str, int]]:
    for folder in folders:
        for path in folder.rglob("*.*"):
            if path.suffix not in CODE:
                continue
            try:
                yield str(path), path.stat().st_mtime_ns
            except FileNotFoundError:  # an editor's file that came and went
                continue
