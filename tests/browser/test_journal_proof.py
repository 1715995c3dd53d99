"""The journal's proof in a real browser, by a real worker: verified by the button, held; desktop, phone, axe."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.viewer import PHONE, Viewer

pytestmark = pytest.mark.browser


def test_the_journal_is_verified_by_a_button(alice: Viewer) -> None:
    page = alice.page
    alice.go(alice.firm + "journal/")
    page.get_by_role("link", name="Preuve").click()
    expect(page).to_have_url(re.compile("/journal/preuve/$"))
    alice.look("accounts:proof")
    page.get_by_role("button", name="Vérifier le journal").click()
    expect(page).to_have_url(re.compile("/journal/preuve/0"))
    expect(page.get_by_text("Le journal est intact")).to_be_visible()
    alice.look("accounts:journal_check, intact")
    page.set_viewport_size(PHONE)
    alice.look("accounts:journal_check, on a phone")
    page.get_by_role("link", name="Preuve du journal").click()
    expect(page.get_by_text("événements vérifiés").or_(page.get_by_text("événement vérifié"))).to_be_visible()
    alice.look("accounts:proof, once verified, on a phone")


def test_what_is_no_proof_is_refused(alice: Viewer) -> None:
    page = alice.page
    alice.go(alice.firm + "journal/preuve/")
    page.get_by_label("Preuve à comparer").fill("Bonjour")
    page.get_by_role("button", name="Vérifier le journal").click()
    expect(page.get_by_text("pas une preuve de journal").first).to_be_visible()
    alice.look("accounts:verify_journal, refused")


def test_a_legal_hold_is_placed_and_lifted(alice: Viewer) -> None:
    page = alice.page
    alice.go(alice.firm + "journal/preuve/")
    page.get_by_role("link", name="Geler le journal").click()
    page.get_by_label("Motif").or_(page.get_by_label("Raison")).fill("Contrôle 2026-17")
    page.get_by_role("button", name="Geler le journal").click()
    expect(page.get_by_text("Contrôle 2026-17").first).to_be_visible()
    alice.look("accounts:proof, under legal hold")
    page.get_by_role("link", name="Lever le gel").click()
    expect(page.get_by_role("button", name="Lever le gel")).to_be_visible()
    alice.look("accounts:release_journal, under legal hold")
    page.get_by_role("button", name="Lever le gel").click()
    expect(page.get_by_role("link", name="Geler le journal")).to_be_visible()
