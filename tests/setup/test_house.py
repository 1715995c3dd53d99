"""Each contract of the house is seen red: a copy of the code with one wrong import must fail that contract."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from devtools.paths import APPS, ROOT, VENV


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for app in APPS:
        shutil.copytree(ROOT / app, tmp_path / app, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def contracts_broken(copy: Path) -> list[str]:
    result = subprocess.run(
        [VENV / "bin" / "lint-imports", "--no-cache"],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode in (0, 1), result.stdout + result.stderr
    return [line.removesuffix(" BROKEN") for line in result.stdout.splitlines() if line.endswith(" BROKEN")]


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("spreadsheets/wrong.py", "import tenancy.keys", "Imports go down the house only"),
        ("tenancy/wrong.py", "from clients import models", "Imports go down the house only"),
        ("portfolios/models.py", "from portfolios import actions", "Inside an app, doors stand above"),
        ("clients/tasks.py", "from clients import jobs", "Inside an app, doors stand above"),
        (
            "portfolios/wrong.py",
            "from guardian.shortcuts import assign_perm",
            "Only accounts.permissions and",
        ),
        ("accounts/actions/firms.py", "import guardian", "Only accounts.permissions and"),
        ("portfolios/wrong.py", "from activity.models import Event", "Only activity touches its tables"),
        ("clients/views/wrong.py", "from clients import tasks", "Views and API start work through jobs"),
    ],
)
def test_a_wrong_import_breaks_its_contract(copy: Path, module: str, line: str, contract: str) -> None:
    (copy / "clients" / "jobs.py").touch()
    (copy / "clients" / "tasks.py").touch()
    with (copy / module).open("a") as file:
        file.write(f"\n{line}\n")
    assert [name for name in contracts_broken(copy) if name.startswith(contract)]
