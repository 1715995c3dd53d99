"""Lines on the terminal: who speaks, in which colour, and how a command ends in one clear sentence."""

from __future__ import annotations

import os
import sys
import threading

COLOURS = {"portal": 36, "postgres": 34, "valkey": 31, "web": 32, "worker": 33, "beat": 35}
_lock = threading.Lock()


class Stop(Exception):
    """The command cannot go on; the text says why and what to do."""


def _coloured() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def say(text: str, *, who: str = "portal") -> None:
    """Print one line with its speaker in front. A reader that went away (`make run | head`) is no reason to stop."""
    name = f"{who:<8} |"
    if _coloured():
        name = f"\x1b[{COLOURS.get(who, 37)}m{name}\x1b[0m"
    with _lock:
        try:
            print(name, text, flush=True)
        except BrokenPipeError:
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - stays open for the rest of the run
