"""HTML that is rendered once for each kind: what is filled in is each one's own."""

from html import escape
from typing import Any

import pytest
from django.utils.safestring import SafeString
from django.utils.translation import override

from accounts.stencils import Fixed, _kept, escaped, stencilled

MENU = "components/firm_menu.html"
BAR = "components/bulk_bar.html"


def menu(*labels: str, active: int = 0, icon: str = "folders") -> str:
    items: list[dict[str, Any]] = [
        {"url": f"/{place}/", "icon": Fixed(icon), "label": label, "active": place == active}
        for place, label in enumerate(labels)
    ]
    return stencilled(MENU, {"search_url": "/search/", "items": items})


def test_each_gets_its_own_texts_from_one_rendering() -> None:
    first = menu("Un", "Deux")
    before = _kept.cache_info().misses
    second = menu("Trois", "Quatre")
    assert _kept.cache_info().misses == before
    assert "<span>Un</span>" in first
    assert "<span>Trois</span>" in second
    assert "Un" not in second


def test_what_is_true_how_many_there_are_and_what_is_fixed_set_kinds_apart() -> None:
    assert menu("Un", "Deux", active=1).index("aria-current") > menu("Un", "Deux").index("aria-current")
    assert menu("Un", "Deux", "Trois").count("nav-item") == 3
    assert "#briefcase" in menu("Un", icon="briefcase")
    assert "#folders" in menu("Un")


def test_a_text_that_is_not_there_is_not_asked_for() -> None:
    assert "nav-item" in stencilled(MENU, {"search_url": "", "items": [{"url": "/", "label": "Un"}]})
    assert "search-input" not in stencilled(MENU, {"search_url": "", "items": []})


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", 'a "b" & c', "{{ x }}", "{% csrf_token %}"])
def test_a_text_is_only_a_text(text: str) -> None:
    shown = menu(text)
    assert "<script>" not in shown
    assert shown == menu("Un").replace("<span>Un</span>", f"<span>{html_text(text)}</span>")


def html_text(text: str) -> str:
    for sign, said in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(sign, said)
    return text


@pytest.mark.parametrize("texts", [[], [""], ["<a>", "", 'b & "c"'], ["<a>\0<b>", "c"], ["\0"]])
def test_many_texts_become_html_each_for_itself(texts: list[str]) -> None:
    assert escaped(texts) == [escape(text) for text in texts]


def test_a_text_that_looks_like_a_mark_stays_as_it_is() -> None:
    assert "<span>\ue0000\ue001</span>" in menu("\ue0000\ue001")


def test_html_is_put_in_as_it_is() -> None:
    assert "<span><b>Un</b></span>" in menu(SafeString("<b>Un</b>"))


def test_each_language_has_its_own_rendering() -> None:
    with override("fr"):
        french = stencilled(BAR, {"actions": [], "total": 7})
    with override("en"):
        english = stencilled(BAR, {"actions": [], "total": 7})
    assert "Select all 7" in english
    assert "Select all" not in french
    assert "7" in french


def test_a_part_that_is_the_same_for_everybody_knows_nobody() -> None:
    assert 'id="drawer"' in stencilled("components/drawer.html")
    assert "csrfmiddlewaretoken" not in stencilled(BAR, {"actions": [], "total": 7})
