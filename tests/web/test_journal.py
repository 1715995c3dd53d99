"""The journal page: what it shows, of whom, and to whom."""

import re

from django.db import connection
from django.test.utils import CaptureQueriesContext

from activity import queries
from clients.actions.portfolios import move_dossiers
from clients.models import Dossier
from portfolios.actions import create_portfolio, rename_portfolio
from portfolios.models import Portfolio
from tenancy.scopes import scope
from tests.worlds import World, make_dossier, make_portfolio


def page(browse, world: World, member=None, **query) -> str:
    response = browse(member or world.admin).get(world.firm.url("accounts:journal"), query)
    assert response.status_code == 200
    return str(response.content.decode())


def renamed(world: World, count: int) -> Portfolio:
    with scope(firm=world.firm):
        portfolio = make_portfolio("Nom 0")
        for number in range(1, count + 1):
            rename_portfolio(actor=world.admin, portfolio=portfolio, name=f"Nom {number}")
    return portfolio


def names(html: str) -> list[int]:
    return [int(number) for number in re.findall(r"→ Nom (\d+)", html)]


def test_an_entry_says_who_did_what_from_what_to_what(lemoine: World, browse) -> None:
    renamed(lemoine, 1)
    html = page(browse, lemoine)
    assert "Alice Martin" in html
    assert "Nom 0" in html
    assert names(html) == [1]


def test_names_are_escaped(lemoine: World, browse) -> None:
    with scope(firm=lemoine.firm):
        create_portfolio(actor=lemoine.admin, name="<script>alert(1)</script>")
    html = page(browse, lemoine)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_paging_goes_to_the_end_and_back_and_shows_each_entry_once(lemoine: World, browse) -> None:
    renamed(lemoine, 120)
    client, url, seen = browse(lemoine.admin), lemoine.firm.url("accounts:journal"), []
    pages = 0
    while url:
        html = client.get(url).content.decode()
        seen += names(html)
        pages += 1
        following = re.search(r'rel="next" href="([^"]+)"', html)
        url = lemoine.firm.url("accounts:journal") + following[1].replace("&amp;", "&") if following else ""
    assert pages == 3
    assert seen == list(range(120, 0, -1))
    back = re.search(r'rel="prev" href="([^"]+)"', html)
    assert back is not None
    middle = client.get(lemoine.firm.url("accounts:journal") + back[1].replace("&amp;", "&")).content.decode()
    assert names(middle) == list(range(70, 20, -1))


def test_filters_keep_what_is_asked(lemoine: World, browse) -> None:
    portfolio = renamed(lemoine, 2)
    with scope(firm=lemoine.firm):
        create_portfolio(actor=lemoine.admin, name="Autre")
    assert "Autre" not in page(browse, lemoine, kind="portfolios.portfolio.renamed")
    assert names(page(browse, lemoine, subject=str(portfolio.pk))) == [2, 1]
    assert names(page(browse, lemoine, q="autre")) == []
    assert "Autre" in page(browse, lemoine, q="autre")
    assert names(page(browse, lemoine, person=str(lemoine.collaborator.user_id))) == []
    assert names(page(browse, lemoine, person=str(lemoine.admin.user_id), since="2020-01-01")) == [2, 1]
    assert names(page(browse, lemoine, until="2020-01-01")) == []


def test_a_filter_that_cannot_be_read_filters_nothing(lemoine: World, browse) -> None:
    renamed(lemoine, 1)
    assert names(page(browse, lemoine, since="hier", person="x", before="x", kind="nothing")) == [1]


def moved(world: World, count: int) -> None:
    """So many client files, each with its line, into one portfolio."""
    with scope(firm=world.firm):
        portfolio = make_portfolio("Nouveau")
        for number in range(count):
            make_dossier(f"Client {number:03}")
        move_dossiers(actor=world.admin, dossiers=Dossier.objects.clients(), portfolio=portfolio)


def clients_in(html: str) -> list[int]:
    return [int(number) for number in re.findall(r"Client (\d{3})", html)]


def test_what_was_done_to_many_is_one_line_with_its_details_behind_a_link(lemoine: World, browse) -> None:
    moved(lemoine, 60)
    html = page(browse, lemoine)
    assert clients_in(html) == []
    link = re.search(r'href="[^"]*\?(group=[^"]+)">60 lignes de détail</a>', html)
    assert link
    client, url, seen = browse(lemoine.admin), f"?{link[1]}", []
    while url:
        html = client.get(lemoine.firm.url("accounts:journal") + url).content.decode()
        seen += clients_in(html)
        following = re.search(r'rel="next" href="([^"]+)"', html)
        url = following[1].replace("&amp;", "&") if following else ""
    assert sorted(seen) == list(range(60))
    assert "lignes de détail" not in html  # they are here


def test_folded_lines_take_no_place_on_its_pages(lemoine: World, browse) -> None:
    renamed(lemoine, 30)
    moved(lemoine, 60)
    renamed_later = renamed(lemoine, 10)
    assert renamed_later
    html = page(browse, lemoine)
    assert names(html) == [*range(10, 0, -1), *range(30, 0, -1)]
    assert 'rel="next"' not in html


def test_a_search_finds_the_folded_line(lemoine: World, browse) -> None:
    moved(lemoine, 3)
    with scope(firm=lemoine.firm):
        dossier = Dossier.objects.get(legal_name="Client 002")
    assert clients_in(page(browse, lemoine, subject=str(dossier.pk))) == [2]
    assert clients_in(page(browse, lemoine, q="client 002")) == [2]
    assert len(clients_in(page(browse, lemoine, kind="clients.dossier.moved"))) == 3
    assert clients_in(page(browse, lemoine, person=str(lemoine.admin.user_id))) == []


def test_of_very_many_lines_it_says_so_without_counting_them_all(lemoine: World, browse, monkeypatch) -> None:
    monkeypatch.setattr("activity.queries.MOST_DETAILS", 5)
    moved(lemoine, 6)
    assert "Plus de 1 000 lignes de détail" in page(browse, lemoine).replace("\N{NO-BREAK SPACE}", " ")


def test_a_lone_event_has_no_details(lemoine: World, browse) -> None:
    moved(lemoine, 1)
    html = page(browse, lemoine)
    assert clients_in(html) == [0]
    assert "de détail" not in html


def test_another_firms_entries_never_appear(lemoine: World, bertrand: World, browse) -> None:
    renamed(bertrand, 3)
    assert names(page(browse, lemoine)) == []


def test_collaborators_have_no_journal(lemoine: World, browse) -> None:
    response = browse(lemoine.collaborator).get(lemoine.firm.url("accounts:journal"))
    assert response.status_code == 403


def test_its_queries_do_not_grow_with_its_entries(lemoine: World, browse) -> None:
    client, url, counts = browse(lemoine.admin), lemoine.firm.url("accounts:journal"), []
    renamed(lemoine, 10)
    for _round in range(2):
        client.get(url)
        with CaptureQueriesContext(connection) as queries:
            client.get(url)
        counts.append(len(queries))
        if not _round:
            create_many(lemoine)
    assert counts[0] == counts[1] <= 20


def create_many(world: World) -> None:
    with scope(firm=world.firm):
        for number in range(40):
            create_portfolio(actor=world.admin, name=f"Portefeuille {number}")


def test_each_action_is_offered_once_and_finds_all_that_read_alike(lemoine: World) -> None:
    labels = [label for _app, types in queries.kinds() for _names, label in types]
    assert len(labels) == len(set(labels)) > 30
    renamed(lemoine, 2)
    with scope(firm=lemoine.firm):
        both = "clients.space.followed,portfolios.portfolio.renamed"
        assert queries.journal(queries.Asked(kind=both)).count() == 2
