"""What stands between a checkout and a product that can start: roles, tables, French, static files, demo data."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from devtools import foreground
from devtools.console import Stop
from devtools.paths import ROOT

STATIC = ROOT / "staticfiles"
CATALOGUE = ROOT / "locale" / "fr" / "LC_MESSAGES" / "django.po"


def prepare(environment: Mapping[str, str], *, static: bool) -> None:
    """Bring database, translations and static files up to date. Raises Stop with the reason if it cannot."""
    if "OWNER_DATABASE_URL" not in os.environ | dict(environment):
        raise Stop(
            "DATABASE_URL names your own server, so OWNER_DATABASE_URL must too: "
            "the owner makes the tables (README)."
        )
    compile_translations()
    steps = ["roles", "migrate"]
    if (os.environ | dict(environment)).get("DEMO") == "1":
        steps.append("demo")
    if static:
        with _static_files_locked():
            fingerprint = _fingerprint()
            if _collected() != fingerprint:
                _run([*steps, "static"], environment)
                _stamp().write_text(fingerprint)
                return
    # Nobody else's start waits for ours: each has a database of its own.
    _run(steps, environment)


def make_tables(environment: Mapping[str, str]) -> None:
    """Roles and tables only, for throw-away servers."""
    _run(["roles", "migrate"], environment)


def collect_static(environment: Mapping[str, str]) -> None:
    """Gather the static files if they changed since they were last gathered."""
    with _static_files_locked():
        fingerprint = _fingerprint()
        if _collected() != fingerprint:
            _run(["static"], environment)
            _stamp().write_text(fingerprint)


def compile_translations() -> None:
    """Make the .mo file, which is not in the repository, where it is missing or out of date."""
    compiled = CATALOGUE.with_suffix(".mo")
    if compiled.exists() and compiled.stat().st_mtime >= CATALOGUE.stat().st_mtime:
        return
    if foreground.python(str(ROOT / "tools" / "translations.py"), "compile"):
        raise Stop("The translations could not be compiled: see the lines above.")


def _run(steps: list[str], environment: Mapping[str, str]) -> None:
    if foreground.python("-m", "devtools.prepare", *steps, env=environment):
        raise Stop("The product could not be prepared: see the lines above.")


@contextlib.contextmanager
def _static_files_locked() -> Iterator[None]:
    """Runs and tests of one checkout share the gathered files."""
    STATIC.mkdir(exist_ok=True)
    folder = os.open(STATIC, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _stamp() -> Path:
    return STATIC / ".gathered"


def _collected() -> str:
    return _stamp().read_text() if _stamp().exists() else ""


def _fingerprint() -> str:
    """Of every static file's name, size and time, and of the packages, which bring files of their own."""
    digest = hashlib.sha256((ROOT / "requirements.lock").read_bytes())
    for path in sorted((ROOT / "static").rglob("*")):
        status = path.stat()
        digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
