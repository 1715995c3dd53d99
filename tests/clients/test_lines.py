"""The rows of the list as HTML: each kind of row is rendered once, each row keeps its own texts."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.permissions import ObjectRole, give, pairs_of
from accounts.stencils import _kept
from clients.models import Assignment
from tests.worlds import World, make_dossier, make_portfolio

Browse = Callable[..., Client]
ROW = re.compile(r"<tr data-row>.*?</tr>", re.DOTALL)


def lines(page: Any) -> list[str]:
    """What a person reads of each row."""
    rows = ROW.findall(page.content.decode())
    return [" ".join(unescape(re.sub(r"<[^>]*>", " ", row)).split()) for row in rows]


def test_each_row_shows_its_own_texts_and_no_others(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio("Sarah")
    made = [make_dossier("Boulangerie Un", portfolio=portfolio, reference="B1"), make_dossier("Menuiserie")]
    give(Assignment, pairs_of(made, [firm.collaborator]), role=ObjectRole.READER, by=firm.admin)
    give(Assignment, pairs_of(made[:1], [firm.colleague]), role=ObjectRole.READER, by=firm.admin)
    first, second = lines(browse(firm.admin).get(firm.firm.url("clients:list")))
    assert first.startswith("B1 Boulangerie Un Sarah CM Chloé Martin +1 ")
    assert second.startswith("Menuiserie CM Chloé Martin ")
    assert "+1" not in second


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", 'Dupont "et" fils & Cie', "\ue000name\ue001", "{{ x }}"]
)
def test_a_text_of_a_row_is_only_a_text(firm: World, browse: Browse, name: str) -> None:
    make_dossier(name, reference="<b>")
    page = browse(firm.admin).get(firm.firm.url("clients:list"))
    (line,) = lines(page)
    assert line.startswith(f"<b> {name} ")
    assert "<script>alert" not in page.content.decode()


def test_a_row_is_in_the_language_of_who_reads_it(firm: World, browse: Browse) -> None:
    make_dossier()
    client, url = browse(firm.admin), firm.firm.url("clients:list")
    assert "Modifier" in lines(client.get(url))[0]
    User.objects.filter(memberships=firm.admin).update(language="en")
    assert "Edit" in lines(client.get(url))[0]
    assert "Modifier" not in lines(client.get(url))[0]


def test_a_kind_of_row_is_rendered_once(firm: World, browse: Browse) -> None:
    client, url = browse(firm.admin), firm.firm.url("clients:list")
    for number in range(10):
        make_dossier(f"Client {number}")
    client.get(url)
    before = _kept.cache_info().misses
    assert len(lines(client.get(url))) == 10
    assert _kept.cache_info().misses == before
