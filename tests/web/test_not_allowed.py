"""An address that only takes forms, opened without one."""

from collections.abc import Callable

from django.test import Client, RequestFactory
from django.urls import resolve, reverse

from firm_portal.middleware import page_above
from tests.web.matrix import MATRIX
from tests.web.pages import said
from tests.web.routes import Pattern, all_patterns
from tests.worlds import World

Browse = Callable[..., Client]
KEY = "01890000-0000-7000-8000-000000000001"


def test_a_bookmarked_form_address_says_what_to_do(firm: World, browse: Browse) -> None:
    address = firm.firm.url("clients:share_view", pk=KEY)
    answer = browse(firm.admin).get(address)
    assert answer.status_code == 405 and answer["Allow"] == "POST"
    assert answer["Content-Type"].startswith("text/html")
    assert "Cette adresse ne fait que recevoir un formulaire" in said(answer)
    assert f'href="{firm.firm.url("clients:views")}"' in said(answer)


def test_programs_get_the_bare_answer(firm: World, browse: Browse) -> None:
    client, address = browse(firm.admin), firm.firm.url("clients:share_view", pk=KEY)
    for answer in (
        client.head(address),
        client.options(address),
        client.put(address),
        client.get(address, headers={"HX-Request": "true"}),
    ):
        assert (answer.status_code, answer["Allow"], answer.content) == (405, "POST", b"")


def test_the_way_back_leads_to_a_page_that_can_be_read() -> None:
    patterns = {pattern.name: pattern for pattern in all_patterns()}
    for name, row in MATRIX.items():
        if "GET" in row.methods.split() or name not in patterns:
            continue
        above = page_above(RequestFactory().get(_address(patterns[name])))
        assert "GET" in MATRIX[resolve(above).view_name].methods.split(), f"{name} → {above}"


def _address(pattern: Pattern) -> str:
    words = {"firm_slug": "lemoine", "token": "x" * 43, "key": "MQ:1abc:def", "uidb36": "1abc"}
    words |= {name: "1" for name in pattern.parameters if f"<int:{name}>" in pattern.route}
    return reverse(pattern.name, kwargs={name: words.get(name, KEY) for name in pattern.parameters})
