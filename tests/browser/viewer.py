"""One person's browser, and how it looks at a page: in both themes, on a laptop and on a phone."""

import re
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from django.urls import resolve
from playwright.sync_api import Browser, Page

from tests.browser.axe import violations
from tests.browser.conftest import LAPTOP, PHONE, watched
from tests.browser.stack import Stack

Prepare = Callable[[Page], object]


class Viewer:
    """Gathers what axe finds and what the content security policy refused; `close` fails if there is any."""

    def __init__(self, stack: Stack, browser: Browser) -> None:
        self.stack = stack
        # Without transitions, a page in another theme is there at once.
        self.context = browser.new_context(locale="fr-FR", viewport=LAPTOP, reduced_motion="reduce")  # type: ignore[arg-type]  # a TypedDict
        self.breaches = watched(self.context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.found: list[str] = []

    def sign_in(self, email: str, password: str) -> None:
        self.go("/connexion/")
        self.page.get_by_label("Adresse e-mail").fill(email)
        self.page.get_by_label("Mot de passe", exact=True).fill(password)
        self.page.get_by_role("button", name="Se connecter").click()
        self.page.wait_for_url(lambda url: "/connexion/" not in url or "second-facteur" in url)

    def go(self, where: str) -> None:
        """To a path of the product, or to a whole address (of a mail)."""
        self.page.goto(where if "://" in where else self.stack.url + where)

    def link_to(self, address: str, path: str, within: float = 40.0) -> str:
        """The first link to such a path in a mail to that address, once it has come."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            for mail in self.stack.mails_to(address):
                body = mail.get_body(("plain",))
                text = body.get_content() if body else ""
                found = re.search(rf"{re.escape(self.stack.url)}/{path}\S*", text)
                if found:
                    return found[0]
            time.sleep(0.2)
        raise AssertionError(f"no link to {path} for {address}")

    @property
    def name(self) -> str:
        """The URL pattern of the page that is shown."""
        return resolve(urlsplit(self.page.url).path).view_name

    def look(self, what: str, prepare: Prepare | None = None) -> None:
        """Check the page as it stands. `prepare` is done anew in each width: a menu opens, a drawer."""
        for size in (LAPTOP, PHONE):
            self.page.set_viewport_size(size)  # type: ignore[arg-type]  # a TypedDict
            if prepare:
                prepare(self.page)
            self.note(f"{what}, {size['width']} px")
        self.page.set_viewport_size(LAPTOP)  # type: ignore[arg-type]  # a TypedDict

    def note(self, what: str) -> None:
        """What is wrong in this width: all of it in light, and what the dark changes."""
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            self.found.append(f"{what}: must be pushed sideways by {wide} px to be read")
        self.found += [f"{what}, light: {line}" for line in violations(self.page)]
        self.page.emulate_media(color_scheme="dark")
        self.found += [f"{what}, dark: {line}" for line in violations(self.page, colours_only=True)]
        self.page.emulate_media(color_scheme="light")

    def visit(self, name: str, where: str) -> None:
        """Go to a page and look at it; it must be the one of that URL pattern, not one that it leads on to."""
        self.go(where)
        assert self.name == name, f"{where} leads to {self.name}"
        self.look(name)

    def close(self) -> None:
        self.context.close()
        assert self.breaches == []
        assert self.found == [], "\n".join(self.found)
