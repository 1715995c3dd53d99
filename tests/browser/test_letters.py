"""A printed letter in real browsers: the firm prints it, the client types its code on a phone, the firm confirms."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.viewer import PHONE, Viewer, Visitors
from tests.invitations.test_letters import texts

pytestmark = pytest.mark.browser

CODE = re.compile(r"\b(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}\b")
ADDRESS = "par.lettre@client.example"


@pytest.fixture
def client(visitors: Visitors) -> Viewer:
    """Somebody with a phone and a letter, without an account."""
    return visitors(size=PHONE)


def print_letter(alice: Viewer, here: str) -> str:
    """The code of a letter to a client without an invitation."""
    page = alice.page
    alice.go(here + "dossiers/?state=none&size=20")
    page.locator("[data-bulk-row]").nth(0).check()
    page.get_by_role("button", name="Imprimer des lettres").click()
    dialog = page.locator("#dialog-body")
    expect(dialog.get_by_role("button", name="Imprimer 1 lettre (PDF)")).to_be_visible()
    alice.look("dialog: a letter to print")
    told = page.locator("[data-toasts]")  # and not the bell's list, which keeps it, hidden
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Imprimer 1 lettre (PDF)").click()
        # It is told as the button is pressed, and for some seconds; the file may take longer.
        expect(told.get_by_text("votre navigateur la range avec vos téléchargements")).to_be_visible()
    # A second press would make void what has just been printed.
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("[data-bulk-row]:checked")).to_have_count(0)
    found = CODE.search(texts(Path(download.value.path()).read_bytes()))
    assert found
    return found[0]


def answer(client: Viewer, code: str) -> None:
    """On a phone, from the typed code to the confirmed address."""
    page = client.page
    client.visit("invitations:letter", "/lettre/")
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
    here = alice.firm
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
    expect(client.page.get_by_role("main")).to_contain_text("Lemoine")
