"""The picture of the README: the demonstration's client list with the drawer open.

Beside a running `make run`:  .venv/bin/python tools/screenshot.py http://localhost:8000
"""

import os
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "dossiers.png"
EMAIL, PASSWORD = "alice@lemoine.example", "portail-de-demonstration"
SHOWN = "Boulangerie Lefèvre"


def main(url: str) -> None:
    with sync_playwright() as playwright:
        chosen = os.environ.get("PORTAL_CHROMIUM")
        browser = playwright.chromium.launch(executable_path=chosen, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(locale="fr-FR", viewport={"width": 1366, "height": 860}, color_scheme="light")
        open_drawer(page, url)
        PICTURE.parent.mkdir(exist_ok=True)
        page.screenshot(path=PICTURE)
        browser.close()
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size / 1024:.0f} KB")


def open_drawer(page: Page, url: str) -> None:
    page.goto(f"{url}/connexion/")
    page.get_by_label("Adresse e-mail").fill(EMAIL)
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("link", name="Dossiers", exact=True).first.click()
    page.get_by_role("link", name=SHOWN).click()
    page.locator("#drawer-body .timeline").wait_for()
    page.mouse.move(118, 700)


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
