import ast
import os
import shutil
import socket
from importlib import util
from pathlib import Path

import pytest

from devtools import running, testing, venv
from devtools.console import Stop
from devtools.paths import ROOT


def test_an_old_python_can_still_read_dev_py_to_say_what_it_needs() -> None:
    ast.parse((ROOT / "dev.py").read_text(), feature_version=(3, 5))


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
