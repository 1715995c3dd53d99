"""A passkey in place of a password, on a phone whose authenticator is Chromium's own virtual one."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, CDPSession, Page, expect

from firm_portal.demo import PASSWORD
from tests.browser.stack import Stack
from tests.browser.viewer import PHONE, Viewer, Visitors

pytestmark = pytest.mark.browser

NEWCOMER = "sans.mot.de.passe@client.example"
ACCEPT = "Accepter avec une clé d'accès"


class Authenticator:
    """The device's part: it keeps keys, and recognises its owner as long as `recognises`."""

    def __init__(self, page: Page) -> None:
        self.talk: CDPSession = page.context.new_cdp_session(page)
        self.talk.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self.key = self.talk.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def recognises(self, yes: bool) -> None:
        self.talk.send("WebAuthn.setUserVerified", {"authenticatorId": self.key, "isUserVerified": yes})

    def keeps(self) -> int:
        return len(self.talk.send("WebAuthn.getCredentials", {"authenticatorId": self.key})["credentials"])

    def forget(self) -> None:
        self.talk.send("WebAuthn.clearCredentials", {"authenticatorId": self.key})


@pytest.fixture
def phone(visitors: Visitors) -> Viewer:
    return visitors(size=PHONE)


def invited(alice: Viewer) -> None:
    """The firm's administrator invites a client without an account."""
    page = alice.page
    alice.go(alice.firm + "dossiers/?state=none&size=20")
    alice.go(str(page.locator('#main a[href$="/inviter/"]').first.get_attribute("href")))
    page.get_by_label("Adresse e-mail").fill(NEWCOMER)
    page.get_by_role("button", name="Envoyer l'invitation").click()
    expect(page).not_to_have_url(re.compile("/inviter/$"))


def fill_in(page: Page) -> None:
    page.get_by_label("Prénom").fill("Inès")
    page.get_by_label("Nom", exact=True).fill("Faure")
    page.get_by_label("J'accepte les conditions").check()


def sign_out(viewer: Viewer) -> None:
    viewer.go(reverse("account_logout"))
    viewer.page.locator("#main").get_by_role("button", name="Se déconnecter").click()
    expect(viewer.page).not_to_have_url(re.compile("/deconnexion/"))


def accept(phone: Viewer, device: Authenticator) -> None:
    """In one page, once the device has recognised its owner."""
    page = phone.page
    phone.go(phone.link_to(NEWCOMER, "invitation/"))
    phone.look("invitations:answer, with a passkey")
    page.get_by_role("button", name=ACCEPT).click()
    assert device.keeps() == 0, "what is missing is asked for first"
    fill_in(page)
    device.recognises(False)
    page.get_by_role("button", name=ACCEPT).click()
    expect(page.get_by_text("Aucune clé d'accès n'a été créée")).to_be_visible()
    phone.look("invitations:answer, no passkey made")
    device.recognises(True)
    page.get_by_role("button", name=ACCEPT).click()
    expect(page).to_have_url(re.compile("/espace/.*/bienvenue/$"))
    assert device.keeps() == 1


def look_at_own_pages(phone: Viewer) -> None:
    """As somebody without a password: the key shows again that it is them."""
    page = phone.page
    phone.look("accounts:passkeys, one")
    phone.go(reverse("account_change_password"))
    assert phone.name == "mfa_reauthenticate_webauthn", "there is no password: one is chosen"
    phone.look("mfa_reauthenticate_webauthn")
    page.get_by_role("button", name="Continuer avec une clé d'accès").click()
    expect(page).to_have_url(re.compile("/mot-de-passe/choisir/$"))
    phone.look("account_set_password")
    phone.go(reverse("accounts:add_passkey"))
    page.get_by_role("button", name="Ajouter une clé d'accès").click()
    expect(page.get_by_text("Cet appareil garde déjà une clé")).to_be_visible()
    phone.go(reverse("accounts:passkeys"))
    page.get_by_role("link", name="Retirer la clé").click()
    expect(page).to_have_url(re.compile("/retirer/$"))
    phone.look("accounts:remove_passkey")
    page.get_by_role("button", name="Retirer la clé d'accès").click()
    expect(page.get_by_text("choisissez d'abord un mot de passe")).to_be_visible()


def come_back_by_mail(phone: Viewer) -> None:
    page = phone.page
    page.get_by_role("link", name="Mot de passe oublié").click()
    page.wait_for_url(re.compile("/mot-de-passe/oublie/"))
    page.get_by_label("Adresse e-mail").fill(NEWCOMER)
    page.get_by_role("button", name="M'envoyer le lien").click()
    phone.go(phone.link_to(NEWCOMER, "mot-de-passe/nouveau/"))
    page.get_by_label("Nouveau mot de passe").fill(PASSWORD)
    page.get_by_role("button", name="Enregistrer le nouveau mot de passe").click()
    expect(page).to_have_url(re.compile("/connexion/"))
    phone.sign_in(NEWCOMER)
    expect(page).to_have_url(re.compile("/espace/"))


def test_a_new_client_accepts_comes_back_and_loses_the_phone(phone: Viewer, alice: Viewer) -> None:
    page, device = phone.page, Authenticator(phone.page)
    invited(alice)
    accept(phone, device)
    sign_out(phone)
    phone.go("/connexion/?next=/profil/cles-d-acces/")
    page.get_by_role("button", name="Utiliser une clé d'accès").click()
    expect(page).to_have_url(re.compile("[^=]/profil/cles-d-acces/$"))
    look_at_own_pages(phone)
    sign_out(phone)
    device.forget()
    phone.go("/connexion/")
    page.get_by_role("button", name="Utiliser une clé d'accès").click()
    expect(page.get_by_text("Aucune clé d'accès n'a été présentée")).to_be_visible()
    come_back_by_mail(phone)


def test_without_scripts_or_passkeys_the_page_asks_for_a_password(
    demo_product: Stack, browser: Browser
) -> None:
    for context in (
        browser.new_context(locale="fr-FR", java_script_enabled=False),
        browser.new_context(locale="fr-FR"),
    ):
        context.add_init_script("delete window.PublicKeyCredential")
        page = context.new_page()
        page.goto(demo_product.url + "/connexion/")
        expect(page.get_by_role("button", name="Se connecter")).to_be_visible()
        expect(page.get_by_role("button", name="Utiliser une clé d'accès")).to_be_hidden()
        context.close()
