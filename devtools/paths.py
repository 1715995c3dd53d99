"""Where things are: the checkout, its virtual environment, and the folder of what a run keeps."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
APPS = (
    "firm_portal",
    "invitations",
    "clients",
    "portfolios",
    "exports",
    "accounts",
    "activity",
    "tenancy",
    "spreadsheets",
)


def var() -> Path:
    """The folder of databases, logs, mails and secrets of this run; PORTAL_VAR names another one."""
    folder = Path(os.environ.get("PORTAL_VAR") or ROOT / "var").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def site_packages() -> Path:
    """The virtual environment's packages."""
    return next((VENV / "lib").glob("python3*/site-packages"))


def short_name(path: Path) -> str:
    """A short, stable name for a path, for folders that must stand outside the checkout."""
    return "firm-portal-" + hashlib.sha256(str(path).encode()).hexdigest()[:12]
