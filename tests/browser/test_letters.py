"""A printed letter in real browsers: the firm prints it, the client types its code on a phone, the firm confirms."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import resolve
from playwright.sync_api import Browser, expect

from firm_portal.demo import LEMOINE, PASSWORD
from tests.browser.conftest import PHONE
from tests.browser.stack import Stack
from tests.browser.viewer import Viewer
from tests.invitations.test_letters import texts

pytestmark = pytest.mark.browser

ALICE = LEMOINE.people[0]
CODE = re.compile(r"\b(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}\b")
ADDRESS = "par.lettre@client.example"


@pytest.fixture
def alice(demo_product: Stack, browser: Browser) -> Iterator[Viewer]:
    viewer = Viewer(demo_product, browser)
    viewer.sign_in(ALICE, PASSWORD)
    yield viewer
    viewer.close()


@pytest.fixture
def client(demo_product: Stack, browser: Browser) -> Iterator[Viewer]:
    """Somebody with a phone and a letter, without an account."""
    viewer = Viewer(demo_product, browser)
    yield viewer
    viewer.close()


def print_letter(alice: Viewer, here: str) -> str:
    """The code of a letter to a client without an invitation."""
    page = alice.page
    alice.go(here + "dossiers/?state=none&size=20")
    page.locator("[data-bulk-row]").nth(0).check()
    page.get_by_role("button", name="Imprimer des lettres").click()
    dialog = page.locator("#dialog-body")
    expect(dialog.get_by_role("button", name="Imprimer 1 lettre (PDF)")).to_be_visible()
    alice.look("dialog: a letter to print")
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Imprimer 1 lettre (PDF)").click()
    found = CODE.search(texts(Path(download.value.path()).read_bytes()))
    assert found
    return found[0]


def answer(client: Viewer, code: str) -> None:
    """On a phone, from the typed code to the confirmed address."""
    page = client.page
    client.visit("invitations:letter", "/lettre/")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a TypedDict
    page.get_by_label("Code de votre lettre").fill("0000 0000 0000 0000")
    page.get_by_role("button", name="Continuer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ceci n'ouvre rien")
    client.look("invitations:letter, closed")
    page.get_by_label("Code de votre lettre").fill(code.lower().replace("-", " "))
    page.get_by_role("button", name="Continuer").click()
    expect(page).to_have_url(re.compile("/lettre/adresse/$"))
    client.look("invitations:letter_address")
    page.get_by_label("Votre adresse e-mail").fill(ADDRESS)
    page.get_by_role("button", name="M'envoyer le message").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Regardez votre messagerie")
    client.look("invitations:letter_address, given")
    client.go(client.link_to(ADDRESS, "lettre/confirmer/"))
    expect(page).to_have_url(re.compile("/lettre/confirmer/$"))
    client.look("invitations:prove_address")
    page.get_by_role("button", name="Oui, cette adresse est la mienne").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Merci, votre adresse est confirmée")
    client.look("invitations:prove_address, proven")


def test_a_printed_letters_code_leads_to_an_invitation(alice: Viewer, client: Viewer) -> None:
    page = alice.page
    here = f"/cabinets/{resolve(page.url.removeprefix(alice.stack.url)).kwargs['firm_slug']}/"
    code = print_letter(alice, here)
    alice.go(here + "invitations/lettres/")
    alice.look("invitations:letters")
    revoke = str(page.locator('a[href$="/annuler/"]').first.get_attribute("href"))
    alice.visit("invitations:revoke_letter", revoke)
    answer(client, code)
    alice.go(here + "invitations/")
    expect(page.get_by_text("1 lettre a reçu une réponse")).to_be_visible()
    alice.visit("invitations:decline_letter", revoke.replace("/annuler/", "/decliner/"))
    alice.visit("invitations:confirm_letter", revoke.replace("/annuler/", "/confirmer/"))
    page.get_by_role("button", name="Confirmer et inviter").click()
    expect(page.get_by_text(f"L'invitation pour {ADDRESS} est en route").first).to_be_visible()
    client.go(client.link_to(ADDRESS, "invitation/"))
    expect(client.page.get_by_text("Lemoine").first).to_be_visible()
