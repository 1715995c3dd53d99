"""A long export in a real browser, by a real worker: asked for, left, found again, downloaded; axe on each page."""

import re
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ALICE
from tests.browser.stack import Stack
from tests.browser.viewer import PHONE, Viewer, Visitors

pytestmark = pytest.mark.browser


@pytest.fixture
def alice(visitors: Visitors, by_workers: Stack) -> Viewer:
    return visitors(ALICE, stack=by_workers)


def ask_for_bakeries(viewer: Viewer, here: str) -> str:
    """From the list, filtered without a new page; returns the export's page once it is ready."""
    page = viewer.page
    viewer.go(here + "dossiers/")
    page.locator("[data-live-filter] [name=q]").fill("boulangerie")
    expect(page).to_have_url(re.compile("q=boulangerie"))
    page.get_by_role("button", name="Exporter").click()
    expect(page).to_have_url(re.compile("/exports/0"))
    expect(page.get_by_text("Votre export est prêt")).to_be_visible()
    return page.url


def downloaded(viewer: Viewer, path: Path) -> list[str]:
    """The names in the client list that the page's button brings."""
    with viewer.page.expect_download() as got:
        viewer.page.get_by_role("button", name=re.compile("Télécharger")).click()
    got.value.save_as(path)
    _header, *rows = openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)
    return [str(row[2]) for row in rows]


def test_a_long_export(alice: Viewer, tmp_path: Path) -> None:
    page = alice.page
    here = alice.firm
    alice.visit("exports:list", here + "exports/")
    address = ask_for_bakeries(alice, here)
    alice.look("exports:export, ready")
    alice.go(here)
    page.locator(".profile-button").click()
    page.get_by_role("link", name="Mes exports").click()
    expect(page).to_have_url(re.compile("/exports/$"))
    alice.look("exports:list, with one")
    found = downloaded(alice, tmp_path / "list.xlsx")
    assert found and all("boulangerie" in name.lower() for name in found)
    page.set_viewport_size(PHONE)
    page.goto(address)
    assert downloaded(alice, tmp_path / "phone.xlsx") == found
