"""Test runs: pytest with throw-away servers, and a browser where the tests want one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from devtools import foreground, preparation, services, venv
from devtools.console import Stop, say

# Some tests wait for what they start, stop or kill: a third process fills two cores meanwhile.
PROCESSES = 3
PYTEST = ("-m", "pytest")
# Chromium without its windows comes first: a tab of one's own costs it a quarter.
BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
FETCHED = ("chromium_headless_shell-*/*/*headless*shell", "chromium-*/chrome-linux*/chrome")  # by Playwright


def run_tests(arguments: Sequence[str], *, long: bool = False, runner: Sequence[str] = PYTEST) -> int:
    """Run pytest with these arguments. `long`: those marked so too, and full counts where CI takes a share."""
    venv.ensure("dev")
    browser = _browser() if _may_need_browser(arguments) else _installed_browser()
    with services.throw_away() as environment:
        preparation.compile_translations()
        preparation.collect_static(environment)
        variables = environment | ({"PORTAL_CHROMIUM": browser} if browser else {})
        everything = ["-m", ""] if long else []
        whole = runner == PYTEST and not long and _is_whole(arguments)
        side_by_side = ["-n", str(PROCESSES)] if whole else []
        variables["PORTAL_LONG"] = "1" if long else "0"
        return foreground.python(*runner, *everything, *side_by_side, *arguments, env=variables)


def run_resilience_tests(arguments: Sequence[str]) -> int:
    """Run tests/resilience in full, of which `run_tests` takes a small share; each tells its figures."""
    named = [argument for argument in arguments if argument.startswith("tests")]
    return run_tests([*([] if named else ["tests/resilience"]), "-s", *arguments], long=True)


def measure_coverage(arguments: Sequence[str]) -> int:
    """Run the tests and report what they do not reach."""
    code = run_tests(arguments, runner=("-m", "coverage", "run", "-m", "pytest"))
    return code or foreground.python("-m", "coverage", "report")


def bring_browser(_arguments: Sequence[str]) -> int:
    """Bring the browser that the tests want, where there is none: what else is to be done meanwhile may be."""
    _browser()
    return 0


def with_services(command: Sequence[str], *, migrated: bool = False) -> int:
    """Run any command with throw-away servers in its environment, with the tables made where `migrated`."""
    venv.ensure("dev")
    if not command:
        raise Stop("Which command? For example: dev.py with-services --migrated -- bash")
    with services.throw_away() as environment:
        if migrated:
            preparation.make_tables(environment)
        return foreground.run(command, env=environment)


def _is_whole(arguments: Sequence[str]) -> bool:
    """A run of everything, which is worth a second process (a database, and the start of all that is shared)."""
    return not any(argument.startswith(("tests", "-n", "-k", "--pdb")) for argument in arguments)


def _may_need_browser(arguments: Sequence[str]) -> bool:
    """A run of everything, or of tests/browser; not one of other named tests."""
    named = [argument for argument in arguments if argument.split("::")[0].startswith("tests")]
    return not named or any("browser" in argument or argument.rstrip("/") == "tests" for argument in named)


def _installed_browser() -> str:
    """Debian's Chromium or another on PATH, else one that Playwright has fetched; empty where there is none."""
    for name in BROWSERS:
        found = shutil.which(name)
        if found:
            return found
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    fetched = [path for pattern in FETCHED for path in sorted(cache.glob(pattern), reverse=True)]
    return str(fetched[0]) if fetched else ""


def _browser() -> str:
    """The browser's path; brings one where none is: from the distribution as root, else Playwright's own."""
    if not _installed_browser():
        say("Bringing a browser for the tests …")
        if os.geteuid() == 0 and shutil.which("apt-get"):
            foreground.run(["apt-get", "update", "-qq"])
            for package in BROWSERS[:2]:
                if not _installed_browser():
                    foreground.run(["apt-get", "install", "-qq", "--yes", "--no-install-recommends", package])
        if not _installed_browser():
            venv.ensure("dev")
            foreground.python("-m", "playwright", "install", "chromium")
    found = _installed_browser()
    if not found:
        raise Stop(
            "The tests need a browser: install chromium (Debian: apt install chromium), then start again."
        )
    return found
