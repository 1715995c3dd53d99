"""What becomes of an invitation, on a phone (360 px), in the hands of whoever gets it; axe finds nothing on the way.

A new client, and one who has an account; somebody signed in as another; an expired link; an address that bounced; a
client who moves to an accountant with two firms; two spaces in two tabs. (A printed letter: `test_letters.py`.)
"""

import json
import re
import time
from collections.abc import Callable

import httpx
import psycopg
import pytest
from playwright.sync_api import Page, expect

from firm_portal.demo import LEMOINE, PASSWORD
from tests.activity.services import SECRET, brevo
from tests.browser.stack import Stack
from tests.browser.viewer import PATIENCE, PHONE, Viewer, Visitors

pytestmark = pytest.mark.browser

ALICE, _CHLOE, PAUL, _SUPPORT = LEMOINE.people

Phone = Callable[[], Viewer]


@pytest.fixture
def phone(visitors: Visitors) -> Phone:
    """Somebody's own, each time."""
    return lambda: visitors(size=PHONE)


def newest_link(viewer: Viewer, address: str, count: int = 1) -> str:
    """The last link that was mailed to that address, once there are so many; other mails may go there too."""
    link = re.compile(rf"{re.escape(viewer.stack.url)}/invitation/[\w-]{{43}}/")
    until = time.monotonic() + PATIENCE
    while True:
        bodies = [mail.get_body(("plain",)) for mail in viewer.stack.mails_to(address)]
        found = [match[0] for body in bodies if body and (match := link.search(body.get_content()))]
        if len(found) >= count:
            return found[-1]
        assert time.monotonic() < until, f"{len(found)} of {count} links in mails to {address}"
        time.sleep(0.2)


def invite_client(alice: Viewer, name: str, address: str) -> str:
    """A new client file, whose client is invited at once; the path of the file."""
    page = alice.page
    alice.go(f"{alice.firm}dossiers/nouveau/")
    page.get_by_label("Raison sociale").fill(name)
    page.get_by_role("button", name="Créer le dossier").click()
    page.wait_for_url(re.compile("/dossiers/[0-9a-f-]{36}/$"))
    file = page.url.removeprefix(alice.stack.url)
    alice.go(f"{file}inviter/")
    page.get_by_label("Adresse e-mail").fill(address)
    page.get_by_role("button", name="Envoyer l'invitation").click()
    expect(page.get_by_text(f"L'invitation pour {address} est en route").first).to_be_attached()
    return file


def open_link(viewer: Viewer, link: str, what: str) -> Page:
    """The page behind it, looked at; its token has left the address."""
    viewer.go(link)
    expect(viewer.page).to_have_url(f"{viewer.stack.url}/invitation/")
    viewer.note(what)
    return viewer.page


def come_in(page: Page, button: str, first_name: str, last_name: str) -> None:
    """With a new account."""
    page.get_by_label("Prénom").fill(first_name)
    page.get_by_label("Nom", exact=True).fill(last_name)
    page.get_by_label("Choisir un mot de passe", exact=True).fill(PASSWORD)
    page.get_by_label("J'accepte les conditions").check()
    page.get_by_role("button", name=button, exact=True).click()


def space_of(page: Page) -> str:
    found = re.search(r"/espace/[0-9a-f-]{36}/", page.url)
    assert found, page.url
    return found[0]


def change(running: Stack, sql: str, *values: str) -> None:
    """What time or a mail service would have done, written into the product's database once the row is there."""
    note = json.loads((running.folder / "running.json").read_text())
    until = time.monotonic() + PATIENCE
    with psycopg.connect(note["environment"]["OWNER_DATABASE_URL"], autocommit=True) as connection:
        while (count := connection.execute(sql, values).rowcount) != 1:
            assert count == 0 and time.monotonic() < until, f"{count} rows: {sql}"
            time.sleep(0.1)


# --- A client: new, then with an account, then with two spaces


def test_a_new_client_then_one_with_an_account_then_two_tabs(alice: Viewer, phone: Phone) -> None:
    address = "maud@miroiterie.example"
    invite_client(alice, "Miroiterie Maud", address)
    first = phone()
    page = open_link(first, newest_link(first, address), "invitations:answer, new")
    for words in ("Lemoine", "Miroiterie Maud", address, "ni votre mot de passe"):
        expect(page.get_by_role("main")).to_contain_text(words)
    come_in(page, "Accepter et entrer", "Maud", "Vitrier")
    page.wait_for_url(re.compile("/espace/.*/bienvenue/"))
    expect(page.get_by_role("main")).to_contain_text("Miroiterie Maud")
    first.note("clients:space_welcome")
    one = space_of(page)
    invite_client(alice, "Miroiterie Nord", address)
    second = phone()
    other = come_in_with_ones_account(second, address)
    assert other != one, "a space of its own, as was chosen"
    stand_in_both(second, one, other)


def come_in_with_ones_account(second: Viewer, address: str) -> str:
    """The path of the space."""
    page = open_link(second, newest_link(second, address, count=2), "invitations:answer, has an account")
    expect(page.get_by_label("Choisir un mot de passe")).to_have_count(0)
    page.get_by_role("link", name="Se connecter et continuer").click()
    page.get_by_label("Adresse e-mail").fill(address)
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    page.wait_for_url(re.compile("/invitation/$"))
    expect(page.get_by_role("main")).to_contain_text("Miroiterie Nord")
    second.note("invitations:answer, signed in as the one invited")
    page.get_by_role("button", name="Accepter et entrer", exact=True).click()
    page.wait_for_url(re.compile("/espace/.*/bienvenue/"))
    return space_of(page)


def stand_in_both(viewer: Viewer, one: str, other: str) -> None:
    """The form of the first tab is sent once the second tab stands elsewhere: each changes its own space."""
    tabs = [viewer.page, viewer.context.new_page()]
    for tab, space, city in zip(tabs, (one, other), ("Lille", "Brest"), strict=True):
        tab.set_viewport_size(PHONE)
        tab.goto(f"{viewer.stack.url}{space}coordonnees/modifier/")
        tab.get_by_label("Ville").fill(city)
    for tab, space, city, name in zip(
        tabs, (one, other), ("Lille", "Brest"), ("Miroiterie Maud", "Miroiterie Nord"), strict=True
    ):
        tab.get_by_role("button", name="Enregistrer").click()
        tab.wait_for_url(f"{viewer.stack.url}{space}")
        expect(tab.get_by_role("main")).to_contain_text(city)
        expect(tab.locator("body")).to_contain_text(name)
    tabs[0].reload()
    expect(tabs[0].get_by_role("main")).not_to_contain_text("Brest")
    tabs[0].goto(f"{viewer.stack.url}/mes-espaces/")
    for name in ("Miroiterie Maud", "Miroiterie Nord"):
        expect(tabs[0].get_by_role("main")).to_contain_text(name)
    viewer.note("accounts:places of two spaces")
    tabs[0].get_by_role("link", name=re.compile("Miroiterie Nord")).first.click()
    tabs[0].wait_for_url(re.compile(other))
    tabs[1].reload()  # and nobody was signed out
    assert space_of(tabs[1]) == other


# --- The wrong person


def test_signed_in_as_another_switches_and_says_it_is_not_for_them(alice: Viewer, phone: Phone) -> None:
    address = "noe@menuiserie.example"
    invite_client(alice, "Menuiserie Noé", address)
    link, paul = newest_link(alice, address), phone()
    paul.sign_in(PAUL)
    page = open_link(paul, link, "invitations:answer, signed in as another")
    for words in ("Vous utilisez un autre compte", PAUL, address):
        expect(page.get_by_role("main")).to_contain_text(words)
    expect(page.get_by_role("button", name="Accepter et entrer")).to_have_count(0)
    page.get_by_role("button", name="Changer de compte").click()
    expect(page.get_by_label("Choisir un mot de passe", exact=True)).to_be_visible()
    expect(page).to_have_url(f"{paul.stack.url}/invitation/")  # the link survives the switch
    page.get_by_role("link", name="Ce n'est pas pour moi").click()
    expect(page).to_have_url(re.compile("/invitation/refuser/"))
    paul.note("invitations:refuse")
    page.get_by_role("button", name="Ce n'est pas pour moi").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Merci, c'est noté")
    paul.note("refused")
    paul.go(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Ce lien n'ouvre pas d'invitation")
    alice.go(f"{alice.firm}invitations/?q={address}")
    expect(alice.page.locator("tbody tr").first).to_contain_text("Refusée")


# --- A link that is too late


def test_an_expired_link_brings_a_new_one_to_the_same_address(alice: Viewer, phone: Phone) -> None:
    address = "olga@mercerie.example"
    invite_client(alice, "Mercerie Olga", address)
    link, olga = newest_link(alice, address), phone()
    late = "UPDATE invitations_invitation SET expires_at = now() - interval '1 hour' WHERE email = %s"
    change(alice.stack, late, address)
    page = open_link(olga, link, "invitations:answer, expired")
    expect(page.get_by_role("heading", level=1)).to_have_text("Cette invitation a expiré")
    # No address is asked for: it goes to the one that was invited.
    expect(page.locator("input:visible")).to_have_count(0)
    page.get_by_role("button", name="M'envoyer un nouveau lien").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Un nouveau lien est en route")
    olga.note("invitations:new_link")
    page = open_link(olga, newest_link(olga, address, count=2), "invitations:answer, renewed")
    come_in(page, "Accepter et entrer", "Olga", "Fil")
    page.wait_for_url(re.compile("/espace/.*/bienvenue/"))
    olga.go(link)
    page.wait_for_url(re.compile("/espace/"))  # the old link leads its owner home


# --- A mail that comes back


def test_a_mail_that_came_back_is_corrected_and_sent_in_one_step(
    alice: Viewer, phone: Phone, by_workers: Stack
) -> None:
    wrong, right = "pia@faute.example", "pia@papeterie.example"
    invite_client(alice, "Papeterie Pia", wrong)
    link, pia = newest_link(alice, wrong), phone()
    comes_back(by_workers, wrong)
    correct(alice, wrong, right)
    open_link(pia, newest_link(pia, right), "invitations:answer, corrected")
    expect(pia.page.get_by_role("main")).to_contain_text("Papeterie Pia")
    pia.go(link)
    expect(pia.page.get_by_role("heading", level=1)).to_have_text("Ce lien n'ouvre pas d'invitation")
    expect(pia.page.get_by_role("main")).not_to_contain_text("Lemoine")


def comes_back(service: Stack, wrong: str) -> None:
    """The mail service tells so over HTTP, by the name under which it took the mail.

    The worker writes down that a mail has left, and as what, a moment after it is there to be read.
    """
    known_as = "<pia.1@smtp-relay.mailin.fr>"
    left = """UPDATE activity_outgoingemail SET provider_id = %s WHERE "to" = %s AND state = 'sent'"""
    change(service, left, known_as, wrong)
    told = brevo(known_as, reason="550 5.1.1 User unknown", email=wrong)
    user, _colon, password = SECRET.partition(":")
    answer = httpx.post(f"{service.url}/courriels/brevo/", json=told, auth=(user, password), timeout=30)
    assert answer.status_code == 200


def correct(alice: Viewer, wrong: str, right: str) -> None:
    """From what the dashboard counts to the new mail, in one step."""
    page = alice.page
    alice.go(alice.firm)
    page.locator('#main a[href*="state=failed"]').first.click()
    row = page.locator("tbody tr", has_text=wrong)
    expect(row).to_contain_text("En échec")
    expect(row).to_contain_text("Cette adresse n'existe pas")
    page.set_viewport_size(PHONE)
    alice.note("invitations:list, one has failed")
    row.get_by_role("button", name=re.compile("^Actions")).click()
    page.get_by_role("menuitem", name="Corriger l'adresse").click()
    dialog = page.locator("#dialog-body")
    dialog.get_by_label("Adresse e-mail").fill(right)
    alice.note("dialog: correct the address")
    dialog.get_by_role("button", name="Corriger et envoyer").click()
    expect(page.get_by_text(f"L'invitation part vers {right}").first).to_be_attached()


# --- A client moves on


def test_a_client_moves_to_an_accountant_with_two_firms(alice: Viewer, phone: Phone) -> None:
    file = invite_client(alice, "Marbrerie Rose", "rose@marbrerie.example")
    rose, yves = phone(), phone()
    page = open_link(rose, newest_link(rose, "rose@marbrerie.example"), "invitations:answer")
    come_in(page, "Accepter et entrer", "Rose", "Marbre")
    page.wait_for_url(re.compile("/bienvenue/"))
    works_for_two(alice, yves)
    ask_to_take_over(rose)
    answer_for_the_second(yves)
    rose.go(f"{space_of(rose.page)}cabinets/")
    expect(rose.page.get_by_role("main")).to_contain_text("Expertise du Cap")
    expect(rose.page.get_by_text("Auparavant")).to_be_visible()
    rose.note("invitations:firms after a takeover")
    alice.go(file)
    expect(alice.page.get_by_role("main")).not_to_contain_text("du Cap")
    expect(alice.page.get_by_role("main")).to_contain_text("Rose")
    for mail in alice.stack.mails_to(ALICE):
        body = mail.get_body(("plain",))
        assert body and "du Cap" not in body.get_content(), "the former firm does not learn of the new one"


def works_for_two(alice: Viewer, yves: Viewer) -> None:
    """Yves comes to the firm by an invitation, and registers one of his own."""
    address = "yves@lemoine.example"
    alice.go(f"{alice.firm}membres/inviter/")
    alice.page.get_by_label("Adresse e-mail").fill(address)
    alice.page.get_by_role("button", name="Envoyer l'invitation").click()
    page = open_link(yves, newest_link(yves, address), "invitations:answer of a colleague")
    come_in(page, "Accepter et rejoindre", "Yves", "Granit")
    page.wait_for_url(re.compile("/cabinets/"))
    yves.go("/mes-espaces/?tous=1")
    page.get_by_role("link", name="Inscrire un autre cabinet").click()
    page.get_by_label("Nom du cabinet").fill("Expertise du Cap")
    page.get_by_label("SIREN ou SIRET").fill("443 061 841")
    page.get_by_role("button", name="Inscrire le cabinet").click()
    page.wait_for_url(re.compile("/cabinets/expertise-du-cap"))


def ask_to_take_over(rose: Viewer) -> None:
    page = rose.page
    rose.go(f"{space_of(page)}cabinets/inviter/")
    page.get_by_label(re.compile("^Adresse e-mail du cabinet")).fill("yves@lemoine.example")
    page.locator("input[value=instead]").check()
    rose.note("invitations:invite_firm in place of another")
    page.get_by_role("button", name="Envoyer l'invitation").click()
    expect(page).to_have_url(re.compile("/cabinets/$"))


def answer_for_the_second(yves: Viewer) -> None:
    """The link asks for which of the firms, and the firm's own page for the rest."""
    page = open_link(
        yves, newest_link(yves, "yves@lemoine.example", count=2), "invitations:answer of two firms"
    )
    expect(page.get_by_role("main")).to_contain_text("Marbrerie Rose")
    expect(page.locator("input[type=radio]:checked")).to_have_count(0)
    page.get_by_label(re.compile("Expertise du Cap")).check()
    page.get_by_role("button", name="Continuer").click()
    page.wait_for_url(re.compile("/cabinets/expertise-du-cap.*/demandes/"))
    yves.note("invitations:request")
    expect(page.get_by_role("main")).not_to_contain_text("Lemoine")
    page.get_by_role("button", name="Suivre ce client").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Marbrerie Rose")
