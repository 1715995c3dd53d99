"""docs/permissions.md says what the code decides."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts import permissions_page
from accounts.management.commands import permissions_page as command
from accounts.permissions import Perm


def test_the_committed_page_is_current() -> None:
    call_command("permissions_page", check=True)


def test_every_permission_has_words() -> None:
    assert set(permissions_page.WORDS) == set(Perm)


def test_a_page_out_of_date_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = tmp_path / "permissions.md"
    stale.write_text(permissions_page.page().replace("●", "·", 1))
    monkeypatch.setattr(command, "PAGE", stale)
    with pytest.raises(CommandError):
        call_command("permissions_page", check=True)
    call_command("permissions_page", write=True)
    call_command("permissions_page", check=True)
