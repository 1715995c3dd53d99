"""Identifiers, browsers' names, limits."""

import pytest
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import RequestFactory

from accounts.browsers import browser_name, is_mobile
from accounts.identifiers import siren_and_siret
from accounts.throttling import throttled

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1 Version/17.0 Safari/604.1"


@pytest.mark.parametrize(
    ("agent", "name", "mobile"),
    [
        (FIREFOX, "Firefox, Linux", False),
        (EDGE, "Edge, Windows", False),
        (IPHONE, "Safari, iPhone", True),
        ("", "Navigateur inconnu", False),
    ],
)
def test_a_browser_has_a_name(agent: str, name: str, mobile: bool) -> None:
    assert (browser_name(agent), is_mobile(agent)) == (name, mobile)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("732829320", ("732829320", "")),
        ("732\u00a0829\u202f320 00074", ("732829320", "73282932000074")),
        ("356.000.000-49837", ("356000000", "35600000049837")),  # La Poste has a rule of its own
    ],
)
def test_a_firms_number_is_read(typed: str, read: tuple[str, str]) -> None:
    assert siren_and_siret(typed) == read


@pytest.mark.parametrize("typed", ["", "1234", "732829321", "73282932000075", "٧٣٢٨٢٩٣٢٠", "FR732829320"])
def test_a_wrong_number_is_not(typed: str) -> None:
    with pytest.raises(ValidationError):
        siren_and_siret(typed)


def test_a_limit_counts_each_call_and_each_key_by_itself(db: None) -> None:
    cache.clear()
    request = RequestFactory().get("/invitation/x/")
    request.user = None  # type: ignore[assignment]  # nobody: the page that refuses is shown to anyone

    def calls(key: str) -> list[bool]:
        return [throttled(request, action="t", rate="2/m/key", key=key) is None for _ in range(3)]

    assert calls("a") == [True, True, False]
    assert calls("b") == [True, True, False]
