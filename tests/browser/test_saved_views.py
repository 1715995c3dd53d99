"""A view is saved, changed and opened again without a mouse; the columns too; what it shows is what is selected."""

import re
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, expect

from tests.browser.viewer import Viewer

pytestmark = pytest.mark.browser
BY_KEY = re.compile(r"\?vue=[0-9a-f-]+$")


@pytest.fixture
def viewer(alice: Viewer) -> Viewer:
    """An administrator before the list of client files."""
    alice.go(alice.firm + "dossiers/")
    return alice


def press(page: Page, label: str) -> None:
    """What one does with the keys: reach the button or line of that name, and press it."""
    page.wait_for_load_state()  # keys find a page also before its scripts have come
    exactly = re.compile(f"^{label}$")
    page.get_by_role("button", name=exactly).or_(page.get_by_role("menuitem", name=exactly)).first.focus()
    page.keyboard.press("Enter")


def rows(page: Page) -> int:
    return page.locator("tbody tr").count()


def test_a_view_is_saved_changed_and_found_again_with_the_keyboard(viewer: Viewer) -> None:
    page, everything = viewer.page, rows(viewer.page)
    search = page.locator(".filter-bar .search-input")
    search.focus()
    page.keyboard.type("boulangerie")
    expect(page).to_have_url(re.compile("q=boulangerie"))
    others = page.locator("tbody tr").filter(has_not_text=re.compile("boulangerie", re.IGNORECASE))
    expect(others).to_have_count(0)
    found = rows(page)
    assert 0 < found < everything
    press(page, "Vues")
    expect(page.get_by_role("menuitem", name="La liste entière")).to_be_focused()
    press(page, "Enregistrer cette liste comme vue")
    expect(page.get_by_label("Nom", exact=True)).to_be_focused()
    page.keyboard.type("Boulangeries du quartier")
    page.keyboard.press("Enter")
    expect(page).to_have_url(BY_KEY)
    expect(search).to_have_value("boulangerie")
    expect(page.locator("tbody tr")).to_have_count(found)

    search.fill("")
    expect(page.get_by_text("Vue modifiée")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(everything)
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(found)
    expect(search).to_have_value("boulangerie")
    expect(page.get_by_text("Vue modifiée")).to_be_hidden()


def test_columns_are_chosen_with_the_keyboard_and_saved_in_a_view(viewer: Viewer) -> None:
    page = viewer.page
    page.get_by_role("button", name="Vues").click()
    page.get_by_role("menuitem", name="Clients à inviter").click()
    expect(page).to_have_url(BY_KEY)
    press(page, "Colonnes")
    expect(page.locator("#columns :focus")).to_have_count(1)  # it has opened and taken the focus
    page.locator("#columns").get_by_label("Ville").focus()
    page.keyboard.press("Space")
    press(page, "Afficher")
    expect(page.get_by_role("columnheader", name="Ville")).to_be_visible()
    expect(page.get_by_text("Vue modifiée")).to_be_visible()
    press(page, "Enregistrer")
    expect(page).to_have_url(BY_KEY)
    expect(page.get_by_role("columnheader", name="Ville")).to_be_visible()


@pytest.mark.parametrize("width", [1366, 1100, 700])
def test_every_column_that_the_chooser_has_ticked_can_be_read(viewer: Viewer, width: int) -> None:
    page = viewer.page
    page.set_viewport_size({"width": width, "height": 800})
    page.get_by_role("button", name="Colonnes").click()
    expect(page.locator("#columns")).to_be_visible()
    ticked = page.locator("#columns label:has(:checked)").all_inner_texts()
    page.keyboard.press("Escape")
    assert "Dernière activité" in ticked
    for label in ticked:
        header = page.get_by_role("columnheader", name=label)
        header.scroll_into_view_if_needed()
        expect(header).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.get_by_role("columnheader", name="Nom")).to_be_in_viewport(ratio=1)


def test_all_that_a_view_shows_is_selected_and_no_more(viewer: Viewer) -> None:
    page = viewer.page
    page.get_by_role("button", name="Vues").click()
    page.get_by_role("menuitem", name="Clients à inviter").click()
    expect(page).to_have_url(BY_KEY)
    page.locator("[data-bulk-page]").check()
    page.locator("[data-bulk-all]").click()
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.get_by_role("button", name="Envoyer l'invitation").click()
    posted = parse_qs(sent.value.post_data or "")
    assert posted["all"] == ["1"]
    assert posted["query"] == ["state=none"]
