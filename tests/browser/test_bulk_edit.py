"""The bulk edit in a real browser: with a mouse or without, on a phone, without scripts; two administrators at once."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from tests.browser.axe import settle, violations
from tests.browser.conftest import ALICE
from tests.browser.stack import Stack
from tests.browser.viewer import LAPTOP, PHONE, Visitors

pytestmark = pytest.mark.browser

NewTab = Callable[..., Page]


@pytest.fixture
def new_tab(visitors: Visitors, demo_product: Stack, browser: Browser) -> Iterator[NewTab]:
    """Alice's browser, on the list of dossiers, watched for breaches."""
    without: list[BrowserContext] = []

    def open_one(size: ViewportSize = LAPTOP, *, scripts: bool = True) -> Page:
        alice = visitors(ALICE, size=size)
        page = alice.page
        if not scripts:
            signed_in = alice.context.storage_state()
            without.append(
                browser.new_context(
                    java_script_enabled=False, locale="fr-FR", viewport=size, storage_state=signed_in
                )
            )
            page = without[-1].new_page()
        page.goto(f"{demo_product.url}{alice.firm}dossiers/?size=20")
        return page

    yield open_one
    for context in without:
        context.close()


def box(page: Page, row: int) -> Locator:
    return page.locator("[data-bulk-row]").nth(row)


def selected(page: Page) -> Locator:
    return page.locator("[data-bulk-count]")


def choose(page: Page, name: str, role: str) -> None:
    page.get_by_label(name, exact=True).select_option(label=role)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text(text)


def accessible(page: Page) -> None:
    """Light and dark, and nothing must be pushed sideways to be read."""
    settle(page)
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, colours_only=True) == []
    page.emulate_media(color_scheme="light")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def tab_to(page: Page, target: Locator, most: int = 80) -> None:
    """With the tab key alone."""
    page.wait_for_load_state()  # keys find a page also before its scripts have come
    for _press in range(most):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{target} is not reached with {most} tabs")


def tick_over_pages_and_filters(page: Page) -> None:
    """Two on the first page, one on the second, one of a search."""
    box(page, 0).check()
    box(page, 1).check()
    page.get_by_role("link", name="Suivant").click()
    expect(page).to_have_url(re.compile("after="))
    expect(selected(page)).to_contain_text("2 sélectionnés")
    box(page, 0).check()
    page.get_by_role("searchbox", name=re.compile("^Nom, SIREN")).fill("Pharmacie")
    expect(page).to_have_url(re.compile("q=Pharmacie"))
    expect(page.locator("tr[data-row]").first).to_contain_text("Pharmacie")
    expect(selected(page)).to_contain_text("3 sélectionnés")
    box(page, 0).check()
    expect(selected(page)).to_contain_text("4 sélectionnés")


def test_a_selection_over_pages_and_filters_is_assigned(new_tab: NewTab) -> None:
    page = new_tab()
    tick_over_pages_and_filters(page)
    press(page, "Affecter…")
    heading(page, "Affecter des dossiers")
    expect(page.get_by_text("4 dossiers sélectionnés")).to_be_visible()
    accessible(page)
    choose(page, "Samir Haddad", "Comptable")
    press(page, "Voir ce que cela change")
    heading(page, "Ce que cela change")
    # How many depends on what the demonstration has assigned to him already.
    expect(page.get_by_text(re.compile(r"Comptable sur \d dossiers")).first).to_be_visible()
    expect(page.get_by_text("1 personne gagne un accès")).to_be_visible()
    accessible(page)
    press(page, "Confirmer")
    heading(page, "Affectations modifiées")
    expect(page.get_by_text(re.compile(r"\d affectations modifiées"))).to_be_visible()
    accessible(page)
    page.get_by_role("link", name="Retour aux dossiers").click()
    expect(page).to_have_url(re.compile("q=Pharmacie"))
    expect(page.locator("[data-bulk-row]:checked")).to_have_count(0)


def test_members_are_searched_and_choices_kept(new_tab: NewTab) -> None:
    page = new_tab()
    box(page, 10).check()
    press(page, "Affecter…")
    heading(page, "Affecter des dossiers")
    search = page.get_by_role("searchbox", name="Rechercher un membre")
    choose(page, "Chloé Garnier", "Lecture")
    search.fill("samir")
    expect(page.get_by_label("Paul Moreau", exact=True)).to_be_hidden()
    expect(page.get_by_label("Chloé Garnier", exact=True)).to_be_visible()  # what was chosen stays to be seen
    choose(page, "Samir Haddad", "Comptable")
    search.press("Enter")
    heading(page, "Affecter des dossiers")
    search.fill("personne")
    press(page, "Voir ce que cela change")
    press(page, "Modifier les choix")
    expect(page.get_by_label("Samir Haddad", exact=True)).to_have_value("accountant")
    expect(page.get_by_label("Chloé Garnier", exact=True)).to_have_value("reader")


def test_all_that_match_are_assigned_and_the_back_button_is_safe(new_tab: NewTab) -> None:
    page = new_tab()
    page.locator("[data-bulk-page]").check()
    page.get_by_role("button", name=re.compile("Tout sélectionner|Sélectionner les")).click()
    total = int(page.locator("#list").get_attribute("data-bulk-total") or 0)
    assert total > 20
    page.get_by_role("link", name="Suivant").click()
    expect(page).to_have_url(re.compile("after="))
    press(page, "Affecter…")
    expect(page.get_by_text(f"{total} dossiers sélectionnés")).to_be_visible()
    choose(page, "Paul Moreau", "Lecture")
    press(page, "Voir ce que cela change")
    press(page, "Confirmer")
    expect(page.get_by_text(re.compile(r"\d+ affectations modifiées"))).to_be_visible()

    page.go_back()
    if page.get_by_role("button", name="Confirmer", exact=True).count() == 0:
        page.reload()  # the browser asks for the form again
    if page.get_by_role("button", name="Confirmer", exact=True).count():
        press(page, "Confirmer")
        expect(page.get_by_text("Rien n'a été modifié").first).to_be_visible()
    else:
        expect(page.get_by_text("Rien à changer")).to_be_visible()


def test_with_the_keyboard_alone(new_tab: NewTab) -> None:
    page = new_tab()
    page.locator("[data-bulk-row]").nth(2).focus()
    page.keyboard.press("Space")
    tab_to(page, page.locator("[data-bulk-row]").nth(3))
    page.keyboard.press("Space")
    expect(selected(page)).to_contain_text("2 sélectionnés")
    for _back in range(60):
        if page.evaluate("document.activeElement.textContent.includes('Affecter…')"):
            break
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    heading(page, "Affecter des dossiers")
    tab_to(page, page.get_by_role("searchbox", name="Rechercher un membre"))
    page.keyboard.type("chloe")
    tab_to(page, page.get_by_label("Chloé Garnier", exact=True))
    page.keyboard.press("L")  # one letter: of a word, a slow machine would take the rest for another one
    expect(page.get_by_label("Chloé Garnier", exact=True)).to_have_value("reader")
    tab_to(page, page.get_by_role("button", name="Voir ce que cela change"))
    page.keyboard.press("Enter")
    heading(page, "Ce que cela change")
    expect(page.get_by_text("Lecture sur 2 dossiers")).to_be_visible()
    tab_to(page, page.get_by_role("button", name="Confirmer", exact=True))
    page.keyboard.press("Enter")
    heading(page, "Affectations modifiées")


def test_on_a_phone_with_what_is_left_and_why(new_tab: NewTab) -> None:
    page = new_tab(PHONE)
    box(page, 4).check()
    box(page, 5).check()
    press(page, "Affecter…")
    heading(page, "Affecter des dossiers")
    accessible(page)
    choose(page, "Samir Haddad", "Support technique")
    choose(page, "Paul Moreau", "Retirer l'affectation")
    page.get_by_label("Portefeuille", exact=True).select_option(index=2)
    press(page, "Voir ce que cela change")
    expect(page.get_by_text("le client n'a pas autorisé le support technique").first).to_be_visible()
    accessible(page)
    press(page, "Confirmer")
    heading(page, "Affectations modifiées")
    accessible(page)


def test_on_a_phone_one_ticked_row_is_enough_to_choose_all(new_tab: NewTab) -> None:
    """Cards have no head, so no box for the whole page."""
    page = new_tab(PHONE)
    page.locator("[data-bulk-row]").first.check()
    page.get_by_role("button", name=re.compile("Sélectionner les")).click()
    expect(page.locator("[data-bulk-count]")).to_have_text(re.compile(r"Les \d\d sont sélectionnés"))


def test_without_scripts(new_tab: NewTab) -> None:
    page = new_tab(scripts=False)
    box(page, 6).check()
    press(page, "Affecter…")
    choose(page, "Samir Haddad", "Lecture")
    press(page, "Voir ce que cela change")
    press(page, "Confirmer")
    heading(page, "Affectations modifiées")
    expect(page.get_by_text("1 affectation modifiée")).to_be_visible()


def test_two_administrators_at_once(new_tab: NewTab) -> None:
    first, second = new_tab(), new_tab()
    for page, role in ((first, "Comptable"), (second, "Lecture")):
        box(page, 8).check()
        box(page, 9).check()
        press(page, "Affecter…")
        choose(page, "Samir Haddad", role)
        press(page, "Voir ce que cela change")
        expect(page.get_by_role("button", name="Confirmer", exact=True)).to_be_visible()
    press(first, "Confirmer")
    heading(first, "Affectations modifiées")
    press(second, "Confirmer")
    expect(second.get_by_text("Quelqu'un a modifié quelque chose entre-temps")).to_be_visible()
    expect(second.get_by_text("Comptable → Lecture sur 2 dossiers")).to_be_visible()
    accessible(second)
    press(second, "Confirmer")
    heading(second, "Affectations modifiées")


def test_one_dossier_from_the_drawer(new_tab: NewTab) -> None:
    page = new_tab()
    page.locator("a[data-drawer]").nth(12).click()
    drawer = page.locator("#drawer")
    drawer.get_by_role("link", name="Affecter un membre").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Membre").select_option(label="Samir Haddad")
    accessible(page)
    dialog.get_by_role("button", name="Affecter", exact=True).click()
    expect(page.get_by_text(re.compile("est affecté à Samir Haddad")).first).to_be_visible()
    expect(page).to_have_url(re.compile(r"/dossiers/\?size=20"))
    page.locator("a[data-drawer]").nth(12).click()
    drawer.get_by_role("link", name="Modifier le rôle confié à Samir Haddad").click()
    dialog.get_by_label("Lecture").check()
    dialog.get_by_role("button", name="Modifier le rôle").click()
    expect(page.get_by_text(re.compile(r"avant\s: Comptable")).first).to_be_visible()
    page.locator("a[data-drawer]").nth(12).click()
    drawer.get_by_role("link", name="Retirer l'affectation à Samir Haddad").click()
    expect(dialog.get_by_text("1 personne perd un accès")).to_be_visible()
    accessible(page)
    dialog.get_by_role("button", name="Retirer").click()
    expect(page.get_by_text(re.compile("n'est plus affecté à Samir Haddad")).first).to_be_visible()
