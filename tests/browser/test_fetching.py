"""A client list from another platform, in a real browser, by a real worker; axe on each page and in its states."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Platforms
from tests.browser.test_invitation_journeys import change
from tests.browser.viewer import PATIENCE, Viewer
from tests.connectors import fakes
from tests.connectors.fakes import Answer

pytestmark = pytest.mark.browser


def to_the_platforms(viewer: Viewer) -> Page:
    page = viewer.page
    page.get_by_role("link", name="Imports").first.click()
    page.get_by_role("link", name="Récupérer d'une autre plateforme").click()
    expect(page.get_by_role("heading", name="Plateformes")).to_be_visible()
    return page


@contextmanager
def held_at(page: Page, words: str) -> Iterator[Callable[[], None]]:
    """The page that asks how far it is hears nothing more once it was told these words, as long as this lasts. What
    this gives waits until the page stands so."""
    told: list[str] = []
    waiting: list[Route] = []

    def pass_on(route: Route) -> None:
        if told:
            waiting.append(route)  # without an answer: the page waits
            return
        answer = route.fetch()
        if words in answer.text():
            told.append(words)
        route.fulfill(response=answer)

    def until_it_stands() -> None:
        until = time.monotonic() + PATIENCE
        while not waiting:
            assert time.monotonic() < until, f"it never said: {words}"
            page.wait_for_timeout(50)

    page.route("**/avancement/", pass_on)
    yield until_it_stands
    page.unroute("**/avancement/")


def test_a_token_brings_the_list_up_to_its_plan(alice: Viewer, platforms: Platforms) -> None:
    page, (pennylanes, _site, _certificate) = to_the_platforms(alice), platforms
    alice.look("clients:connections")
    page.get_by_role("link", name="Relier Pennylane").click()
    page.get_by_label("Jeton", exact=True).fill("pas un jeton")
    page.get_by_role("button", name="Enregistrer le jeton").click()
    expect(page.get_by_text("copiez-le de nouveau").first).to_be_visible()
    alice.look("clients:connect_pennylane with errors, in the dialog")
    page.get_by_label("Jeton", exact=True).fill(fakes.TOKEN)
    page.get_by_role("button", name="Enregistrer le jeton").click()
    expect(page.get_by_text("se termine par 4f2c")).to_be_visible()
    alice.look("clients:connections, connected")
    pennylanes.then = [pennylanes.usual, Answer(429, b"", {"Retry-After": "600"})]
    with held_at(page, "demande de ralentir") as until_it_stands:
        page.get_by_role("button", name="Récupérer Pennylane").click()
        expect(page.get_by_text("demande de ralentir")).to_be_visible()
        until_it_stands()
        alice.look("clients:fetching, waiting", is_at_work=True)
    change(alice.stack, "UPDATE clients_fetch SET lease_until = now() WHERE waiting_until > now()")
    page.reload()
    expect(page).to_have_url(re.compile(r"/imports/(?!recuperations)"))
    expect(page.get_by_text("Société 1", exact=True).first).to_be_visible()


def test_a_token_is_forgotten_and_a_refusal_says_what_to_do(alice: Viewer, platforms: Platforms) -> None:
    page, (pennylanes, _site, _certificate) = to_the_platforms(alice), platforms
    page.get_by_role("link", name="Relier Pennylane").or_(
        page.get_by_role("link", name="Remplacer le jeton Pennylane")
    ).click()
    page.get_by_label("Jeton", exact=True).fill(fakes.TOKEN)
    page.get_by_role("button", name="Enregistrer le jeton").click()
    expect(page.get_by_text("se termine par 4f2c")).to_be_visible()
    pennylanes.then = [Answer(403, b"", {})]
    page.get_by_role("button", name="Récupérer Pennylane").click()
    expect(page.get_by_text("n'a pas le droit de lire")).to_be_visible()
    alice.look("clients:fetching, failed")
    page = to_the_platforms(alice)
    alice.look("clients:connections, fetched")
    page.get_by_role("link", name="Oublier Pennylane").click()
    expect(page.get_by_role("button", name="Oublier le jeton")).to_be_visible()
    alice.look("clients:forget_connection, in the dialog")
    page.get_by_role("button", name="Oublier le jeton").click()
    expect(page.get_by_role("link", name="Relier Pennylane")).to_be_visible()


def test_a_password_brings_one_file(alice: Viewer, platforms: Platforms) -> None:
    page = to_the_platforms(alice)
    page.get_by_role("link", name="Télécharger Déclarations en ligne").click()
    page.get_by_label("Adresse e-mail sur cette plateforme").fill(fakes.EMAIL)
    page.get_by_label("Mot de passe sur cette plateforme").fill("faux")
    page.get_by_role("button", name="Télécharger").click()
    expect(page.get_by_text("n'a pas accepté cette adresse e-mail")).to_be_visible()
    expect(page.get_by_label("Mot de passe sur cette plateforme")).to_have_value("")
    alice.look("clients:download_list, refused, in the dialog")
    page.get_by_label("Mot de passe sur cette plateforme").fill(fakes.PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/imports/0"))
    expect(page.get_by_text("Boulangerie Martin").first).to_be_visible()
