"""Many invitations in a real browser, by a real worker: prepared, looked at, sent, left and found again; corrected."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ALICE
from tests.browser.stack import Stack
from tests.browser.viewer import Viewer, Visitors

pytestmark = pytest.mark.browser


@pytest.fixture
def alice(visitors: Visitors, by_workers: Stack) -> Viewer:
    return visitors(ALICE, stack=by_workers)


def tick(page: Page, count: int) -> None:
    """The last rows of the page, which no other test takes."""
    boxes = page.locator("[data-bulk-row]")
    for number in range(1, count + 1):
        boxes.nth(-number).check()


def prepare(alice: Viewer, here: str) -> None:
    page = alice.page
    alice.go(here + "dossiers/?state=none&size=20&cols=name.email")
    tick(page, 4)
    page.get_by_role("button", name="Envoyer l'invitation").click()
    dialog = page.locator("#dialog-body")
    expect(dialog.get_by_role("button", name="Préparer seulement")).to_be_visible()
    alice.look("dialog: many invitations")
    dialog.get_by_role("button", name="Préparer seulement").click()
    expect(page).to_have_url(re.compile("/envois/0"))


def test_prepared_sent_left_and_found_again(alice: Viewer) -> None:
    page = alice.page
    here = alice.firm
    prepare(alice, here)
    expect(
        page.get_by_text(re.compile("brouillons? .* depuis la liste des invitations"))
    ).to_be_visible()  # over
    alice.look("invitations:sending, drafts prepared")
    page.get_by_role("link", name="Vers les invitations").click()
    page.wait_for_url(re.compile("state=draft"))
    alice.look("invitations:list, drafts")
    page.locator("[data-bulk-page]").check()
    page.get_by_role("button", name="Envoyer les brouillons").click()
    expect(page).to_have_url(re.compile("/envois/0"))
    address = page.url
    page.close()  # it goes on without anybody looking
    page = alice.page = alice.context.new_page()
    alice.go(here + "invitations/")
    page.get_by_role("link", name="Envois groupés").click()
    expect(page).to_have_url(re.compile("/envois/$"))
    alice.look("invitations:sendings, with some")
    page.goto(address)
    expect(page.get_by_text(re.compile("courriels? (est parti|sont partis)"))).to_be_visible()
    expect(page.locator("progress")).to_have_count(0)  # the page as it is loaded anew
    alice.look("invitations:sending, over")


def test_a_wrong_address_is_corrected_from_the_list(alice: Viewer) -> None:
    page = alice.page
    here = alice.firm
    alice.go(here + "invitations/?state=sent")
    row = page.locator("tbody tr").first
    row.get_by_role("button", name=re.compile("^Actions")).click()
    page.get_by_role("menuitem", name="Corriger l'adresse").click()
    dialog = page.locator("#dialog-body")
    dialog.get_by_label("Adresse e-mail").fill("la.bonne@adresse.example")
    alice.look("dialog: correct the address")
    dialog.get_by_role("button", name="Corriger et envoyer").click()
    told = page.locator("[data-toasts]")  # and not the bell's list, which keeps it, hidden
    expect(told.get_by_text("L'invitation part vers la.bonne@adresse.example")).to_be_visible()
    alice.stack.mail_to("la.bonne@adresse.example")
