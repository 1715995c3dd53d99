import ast
import fcntl
import os
import shutil
import socket
from importlib import util
from pathlib import Path

import pytest

from devtools import cli, foreground, preparation, running, testing, venv
from devtools.console import Stop
from devtools.paths import ROOT


def test_an_old_python_can_still_read_dev_py_to_say_what_it_needs() -> None:
    ast.parse((ROOT / "dev.py").read_text(), feature_version=(3, 5))


def test_two_starts_do_not_wait_for_each_other_where_the_static_files_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They share nothing else: each brings a database of its own up to date, which takes a while."""
    done: list[list[str]] = []

    def run(steps: list[str], _environment: object) -> None:
        done.append(steps)
        if "static" not in steps:
            folder = os.open(tmp_path, os.O_RDONLY)
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as another start does meanwhile
            os.close(folder)

    monkeypatch.setattr(preparation, "STATIC", tmp_path)
    monkeypatch.setattr(preparation, "compile_translations", lambda: None)
    monkeypatch.setattr(preparation, "_run", run)
    for _start in range(2):
        preparation.prepare({"OWNER_DATABASE_URL": "…"}, static=True)
    assert done == [["roles", "migrate", "static"], ["roles", "migrate"]]


def test_a_python_without_venv_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(venv, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(venv, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(venv, "STAMP", tmp_path / "stamp.json")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    with pytest.raises(Stop, match="apt install python3-venv"):
        venv.ensure("local")


def test_bytecode_stands_in_var_where_none_may_lie_beside_the_sources(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "environ", {"PYTHONDONTWRITEBYTECODE": "1"})
    venv.keep_bytecode()
    assert os.environ == {"PYTHONPYCACHEPREFIX": str(ROOT / "var" / "bytecode")}


def test_bytecode_stays_where_it_is_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {})
    venv.keep_bytecode()
    assert os.environ == {}


def test_a_taken_port_gives_the_next_free_one() -> None:
    with socket.socket() as taken:
        taken.bind((running.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert running._free_port(port) > port


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], True),
        (["-x", "-k", "name"], True),
        (["tests/browser/test_main_job.py::test_it"], True),
        (["tests/"], True),
        (["tests/portfolios", "-x"], False),
    ],
)
def test_a_browser_is_brought_only_for_runs_that_may_want_one(arguments: list[str], wanted: bool) -> None:
    assert testing._may_need_browser(arguments) is wanted


def _bring(monkeypatch: pytest.MonkeyPatch, *offered: str) -> list[str]:
    """The packages that were asked for, by root on a Debian that offers these."""
    asked: list[str] = []

    def run(command: list[str]) -> int:
        asked.extend(command[-1:] if "install" in command else [])
        return 0

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", "/nowhere")

    def which(name: str) -> str | None:
        return name if name == "apt-get" or (name in offered and name in asked) else None

    monkeypatch.setattr(shutil, "which", which)
    monkeypatch.setattr(foreground, "run", run)
    assert testing._browser() == asked[-1]
    return asked


def test_the_lightest_browser_is_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _bring(monkeypatch, "chromium-headless-shell", "chromium") == ["chromium-headless-shell"]


def test_an_older_distribution_brings_the_whole_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _bring(monkeypatch, "chromium") == ["chromium-headless-shell", "chromium"]


def test_the_browser_can_be_brought_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    brought: list[str] = []

    def bring() -> str:
        brought.append("chromium")
        return "chromium"

    monkeypatch.setattr(testing, "_browser", bring)
    assert cli.main(["browser"]) == 0
    assert brought == ["chromium"]


def test_of_the_browsers_that_playwright_has_fetched_the_lightest_and_newest_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    for number in (1200, 1201):
        for path in (
            f"chromium-{number}/chrome-linux64/chrome",
            f"chromium_headless_shell-{number}/chrome-headless-shell-linux64/chrome-headless-shell",
        ):
            (tmp_path / path).parent.mkdir(parents=True)
            (tmp_path / path).touch()
    assert testing._installed_browser() == str(tmp_path / path)
