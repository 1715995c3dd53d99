"""What only a person can decide in an import, in a real browser: whose values go first where somebody has changed a
client file since the list was exported; which client file a row is about. By mouse, by keyboard, on the phone, without
scripts.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from firm_portal.demo import PASSWORD
from tests.browser.conftest import ALICE
from tests.browser.stack import Stack
from tests.browser.test_import_journey import confirm_all, counts, followed, from_the_top, under, upload
from tests.browser.viewer import PATIENCE, PHONE, Viewer

pytestmark = pytest.mark.browser

OURS = "Commerces de bouche"  # the portfolio that Chloé has
HEADERS = ("Code client", "Raison sociale", "SIRET", "Code postal", "Ville", "Portefeuille")
Rows = Sequence[Sequence[str | None]]


def saved(rows: Rows, path: Path, headers: Sequence[str] = HEADERS) -> Path:
    book = openpyxl.Workbook()
    for row in (headers, *rows):
        book.active.append(list(row))
    book.save(path)
    return path


def bring_in(viewer: Viewer, rows: Rows, path: Path) -> None:
    """These clients, confirmed."""
    upload(viewer, saved(rows, path))
    expect(viewer.page.get_by_role("link", name="Confirmer…")).to_be_visible()
    confirm_all(viewer.page)


def exported(viewer: Viewer, words: str, path: Path) -> Path:
    """The client list as the product exports it, filtered."""
    page = viewer.page
    page.get_by_role("navigation", name="Menu principal").get_by_role(
        "link", name="Dossiers", exact=True
    ).click()
    page.locator("[data-live-filter] [name=q]").fill(words)
    expect(page).to_have_url(re.compile(f"q={words}"))
    with page.expect_download() as got:
        page.get_by_role("button", name="Exporter").click()
    got.value.save_as(path)
    return path


def change_city(viewer: Viewer, words: str, city: str) -> None:
    """Somebody edits the client file in the product."""
    page = viewer.page
    page.get_by_role("navigation", name="Menu principal").get_by_role(
        "link", name="Dossiers", exact=True
    ).click()
    page.locator("[data-live-filter] [name=q]").fill(words)
    row = page.locator("#list").get_by_role("link", name=words)
    expect(row).to_have_count(1)
    viewer.go(str(row.get_attribute("href")) + "modifier/")
    page.get_by_label("Ville").fill(city)
    page.get_by_role("button", name=re.compile("Enregistrer")).click()
    expect(page.get_by_label("Ville")).to_have_count(0)


def edited(path: Path, cities: dict[str, str]) -> Path:
    """The exported workbook with other cities, saved as a spreadsheet does: hidden columns and all."""
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    columns = {cell.value: cell.column for cell in sheet[1]}
    for row in range(2, sheet.max_row + 1):
        if city := cities.get(str(sheet.cell(row, columns["Code client"]).value)):
            sheet.cell(row, columns["Ville"]).value = city
    book.save(path)
    return path


def row_of(page: Page, name: str) -> Locator:
    return page.locator(".import-rows tbody tr", has_text=name)


CONFLICTS = "Modifié depuis votre export"
UPDATES = "À mettre à jour"


def three_of_ours(alice: Viewer, chloe: Viewer, folder: Path) -> Path:
    """An export of three client files, of which Chloé has changed two since; Alice has changed all three in it."""
    names = ("Alpha", "Bêta", "Gamma")
    rows = [
        (f"KONF{n}", f"Konflikt {name}", None, "13001", "Marseille", OURS) for n, name in enumerate(names)
    ]
    bring_in(alice, rows, folder / "first.xlsx")
    workbook = exported(alice, "Konflikt", folder / "exported.xlsx")
    change_city(chloe, "Konflikt Alpha", "Aubagne")
    change_city(chloe, "Konflikt Bêta", "Cassis")
    return edited(workbook, {"KONF0": "Lyon", "KONF1": "Paris", "KONF2": "Lille"})


def see_who_changed_what(page: Page) -> None:
    alpha = row_of(page, "Konflikt Alpha")
    expect(alpha).to_contain_text("Chloé")
    expect(alpha).to_contain_text("depuis votre export")
    expect(alpha).to_contain_text(re.compile(r"Ville «\sMarseille\s» → «\sAubagne\s»"))
    expect(alpha).not_to_contain_text("Alice")  # who had brought it in, before the export
    expect(alpha.locator("del")).to_have_text("Aubagne")
    expect(alpha.locator("ins")).to_have_text("Lyon")


def take_mine_by_keyboard(page: Page, name: str) -> None:
    page.wait_for_load_state()
    row_of(page, name).get_by_role("button", name="Prendre les valeurs de mon fichier").focus()
    page.keyboard.press("Enter")
    followed(page, name)


def keep_theirs_after_all(page: Page, name: str) -> None:
    row_of(page, name).get_by_role("button", name=re.compile("Garder")).click()
    followed(page, name)


def take_mine_everywhere(page: Page) -> None:
    page.get_by_role("button", name="Prendre partout les valeurs de mon fichier").click()
    expect(page.locator(".import-tabs")).not_to_contain_text(CONFLICTS)


def cities(path: Path) -> list[str]:
    header, *lines = openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)
    place = header.index("Ville")
    return sorted(str(line[place]) for line in lines)


def test_what_others_changed_since_the_export_is_shown_and_kept_or_taken(
    alice: Viewer, chloe: Viewer, tmp_path: Path
) -> None:
    page = alice.page
    upload(alice, three_of_ours(alice, chloe, tmp_path))
    expect(page.locator(".import-before")).to_contain_text("2 dossiers")
    counts(page, {UPDATES: 1, CONFLICTS: 2})
    page.get_by_role("link", name="Voir et choisir").click()
    see_who_changed_what(page)
    alice.look("conflicts with what others changed", from_the_top)
    take_mine_by_keyboard(page, "Konflikt Alpha")
    counts(page, {UPDATES: 2, CONFLICTS: 1})
    under(page, UPDATES)
    alice.look("a conflict, taken", from_the_top)
    keep_theirs_after_all(page, "Konflikt Alpha")
    counts(page, {UPDATES: 1, CONFLICTS: 2})
    under(page, CONFLICTS)
    take_mine_everywhere(page)
    expect(row_of(page, "Konflikt Bêta")).to_be_visible()
    keep_theirs_after_all(page, "Konflikt Bêta")
    confirm_all(page, "2 dossiers")
    assert cities(exported(alice, "Konflikt", tmp_path / "after.xlsx")) == ["Cassis", "Lille", "Lyon"]


TWINS = (
    ("ZWEI1", "Zwillinge Nord", "94455200900002", "59000", "Lille", OURS),
    ("ZWEI2", "Zwillinge Sud", "94455200900010", "13001", "Marseille", OURS),
    ("ANDER", "Ganz Anderes", None, "35000", "Rennes", OURS),
)
DOUBTFUL = (("Zwillinge", "944552009", "Roubaix"), ("Zwillinge", "944552009", "Aubagne"))


def choose_an_offered_one_by_keyboard(page: Page) -> None:
    offered = page.get_by_label("Dossier concerné par la ligne 2")
    offered.focus()
    page.keyboard.press("Z")  # one letter: of a word, a slow machine would take the rest for another one
    expect(offered.locator("option:checked")).to_contain_text("Zwillinge Nord")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    followed(page, "La ligne 2")


def search_for_another(page: Page) -> Locator:
    """In the row's place, by keyboard; Escape leaves it."""
    opener = page.locator("#row-3").get_by_role("link", name=re.compile("En chercher un autre"))
    search = page.get_by_role("searchbox", name="De quel dossier parle cette ligne")
    opener.focus()
    page.keyboard.press("Enter")
    expect(search).to_be_focused()
    expect(page.locator("#found-3")).to_contain_text("Zwillinge Sud")
    page.keyboard.press("Escape")
    expect(search).to_have_count(0)
    opener.click()
    expect(search).to_be_focused()
    search.fill("ganz ander")
    expect(page.locator("#found-3 li")).to_have_count(1)
    expect(page.locator("#found-3")).to_contain_text("ANDER · 35000 Rennes")
    return search


def test_a_row_that_may_be_about_several_client_files_is_decided_by_a_person(
    alice: Viewer, tmp_path: Path
) -> None:
    page = alice.page
    bring_in(alice, TWINS, tmp_path / "twins.xlsx")
    upload(alice, saved(DOUBTFUL, tmp_path / "doubtful.xlsx", ("Raison sociale", "SIREN", "Ville")))
    expect(page.locator(".import-before")).to_contain_text("2 lignes en erreur")
    page.get_by_role("link", name="Voir et corriger").click()
    alice.look("rows that may be about several client files", from_the_top)
    choose_an_offered_one_by_keyboard(page)
    search = search_for_another(page)
    alice.look("the search of a row's client file")
    expect(search).to_have_value("ganz ander")
    page.get_by_role("button", name=re.compile("C'est celui-ci")).press("Enter")
    followed(page, "La ligne 3")
    counts(page, {UPDATES: 2})
    expect(page.locator("#row-2")).to_contain_text("Décidé : Zwillinge Nord")
    expect(page.locator("#row-3")).to_contain_text("Décidé : Ganz Anderes")
    alice.look("decided rows", from_the_top)
    page.get_by_role("link", name="Annuler l'import").click()
    page.get_by_role("dialog").get_by_role("button", name="Annuler l'import").click()
    expect(page.get_by_text("L'import est annulé").first).to_be_visible()


# --- Twice, and back --------------------------------------------------------------------------------------------------


def ask_to_confirm(page: Page) -> Locator:
    page.get_by_role("link", name="Confirmer…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 dossier")
    return dialog.get_by_role("button", name="Confirmer l'import")


def test_a_second_tab_and_the_back_button_confirm_nothing_twice(alice: Viewer, tmp_path: Path) -> None:
    page, second = alice.page, alice.context.new_page()
    upload(alice, saved([("DOPP1", "Doppelt", None, None, None, OURS)], tmp_path / "once.xlsx"))
    expect(page.get_by_role("link", name="Confirmer…")).to_be_visible()
    second.goto(page.url)
    late = ask_to_confirm(second)
    ask_to_confirm(page).dblclick()
    expect(page.get_by_text("L'import est terminé")).to_be_visible()
    late.click()
    expect(second.get_by_text("Alice Lemoine a déjà confirmé cet import").first).to_be_visible()
    page.get_by_role("link", name="Voir les dossiers").click()
    page.go_back()
    expect(page.get_by_text("L'import est terminé")).to_be_visible()
    page.go_back()
    again = page.get_by_role("link", name="Confirmer…")
    if again.count():  # the browser shows the plan as it was
        again.click()
    expect(page.get_by_text(re.compile("L'import est terminé|Importer une liste")).first).to_be_visible()
    assert len(cities(exported(alice, "Doppelt", tmp_path / "one.xlsx"))) == 1
    second.close()


# --- Without scripts --------------------------------------------------------------------------------------------------


@pytest.fixture
def plain(demo_product: Stack, browser: Browser) -> Iterator[Page]:
    """Alice, signed in, on a phone that runs no script."""
    context = browser.new_context(locale="fr-FR", viewport=PHONE, java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    page.goto(demo_product.url + "/connexion/")
    page.get_by_label("Adresse e-mail").fill(ALICE)
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    yield page
    context.close()


def until_there(page: Page, where: str, what: Locator) -> None:
    """Ask again until the worker is done: no script does."""
    for _ in range(180):
        page.goto(where)
        if what.count():
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"nothing of it at {where}")


def test_it_can_be_decided_without_scripts_on_a_phone(plain: Page, tmp_path: Path) -> None:
    plain.wait_for_url(re.compile("/cabinets/"))
    plain.goto(plain.url.rstrip("/") + "/imports/")
    unknown = saved([("Inconnu au bataillon",)], tmp_path / "one.xlsx", ("Raison sociale",))
    plain.locator("input[type=file]").set_input_files(unknown)
    plain.get_by_role("button", name="Envoyer le fichier").click()
    plain.wait_for_url(re.compile("/imports/0"))
    where = plain.url
    until_there(plain, where, plain.get_by_role("link", name="Confirmer…"))
    plain.get_by_role("link", name="Corriger (ligne 2)").click()
    plain.get_by_role("link", name=re.compile("Choisir le dossier")).click()
    plain.get_by_role("searchbox").last.fill("boulangerie")
    plain.get_by_role("button", name="Chercher").click()
    plain.wait_for_url(re.compile("q=boulangerie"))
    name = plain.locator("#found-2 li strong").first.inner_text()
    plain.get_by_role("button", name=re.compile("C'est celui-ci")).first.click()
    until_there(plain, where, plain.locator("#row-2"))
    expect(plain.locator("#row-2")).to_contain_text(f"Décidé : {name}")
