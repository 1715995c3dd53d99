"""Accessibility of a page as axe-core sees it: the rules of WCAG 2.2 A and AA, and its best practices."""

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parent.parent / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What another theme can change of a page that was looked at in one.
OF_COLOURS = ["color-contrast", "link-in-text-block"]

_SETTLED = """() => Promise.allSettled(document.getAnimations()
  .filter((animation) => animation.effect.getTiming().iterations !== Infinity)
  .map((animation) => animation.finished))"""

_RUN = """async ([type, values]) => {
  const options = { runOnly: { type, values }, resultTypes: ["violations"], preload: false };
  const { violations } = await axe.run(document, options);
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help} — ${node.target.join(" ")}`));
}"""


def violations(page: Page, *, colours_only: bool = False) -> list[str]:
    """What axe finds wrong in the page as it stands now, one line for each element; animations are waited for."""
    page.evaluate(_SETTLED)
    # By the debugger's door, which the content security policy does not close.
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text())
    asked = ["rule", OF_COLOURS] if colours_only else ["tag", RULES]
    found: list[str] = page.evaluate(_RUN, asked)
    return found
