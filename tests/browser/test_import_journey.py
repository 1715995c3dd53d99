"""A messy client list on its whole way, in a real browser: upload → columns → plan → corrections → one's own workbook
with its errors → confirmation → report → undo; by keyboard and on the phone. Axe finds nothing anywhere.
"""

import re
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Page, expect

from tests.browser.viewer import PHONE, Viewer

pytestmark = pytest.mark.browser

# A title above the header, an unknown column, numbers that Excel has spoilt, slips, a client twice, a stranger, and
# portfolios that the firm has not.
MESSY: list[list[str | int | None]] = [
    ["Export de nos clients, 22/11/2026"],
    [],
    ["Code client", "Raison sociale", "N° SIRET", "Mél", "CP", "Groupe", "Responsable", "Humeur"],
    ["J001", "Boulangerie Jonquille", "732 829 320 00074", "clara@gmial.com", 1000, "Fleurs", "Zoé Inconnue", "bonne"],
    ["J002", "Menuiserie Béranger", 6520086700045, "contact@beranger.example", "75002", "Fleurs", None, None],
    ["J003", "Garage Châtelain", "12345678900000", None, None, "Autos", None, None],
    ["J001", "Boulangerie Jonquille", "732 829 320 00074", "clara@martin.example", "75001", "Fleurs", None, None],
    ["J004", "Plomberie Durand", "7,32829E+13", "marie,dupont@exemple.fr", None, "Autos", None, None],
    ["J005", None, None, "x@exemple.fr", None, None, None, None],
    ["C002", "Un nouveau nom", None, "neuf@exemple.fr", None, None, None, None],
]  # fmt: skip


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    book = openpyxl.Workbook()
    for row in MESSY:
        book.active.append(row)
    path = tmp_path / "nos clients.xlsx"
    book.save(path)
    return path


def from_the_top(page: Page) -> None:
    """The bar over the page covers no button then."""
    page.evaluate("scrollTo(0, 0)")


def upload(viewer: Viewer, path: Path) -> None:
    menu = viewer.page.get_by_role("navigation", name="Menu principal")
    menu.get_by_role("link", name="Imports", exact=True).click()
    viewer.page.wait_for_url(re.compile("/imports/$"))
    viewer.page.locator("input[type=file]").set_input_files(path)
    viewer.page.get_by_role("button", name="Envoyer le fichier").click()


def map_columns(viewer: Viewer) -> None:
    """The file stops here: a column is unknown. It stays so; the others were found."""
    page = viewer.page
    expect(page.get_by_role("button", name="Vérifier les lignes")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Humeur")
    viewer.look("the columns of a messy list")
    page.get_by_role("button", name="Vérifier les lignes").click()
    expect(page.get_by_role("link", name="Confirmer…")).to_be_visible()


def counts(page: Page, wanted: dict[str, int]) -> None:
    """What becomes of the rows, as the tabs say in this order."""
    tabs = [re.compile(rf"^\s*{label}\s+{count}\s*$") for label, count in wanted.items()]
    expect(page.locator(".import-tabs .tab")).to_have_text(tabs)


def under(page: Page, tab: str) -> None:
    page.locator(".import-tabs").get_by_role("link", name=re.compile(tab)).click()
    expect(page.locator(".import-tabs [aria-current]")).to_contain_text(tab)


def followed(page: Page, words: str) -> None:
    """The row was checked again, and the list is there anew, with its scripts: keys find it before they have come."""
    expect(page.locator(".import-followed")).to_contain_text(words)
    page.wait_for_load_state()


def correct_by_keyboard(page: Page) -> None:
    """Each correction leads on to the next row; a form is left by Escape."""
    page.get_by_role("link", name="Corriger (ligne 6)").focus()
    page.keyboard.press("Enter")
    field = page.get_by_label("SIRET (colonne C)")
    expect(field).to_be_focused()
    field.fill("12345678900001")
    page.keyboard.press("Enter")
    expect(page.locator(".import-form .form-errors")).to_contain_text("La clé de ce SIRET")
    expect(page.locator(".import-form :focus")).to_have_count(1)  # what is wrong has taken the focus
    field = page.get_by_label("SIRET (colonne C)")
    field.fill("552 100 554 00013")
    field.press("Enter")
    followed(page, "La ligne 6 (Garage Châtelain)")
    expect(page.get_by_role("link", name="Corriger (ligne 8)")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#row-8 .import-form :focus")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("#row-8 .import-form")).to_have_count(0)
    expect(page.get_by_role("link", name="Corriger (ligne 8)")).to_be_focused()


def accept_what_is_offered(page: Page) -> None:
    """One repair on its row; those of a column at once."""
    page.locator("#row-8").get_by_role("button", name=re.compile("marie.dupont@exemple.fr")).click()
    followed(page, "La ligne 8 (Plomberie Durand)")
    page.get_by_role("button", name="Tout accepter").click()
    expect(page.get_by_text("1 ligne a été corrigée").first).to_be_visible()
    expect(page.get_by_role("button", name="Tout accepter")).to_have_count(0)
    under(page, "À créer")
    expect(page.locator("#row-4")).to_contain_text("clara@gmial.com")  # what the file says stays to be seen
    expect(page.locator("#row-4 ins")).to_contain_text("clara@gmail.com")


def choose_portfolios(page: Page) -> None:
    page.get_by_role("link", name="Choisir autrement…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Autos").select_option(label="Laisser ces dossiers sans portefeuille")
    dialog.get_by_role("button", name="Enregistrer et revérifier").click()
    expect(page.locator(".import-before")).to_contain_text("1 portefeuille sera créé")


def choose_assignees(page: Page) -> None:
    """The list names somebody whom the firm has not."""
    expect(page.locator(".import-before")).to_contain_text("Zoé Inconnue")
    page.get_by_role("link", name="Choisir qui…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Zoé Inconnue").select_option(label="Chloé Garnier")
    dialog.get_by_role("button", name="Enregistrer et revérifier").click()
    expect(page.locator(".import-before")).to_contain_text("Chloé Garnier à la place")


def take_the_workbook(page: Page, folder: Path) -> None:
    """One's own file, with a column that says what is wrong."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Télécharger mon classeur à corriger").click()
    path = folder / "back.xlsx"
    download.value.save_as(path)
    rows = list(openpyxl.load_workbook(path).active.iter_rows(values_only=True))
    assert rows[0][0] == MESSY[0][0]
    assert any("SIRET" in str(cell) for cell in rows[7] if cell and cell not in MESSY[7])


def confirm_all(page: Page, words: str = "") -> None:
    """Whatever the plan says; the question says it once more."""
    page.get_by_role("link", name="Confirmer…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(words)
    dialog.get_by_role("button", name="Confirmer l'import").click()
    expect(page.get_by_text("L'import est terminé")).to_be_visible()


def undo(viewer: Viewer) -> None:
    page = viewer.page
    page.get_by_role("link", name="Défaire…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("3 dossiers")
    viewer.note("the undo's impact")
    dialog.get_by_role("button", name="Défaire l'import").click()
    expect(page.get_by_text("L'import a été défait")).to_be_visible()


def test_a_messy_list_is_brought_in_and_taken_back(alice: Viewer, messy: Path, tmp_path: Path) -> None:
    page = alice.page
    upload(alice, messy)
    map_columns(alice)
    counts(page, {"À créer": 2, "À mettre à jour": 1, "En erreur": 3, "Doublons dans le fichier": 1})
    alice.look("the plan of a messy list")
    under(page, "À mettre à jour")
    expect(page.locator("tbody ins").first).to_contain_text("Un nouveau nom")
    page.get_by_role("link", name="Voir et corriger").click()
    alice.look("rows in error", from_the_top)
    correct_by_keyboard(page)
    accept_what_is_offered(page)
    choose_portfolios(page)
    choose_assignees(page)
    alice.look("the plan, corrected")
    take_the_workbook(page, tmp_path)
    counts(page, {"À créer": 3, "À mettre à jour": 1, "En erreur": 2, "Doublons dans le fichier": 1})
    confirm_all(page, "3 dossiers")
    alice.look("the report")
    undo(alice)
    alice.look("the import, undone")
    page.get_by_role("navigation").get_by_role("link", name="Dossiers", exact=True).click()
    page.get_by_role("main").get_by_role("searchbox").fill("Jonquille")
    expect(page.get_by_text("Aucun dossier ne correspond")).to_be_visible()


def test_a_row_is_corrected_on_the_phone(alice: Viewer, messy: Path) -> None:
    """The columns are remembered: the second list of this shape goes on to its plan by itself."""
    page = alice.page
    page.set_viewport_size(PHONE)
    alice.go(alice.firm + "imports/")
    page.locator("input[type=file]").set_input_files(messy)
    page.get_by_role("button", name="Envoyer le fichier").click()
    later = page.get_by_role("button", name="Vérifier les lignes")
    expect(page.get_by_role("link", name="Confirmer…").or_(later)).to_be_visible()
    if later.is_visible():  # where this test runs alone
        later.click()
    page.get_by_role("link", name="Voir et corriger").click()
    expect(page.locator(".import-tabs [aria-current]")).to_contain_text("En erreur")
    expect(page.locator(".import-tabs [aria-current]")).to_be_in_viewport(ratio=0.9)
    page.get_by_role("link", name="Corriger (ligne 9)").click()
    expect(page.get_by_label("Raison sociale (colonne B)")).to_be_focused()
    alice.note("a row's form on the phone")
    page.get_by_label("Raison sociale (colonne B)").fill("Fleurs et plantes")
    page.get_by_role("button", name="Enregistrer et revérifier").click()
    followed(page, "La ligne 9 (Fleurs et plantes)")
    page.get_by_role("link", name="La voir").click()
    expect(page.locator("#row-9 ins")).to_contain_text("Fleurs et plantes")
    alice.note("the corrected row on the phone")
