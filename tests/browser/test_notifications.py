"""Somebody chooses which mails they get, finds what concerns them under the bell, and follows the link of a mail that
switches more of its kind off."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import CHLOE
from tests.browser.viewer import PATIENCE, Viewer

pytestmark = pytest.mark.browser


def test_choices_are_saved_and_stay(chloe: Viewer) -> None:
    chloe.go("/profil/courriels/")
    page = chloe.page
    topic = page.get_by_role("group", name="Fichiers échangés").first
    topic.get_by_label("Une fois par jour").check()
    page.get_by_label("Heure du courriel quotidien").first.select_option("18")
    page.get_by_role("button", name="Enregistrer").first.click()
    expect(page.get_by_text("Votre choix est enregistré")).to_be_in_viewport()
    expect(topic.get_by_label("Une fois par jour")).to_be_checked()
    expect(page.get_by_label("Heure du courriel quotidien").first).to_have_value("18")
    chloe.look("accounts:notifications, saved")


def rename_a_portfolio(alice: Viewer, chloe: Viewer) -> None:
    """One that Chloé sees."""
    chloe.go(chloe.firm + "portefeuilles/")
    hers = chloe.page.locator('#main a[href*="/portefeuilles/0"]').first
    alice.go(f"{hers.get_attribute('href')}renommer/")
    alice.page.locator("[name=name]").fill(f"{hers.inner_text()} et fondations")
    alice.page.get_by_role("button", name="Renommer").click()
    expect(alice.page.get_by_role("heading", level=1)).to_contain_text("fondations")


def until_all_is_read(chloe: Viewer, where: str) -> None:
    """The browser says what was opened while it goes there already, and waits for no answer."""
    until = time.monotonic() + PATIENCE
    chloe.go(where)
    while chloe.page.locator(".bell-count").count():
        assert time.monotonic() < until, "what was opened still counts as unread"
        chloe.page.wait_for_timeout(200)
        chloe.go(where)


def test_what_concerns_somebody_is_under_the_bell_until_they_open_it(alice: Viewer, chloe: Viewer) -> None:
    place = chloe.firm
    chloe.go(place + "me-concerne/")
    if chloe.page.get_by_role("button", name="Tout marquer comme lu").count():
        chloe.page.get_by_role("button", name="Tout marquer comme lu").click()
    expect(chloe.page.get_by_text("Vous avez tout lu")).to_be_visible()
    expect(chloe.page.locator(".bell-count")).to_have_count(0)
    rename_a_portfolio(alice, chloe)
    chloe.go(place)
    expect(chloe.page.locator(".bell-count")).to_have_text("1")
    chloe.page.get_by_role("link", name="Ce qui vous concerne").click()
    expect(chloe.page.locator(".news-entry")).to_have_count(1)
    chloe.look("bell")
    chloe.page.locator(".news-entry a").first.click()
    chloe.page.wait_for_url(re.compile("/portefeuilles/"))
    until_all_is_read(chloe, place + "me-concerne/")
    chloe.go(place + "me-concerne/?voir=tout")
    chloe.look("bell, all")


def test_a_mails_link_asks_and_switches_off(alice: Viewer, chloe: Viewer) -> None:
    """It needs no login."""
    rename_a_portfolio(alice, chloe)
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
