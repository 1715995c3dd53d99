"""axe finds nothing on any page or in any state of one: light and dark, on a laptop and on a phone.

The pages are those of the URL × method matrix that a GET shows, so a new one is looked at as soon as it has its line.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import openpyxl
import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.urls import resolve, reverse
from playwright.sync_api import Page, expect

from firm_portal.demo import BERTRAND, CLIENT, LEMOINE, PASSWORD, SHARED_CLIENT
from tests.browser.viewer import PHONE, Viewer, Visitors
from tests.web.matrix import MATRIX
from tests.web.routes import all_patterns

pytestmark = pytest.mark.browser

ALICE, _CHLOE, PAUL, SAMIR = LEMOINE.people
LEO = BERTRAND.people[2]
PARAMETERS = {pattern.name: pattern.parameters for pattern in all_patterns()}
SHOWN = {name for name, row in MATRIX.items() if "GET" in row.methods.split()}
NOT_PAGES = {
    "healthz": "a word for operators",
    "readyz": "a word for operators",
    "metrics": "figures for operators",
    "clients:import_progress": "a piece of clients:import",
    "clients:import_template": "a file",
    "clients:fetch_progress": "a piece of clients:fetching",
    "clients:fetching": "looked at by test_fetching.py, which fetches",
    "clients:download_list": "looked at by test_fetching.py, which has a platform to sign in to",
    "clients:forget_connection": "looked at by test_fetching.py, which connects one",
    "accounts:journal_check": "looked at by test_journal_proof.py, which has the journal verified",
    "accounts:journal_check_progress": "a piece of accounts:journal_check",
    "exports:progress": "a piece of exports:export",
    "exports:export": "looked at by test_exports, in each of its states",
    "mfa_download_recovery_codes": "a file",
    "clients:assign": "looked at by test_bulk_edit.py, which ticks dossiers",
    "clients:assign_result": "looked at by test_bulk_edit.py, which confirms",
    "clients:unassign": "looked at by test_bulk_edit.py, which assigns somebody",
    "clients:departed": "looked at by test_departure.py, which lets somebody leave",
    "clients:change_replacement": "looked at by test_departure.py, which arranges one",
    "clients:end_replacement": "looked at by test_departure.py, which arranges one",
    "clients:take_file_back": "looked at by test_files.py, which drops one",
    "clients:space_take_file_back": "looked at by test_files.py, which drops one",
    **dict.fromkeys(
        ("account_set_password", "accounts:remove_passkey", "mfa_reauthenticate_webauthn"),
        "looked at by test_passkeys.py, as somebody without a password",
    ),
    "clients:restore_member": "leads to clients:member, for nobody of the demonstration is suspended",
    **dict.fromkeys(
        (
            "invitations:confirm_letter",
            "invitations:decline_letter",
            "invitations:revoke_letter",
            "invitations:letter_address",
            "invitations:prove_address",
        ),
        "looked at by test_letters.py, which prints one",
    ),
    "invitations:open_letter": "leads to invitations:letter_address",
    "invitations:follow_letter": "leads to invitations:prove_address",
    "invitations:mail_html": "the mail itself, in a frame of invitations:mail",
    "invitations:text_preview": "the mail itself, in a frame of invitations:text",
    "invitations:logo_image": "a picture",
    "invitations:logo_of_link": "a picture",
    "dev_mail_frame": "the mail itself, in a frame of dev_mail",
    "invitations:sending": "looked at by test_group_sending.py, which orders one",
    "invitations:sending_progress": "a piece of invitations:sending",
    "invitations:open": "leads to invitations:answer",
    "accounts:switch_off": "looked at by test_notifications.py, which follows the link of a mail",
    "accounts:unsubscribe": "leads to accounts:switch_off",
    "invitations:open_mine": "leads to invitations:answer",
    "invitations:open_to_refuse": "leads to invitations:refuse",
    "activity:caught_html": "the mail itself, in a frame of activity:caught",
}
ENTRANCE = {
    "start", "accounts:terms", "account_login", "account_signup", "account_inactive", "account_confirm_email",
    "account_email_verification_sent", "account_reset_password", "account_reset_password_done",
    "account_reset_password_from_key", "clients:signup", "invitations:letter", "activity:catcher", "activity:caught",
    "kit", "dev_mails", "dev_mail",
}  # fmt: skip
LINKS = {"invitations:answer", "invitations:refuse"}
# They have something to say once it is written.
AFTER_AN_IMPORT = ("clients:undo_import", "invitations:invite_imported")
OWN = {
    "account_change_password", "account_reauthenticate", "account_email", "account_logout", "usersessions_list",
    "accounts:new_firm", "clients:new_space", "accounts:profile", "mfa_index", "mfa_activate_totp", "accounts:passkeys",
    "accounts:add_passkey", "accounts:notifications", "mail_queue",
}  # fmt: skip
OF_SEVERAL_PLACES = {"accounts:places"}
SECOND_FACTOR = {
    "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_deactivate_totp", "mfa_reauthenticate",
    "mfa_authenticate",
}  # fmt: skip
# They stand about something that a client and a firm do together; `test_a_client_asks_a_firm` does it.
OF_A_REQUEST = {
    "invitations:correct_firm", "invitations:revoke_firm", "invitations:end_firm", "invitations:request",
    "invitations:decline_request", "invitations:hand_back_request",
}  # fmt: skip
FIRM = {name for name in SHOWN - set(NOT_PAGES) - OF_A_REQUEST if "firm_slug" in PARAMETERS[name]}
SEARCHED = [
    "clients:list", "portfolios:list", "clients:members", "clients:access", "clients:access_dossiers",
    "invitations:list", "clients:journal",
]  # fmt: skip
OF_A_PERSON = {
    "invitations:person_profile", "invitations:end_person", "invitations:correct_person", "invitations:revoke_person",
}  # fmt: skip
SPACE = {
    name for name in SHOWN - set(NOT_PAGES) - OF_A_PERSON - OF_A_REQUEST if "space_id" in PARAMETERS[name]
}

NewViewer = Callable[[], Viewer]


def test_no_page_is_left_out() -> None:
    looked_at = (
        ENTRANCE | LINKS | OWN | OF_SEVERAL_PLACES | OF_A_PERSON | OF_A_REQUEST | SECOND_FACTOR | FIRM | SPACE
    )
    assert looked_at | set(NOT_PAGES) == SHOWN


# --- What one does on a page ------------------------------------------------------------------------------------


def send_empty(page: Page, button: str) -> None:
    """Send the form without what the browser itself would ask for, so that the server answers with its errors."""
    form = page.locator("form", has=page.get_by_role("button", name=button))
    form.evaluate("form => { form.noValidate = true; form.querySelectorAll('input:not([type=hidden])').forEach("
                  "field => { field.checked = false; if (field.type !== 'radio') field.value = '' }) }")  # fmt: skip
    form.get_by_role("button", name=button).click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()


def open_dialog(page: Page, link: str) -> None:
    page.locator(f'a[data-dialog][href$="{link}"]').first.click()
    expect(page.locator("#dialog-body form")).to_be_visible()


def close_dialog(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).to_be_hidden()


def open_menu(selector: str) -> Callable[[Page], None]:
    """The popover menu of that button, closed before in the other width."""

    def prepare(page: Page) -> None:
        page.keyboard.press("Escape")
        page.locator(selector).first.click()
        expect(page.locator(":popover-open")).to_be_visible()

    return prepare


def select_two(page: Page) -> None:
    for row in range(2):
        page.locator("[data-bulk-row]").nth(row).check()
    expect(page.locator("[data-bulk-bar]")).to_be_visible()


def say_it_is_me(page: Page) -> None:
    """Before what guards an account, the password is asked for again; after some minutes once more."""
    if "/reauthentification/" in page.url:
        page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Continuer").click()
        page.wait_for_url(lambda url: "/reauthentification/" not in url)


def visit_as_oneself(viewer: Viewer, name: str) -> None:
    viewer.go(reverse(name))
    say_it_is_me(viewer.page)
    assert viewer.name == name
    viewer.look(name)


# --- The way in ---------------------------------------------------------------------------------------------------


def test_the_way_in(viewer: Viewer) -> None:
    page = viewer.page
    for name in sorted(ENTRANCE):
        if not PARAMETERS[name]:
            viewer.visit(name, reverse(name))
    for name, button in (("account_login", "Se connecter"), ("account_reset_password", "M'envoyer le lien")):
        viewer.go(reverse(name))
        send_empty(page, button)
        viewer.look(f"{name} with errors")
    viewer.go("/rien/")
    viewer.look("404")
    viewer.go("/connexion/")
    viewer.context.clear_cookies()
    page.get_by_label("Adresse e-mail").fill(ALICE)
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    expect(page).to_have_title(re.compile("expiré"))
    viewer.look("403, the form's seal")


def test_registering_and_confirming(viewer: Viewer) -> None:
    page = viewer.page
    viewer.go("/inscription/")
    send_empty(page, "Inscrire le cabinet")
    viewer.look("account_signup with errors")
    viewer.go("/inscription/")
    for label, value in (
        ("Nom du cabinet", "Cabinet Aubry"),
        ("SIREN ou SIRET", "552 100 554"),
        ("Prénom", "Nour"),
        ("Adresse e-mail", "nour@aubry.example"),
    ):
        page.get_by_label(label).fill(value)
    page.get_by_label("Nom", exact=True).fill("Aubry")
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_label("J'accepte les conditions").check()
    page.get_by_role("button", name="Inscrire le cabinet").click()
    expect(page).to_have_url(re.compile("courriel-envoye"))
    viewer.look("account_email_verification_sent, just registered")
    viewer.visit("account_confirm_email", viewer.link_to("nour@aubry.example", "confirmer/"))
    viewer.visit("account_confirm_email", reverse("account_confirm_email", kwargs={"key": "MQ:1abc:def"}))


def test_a_forgotten_password(viewer: Viewer) -> None:
    page = viewer.page
    viewer.go("/mot-de-passe/oublie/")
    page.get_by_label("Adresse e-mail").fill(LEO)
    page.get_by_role("button", name="M'envoyer le lien").click()
    expect(page).to_have_url(re.compile("courriel-envoye"))
    link = viewer.link_to(LEO, "mot-de-passe/nouveau/")
    viewer.visit("account_reset_password_from_key", link)
    send_empty(page, "Enregistrer le nouveau mot de passe")
    viewer.look("account_reset_password_from_key with errors")
    viewer.visit(
        "account_reset_password_from_key",
        reverse("account_reset_password_from_key", kwargs={"uidb36": "1", "key": "x-y"}),
    )
    viewer.visit("dev_mail", reverse("dev_mail", kwargs={"name": "several-changes", "language": "fr"}))
    mail = page.locator('a[href^="/dev/courriels/"]')
    viewer.go("/dev/courriels/")
    viewer.visit("activity:caught", str(mail.first.get_attribute("href")))


# --- A person's own pages -------------------------------------------------------------------------------------------


def test_a_persons_own_pages_and_the_second_factor(viewer: Viewer) -> None:
    page = viewer.page  # Léo's, as whom no other test signs in: from here on he needs a code
    viewer.sign_in(LEO, PASSWORD)
    viewer.go(reverse("mfa_activate_totp"))
    say_it_is_me(page)
    for name in sorted(OWN - {"account_reauthenticate"}):
        visit_as_oneself(viewer, name)
    viewer.visit("account_reauthenticate", reverse("account_reauthenticate"))
    for name, button in (
        ("accounts:profile", "Enregistrer"),
        ("account_change_password", "Enregistrer le nouveau mot de passe"),
        ("accounts:new_firm", "Inscrire le cabinet"),
    ):
        viewer.go(reverse(name))
        send_empty(page, button)
        viewer.look(f"{name} with errors")
    viewer.go(reverse("mfa_activate_totp"))
    say_it_is_me(page)
    application = str(page.locator('a[href^="otpauth:"]').get_attribute("href"))
    secret = parse_qs(urlsplit(application).query)["secret"][0]
    page.get_by_label("Code").fill(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))
    page.get_by_role("button", name="Activer").click()
    expect(page).not_to_have_url(re.compile("activer"))
    viewer.look("the second factor is set up")
    viewer.visit("mfa_index", reverse("mfa_index"))
    for name in sorted(SECOND_FACTOR - {"mfa_authenticate", "mfa_reauthenticate"}):
        visit_as_oneself(viewer, name)
    viewer.visit("mfa_reauthenticate", reverse("mfa_reauthenticate"))
    viewer.context.clear_cookies()
    viewer.sign_in(LEO, PASSWORD)
    assert viewer.name == "mfa_authenticate"
    viewer.look("mfa_authenticate")


# --- A firm's pages ---------------------------------------------------------------------------------------------------


# Where a link leads to one of them: an invitable dossier, a portfolio with a subscriber, a pending invitation, …
FOUND = {
    "dossier": [("clients:list", "", "/inviter/")],
    "portfolio": [("portfolios:list", "", "/portefeuilles/0"), ("clients:portfolio", "", "/retirer/")],
    "invitation": [("invitations:list", "", "/revoquer/")],
    "view": [("clients:views", "", "/renommer/")],
    "member": [("clients:members", "?role=collaborator", "/membres/0"), ("clients:member", "", "/retirer/")],
    "event": [("clients:journal", "", "/journal/0")],
}


class FirmPages:
    """The addresses of a firm's pages for whoever is signed in: keys are taken from the links that they see."""

    def __init__(self, viewer: Viewer, slug: str) -> None:
        self.viewer = viewer
        text = {"kind": "client", "language": "fr"}  # of the invitations, which one it is
        self.known: dict[str, dict[str, str]] = {"": {"firm_slug": slug, **text}}

    def follow(self, thing: str, where: str, link: str) -> None:
        """Remember the keys in the first such link of a page."""
        self.viewer.go(where)
        href = self.viewer.page.locator(f'#main a[href*="{link}"]').first.get_attribute("href")
        self.known[thing] = dict(resolve(str(href)).kwargs)

    def url(self, name: str) -> str:
        thing = MATRIX[name].on
        if thing in FOUND and thing not in self.known:
            self.find(thing)
        keys = self.known[""] | self.known.get(thing, {})
        return reverse(name, kwargs={key: keys[key] for key in PARAMETERS[name]})

    def find(self, thing: str) -> None:
        for name, query, link in FOUND[thing]:
            self.follow(thing, self.url(name) + query, link)


@pytest.fixture
def firm(viewer: Viewer) -> FirmPages:
    """The demonstration's first firm for its administrator."""
    viewer.enter(ALICE)
    return FirmPages(viewer, resolve(viewer.firm).kwargs["firm_slug"])


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    """Two sheets that can be a client list; rows to create, in error and twice there."""
    book = openpyxl.Workbook()
    for sheet in (book.active, book.create_sheet("Anciens")):
        for row in (
            ["Code client", "Raison sociale", "N° SIRET", "Mél", "Groupe", "Remarque"],
            ["N001", "Boulangerie Martin", "732 829 320 00074", "clara@martin.example", "Nouveaux", "bon client"],
            ["N002", "Menuiserie Béranger", 6520086700045, "contact@beranger.example", "Bâtiment", None],
            ["N003", "Garage Châtelain", "12345678900000", None, None, None],
            ["N001", "Boulangerie Martin", "732 829 320 00074", "clara@martin.example", "Nouveaux", None],
            ["C001", "Un autre nom", None, "une adresse", None, None],
        ):  # fmt: skip
            sheet.append(row)
    path = tmp_path / "clients.xlsx"
    book.save(path)
    return path


def test_every_page_of_a_firm(firm: FirmPages, viewer: Viewer) -> None:
    of_imports = {name for name in FIRM if MATRIX[name].on in ("import", "mapping")}
    for name in sorted(FIRM - of_imports):
        viewer.visit(name, firm.url(name))


def upload(firm: FirmPages, path: Path) -> None:
    page = firm.viewer.page
    firm.viewer.go(firm.url("clients:imports"))
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Envoyer le fichier").click()


def test_files_that_are_no_list(firm: FirmPages, viewer: Viewer, tmp_path: Path) -> None:
    page = viewer.page
    viewer.go(firm.url("clients:imports"))
    send_empty(page, "Envoyer le fichier")
    viewer.look("clients:imports with errors")
    not_one = tmp_path / "clients.pdf"
    not_one.write_bytes(b"%PDF-1.7 nothing")
    upload(firm, not_one)
    expect(page.locator("[aria-invalid=true], .callout, .empty").first).to_be_visible()
    viewer.look("a PDF")
    openpyxl.Workbook().save(tmp_path / "empty.xlsx")
    upload(firm, tmp_path / "empty.xlsx")
    expect(page).to_have_url(re.compile("/imports/0"))
    expect(page.locator(".tone-bad").first).to_be_visible()
    viewer.look("an import that is refused")


def test_an_import(firm: FirmPages, viewer: Viewer, workbook: Path) -> None:
    page = viewer.page
    upload(firm, workbook)
    page.get_by_role("radio").first.check()
    viewer.look("clients:import, to choose a sheet")
    # and its third row, which is in error
    firm.known["import"] = dict(resolve(page.url.removeprefix(viewer.stack.url)).kwargs) | {"number": "4"}
    page.get_by_role("button", name="Lire cette feuille").click()
    expect(page.get_by_text("1 colonne n'est pas lue")).to_be_visible()
    viewer.look("clients:import_mapping, before any plan")
    page.get_by_label("Ce que contient la colonne F").select_option("city")
    expect(page.get_by_text("1 colonne n'est pas lue")).to_be_hidden()
    viewer.look("clients:import_mapping, with another choice")
    page.get_by_role("button", name="Vérifier les lignes").click()
    expect(page.get_by_role("link", name="Confirmer…")).to_be_visible()
    for name in sorted(name for name in FIRM if MATRIX[name].on == "import" and name not in AFTER_AN_IMPORT):
        viewer.visit(name, firm.url(name))
    viewer.go(firm.url("clients:import"))
    for tab in page.locator(".tab").evaluate_all("tabs => tabs.map(tab => tab.getAttribute('href'))"):
        viewer.go(firm.url("clients:import") + tab)
        viewer.look(f"clients:import under {tab}")
    open_dialog(page, "/confirmer/")
    viewer.look("dialog: confirm the import")
    page.get_by_role("dialog").get_by_role("button", name="Confirmer l'import").click()
    expect(page.get_by_text("L'import est terminé")).to_be_visible()
    viewer.look("clients:import, done")
    _look_at_what_follows(firm, viewer)
    firm.follow("mapping", firm.url("clients:column_mappings"), "/oublier/")
    for name in ("clients:column_mappings", "clients:forget_mapping"):
        viewer.visit(name, firm.url(name))


def _look_at_what_follows(firm: FirmPages, viewer: Viewer) -> None:
    """What may be done once an import is written."""
    for name in AFTER_AN_IMPORT:
        viewer.visit(name, firm.url(name))
    viewer.go(firm.url("clients:import"))
    open_dialog(viewer.page, "/defaire/")
    viewer.look("dialog: undo the import")
    viewer.page.get_by_role("dialog").get_by_role("button", name="Défaire l'import").click()
    expect(viewer.page.get_by_text("L'import a été défait")).to_be_visible()
    viewer.look("clients:import, undone")
    viewer.visit("clients:imports", firm.url("clients:imports"))


def test_drawer_menus_selection_and_dialogs(firm: FirmPages, viewer: Viewer) -> None:
    page = viewer.page
    viewer.go(firm.url("clients:list") + "?size=20")
    viewer.look("row menu", open_menu("tbody .col-menu .btn-icon"))
    viewer.look("profile menu", open_menu(".profile-button"))
    page.keyboard.press("Escape")
    select_two(page)
    viewer.look("bulk bar")
    page.get_by_role("button", name="Envoyer l'invitation").click()
    expect(page.locator("#dialog-body form")).to_be_visible()
    viewer.look("dialog: invite clients")
    close_dialog(page)
    page.locator("tbody a[data-drawer]").first.click()
    expect(page.locator("#drawer-body .facts").first).to_be_visible()
    viewer.look("drawer, with a selection")
    for name, link in (
        ("clients:list", "/deplacer/"),
        ("portfolios:list", "/portefeuilles/nouveau/"),
        ("clients:portfolio", "/renommer/"),
        ("clients:portfolio", "/retirer/"),
        ("clients:portfolio", "/resilier/"),
        ("clients:portfolio", "/abonnes/ajouter/"),
        ("clients:members", "/membres/inviter/"),
        ("invitations:list", "/revoquer/"),
    ):
        viewer.go(firm.url(name) + ("?size=20" if name == "clients:list" else ""))
        if link in ("/deplacer/", "/revoquer/", "/retirer/"):
            page.locator("tr", has=page.locator(f'a[href$="{link}"]')).locator(".btn-icon").first.click()
        open_dialog(page, link)
        viewer.look(f"dialog of {link}")
    viewer.go(firm.url("invitations:list"))
    select_two(page)
    viewer.look("bulk bar of invitations")
    page.get_by_role("button", name="Révoquer").first.click()
    expect(page.locator("#dialog-body form")).to_be_visible()
    viewer.look("dialog: revoke invitations")


def test_archived_dossiers_and_moves(firm: FirmPages, viewer: Viewer) -> None:
    page = viewer.page
    # The list's end: at its head stands the client whom both firms follow, whose files other tests exchange.
    viewer.go(firm.url("clients:list") + "?sort=-name&size=20")
    select_two(page)
    expect(page.locator("tr[data-row]:has(:checked)", has_text=SHARED_CLIENT)).to_have_count(0)
    for button, word in (("Déplacer", "Continuer"), ("Archiver", "Archiver 2 dossiers")):
        page.get_by_role("button", name=button, exact=True).click()
        send = page.get_by_role("dialog").get_by_role("button", name=word)
        expect(send).to_be_visible()
        if button == "Déplacer":
            page.locator("[name=to-portfolio]").select_option(index=1)
            send.click()
            expect(page.get_by_role("dialog").locator(".impact")).to_be_visible()
        viewer.look(f"dialog: {button}")
        if button == "Déplacer":
            close_dialog(page)
    send.click()
    expect(page.get_by_text("2 dossiers sont archivés").first).to_be_visible()
    viewer.go(firm.url("clients:list") + "?archived=1&size=20")
    select_two(page)
    viewer.look("archived dossiers")
    viewer.go(str(page.locator("tbody a[data-drawer]").first.get_attribute("href")))
    viewer.look("an archived dossier")


def test_an_ended_portfolio(firm: FirmPages, viewer: Viewer) -> None:
    page = viewer.page
    viewer.go(firm.url("clients:terminate_portfolio"))
    page.locator("[name=to-portfolio]").select_option(index=1)
    page.get_by_role("button", name="Continuer").click()
    page.get_by_role("button", name="Résilier le portefeuille").click()
    expect(page.locator(".callout")).to_be_visible()
    viewer.look("an ended portfolio")
    viewer.visit("clients:restore_portfolio", firm.url("clients:restore_portfolio"))
    viewer.go(firm.url("portfolios:list") + "?state=terminated")
    viewer.look("ended portfolios")


def test_views_and_columns_of_the_list(firm: FirmPages, viewer: Viewer) -> None:
    page = viewer.page
    firm.find("view")
    view = firm.known["view"]["pk"]
    viewer.go(firm.url("clients:list") + f"?vue={view}")
    viewer.look("a saved view")
    viewer.look("menu of the views", open_menu('[popovertarget="views"]'))
    viewer.look("the columns to choose from", open_menu('[popovertarget="columns"]'))
    viewer.go(firm.url("clients:list") + f"?depuis={view}&kind=company&cols=name.city")
    expect(page.get_by_text("Vue modifiée")).to_be_visible()
    viewer.look("a saved view, changed")
    page.get_by_role("link", name="Enregistrer sous…").click()
    expect(page.locator("#dialog-body form")).to_be_visible()
    send_empty(page, "Enregistrer la vue")
    viewer.look("dialog: save a view, with errors")
    every = "name.reference.siren.kind.legal_form.naf_code.urssaf_account.fiscal_year_end.email.phone.city.created"
    viewer.go(firm.url("clients:list") + f"?size=20&cols={every}.portfolio.people.state.activity")
    viewer.look("every column")
    viewer.go(firm.url("clients:list") + "?vue=x")
    expect(page.locator(".callout")).to_be_visible()
    viewer.look("a view that is not there")
    viewer.go(firm.url("clients:views"))
    viewer.look("menu of a view", open_menu("tbody .btn-icon"))


def test_forms_with_errors_notices_and_lists_without_a_hit(firm: FirmPages, viewer: Viewer) -> None:
    page = viewer.page
    for name, button in (
        ("portfolios:create", "Confirmer la création"),
        ("invitations:invite_member", "Envoyer l'invitation"),
        ("clients:create", "Créer le dossier"),
        ("clients:edit", "Enregistrer"),
        ("accounts:settings", "Enregistrer"),
    ):
        viewer.go(firm.url(name))
        send_empty(page, button)
        viewer.look(f"{name} with errors")
    viewer.go(firm.url("portfolios:list"))
    open_dialog(page, "/portefeuilles/nouveau/")
    send_empty(page, "Confirmer la création")
    viewer.look("dialog with errors")
    page.get_by_label("Nom", exact=True).fill("Nouveaux venus")
    page.get_by_role("button", name="Confirmer la création").click()
    expect(page.locator(".toast-note").first).to_be_visible()
    page.locator(".toast-note").first.hover()
    viewer.look("an empty portfolio, with a notice")
    for name in SEARCHED:
        viewer.go(firm.url(name) + "?q=zzz")
        expect(page.locator(".empty")).to_be_visible()
        viewer.look(f"{name} without a hit")
    viewer.look("filters unfolded, menu out", open_filters)


def open_filters(page: Page) -> None:
    summary = page.locator(".filter-fold > summary")
    if summary.is_visible():
        summary.click()


def test_the_menu_on_the_phone(firm: FirmPages, viewer: Viewer) -> None:
    viewer.go(firm.url("dashboard"))
    viewer.page.set_viewport_size(PHONE)
    viewer.page.locator(".rail-toggle").click()
    viewer.note("the menu")


def test_a_collaborators_pages(viewer: Viewer) -> None:
    viewer.enter(PAUL)
    pages = FirmPages(viewer, resolve(viewer.firm).kwargs["firm_slug"])
    pages.follow("dossier", pages.url("clients:list"), "/modifier/")
    pages.follow("portfolio", pages.url("portfolios:list"), "/portefeuilles/0")
    pages.follow("view", pages.url("clients:views"), "/renommer/")
    pages.follow("member", pages.url("clients:members"), "/membres/0")
    for name in sorted(name for name in FIRM if MATRIX[name].allows("accountant", "GET")):
        viewer.visit(name, pages.url(name))
    viewer.go(pages.url("clients:journal"))
    viewer.look("403")


def test_a_firm_without_anything(viewer: Viewer) -> None:
    page = viewer.page
    viewer.enter(SAMIR)
    viewer.go(reverse("accounts:new_firm"))
    page.get_by_label("Nom du cabinet").fill("Cabinet Haddad")
    page.get_by_label("SIREN ou SIRET").fill("732 829 320")
    page.get_by_role("button", name="Inscrire le cabinet").click()
    expect(page).to_have_url(re.compile("/cabinets/cabinet-haddad"))
    pages = FirmPages(viewer, resolve(viewer.firm).kwargs["firm_slug"])
    for name in sorted(name for name in FIRM if not MATRIX[name].on):
        viewer.visit(name, pages.url(name))
    viewer.visit("accounts:places", reverse("accounts:places"))


# --- Clients, and those who hold a link --------------------------------------------------------------------------


def test_a_clients_space(viewer: Viewer) -> None:
    viewer.enter(CLIENT)
    space = re.search(r"/espace/([\w-]+)/", viewer.page.url)
    assert space
    for name in sorted(SPACE):
        viewer.visit(name, reverse(name, kwargs={"space_id": space[1]}))
    viewer.go(reverse("clients:space_edit", kwargs={"space_id": space[1]}))
    send_empty(viewer.page, "Enregistrer")
    viewer.look("clients:space_edit with errors")


def test_the_people_of_a_client(viewer: Viewer) -> None:
    page = viewer.page
    viewer.enter(CLIENT)
    space = re.search(r"/espace/([\w-]+)/", page.url)
    assert space
    people = reverse("invitations:people", kwargs={"space_id": space[1]})
    viewer.go(reverse("invitations:invite_person", kwargs={"space_id": space[1]}))
    send_empty(page, "Envoyer l'invitation")
    viewer.look("invitations:invite_person with errors")
    page.get_by_label("Adresse e-mail").fill("assistante@exemple.example")
    page.locator("input[value=reader]").check()
    page.get_by_role("button", name="Envoyer l'invitation").click()
    expect(page).to_have_url(re.compile(f"{people}$"))
    viewer.look("invitations:people with somebody invited")
    mine = str(page.locator('a[href$="/profil/"][data-dialog]').first.get_attribute("href"))
    revoke = str(page.locator('a[href$="/revoquer/"]').first.get_attribute("href"))
    viewer.visit("invitations:person_profile", mine)
    viewer.visit("invitations:end_person", mine.replace("/profil/", "/retirer/"))
    page.get_by_role("button", name="Mettre fin à l'accès").click()  # of the last manager
    expect(page.get_by_text("C'est le dernier gérant")).to_be_visible()
    viewer.look("invitations:end_person, refused")
    viewer.visit("invitations:correct_person", revoke.replace("/revoquer/", "/corriger/"))
    viewer.visit("invitations:revoke_person", revoke)


def test_a_client_asks_a_firm(viewer: Viewer, visitors: Visitors) -> None:
    """A client opens a space of their own, invites a firm, which follows them; then they end its access."""
    page, firms = viewer.page, opened_space(viewer)
    link = invited_firm(viewer, firms)
    alice = visitors()
    follow_by(alice, link)
    viewer.go(firms)
    viewer.look("invitations:firms with one that follows")
    viewer.visit("invitations:end_firm", str(page.locator('a[href$="/terminer/"]').get_attribute("href")))
    page.get_by_role("button", name="Mettre fin à l'accès").click()
    expect(page.get_by_text("Auparavant")).to_be_visible()
    viewer.look("invitations:firms, with one that followed")
    alice.page.reload()
    alice.look("clients:dossier of a client who left")


def opened_space(viewer: Viewer) -> str:
    """A client without any firm registers; returns the path of their firms' page."""
    page = viewer.page
    viewer.go(reverse("clients:signup"))
    send_empty(page, "Ouvrir mon espace")
    viewer.look("clients:signup with errors")
    viewer.go(reverse("clients:signup"))
    page.locator("input[value=company]").check()
    for label, value in (
        ("Raison sociale de l'entreprise", "Fleurs d'Ainay"),
        ("Prénom", "Inès"),
        ("Adresse e-mail", "ines@ainay.example"),
    ):
        page.get_by_label(label).fill(value)
    page.get_by_label("Nom", exact=True).fill("Roche")
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_label("J'accepte les conditions").check()
    page.get_by_role("button", name="Ouvrir mon espace").click()
    viewer.go(viewer.link_to("ines@ainay.example", "confirmer/"))
    page.get_by_role("button", name="Confirmer").click()
    expect(page).not_to_have_url(re.compile("/confirmer/"))
    viewer.go("/mes-espaces/")
    if "/connexion/" in page.url:
        viewer.sign_in("ines@ainay.example", PASSWORD)
    space = re.search(r"/espace/([\w-]+)/", page.url)
    assert space
    return reverse("invitations:firms", kwargs={"space_id": space[1]})


def invited_firm(viewer: Viewer, firms: str) -> str:
    """The client invites a firm at an address where nobody has an account; returns the mail's link."""
    page, address = viewer.page, "accueil@lemoine.example"
    viewer.visit("invitations:firms", firms)
    viewer.go(f"{firms}inviter/")
    send_empty(page, "Envoyer l'invitation")
    viewer.look("invitations:invite_firm with errors")
    viewer.go(f"{firms}inviter/")
    page.get_by_label("Adresse e-mail du cabinet").fill(address)
    page.get_by_role("button", name="Envoyer l'invitation").click()
    expect(page).to_have_url(re.compile(f"{firms}$"))
    viewer.look("invitations:firms with somebody invited")
    found = page.locator('a[href$="/corriger/"], a[href$="/revoquer/"]')
    paths = [str(found.nth(i).get_attribute("href")) for i in range(found.count())]
    for path in paths:
        viewer.visit(f"invitations:{'correct' if 'corriger' in path else 'revoke'}_firm", path)
    return viewer.link_to(address, "invitation/")


def follow_by(alice: Viewer, link: str) -> None:
    """Whoever holds the link answers for their firm."""
    alice.go(link)
    alice.look("invitations:answer of a firm, signed out")
    alice.sign_in(ALICE, PASSWORD)
    alice.go("/invitation/")
    alice.look("invitations:answer of a firm")
    alice.page.get_by_role("button", name="Continuer").click()
    alice.page.wait_for_url(re.compile("/demandes/"))
    asked = urlsplit(alice.page.url).path
    alice.visit("invitations:request", asked)
    alice.visit("invitations:decline_request", f"{asked}decliner/")
    alice.visit("invitations:hand_back_request", f"{asked}rendre/")
    alice.visit("invitations:requests", asked.rsplit("/", 2)[0] + "/")
    alice.go(asked)
    alice.page.get_by_role("button", name="Suivre ce client").click()
    expect(alice.page.get_by_role("heading", level=1)).to_contain_text("Fleurs d'Ainay")


def invited(firm: FirmPages) -> list[str]:
    """The addresses of a newcomer, of somebody who has an account, and of a client, in this order."""
    page, addresses = firm.viewer.page, []
    for name, email in (
        ("invitations:invite_member", "neuf@exemple.example"),
        ("invitations:invite_member", LEO),
        ("invitations:invite_client", ""),
    ):
        firm.viewer.go(firm.url(name))
        field = page.get_by_label("Adresse e-mail")
        field.fill(email or field.input_value())
        addresses.append(field.input_value())
        page.get_by_role("button", name="Envoyer l'invitation").click()
        expect(page.locator(".toast-note").first).to_be_visible()
    return addresses


def test_the_pages_of_a_link(firm: FirmPages, viewer: Viewer, visitors: Visitors) -> None:
    links = {email: viewer.link_to(email, "invitation/") for email in invited(firm)}
    guest = visitors()
    for email, link in links.items():
        guest.go(link)
        assert guest.name == "invitations:answer"
        guest.look(f"invitations:answer of {email}")
    send_empty(guest.page, "Accepter et entrer")
    guest.look("invitations:answer with errors")
    guest.visit("invitations:refuse", reverse("invitations:refuse"))
    guest.page.get_by_role("button").filter(has_text=re.compile("pas pour moi|Refuser")).click()
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("Merci, c'est noté")
    guest.look("refused")
    guest.go(link)
    guest.look("a link that was refused")
    guest.go("/invitation/" + "x" * 43 + "/")
    guest.look("an unknown link")
    viewer.go(links[LEO])
    viewer.look("invitations:answer, signed in as somebody else")
