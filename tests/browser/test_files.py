"""A client hands a file over, the firm takes it, each in their own browser, and the other way; it is taken back, and
put back."""

from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from firm_portal.demo import CLIENT, LEMOINE
from tests.browser.viewer import PHONE, Viewer

pytestmark = pytest.mark.browser

PDF = b"%PDF-1.7\n% an invoice\n"


@pytest.fixture
def invoice(tmp_path: Path) -> Path:
    path = tmp_path / "Facture n° 12.pdf"
    path.write_bytes(PDF)
    return path


def to_files_of_the_client(alice: Viewer) -> None:
    """From the list to the dossier of the client that both firms follow, and to its files."""
    page = alice.page
    alice.go(alice.firm + "dossiers/?q=C900")
    href = page.locator("tbody th a").first.get_attribute("href")
    alice.go(str(href))
    page.get_by_role("link", name="Ouvrir les fichiers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Fichiers")


def line_of(page: Page, name: str) -> str:
    return f'tbody tr:has-text("{name}")'


def test_a_file_goes_from_the_client_to_the_firm(client: Viewer, alice: Viewer, invoice: Path) -> None:
    page = client.page
    page.get_by_role("link", name="Fichiers", exact=True).click()
    page.locator("input[type=file]").set_input_files(invoice)
    page.get_by_label("Pour quel cabinet").select_option(label=LEMOINE.name)
    page.get_by_role("button", name="Déposer").click()
    line = page.locator(line_of(page, invoice.name))
    expect(line).to_contain_text("Pas encore téléchargé")
    client.look("clients:space_files")
    to_files_of_the_client(alice)
    alice.look("clients:files")
    received = alice.page.locator(line_of(alice.page, invoice.name))
    with alice.page.expect_download() as download:
        received.get_by_role("button", name="Télécharger").click()
    assert download.value.suggested_filename == invoice.name
    assert Path(download.value.path()).read_bytes() == PDF
    page.reload()
    expect(line).to_contain_text("Téléchargé")
    page.get_by_role("link", name="Accès", exact=True).click()
    expect(page.get_by_role("row", name="Alice").first).not_to_contain_text("pas encore")
    client.look("clients:space_watchers")


def test_a_file_goes_from_the_firm_to_the_client_on_a_phone(client: Viewer, alice: Viewer) -> None:
    before = len(client.stack.mails_to(CLIENT))
    to_files_of_the_client(alice)
    dropped: FilePayload = {"name": "Bilan 2026.pdf", "mimeType": "application/pdf", "buffer": PDF}
    alice.page.locator("input[type=file]").set_input_files(dropped)
    alice.page.get_by_role("button", name="Déposer").click()
    sent = alice.page.locator(line_of(alice.page, "Bilan 2026.pdf"))
    expect(sent).to_contain_text("Pas encore téléchargé")
    mail = client.stack.mail_to(CLIENT, count=before + 1)
    assert "Bilan" not in str(mail["Subject"]) and "Besson" not in str(mail["Subject"])
    assert not list(mail.iter_attachments()), "the mail tells of it; the file is taken where it lies"
    page = client.page
    page.set_viewport_size(PHONE)
    client.go(page.url.removeprefix(client.stack.url).split("?")[0] + "fichiers/")
    received = page.locator(line_of(page, "Bilan 2026.pdf"))
    expect(received).to_contain_text("Nouveau")
    client.note("clients:space_files with a new one")
    with page.expect_download() as download:
        received.get_by_role("button", name="Télécharger").click()
    assert download.value.suggested_filename == "Bilan 2026.pdf"
    assert Path(download.value.path()).read_bytes() == PDF
    alice.page.reload()
    expect(sent).not_to_contain_text("Pas encore téléchargé")


def test_a_file_is_taken_back_on_a_phone_and_put_back(client: Viewer, invoice: Path) -> None:
    page = client.page
    page.set_viewport_size(PHONE)
    client.go(page.url.removeprefix(client.stack.url).split("?")[0] + "fichiers/")
    path = invoice.rename(invoice.with_name("Relevé.pdf"))
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_label("Pour quel cabinet").select_option(label=LEMOINE.name)
    page.get_by_role("button", name="Déposer").click()
    line = page.locator(line_of(page, "Relevé.pdf"))
    where = str(line.get_by_role("link", name="Retirer").get_attribute("href"))
    line.get_by_role("link", name="Retirer").click()
    expect(page.locator("#dialog")).to_be_visible()
    page.locator("#dialog").get_by_role("button", name="Retirer").click()
    expect(line).to_contain_text("Retiré")
    line.get_by_role("button", name="Remettre").click()
    expect(line.get_by_role("button", name="Télécharger")).to_be_visible()
    client.visit("clients:space_take_file_back", where)


def test_what_is_refused_says_why(alice: Viewer, tmp_path: Path) -> None:
    page = alice.page
    to_files_of_the_client(alice)
    program = tmp_path / "facture.pdf"
    program.write_bytes(b"MZ\x00\x00 a program")
    page.locator("input[type=file]").set_input_files(program)
    page.get_by_role("button", name="Déposer").click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    alice.look("clients:files with errors")
    page.locator("input[type=file]").set_input_files(
        {"name": "note.txt", "mimeType": "text/plain", "buffer": b"Bonjour"}
    )
    page.get_by_role("button", name="Déposer").click()
    where = page.locator(line_of(page, "note.txt")).get_by_role("link", name="Retirer").get_attribute("href")
    alice.visit("clients:take_file_back", str(where))
