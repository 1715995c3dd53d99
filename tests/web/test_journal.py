"""The journal page: what it shows, of whom, and to whom."""

import io
import re
from dataclasses import dataclass
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from accounts.actions.members import terminate_member
from accounts.permissions import ObjectRole
from activity import queries
from activity.actions import record
from activity.sealing import seal_due
from clients.actions.assignments import change_assignments
from clients.actions.departing import complete_departure
from clients.actions.dossiers import update_dossier
from clients.actions.portfolios import move_dossiers
from clients.holdings import holdings_of
from clients.models import Dossier
from exports.making import make_export
from exports.models import Export
from portfolios.actions import create_portfolio, grant_portfolio, rename_portfolio
from portfolios.events import PortfolioRenamed
from portfolios.models import Portfolio
from tenancy.keys import uuid7
from tenancy.scopes import scope
from tests.worlds import World, make_dossier, make_person, make_portfolio


def page(browse, world: World, member=None, **query) -> str:
    response = browse(member or world.admin).get(world.firm.url("clients:journal"), query)
    assert response.status_code == 200
    return re.sub(
        "<option.*?</option>", "", str(response.content.decode())
    )  # what one may choose is no entry


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
    client, url, seen = browse(lemoine.admin), lemoine.firm.url("clients:journal"), []
    pages = 0
    while url:
        html = client.get(url).content.decode()
        seen += names(html)
        pages += 1
        following = re.search(r'rel="next" href="([^"]+)"', html)
        url = lemoine.firm.url("clients:journal") + following[1].replace("&amp;", "&") if following else ""
    assert pages == 3
    assert seen == list(range(120, 0, -1))
    back = re.search(r'rel="prev" href="([^"]+)"', html)
    assert back is not None
    middle = client.get(lemoine.firm.url("clients:journal") + back[1].replace("&amp;", "&")).content.decode()
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


def test_a_filter_that_cannot_be_read_filters_nothing_and_is_named(lemoine: World, browse) -> None:
    renamed(lemoine, 1)
    html = page(browse, lemoine, since="hier", person="x", before="x", kind="nothing", portfolio="y")
    assert names(html) == [1]
    assert "Un filtre n'a pas été appliqué" in html.replace("&#x27;", "'")
    told = re.findall(r"<li>(Du|Personne|Action|Portefeuille)\W", html)
    assert sorted(told) == ["Action", "Du", "Personne", "Portefeuille"]
    assert "Un filtre" not in page(browse, lemoine, since="2020-01-01")


def test_a_day_before_all_or_after_all_is_a_day_like_any_other(lemoine: World, browse) -> None:
    with scope(firm=lemoine.firm):
        create_portfolio(actor=lemoine.admin, name="Sarah")
    alice, url = browse(lemoine.admin), lemoine.firm.url("clients:journal")
    for days, count in {
        "since=0001-01-01": 1,
        "since=1900-01-01&until=9999-12-31": 1,
        "until=1969-12-31": 0,
        "since=9999-12-31": 0,
    }.items():
        assert len(alice.get(f"{url}?{days}").context["shown"].lines) == count, days


def test_what_is_chosen_stands_above_the_list_as_it_was_chosen(lemoine: World, browse) -> None:
    html = page(browse, lemoine, kind="portfolios.portfolio.renamed")
    assert "<strong>Portefeuille renommé</strong>" in html


def test_days_the_wrong_way_round_are_said_to_be_so(lemoine: World, browse) -> None:
    html = page(browse, lemoine, since="2026-02-01", until="2026-01-01")
    assert "précède celle du début" in html


def test_a_portfolio_is_what_it_holds_too(lemoine: World, browse) -> None:
    with scope(firm=lemoine.firm):
        portfolio, other = make_portfolio("Nord"), make_portfolio("Sud")
        make_dossier("Client 001", portfolio=portfolio)
        make_dossier("Client 002", portfolio=other)
        for number in (1, 2):
            update_dossier(
                actor=lemoine.admin,
                dossier=Dossier.objects.get(legal_name=f"Client 00{number}"),
                values={"phone": f"+3312345670{number}"},
            )
        rename_portfolio(actor=lemoine.admin, portfolio=portfolio, name="Nord-Est")
    html = page(browse, lemoine, portfolio=str(portfolio.pk))
    assert clients_in(html) == [1]
    assert "→ Nord-Est" in html


def test_a_search_knows_people_things_and_actions_whatever_their_accents_and_order(
    lemoine: World, browse
) -> None:
    renamed(lemoine, 2)
    with scope(firm=lemoine.firm):
        create_portfolio(actor=lemoine.admin, name="Chaudronnerie Élan")
    assert "Chaudronnerie" in page(browse, lemoine, q="ELAN alice")
    assert names(page(browse, lemoine, q="alice renommé")) == [2, 1]
    assert names(page(browse, lemoine, q="nom 1")) == [2, 1], "found by the name that it had then"
    assert names(page(browse, lemoine, q="alice personne-de-ce-nom")) == []


def test_all_that_is_kept_of_an_event_stands_on_its_page(lemoine: World, browse) -> None:
    renamed(lemoine, 1)
    client = browse(lemoine.admin)
    client.post(
        lemoine.firm.url("portfolios:create"), {"name": "Par la page"}, HTTP_X_REQUEST_ID="demande-17"
    )
    link = re.search(r'data-row-link href="([^"]+)"', page(browse, lemoine, q="par la page"))
    assert link is not None
    html = client.get(link[1]).content.decode()
    with scope(firm=lemoine.firm):
        event = queries.journal(queries.Asked(kind="portfolios.portfolio.created")).get()
    assert event.request_id and event.ip
    for told in ("Par la page", "Alice Martin", event.request_id, event.ip, str(event.pk), event.type):
        assert told in html
    assert client.get(lemoine.firm.url("clients:event", pk=uuid7())).status_code == 404


def sheet_of(response) -> list[Any]:
    content = b"".join(response.streaming_content)
    return list(load_workbook(io.BytesIO(content)).active.iter_rows())


def test_the_export_holds_what_is_filtered_is_an_event_and_starts_no_formula(lemoine: World, browse) -> None:
    with scope(firm=lemoine.firm):
        dangerous = make_portfolio("=HYPERLINK(1)")
        rename_portfolio(actor=lemoine.admin, portfolio=dangerous, name="+33")
    renamed(lemoine, 1)
    client, url = browse(lemoine.admin), lemoine.firm.url("clients:export_journal")
    head, *rows = sheet_of(client.post(url, {"subject": str(dangerous.pk)}))
    titles = [cell.value for cell in head]
    (line,) = (dict(zip(titles, row, strict=True)) for row in rows)
    assert line["Personne"].value == "Alice Martin"
    assert (line["Avant"].value, line["Après"].value) == ("=HYPERLINK(1)", "+33")
    assert {line[title].data_type for title in ("Objet", "Avant", "Après")} == {"s"}
    assert line["Avant"].quotePrefix and line["Après"].quotePrefix
    with scope(firm=lemoine.firm):
        event = queries.journal(queries.Asked(kind="clients.journal.exported")).get()
    assert event.details == {"lines": 1}
    assert client.post(url, {"since": "hier"}).status_code == 302, "the page says which filter it is"


def test_a_large_export_is_a_workers(lemoine: World, browse, settings) -> None:
    settings.EXPORTS_AT_ONCE = 2
    renamed(lemoine, 3)
    response = browse(lemoine.admin).post(
        lemoine.firm.url("clients:export_journal"), {"kind": "portfolios.portfolio.renamed", "q": "nom"}
    )
    assert "/exports/" in response.url
    with scope(firm=lemoine.firm):
        export = Export.objects.get()
        assert (
            export.asked.replace("\xa0", " ")
            == "Personne, objet ou action : nom, Action : Portefeuille renommé"
        )
    make_export(lemoine.firm.pk, export.pk)
    with scope(firm=lemoine.firm):
        assert Export.objects.get().lines == 3


def moved(world: World, count: int) -> None:
    """So many client files, each with its line, into one portfolio."""
    with scope(firm=world.firm):
        portfolio = make_portfolio("Nouveau")
        for number in range(count):
            make_dossier(f"Client {number:03}")
        move_dossiers(actor=world.admin, dossiers=Dossier.objects.clients(), portfolio=portfolio)


def clients_in(html: str) -> list[int]:
    return [int(number) for number in re.findall(r"Client (\d{3})", html.partition("<tbody>")[2])]


def test_what_was_done_to_many_is_one_line_with_its_details_behind_a_link(lemoine: World, browse) -> None:
    moved(lemoine, 60)
    html = page(browse, lemoine)
    assert clients_in(html) == []
    link = re.search(r'href="[^"]*\?(group=[^"]+)">60 lignes de détail</a>', html)
    assert link
    client, url, seen = browse(lemoine.admin), f"?{link[1]}", []
    while url:
        html = client.get(lemoine.firm.url("clients:journal") + url).content.decode()
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
    response = browse(lemoine.collaborator).get(lemoine.firm.url("clients:journal"))
    assert response.status_code == 403


def test_its_queries_do_not_grow_with_its_entries(lemoine: World, browse) -> None:
    client, url, counts = browse(lemoine.admin), lemoine.firm.url("clients:journal"), []
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


def said(html: str) -> str:
    """What the list says, without tags and no-break spaces."""
    return " ".join(unescape(re.sub("<[^>]+>", " ", html.partition("<tbody>")[2])).split())


def test_what_was_given_to_somebody_is_found_by_their_name_on_their_page_and_behind_its_link(
    lemoine: World, browse
) -> None:
    """Whatever it was about: the client file that was assigned, the portfolio that was opened."""
    with scope(firm=lemoine.firm):
        grant_portfolio(actor=lemoine.admin, portfolio=make_portfolio("Nord"), member=lemoine.collaborator)
        for name in ("Un", "Deux"):
            dossier = make_dossier(f"Garage {name}")
            change_assignments(
                actor=lemoine.admin,
                dossiers=Dossier.objects.filter(pk=dossier.pk),
                add={lemoine.collaborator: ObjectRole.READER},
            )
        move_dossiers(
            actor=lemoine.admin, dossiers=Dossier.objects.clients(), portfolio=make_portfolio("Sud")
        )
    member = browse(lemoine.admin).get(lemoine.firm.url("clients:member", pk=lemoine.collaborator.pk))
    concerns = page(browse, lemoine, subject=str(lemoine.collaborator.pk))
    seal_due()
    for html in (
        page(browse, lemoine, q="chloé"),
        concerns,
        member.content.decode().partition('id="history"')[2],
    ):
        for thing in ("Nord", "Garage Un", "Garage Deux"):
            assert thing in html
        assert "Sud" not in html
    assert f"?subject={lemoine.collaborator.pk}" in member.content.decode()
    assert "concerne Chloé Martin" in concerns
    did = f"?person={lemoine.collaborator.user_id}"
    assert did in concerns
    html = page(browse, lemoine, person=str(lemoine.collaborator.user_id))
    assert f"?subject={lemoine.collaborator.pk}" in html and "Garage" not in html


def test_what_was_handed_over_is_found_under_whoever_left_and_under_whoever_took_it(
    lemoine: World, browse
) -> None:
    with scope(firm=lemoine.firm):
        portfolio = make_portfolio("Nord")
        grant_portfolio(actor=lemoine.admin, portfolio=portfolio, member=lemoine.collaborator)
        takers = dict.fromkeys(holdings_of(lemoine.collaborator).keys, lemoine.colleague)
        complete_departure(actor=lemoine.admin, member=lemoine.collaborator, takers=takers, revoke={})
    for member in (lemoine.collaborator, lemoine.colleague):
        told = said(page(browse, lemoine, subject=str(member.pk)))
        assert "a confié à Paul Martin ce que suivait Chloé Martin" in told


def test_a_members_page_tells_of_many_files_in_one_line(lemoine: World, browse) -> None:
    with scope(firm=lemoine.firm):
        for number in range(30):
            make_dossier(f"Client {number:03}")
        change_assignments(
            actor=lemoine.admin,
            dossiers=Dossier.objects.clients(),
            add={lemoine.collaborator: ObjectRole.READER},
        )
    html = browse(lemoine.admin).get(lemoine.firm.url("clients:member", pk=lemoine.collaborator.pk)).content
    history = html.decode().partition('id="history"')[2]
    assert "30 dossiers" in history.replace("\xa0", " ")
    assert "Client 0" not in history


@dataclass(frozen=True)
class Outsider:
    """Somebody who acts in a firm without a place in it."""

    user_id: UUID
    name: str


def groups_of(html: str, field: str) -> dict[str, list[str]]:
    (select,) = re.findall(rf'<select name="{field}".*?</select>', html, re.DOTALL)
    return {
        unescape(label): [unescape(name) for name in re.findall(r"<option[^>]*>([^<]+)</option>", some)]
        for label, some in re.findall(r'<optgroup label="([^"]+)">(.*?)</optgroup>', select, re.DOTALL)
    }


def test_those_who_left_and_others_who_did_something_may_be_chosen_too(
    lemoine: World, bertrand: World, browse
) -> None:
    client = make_person("jeanne@client.test", first_name="Jeanne", last_name="Petit")
    stranger = make_person("zoe@client.test")
    with scope(firm=lemoine.firm):
        portfolio = make_portfolio("Nord")
        terminate_member(actor=lemoine.admin, member=lemoine.colleague)
        record(PortfolioRenamed, actor=Outsider(client.pk, "Jeanne Petit"), subject=portfolio)
    with scope(firm=bertrand.firm):
        record(PortfolioRenamed, actor=Outsider(stranger.pk, "Zoé Autre"), subject=make_portfolio("Ailleurs"))
    url, alice = lemoine.firm.url("clients:journal"), browse(lemoine.admin)
    chosen = alice.get(url, {"person": str(client.pk)})
    assert len(chosen.context["shown"].lines) == 1, "before its name is noted"
    seal_due()
    groups = groups_of(alice.get(url).content.decode(), "person")
    assert groups == {
        "Membres": ["Alice Martin", "Chloé Martin"],
        "Ont quitté le cabinet": ["Paul Martin"],
        "Personnes des clients, et autres": ["Jeanne Petit"],
    }
    assert "ne peut pas" not in said(chosen.content.decode())
    assert alice.get(url, {"person": str(stranger.pk)}).context["filters"].troubles


def test_kinds_stand_in_groups_by_what_they_are_about(lemoine: World, browse) -> None:
    groups = groups_of(
        browse(lemoine.admin).get(lemoine.firm.url("clients:journal")).content.decode(), "kind"
    )
    assert "Portefeuille renommé" in groups["Portefeuilles et affectations"]
    assert "Le journal a été exporté" in groups["Exports, téléchargements et connexions"]
    assert max(map(len, groups.values())) < 50
    assert 8 <= len(groups) <= 16


@pytest.mark.parametrize("text", ["%", "e", " é. ", "_ -"])
def test_what_is_no_word_filters_nothing_and_says_so(lemoine: World, browse, text: str) -> None:
    renamed(lemoine, 2)
    html = page(browse, lemoine, q=text)
    assert names(html) == [2, 1]
    assert "au moins deux lettres ou chiffres" in html
    assert 'class="chip"' not in html
    assert 'class="chip"' in page(browse, lemoine, q="no")
