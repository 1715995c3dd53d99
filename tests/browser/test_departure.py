"""A colleague is replaced and then leaves, in a real browser: by the keyboard alone, and on a phone without scripts."""

import re
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from firm_portal.demo import ACCOUNTS, BERTRAND
from tests.browser.stack import Stack
from tests.browser.viewer import PHONE, Viewer, Visitors

pytestmark = pytest.mark.browser

# Inès leaves; what no other test needs.
HUGO, INES, LEO = (next(one for one in ACCOUNTS if one.email == email) for email in BERTRAND.people)


@pytest.fixture
def hugo(visitors: Visitors) -> Viewer:
    return visitors(HUGO.email)


@pytest.fixture
def ines(visitors: Visitors) -> Viewer:
    return visitors(INES.email)


def page_of(viewer: Viewer, name: str) -> str:
    """The path of a member's page."""
    viewer.go(viewer.firm + "membres/")
    return str(viewer.page.get_by_role("link", name=name, exact=True).first.get_attribute("href"))


def tab_to(page: Page, target: Locator, most: int = 120) -> None:
    """With the tab key alone."""
    page.wait_for_load_state()  # keys find a page also before its scripts have come
    expect(target).to_be_visible()
    for _press in range(most):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{target} is not reached with {most} tabs")


def choose(page: Page, label: str, name: str) -> None:
    """In a list of names, by the first letter of one: of a word, a slow machine would take the rest for another one."""
    field = page.get_by_label(label, exact=True)
    tab_to(page, field)
    page.keyboard.press(name[0])
    expect(field.locator("option:checked")).to_have_text(re.compile(f"^{name}"))


def press(page: Page, name: str) -> None:
    tab_to(page, page.get_by_role("button", name=name, exact=True))
    page.keyboard.press("Enter")


def test_a_replacement_is_arranged_changed_and_ended(hugo: Viewer) -> None:
    page, member = hugo.page, page_of(hugo, INES.name)
    hugo.go(member)
    page.get_by_role("link", name="Organiser son remplacement").click()
    dialog = page.locator("#dialog")
    dialog.get_by_label("Remplacé par").select_option(label=LEO.name)
    dialog.get_by_label("Dernier jour (inclus)").fill("2036-12-12")
    dialog.get_by_role("button", name="Voir ce que cela ouvre").click()
    expect(dialog.locator(".impact")).to_contain_text(LEO.name)
    hugo.note("what a replacement opens, in the dialog")
    dialog.get_by_role("button", name="Modifier").click()
    expect(dialog.get_by_label("Dernier jour (inclus)")).to_have_value("2036-12-12")
    dialog.get_by_role("button", name="Voir ce que cela ouvre").click()
    dialog.get_by_role("button", name="Confirmer").click()
    card = page.locator("section", has=page.get_by_role("heading", name="Remplacements"))
    expect(card).to_contain_text(f"{LEO.name} remplace {INES.name}")
    hugo.look("clients:member, replaced")
    links = [card.get_by_role("link", name=re.compile(name)) for name in ("Modifier", "Arrêter")]
    for href in [str(link.get_attribute("href")) for link in links]:
        hugo.go(href)
        hugo.look(f"a replacement: {hugo.name}")
    page.get_by_role("button", name="Arrêter le remplacement").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(INES.name)
    expect(page.locator("body")).not_to_contain_text("En cours")
    hugo.visit("clients:replacements", hugo.firm + "membres/remplacements/")


def test_on_a_phone_without_scripts_the_choices_stay(
    demo_product: Stack, browser: Browser, hugo: Viewer
) -> None:
    where = demo_product.url + page_of(hugo, INES.name) + "depart/"
    context = browser.new_context(
        locale="fr-FR",
        viewport=PHONE,
        java_script_enabled=False,
        storage_state=hugo.context.storage_state(),
    )
    page = context.new_page()
    page.goto(where)
    exception = page.get_by_label(re.compile("va à$")).first
    exception.select_option(label=HUGO.name)
    page.get_by_role("button", name="Voir ce que cela signifie").click()
    expect(page.locator(".callout").first).to_contain_text("À revoir")
    expect(exception.locator("option:checked")).to_have_text(HUGO.name)
    page.get_by_label("Tous les portefeuilles vont à").select_option(label=LEO.name)
    page.get_by_role("button", name="Voir ce que cela signifie").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ce que cela signifie")
    expect(page.locator("main")).to_contain_text(re.compile(f"{HUGO.name}.*1 portefeuille", re.DOTALL))
    page.get_by_role("button", name="Modifier les choix").click()
    expect(exception.locator("option:checked")).to_have_text(HUGO.name)
    expect(page.get_by_label("Tous les portefeuilles vont à").locator("option:checked")).to_have_text(
        LEO.name
    )
    context.close()


def to_the_departure(hugo: Viewer) -> None:
    """From the list of members, with keys alone."""
    page = hugo.page
    hugo.go(hugo.firm + "membres/")
    tab_to(page, page.get_by_role("link", name=INES.name, exact=True).first)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(INES.name)
    press(page, "Actions")
    expect(page.locator("[role=menuitem]:focus")).to_have_count(1)  # the menu has opened and taken the focus
    item = page.get_by_role("menuitem", name="Préparer le départ")
    for _press in range(10):
        if item.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Départ : {INES.name}")


def handed(path: Path) -> dict[object, object]:
    """What went to whom, as the certificate says."""
    book = openpyxl.load_workbook(BytesIO(path.read_bytes()))
    rows = [*book["Portefeuilles"].iter_rows(min_row=2), *book["Dossiers"].iter_rows(min_row=2)]
    return {row[0].value: row[2].value for row in rows}


def a_file_of_her_own(ines: Viewer) -> None:
    ines.go(ines.firm + "dossiers/nouveau/")
    ines.page.locator("[name=legal_name]").fill("Fleurs du Canal")
    ines.page.get_by_role("button", name="Créer le dossier").click()
    expect(ines.page.get_by_role("heading", level=1)).to_contain_text("Fleurs du Canal")


def test_a_departure_by_the_keyboard_alone(hugo: Viewer, ines: Viewer, demo_product: Stack) -> None:
    page = hugo.page
    a_file_of_her_own(ines)
    to_the_departure(hugo)
    hugo.look("clients:departure")
    choose(page, "Tous les portefeuilles vont à", "Léo")
    choose(page, "Tous ces dossiers vont à", "Personne")
    press(page, "Voir ce que cela signifie")
    expect(page.locator(".callout")).to_contain_text("Fleurs du Canal")
    hugo.look("clients:departure, what it means")
    told_before = len(demo_product.mails_to(LEO.email))
    press(page, "Terminer le départ")
    expect(page).to_have_url(re.compile("/depart/resultat/"))
    hugo.look("clients:departed")
    with page.expect_download() as download:
        press(page, "Attestation (Excel)")
    nobody = "personne (administrateurs seulement)"
    went = {"Restauration": LEO.name, "Santé": LEO.name, "Fleurs du Canal": nobody}
    assert handed(download.value.path()) == went

    ines.page.reload()
    expect(ines.page).to_have_url(re.compile("/connexion/"))
    told = demo_product.mail_to(LEO.email, count=told_before + 1).get_body(("plain",))
    assert told is not None and INES.name in told.get_content()
    assert demo_product.mail_to(INES.email)
