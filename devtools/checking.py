"""`make lint`: every check that needs no running product, side by side, each told in full where it fails."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from devtools import foreground, venv
from devtools.console import say
from devtools.paths import PYTHON, ROOT, VENV

# Django must be able to read its settings; nothing here connects to anything.
NOWHERE = {
    "SECRET_KEY": "for checks only",
    "DATABASE_URL": "postgresql://portal_runtime@/portal?host=/nonexistent",
    "REDIS_URL": "redis+socket:///nonexistent",
    "DEBUG": "0",
    "EMAIL_URL": "memorymail://",
    "POSTGRES_PASSWORD": "none",
    "OWNER_PASSWORD": "none",
    "RUNTIME_PASSWORD": "none",
}


@dataclass(frozen=True)
class Check:
    name: str
    command: Sequence[str]


def _program(name: str, *arguments: str) -> list[str]:
    return [str(VENV / "bin" / name), *arguments]


def _python(*arguments: str) -> list[str]:
    return [str(PYTHON), *arguments]


def checks() -> list[Check]:
    """Slowest first, so that both processors are busy to the end."""
    return [
        Check("mypy", _program("mypy")),
        Check("djlint", _program("djlint", "--lint", "--quiet", "templates")),
        Check("import-linter", _program("lint-imports")),
        Check("migrations", _python("manage.py", "makemigrations", "--check", "--dry-run")),
        Check("django", _python("manage.py", "check")),
        Check("translations", _python("tools/translations.py", "check")),
        Check("docker-compose", _program("docker-compose", "config", "--quiet")),
        Check("hadolint", _program("hadolint", "Dockerfile")),
        Check("ruff", _program("ruff", "check", "--quiet", "--output-format", "concise")),
        Check("ruff format", _program("ruff", "format", "--check", "--quiet", "--output-format", "concise")),
    ]


def lint(arguments: Sequence[str]) -> int:
    """Run all checks, or the named ones; 1 if any failed."""
    venv.ensure("dev")
    wanted = [check for check in checks() if not arguments or check.name in arguments]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        failed = [name for name in pool.map(_run, wanted) if name]
    say(f"{len(wanted) - len(failed)} of {len(wanted)} checks passed." + _which(failed))
    return 1 if failed else 0


def _which(failed: Sequence[str]) -> str:
    return f" Failed: {', '.join(failed)}." if failed else ""


def _run(check: Check) -> str:
    """Run one check and tell how it went; its name if it failed, else nothing."""
    began = time.monotonic()
    environment = NOWHERE | os.environ | {"PYTHONWARNINGS": "ignore"}
    result = subprocess.run(
        check.command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    took = f"{time.monotonic() - began:.1f} s"
    if result.returncode == 0:
        say(f"{check.name}: passed, {took}")
        return ""
    say(f"{check.name}: FAILED, {took}\n{result.stdout.rstrip()}\n")
    return check.name


def tidy(_arguments: Sequence[str]) -> int:
    """Format the Python code, and mend what ruff can mend by itself."""
    venv.ensure("dev")
    mended = foreground.run(_program("ruff", "check", "--fix", "--quiet"))
    return foreground.run(_program("ruff", "format")) or mended
