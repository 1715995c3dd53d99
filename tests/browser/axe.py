"""Accessibility of a page as axe-core sees it: the rules of WCAG 2.2 A and AA, and its best practices.

Rows of a table and lines of the menu stand on many pages and in many states. Each is examined once in a width and a
theme: what was found clean, and stands in the same place to the letter, is left out the next time.
"""

from pathlib import Path

from playwright.sync_api import Page, expect

AXE = Path(__file__).parent.parent / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What another theme can change of a page that was looked at in one.
OF_COLOURS = ["color-contrast", "link-in-text-block"]
# They bear no heading and no landmark, which axe compares over the whole page.
REPEATED = "tbody > tr, .rail li"

_clean: dict[tuple[str, bool], set[str]] = {}

# A page that asks how far its work is will be another one in a moment, and so will one that waits for an answer.
_NOT_THERE_YET = '[hx-trigger*="every"], .htmx-request'

_SETTLED = """() => Promise.allSettled(document.getAnimations()
  .filter((animation) => animation.effect.getTiming().iterations !== Infinity)
  .map((animation) => animation.finished))"""

_RUN = """async ([type, values, repeated, clean]) => {
  const attributes = (element) => [...element.attributes].map(({ name, value }) => `${name}=${value}`).join(" ");
  const around = new Map([[null, ""]]);
  const place = (element) => {
    const above = () => `${place(element.parentElement)}>${element.localName} ${attributes(element)}`;
    if (!around.has(element)) around.set(element, above());
    return around.get(element);
  };
  const leads = ["for", "aria-controls", "aria-labelledby", "aria-describedby", "popovertarget"];
  const led = (part) => leads.map((name) => [...part.querySelectorAll(`[${name}]`)].map((element) =>
    element.getAttribute(name).split(" ").map((id) => document.querySelectorAll(`[id="${CSS.escape(id)}"]`).length)));
  const state = (part) => ["checked", "focus", "hover", "popover-open", "invalid"].map((name) =>
    [part, ...part.querySelectorAll("*")].map((element) => +element.matches(`:${name}`)).join(""));
  const written = async (part) => {
    const { x, width, height } = part.getBoundingClientRect();
    const html = part.outerHTML.replaceAll(/(name="csrfmiddlewaretoken" value=)"[^"]*"/g, "$1");
    const all = JSON.stringify([place(part.parentElement), html, state(part), led(part), x, width, height]);
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(all));
    return btoa(String.fromCharCode(...new Uint8Array(digest)));
  };
  const known = new Set(clean.split(" "));
  const parts = [...document.querySelectorAll(repeated)];
  const signs = await Promise.all(parts.map(written));
  const context = { include: [document.documentElement], exclude: parts.filter((_, at) => known.has(signs[at])) };
  const options = { runOnly: { type, values }, resultTypes: ["violations"], preload: false };
  const { violations } = await axe.run(context, options);
  const found = violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help} — ${node.target.join(" ")}`));
  return [found, signs.filter((sign) => !known.has(sign))];
}"""


def settle(page: Page) -> None:
    """Wait until the page is there as a whole and stays."""
    page.wait_for_load_state()
    expect(page.locator(_NOT_THERE_YET)).to_have_count(0)


def violations(page: Page, *, colours_only: bool = False) -> list[str]:
    """What axe finds wrong in the page as it stands now, one line for each element; animations are waited for."""
    page.evaluate(_SETTLED)
    # By the debugger's door, which the content security policy does not close.
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text())
    asked = ["rule", OF_COLOURS] if colours_only else ["tag", RULES]
    found: list[str]
    seen: list[str]
    look = page.evaluate("`${innerWidth} ${matchMedia('(prefers-color-scheme: dark)').matches}`")
    clean = _clean.setdefault((look, colours_only), set())
    # As one text, for each value of a list is wrapped and unwrapped on its way to the browser.
    found, seen = page.evaluate(_RUN, [*asked, REPEATED, " ".join(clean)])
    if not found:
        clean.update(seen)
    return found
