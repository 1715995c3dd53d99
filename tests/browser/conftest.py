"""A real browser before the real product. Each test fails on a breach of the content security policy too."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from firm_portal.demo import CLIENT, LEMOINE
from tests.activity.services import SECRET
from tests.browser import stack
from tests.browser.stack import Stack
from tests.browser.viewer import LAPTOP, PATIENCE, Viewer, Visitors, watched
from tests.connectors.fakes import Fake, company, make_certificate, pennylane, running, signing_in
from tests.setup.conftest import new_folder

Platforms = tuple[Fake, Fake, Path]
ALICE, CHLOE = LEMOINE.people[:2]
# Each page begins anew, so that scripts are done before the compilers that would make them quick: those took a fifth of
# all that the browser costs.
UNOPTIMISED = "--js-flags=--no-opt --no-maglev --always-sparkplug"
expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-sync",
        UNOPTIMISED,
    ]
    chosen: dict[str, Any] = {"args": arguments}
    if path := os.environ.get("PORTAL_CHROMIUM"):
        chosen["executable_path"] = path
    return {**browser_type_launch_args, **chosen}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "locale": "fr-FR", "viewport": LAPTOP}


@pytest.fixture(scope="session")
def empty_product() -> Iterator[Stack]:
    """No firm, no demo data; notifications are held for two seconds only."""
    with new_folder() as folder, stack.started(folder, DEMO="0", NOTIFICATION_HOLD_SECONDS="2") as product:
        yield product


@pytest.fixture(scope="session")
def platforms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platforms]:
    """Pennylane, and a site with a sign-in page, for the demonstration to fetch client lists from."""
    certificate = make_certificate(tmp_path_factory.mktemp("certificate") / "localhost.pem")
    firm = pennylane([company(number, external_id=f"P{number:03}", siren=None) for number in range(1, 121)])
    with running(firm, certificate) as one, running(signing_in(), certificate) as other:
        yield one, other, certificate


@pytest.fixture(scope="session")
def demo_product(platforms: Platforms) -> Iterator[Stack]:
    """With the demo's two firms, led to the platforms."""
    one, other, certificate = platforms
    described = {
        "key": "declarations",
        "name": "Déclarations en ligne",
        "sign_in": f"{other.url}/connexion",
        "email_field": "login",
        "password_field": "mdp",
        "export": f"{other.url}/export",
    }
    settings = {
        "DEMO": "1",
        "NOTIFICATION_HOLD_SECONDS": "2",
        "SSL_CERT_FILE": str(certificate),
        "PENNYLANE_URL": one.url,
        "FETCH_PLATFORMS": json.dumps([described]),
    }
    with new_folder() as folder, stack.started(folder, **settings) as product:
        yield product


@pytest.fixture(scope="session")
def by_workers(demo_product: Stack) -> Iterator[Stack]:
    """The demonstration by another door: each export and each invitation is a worker's, and a mail service calls."""
    settings = {
        "EXPORTS_AT_ONCE": "0",
        "INVITATIONS_AT_ONCE": "0",
        "MAIL_SERVICE": "brevo",
        "MAIL_SERVICE_KEY": "none",
        "MAIL_SERVICE_SECRET": SECRET,
    }
    with stack.beside(demo_product, **settings) as one:
        yield one


@pytest.fixture
def visitors(demo_product: Stack, browser: Browser) -> Iterator[Visitors]:
    """The demonstration's people and others: `visitors(ALICE)`, `visitors(size=PHONE)`."""
    some = Visitors(demo_product, browser)
    yield some
    some.leave()


@pytest.fixture
def viewer(visitors: Visitors) -> Viewer:
    """Somebody who has not signed in."""
    return visitors()


@pytest.fixture
def alice(visitors: Visitors) -> Viewer:
    """The administrator of the demonstration's first firm, on its first page."""
    return visitors(ALICE)


@pytest.fixture
def chloe(visitors: Visitors) -> Viewer:
    """A collaborator there."""
    return visitors(CHLOE)


@pytest.fixture
def client(visitors: Visitors) -> Viewer:
    """A client of that firm, in their space."""
    return visitors(CLIENT)


@pytest.fixture
def breaches(context: BrowserContext) -> Iterator[list[str]]:
    """None may be left when the test ends."""
    found = watched(context)
    yield found
    assert found == []
