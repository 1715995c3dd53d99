"""Rules that hold for every template: nothing inline, every icon known, the style sheets small."""

import gzip
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MAILS = ROOT / "templates" / "mails"
PAGES = sorted(path for path in (ROOT / "templates").rglob("*.html") if MAILS not in path.parents)
SPRITE = (ROOT / "static/vendor/tabler-icons/sprite.svg").read_text()
PIECES = [path for path in PAGES if path.parts[-2] in {"components", "layouts"}]
ICONS = set(re.findall(r'id="([\w-]+)"', SPRITE))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_template_has_nothing_inline(path: Path) -> None:
    source = path.read_text()
    assert not re.search(r"\sstyle=|\son\w+=\"|hx-on|<style|javascript:", source)
    for script in re.findall(r"<script[^>]*>", source):
        assert " src=" in script or "nonce=" in script or "json" in script


@pytest.mark.parametrize("path", PIECES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_component_opens_with_its_context(path: Path) -> None:
    assert "{% comment %}" in path.read_text()


def test_every_icon_that_is_asked_for_is_in_the_sprite() -> None:
    asked = set()
    sources = [*PAGES, *ROOT.glob("*/navigation.py"), *ROOT.glob("*/views/*.py")]
    for path in sources:
        source = path.read_text()
        asked |= set(re.findall(r"""{% icon ["']([\w-]+)["']""", source))
        asked |= set(re.findall(r"""icon\|default:["']([\w-]+)["']""", source))
        asked |= set(re.findall(r"""["']?icon["']?[=:]\s?["']([\w-]+)["']""", source))
    assert sorted(asked - ICONS) == []


def test_a_row_with_a_link_of_its_own_is_clicked_anywhere() -> None:
    for path in PAGES:
        for row in re.split(r"(?=<tr\b)", path.read_text())[1:]:
            assert "data-row-link" not in row or re.match(r"<tr[^>]*\bdata-row\b", row), path


def test_the_style_sheets_and_scripts_stay_light() -> None:
    def packed(*names: str) -> int:
        return sum(len(gzip.compress((ROOT / "static" / name).read_bytes())) for name in names)

    assert packed("vendor/tabler/tabler.css", "css/app.css") < 60_000
    assert packed("vendor/htmx/htmx.min.js", "js/app.js", "js/theme.js") < 40_000


def test_nothing_is_fetched_from_elsewhere() -> None:
    for path in [*PAGES, *(ROOT / "static").rglob("*.css")]:
        addresses = re.findall(
            r"(?:src|href|url\(|@import)\s*[=(]?\s*[\"']?(https?://[^\"')\s]+)", path.read_text()
        )
        assert addresses == [], path
