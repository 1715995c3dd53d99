"""The firm's main job, from its registration to the journal, in a real browser on the real product.

No demo data: register → invite a collaborator → portfolio → import → grant → invite a client → the mail → accept →
client space → change → mail to the others → journal.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.stack import Stack
from tests.browser.viewer import LAPTOP, PHONE, watched

pytestmark = pytest.mark.browser

ANNE, HUGO, CLARA = "anne.delmas@exemple.fr", "hugo.bernard@exemple.fr", "clara@boulangerie-martin.fr"
PASSWORD = "trois petits chats gris"
CLIENTS = [
    ["Export clients du 22/11/2026"],
    [],
    ["Code client", "Raison sociale", "N° SIRET", "Mél", "Groupe", "Remarque"],
    ["C001", "Boulangerie Martin", "732 829 320 00074", CLARA, "Sarah", "bon client"],
    ["C002", "Menuiserie Béranger", 6520086700045, "contact@beranger.fr", "Sarah", None],
    ["C003", "Garage Châtelain", "12345678900000", None, None, None],
]

NewTab = Callable[..., Page]


@pytest.fixture
def new_tab(browser: Browser) -> Iterator[NewTab]:
    """A browser of one's own for each person, watched for breaches."""
    contexts = []

    def open_one(viewport: ViewportSize = LAPTOP) -> Page:
        context = browser.new_context(locale="fr-FR", viewport=viewport)
        contexts.append((context, watched(context)))
        return context.new_page()

    yield open_one
    for context, breaches in contexts:
        assert breaches == []
        context.close()


def link_in(stack: Stack, address: str, path: str) -> str:
    """The first link to such a path in the newest mail to the address that has one, once it has come."""
    stack.mail_to(address)
    bodies = [mail.get_body(("plain",)) for mail in stack.mails_to(address)]
    link = re.compile(rf"{re.escape(stack.url)}/{path}\S*")
    found = [match[0] for body in bodies if body and (match := link.search(body.get_content()))]
    assert found, [body and body.get_content() for body in bodies]
    return found[-1]


def register(stack: Stack, page: Page) -> None:
    page.goto(f"{stack.url}/inscription/")
    page.get_by_label("Nom du cabinet").fill("Cabinet Delmas")
    page.get_by_label("SIREN ou SIRET").fill("552 100 554")
    page.get_by_label("Prénom").fill("Anne")
    page.get_by_label("Nom", exact=True).fill("Delmas")
    page.get_by_label("Adresse e-mail").fill(ANNE)
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_label("J'accepte les conditions").check()
    page.get_by_role("button", name="Inscrire le cabinet").click()
    page.goto(link_in(stack, ANNE, "confirmer/"))
    page.get_by_role("button", name="Confirmer mon adresse").click()
    page.get_by_label("Adresse e-mail").fill(ANNE)
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    expect(page).to_have_title(re.compile("Cabinet Delmas"))


def open_menu(page: Page, name: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile(name, re.IGNORECASE))


def invite_hugo(page: Page) -> None:
    open_menu(page, "Membres")
    page.get_by_role("link", name=re.compile("Inviter")).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Adresse e-mail").fill(HUGO)
    dialog.get_by_role("button", name="Envoyer l'invitation").click()
    expect(page.get_by_text(HUGO).first).to_be_visible()


def join_as_hugo(stack: Stack, page: Page) -> None:
    page.goto(link_in(stack, HUGO, "invitation/"))
    page.get_by_label("Prénom").fill("Hugo")
    page.get_by_label("Nom", exact=True).fill("Bernard")
    page.get_by_label("Choisir un mot de passe", exact=True).fill(PASSWORD)
    page.get_by_label("J'accepte les conditions").check()
    page.get_by_role("button", name="Accepter et rejoindre").click()
    expect(page).to_have_title(re.compile("Cabinet Delmas"))


def create_portfolio(page: Page) -> None:
    open_menu(page, "Portefeuilles")
    page.get_by_role("link", name="Nouveau portefeuille").first.click()
    page.get_by_label("Nom", exact=True).fill("Sarah")
    page.get_by_role("button", name="Confirmer la création").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sarah")


def import_clients(page: Page, folder: Path) -> None:
    book = openpyxl.Workbook()
    for row in CLIENTS:
        book.active.append(row)
    path = folder / "clients.xlsx"
    book.save(path)
    open_menu(page, "Imports")
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Envoyer le fichier").click()
    expect(page.get_by_text("1 colonne n'est pas lue")).to_contain_text(
        "Remarque"
    )  # asked about, not dropped
    page.get_by_role("button", name="Vérifier les lignes").click()
    page.get_by_role("link", name="Confirmer…").click()  # once the plan is there
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 dossiers")
    dialog.get_by_role("button", name="Confirmer l'import").click()
    expect(page.get_by_text("L'import est terminé")).to_be_visible()
    expect(page.get_by_text("Remarque").first).to_be_visible()  # the unknown column is named


def open_to_hugo(page: Page) -> None:
    open_menu(page, "Portefeuilles")
    page.get_by_role("link", name="Sarah").click()
    page.get_by_role("link", name="Ajouter un abonné").first.click()
    page.get_by_role("dialog").get_by_role("combobox").first.select_option(label="Hugo Bernard")
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Ajouter")).click()
    expect(page.get_by_role("dialog").locator(".impact")).to_contain_text("2 dossiers")
    page.get_by_role("dialog").locator("button.btn-primary").click()
    expect(page.locator("#subscribers")).to_contain_text("Hugo Bernard")


def invite_clara(page: Page) -> None:
    open_menu(page, "Dossiers")
    row = page.get_by_role("row").filter(has_text="Boulangerie Martin")
    row.get_by_role("checkbox").check()
    page.get_by_role("button", name="Envoyer l'invitation").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Envoyer")).click()
    expect(page.get_by_text(re.compile("1 invitation")).first).to_be_visible()


def accept_as_clara(stack: Stack, page: Page) -> None:
    link = link_in(stack, CLARA, "invitation/")
    for _ in range(3):  # as a mail scanner does
        page.goto(link)
    assert "invitation/" in page.url
    assert link.split("/")[4] not in page.url  # the token has left the address
    page.get_by_label("Prénom").fill("Clara")
    page.get_by_label("Nom", exact=True).fill("Martin")
    page.get_by_label("Choisir un mot de passe", exact=True).fill(PASSWORD)
    page.get_by_label("J'accepte les conditions").check()
    page.get_by_role("button", name="Accepter et entrer").click()
    expect(page.get_by_text("Boulangerie Martin").first).to_be_visible()
    expect(page).to_have_url(re.compile("/espace/"))


def change_phone(page: Page) -> None:
    page.get_by_role("link", name=re.compile("Modifier|Corriger")).first.click()
    page.get_by_label("Téléphone").fill("02 41 00 11 22")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_text(re.compile(r"02.?41.?00.?11.?22")).first).to_be_visible()


def sees_only_what_is_opened(stack: Stack, hugo: Page, anne: Page) -> None:
    open_menu(hugo, "Dossiers")
    expect(hugo.get_by_text("Boulangerie Martin")).to_have_count(0)
    before = len(stack.mails_to(HUGO))
    open_to_hugo(anne)
    hugo.reload()
    expect(hugo.get_by_text("Boulangerie Martin").first).to_be_visible()
    expect(hugo.get_by_text("Garage Châtelain")).to_have_count(0)  # its SIRET is wrong: it stayed out
    told = stack.mail_to(HUGO, count=before + 1)
    assert "Boulangerie" not in str(told["Subject"])


def the_others_are_told(stack: Stack, clara: Page) -> None:
    before = {address: len(stack.mails_to(address)) for address in (ANNE, HUGO, CLARA)}
    change_phone(clara)
    for address in (ANNE, HUGO):
        body = stack.mail_to(address, count=before[address] + 1).get_body(("plain",))
        assert body is not None
        assert "Clara Martin" in body.get_content()
    assert len(stack.mails_to(CLARA)) == before[CLARA]  # never the one who did it


def test_a_new_firm_does_its_main_job(empty_product: Stack, new_tab: NewTab, tmp_path: Path) -> None:
    anne, hugo, clara = new_tab(), new_tab(), new_tab(PHONE)

    register(empty_product, anne)
    invite_hugo(anne)
    join_as_hugo(empty_product, hugo)
    create_portfolio(anne)
    import_clients(anne, tmp_path)
    sees_only_what_is_opened(empty_product, hugo, anne)
    invite_clara(anne)
    accept_as_clara(empty_product, clara)
    the_others_are_told(empty_product, clara)

    open_menu(hugo, "Dossiers")
    hugo.get_by_role("link", name="Boulangerie Martin").first.click()
    expect(hugo.get_by_text(re.compile(r"02.?41.?00.?11.?22")).first).to_be_visible()
    open_menu(anne, "Journal")
    for what in ("Clara Martin", "Sarah", "Hugo Bernard"):
        expect(anne.get_by_role("main")).to_contain_text(what)
