"""Somebody chooses which mails they get, finds what concerns them under the bell, and follows the link of a mail that
switches more of its kind off."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from firm_portal.demo import LEMOINE, PASSWORD
from tests.browser.stack import Stack
from tests.browser.viewer import Viewer

pytestmark = pytest.mark.browser

ALICE, CHLOE = LEMOINE.people[:2]


@pytest.fixture
def alice(demo_product: Stack, browser: Browser) -> Iterator[Viewer]:
    viewer = Viewer(demo_product, browser)
    viewer.sign_in(ALICE, PASSWORD)
    yield viewer
    viewer.close()


@pytest.fixture
def chloe(demo_product: Stack, browser: Browser) -> Iterator[Viewer]:
    viewer = Viewer(demo_product, browser)
    viewer.sign_in(CHLOE, PASSWORD)
    yield viewer
    viewer.close()


def bell(page: Page) -> str:
    """What the bell shows; empty for nothing."""
    shown = page.locator(".bell-count")
    return shown.inner_text() if shown.count() else ""


def test_choices_are_saved_and_stay(chloe: Viewer) -> None:
    chloe.go("/profil/courriels/")
    page = chloe.page
    topic = page.get_by_role("group", name="Fichiers échangés").first
    topic.get_by_label("Une fois par jour").check()
    page.get_by_label("Heure du courriel quotidien").first.select_option("18")
    page.get_by_role("button", name="Enregistrer").first.click()
    expect(page.get_by_text("Votre choix est enregistré")).to_be_visible()
    expect(topic.get_by_label("Une fois par jour")).to_be_checked()
    expect(page.get_by_label("Heure du courriel quotidien").first).to_have_value("18")
    chloe.look("accounts:notifications, saved")


def test_what_concerns_somebody_is_under_the_bell_until_they_open_it(alice: Viewer, chloe: Viewer) -> None:
    place = chloe.page.url
    chloe.go(place + "me-concerne/")
    if chloe.page.get_by_role("button", name="Tout marquer comme lu").count():
        chloe.page.get_by_role("button", name="Tout marquer comme lu").click()
    expect(chloe.page.get_by_text("Vous avez tout lu")).to_be_visible()
    assert bell(chloe.page) == ""
    chloe.go(place + "portefeuilles/")
    hers = chloe.page.locator('#main a[href*="/portefeuilles/0"]').first
    alice.go(f"{hers.get_attribute('href')}renommer/")
    alice.page.locator("[name=name]").fill(f"{hers.inner_text()} et fondations")
    alice.page.get_by_role("button", name="Renommer").click()
    expect(alice.page.get_by_role("heading", level=1)).to_contain_text("fondations")
    chloe.go(place)
    assert bell(chloe.page) == "1"
    chloe.page.get_by_role("link", name="Ce qui vous concerne").click()
    expect(chloe.page.locator(".news-entry")).to_have_count(1)
    chloe.look("bell")
    chloe.page.locator(".news-entry a").first.click()
    chloe.page.wait_for_url(re.compile("/portefeuilles/"))
    chloe.go(place + "me-concerne/")
    expect(chloe.page.locator(".bell-count")).to_have_count(0)
    chloe.go(place + "me-concerne/?voir=tout")
    chloe.look("bell, all")


def test_a_mails_link_asks_and_switches_off(chloe: Viewer) -> None:
    """It needs no login."""
    link = chloe.link_to(CHLOE, "profil/courriels/arreter/")
    chloe.context.clear_cookies()
    chloe.go(link)
    expect(chloe.page).to_have_url(re.compile("/profil/courriels/arreter/$"))
    chloe.look("accounts:switch_off")
    chloe.page.get_by_role("button", name="Ne plus en recevoir").click()
    expect(chloe.page.get_by_text("C'est fait")).to_be_visible()
    chloe.look("switched off")
    chloe.go("/profil/courriels/arreter/x/")
    chloe.look("no such link")
