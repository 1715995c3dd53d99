"""Commands in the foreground: they have the terminal, and Ctrl-C reaches them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from devtools import children
from devtools.paths import PYTHON, ROOT


def run(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> int:
    """Run a command from the checkout's top; its exit code. It ends with us, whatever ends us."""
    with _left_to_the_command(signal.SIGINT):
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | dict(env or {}),
            preexec_fn=children.die_with_parent(signal.SIGTERM),
        )
        with _passed_on_to(process, signal.SIGTERM):
            return process.wait()


def python(*arguments: str, env: Mapping[str, str] | None = None) -> int:
    """Run the virtual environment's Python."""
    return run([PYTHON, *arguments], env=env)


@contextlib.contextmanager
def _left_to_the_command(signum: signal.Signals) -> Iterator[None]:
    """Ctrl-C goes to the whole terminal: the command decides what it means, and we tidy up after it."""
    previous = signal.signal(
        signum, lambda *_: None
    )  # a handler, not SIG_IGN, which the command would inherit
    try:
        yield
    finally:
        signal.signal(signum, previous)


@contextlib.contextmanager
def _passed_on_to(process: subprocess.Popen[bytes], signum: signal.Signals) -> Iterator[None]:
    previous = signal.signal(signum, lambda *_: process.send_signal(signum))
    try:
        yield
    finally:
        signal.signal(signum, previous)
