"""One person's browser, and how it looks at a page: in both themes, on a laptop and on a phone."""

import re
import time
from collections.abc import Callable, Sequence
from typing import Literal
from urllib.parse import urlsplit

from django.urls import resolve
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from firm_portal.demo import PASSWORD
from tests.browser.axe import settle, violations
from tests.browser.stack import Stack

Prepare = Callable[[Page], object]
Theme = Literal["light", "dark"]
LIGHT: Theme = "light"
DARK: Theme = "dark"
LAPTOP: ViewportSize = {"width": 1366, "height": 900}
PHONE: ViewportSize = {"width": 360, "height": 800}
PATIENCE = 60.0  # seconds for what a page or the worker brings, on a busy machine

# A page shows before its scripts have come. A person's click finds a plain link then, and a test would find no dialog:
# it waits, as its mouse finds nothing to press until everything listens.
UNTIL_THE_SCRIPTS = """
const asleep = new CSSStyleSheet();
asleep.replaceSync("html { pointer-events: none !important }");
document.adoptedStyleSheets = [asleep];
document.addEventListener("DOMContentLoaded", () => setTimeout(() => { document.adoptedStyleSheets = []; }));
"""


def watched(context: BrowserContext) -> list[str]:
    """A list that fills with what the browser refused by the content security policy, and with script errors."""
    found: list[str] = []
    context.on(
        "console",
        lambda message: found.append(message.text) if "Content Security Policy" in message.text else None,
    )
    context.on("weberror", lambda error: found.append(str(error.error)))
    context.set_default_timeout(PATIENCE * 1000)
    context.add_init_script(UNTIL_THE_SCRIPTS)
    return found


class Viewer:
    """Gathers what axe finds and what the content security policy refused; `close` fails if there is any."""

    def __init__(self, stack: Stack, browser: Browser, size: ViewportSize = LAPTOP) -> None:
        self.stack = stack
        # Without transitions, a page in another theme is there at once.
        self.context = browser.new_context(locale="fr-FR", viewport=size, reduced_motion="reduce")
        self.breaches = watched(self.context)
        self.page = self.context.new_page()
        self.found: list[str] = []
        self.theme: Theme = LIGHT

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        self.go("/connexion/")
        self.page.get_by_label("Adresse e-mail").fill(email)
        self.page.get_by_label("Mot de passe", exact=True).fill(password)
        self.page.get_by_role("button", name="Se connecter").click()
        self.page.wait_for_url(lambda url: "/connexion/" not in url or "second-facteur" in url)

    def enter(self, email: str) -> None:
        """Where signing in leads that person; by the session of their last time, if the product still knows it."""
        if email in self.stack.sessions:
            cookie, where = self.stack.sessions[email]
            self.context.add_cookies([{"name": "sessionid", "value": cookie, "url": self.stack.url}])
            self.go(where)
            if "/connexion/" not in self.page.url:
                return
        self.sign_in(email)
        cookies = {one.get("name"): str(one.get("value")) for one in self.context.cookies()}
        self.stack.sessions[email] = (cookies["sessionid"], urlsplit(self.page.url).path)

    def go(self, where: str) -> None:
        """To a path of the product, or to a whole address (of a mail)."""
        self.page.goto(where if "://" in where else self.stack.url + where)

    @property
    def firm(self) -> str:
        """The path of the first page of the firm where one stands."""
        found = re.match(r"/cabinets/[^/]+/", urlsplit(self.page.url).path)
        assert found, self.page.url
        return found[0]

    def link_to(self, address: str, path: str, within: float = 90.0) -> str:
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

    def look(self, what: str, prepare: Prepare | None = None, *, is_at_work: bool = False) -> None:
        """Check the page as it stands. `prepare` is done anew in each width: a menu opens, a drawer. `is_at_work`: it
        goes on asking how far its work is, and whoever looks sees to it that no answer comes.

        The second width begins in the theme where the first one ends, for a whole page painted anew costs as much as
        half of what is asked of it.
        """
        before = self.page.viewport_size or LAPTOP
        for size, themes in ((LAPTOP, (LIGHT, DARK)), (PHONE, (DARK, LIGHT))):
            self.page.set_viewport_size(size)
            if prepare:
                prepare(self.page)
            self._examine(f"{what}, {size['width']} px", themes, is_at_work=is_at_work)
        self.page.set_viewport_size(before)

    def note(self, what: str) -> None:
        """What is wrong in this width: all of it in light, and what the dark changes."""
        self._examine(what, (LIGHT, DARK))
        self._show(LIGHT)

    def _examine(self, what: str, themes: Sequence[Theme], *, is_at_work: bool = False) -> None:
        if not is_at_work:
            settle(self.page)
        for theme in themes:
            self._show(theme)
            if theme == LIGHT:
                wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
                if wide > 0:
                    self.found.append(f"{what}: must be pushed sideways by {wide} px to be read")
            wrong = violations(self.page, colours_only=theme == DARK)
            self.found += [f"{what}, {theme}: {line}" for line in wrong]

    def _show(self, theme: Theme) -> None:
        if theme != self.theme:
            self.page.emulate_media(color_scheme=theme)
            self.theme = theme

    def visit(self, name: str, where: str) -> None:
        """Go to a page and look at it; it must be the one of that URL pattern, not one that it leads on to."""
        self.go(where)
        assert self.name == name, f"{where} leads to {self.name}"
        self.look(name)

    def close(self) -> None:
        self.context.close()
        assert self.breaches == []
        assert self.found == [], "\n".join(self.found)


class Visitors:
    """Whoever a test needs, each in a browser of their own; what each of them saw is judged at the end."""

    def __init__(self, stack: Stack, browser: Browser) -> None:
        self.stack, self.browser = stack, browser
        self.opened: list[Viewer] = []
        self.here: set[str] = set()

    def __call__(self, email: str = "", *, size: ViewportSize = LAPTOP, stack: Stack | None = None) -> Viewer:
        """A browser, signed in where an address is given. Somebody's second one has a session of its own."""
        viewer = Viewer(stack or self.stack, self.browser, size)
        self.opened.append(viewer)
        if email in self.here:
            viewer.sign_in(email)
        elif email:
            viewer.enter(email)
            self.here.add(email)
        return viewer

    def leave(self) -> None:
        """All of them close, also where one has something to say."""
        found: list[str] = []
        for viewer in self.opened:
            viewer.context.close()
            found += viewer.breaches + viewer.found
        assert found == [], "\n".join(found)
