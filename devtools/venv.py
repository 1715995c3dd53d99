"""The virtual environment: made once, and brought up to date when a lock file changed."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

from devtools.console import Stop, say
from devtools.paths import PYTHON, ROOT, VENV

STAMP = VENV / "firm-portal.json"
# The development lock holds everything of the local one, at the same versions.
CONTAINS = {"local": ("local",), "dev": ("dev", "local")}


def keep_bytecode() -> None:
    """Where Python is told to leave no bytecode beside its sources, as in many containers, let it stand in var/.

    The packages are installed uncompiled; without it, each process of a product or a test run compiles Django anew.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(ROOT / "var" / "bytecode"))


def ensure(lock: str) -> None:
    """Make `.venv` hold what requirements-<lock>.lock names ("local" to run, "dev" to test and check)."""
    with _one_at_a_time():
        if _installed().get(lock) == _digest(lock) and _works():
            return
        if not _works():
            _create()
        say(f"Installing packages of requirements-{lock}.lock …")
        _install(lock)
        digests = _installed() | {name: _digest(name) for name in CONTAINS[lock]}
        STAMP.write_text(json.dumps(digests))


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two commands started together must not install into the same folder."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _digest(lock: str) -> str:
    return hashlib.sha256((ROOT / f"requirements-{lock}.lock").read_bytes()).hexdigest()


def _installed() -> dict[str, str]:
    try:
        digests = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): str(digest) for name, digest in digests.items()}


def _works() -> bool:
    """Whether the environment's Python starts: the one it was made from may have been removed since."""
    if not PYTHON.exists():
        return False
    return subprocess.run([PYTHON, "-c", ""], capture_output=True, check=False).returncode == 0


def _create() -> None:
    say("Making the virtual environment …")
    uv = shutil.which("uv")
    if uv:
        command = [uv, "venv", "--quiet", "--python", sys.executable, str(VENV)]
    elif importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        command = [sys.executable, "-m", "venv", str(VENV)]
    else:
        raise Stop(
            f"{sys.executable} has no module for virtual environments. Install it (on Debian and Ubuntu: "
            f"apt install python3-venv), or install uv, then start again."
        )
    shutil.rmtree(VENV, ignore_errors=True)
    _run(command, "The virtual environment could not be made")


def _install(lock: str) -> None:
    """Install with hashes checked and wheels only, so that nothing is built or run on the way."""
    requirements = str(ROOT / f"requirements-{lock}.lock")
    safely = ["--require-hashes", "--only-binary=:all:", "--quiet", "-r", requirements]
    uv = shutil.which("uv")
    if uv:
        command = [uv, "pip", "install", "--python", str(PYTHON), *safely]
    else:
        # Not compiled: that would take longer than the rest, and Python compiles what it imports.
        command = [
            str(PYTHON),
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-compile",
            *safely,
        ]
    _run(command, f"The packages of requirements-{lock}.lock could not be installed")


def _run(command: list[str], failure: str) -> None:
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise Stop(f"{failure}: see the lines above. Is the network, or your package mirror, within reach?")
