"""The pages that tell who has access to what: matrix, export, a member's reach, the dossier's own list."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, MemberState, Replacement
from accounts.permissions import ObjectRole, give, pairs_of
from activity.models import Event
from clients import matrix
from clients.models import Assignment
from portfolios.models import Portfolio, PortfolioGrant
from tenancy.scopes import scope
from tests.web.counting import queries_at_most
from tests.worlds import World, make_dossier, make_member, make_portfolio

Browse = Callable[..., Client]


def grant(portfolio: Portfolio, *members: Membership, role: ObjectRole = ObjectRole.ACCOUNTANT) -> None:
    give(PortfolioGrant, pairs_of([portfolio], members), role=role, by=None)


def cover(absent: Membership, cover: Membership) -> None:
    assert absent.user_id and cover.user_id
    now = timezone.now()
    Replacement.objects.create(
        absent_id=absent.user_id,
        cover_id=cover.user_id,
        starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=5),
    )


def fill(firm: World, dossiers: int) -> None:
    """Dossiers, each in its own portfolio, open to both collaborators one way or the other."""
    for number in range(dossiers):
        portfolio = make_portfolio(f"Portefeuille {number:03}")
        dossier = make_dossier(f"Client {number:03}", portfolio=portfolio)
        grant(portfolio, firm.collaborator)
        give(Assignment, pairs_of([dossier], [firm.colleague]), role=ObjectRole.READER, by=firm.admin)


def cells(page: Any) -> dict[str, dict[str, Any]]:
    shown = page.context["matrix"]
    return {
        line.thing.name: {cell.person: cell for cell in line.cells if cell is not None}
        for line in shown.lines
    }


# --- The matrix ---------------------------------------------------------------------------------------------------


def test_the_matrix_of_portfolios_shows_who_has_which_and_in_whose_stead(firm: World, browse: Browse) -> None:
    grant(make_portfolio("Sarah"), firm.colleague, role=ObjectRole.READER)
    make_portfolio("Vide")
    cover(firm.colleague, firm.collaborator)
    page = browse(firm.admin).get(firm.firm.url("clients:access"))
    found = cells(page)
    assert (found["Sarah"]["Paul Martin"].letter, found["Sarah"]["Paul Martin"].mark) == ("L", "portfolio")
    assert found["Sarah"]["Chloé Martin"].mark == "replacement"
    assert found["Vide"] == {}
    assert [one.first_name for one in page.context["matrix"].administrators] == ["Alice"]
    text = page.content.decode()
    assert "Lecture, remplace Paul Martin" in text
    assert 'role="region" tabindex="0" aria-label="Qui a quel portefeuille"' in text


def test_the_matrix_of_dossiers_shows_the_furthest_role_and_each_source(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio("Sarah")
    dossier = make_dossier("Boulangerie", portfolio=portfolio)
    make_dossier("Cabinet", is_own=True)
    grant(portfolio, firm.colleague, role=ObjectRole.READER)
    give(Assignment, pairs_of([dossier], [firm.colleague]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    found = cells(browse(firm.admin).get(firm.firm.url("clients:access_dossiers")))
    assert list(found) == ["Boulangerie"]
    paul = found["Boulangerie"]["Paul Martin"]
    assert (paul.letter, paul.sources, paul.mark) == ("C", ["assignment", "portfolio"], "assignment")
    assert paul.words == "Comptable, par une affectation · Lecture, par le portefeuille Sarah"


def test_filters_choose_rows_and_columns(firm: World, browse: Browse) -> None:
    sarah = make_portfolio("Sarah")
    make_dossier("Boulangerie", portfolio=sarah)
    make_dossier("Menuiserie")
    grant(sarah, firm.colleague)
    client, url = browse(firm.admin), firm.firm.url("clients:access_dossiers")
    assert list(cells(client.get(f"{url}?portfolio={sarah.pk}"))) == ["Boulangerie"]
    assert list(cells(client.get(f"{url}?portfolio=none"))) == ["Menuiserie"]
    assert list(cells(client.get(f"{url}?q=menui"))) == ["Menuiserie"]
    one = client.get(f"{url}?member={firm.colleague.pk}")
    assert list(cells(one)) == ["Boulangerie"]
    assert one.context["matrix"].columns == [firm.colleague]
    portfolios = client.get(firm.firm.url("clients:access") + f"?member={firm.collaborator.pk}")
    assert portfolios.context["page"].total == 0
    assert client.get(f"{url}?portfolio=x&member=y&people=-3&after=z").status_code == 200


def test_those_who_may_not_enter_have_no_column(firm: World, browse: Browse) -> None:
    grant(make_portfolio(), firm.colleague)
    Membership.objects.filter(pk=firm.colleague.pk).update(state=MemberState.SUSPENDED)
    page = browse(firm.admin).get(firm.firm.url("clients:access"))
    assert page.context["matrix"].columns == [firm.collaborator]
    assert cells(page)["Sarah"] == {}


def test_many_people_are_shown_some_at_a_time(
    firm: World, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix, "MOST_COLUMNS", 2)
    for name in ("Denis", "Emma", "Farid"):
        make_member(firm.firm, name)
    make_portfolio()
    client, url = browse(firm.admin), firm.firm.url("clients:access")
    first = client.get(url).context["matrix"]
    second = client.get(f"{url}?people={first.later}").context["matrix"]
    assert [one.first_name for one in (*first.columns, *second.columns)] == [
        "Chloé",
        "Denis",
        "Emma",
        "Farid",
    ]
    assert (second.earlier, second.later) == (0, 4)


@pytest.mark.parametrize(("route", "most"), [("clients:access", 13), ("clients:access_dossiers", 15)])
def test_the_matrix_costs_the_same_for_ten_rows_and_for_two_hundred(
    firm: World, browse: Browse, route: str, most: int
) -> None:
    client, url = browse(firm.admin), firm.firm.url(route)
    fill(firm, 10)
    client.get(url)
    with queries_at_most(most):
        assert len(client.get(url).context["matrix"].lines) == 10
    with scope(firm=firm.firm):
        for number in range(200):
            make_dossier(f"Autre {number:03}", portfolio=make_portfolio(f"Autre {number:03}"))
    with queries_at_most(most):
        assert len(client.get(f"{url}?size=100").context["matrix"].lines) == 100


def test_collaborators_see_no_matrix_and_export_nothing(firm: World, browse: Browse) -> None:
    client = browse(firm.collaborator)
    assert client.get(firm.firm.url("clients:access")).status_code == 403
    assert client.get(firm.firm.url("clients:access_dossiers")).status_code == 403
    assert client.post(firm.firm.url("clients:export_access")).status_code == 403
    assert not Event.objects.exists()


# --- The export ---------------------------------------------------------------------------------------------------


def exported(client: Client, firm: World, **asked: str) -> Any:
    answer = client.post(firm.firm.url("clients:export_access"), asked)
    assert answer.status_code == 200
    assert "acces-" in answer["Content-Disposition"]
    return openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]


def words(workbook: Any) -> set[str]:
    return {str(cell.value) for sheet in workbook for row in sheet.iter_rows() for cell in row if cell.value}


def test_the_export_is_recorded_and_follows_the_filters(firm: World, browse: Browse) -> None:
    fill(firm, 3)
    client = browse(firm.admin)
    everything = words(exported(client, firm))
    assert {"Client 000", "Client 002", "Tous les dossiers", "Chloé Martin", "Paul Martin"} <= everything
    assert not [text for text in everything if "demandé" in text]
    one = words(exported(client, firm, q="001", member=str(firm.colleague.pk)))
    assert {"Client 001", "Paul Martin"} <= one
    assert not {"Client 000", "Chloé Martin", "Portefeuille 000"} & one
    assert any("001" in text for text in one if "demandé" in text)
    events = Event.objects.filter(type="clients.access.exported")
    assert events.count() == 2
    assert client.get(firm.firm.url("clients:export_access")).status_code == 405


def test_an_export_that_is_too_long_says_how_to_make_it_shorter(
    firm: World, browse: Browse, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(firm, 3)
    settings.EXPORTS_AT_ONCE = 1
    monkeypatch.setattr("exports.answers.MOST_LINES", 2)
    answer = browse(firm.admin).post(firm.firm.url("clients:export_access"), {"q": "client"}, follow=True)
    assert answer.redirect_chain == [(firm.firm.url("clients:access_dossiers") + "?q=client", 302)]
    assert "Précisez les filtres" in answer.content.decode()


def test_no_page_and_no_export_knows_of_another_firm(firm: World, bertrand: World, browse: Browse) -> None:
    fill(firm, 2)
    with scope(firm=bertrand.firm):
        portfolio = make_portfolio("Ailleurs Ptf")
        make_dossier("Ailleurs Sarl", portfolio=portfolio)
        grant(portfolio, bertrand.colleague)
    client = browse(firm.admin)
    told = words(exported(client, firm))
    for route in ("clients:access", "clients:access_dossiers"):
        told.add(client.get(firm.firm.url(route)).content.decode())
    assert not any("Ailleurs" in text or bertrand.firm.slug in text for text in told)
    theirs = firm.firm.url("clients:member_access", pk=bertrand.colleague.pk)
    assert client.get(theirs).status_code == 404


# --- What one member reaches --------------------------------------------------------------------------------------


def reached(page: Any) -> dict[str, list[str]]:
    return {
        dossier.name: [str(reason.source) for reason in reasons]
        for dossier, reasons in page.context["access_rows"]
    }


def test_a_members_client_files_stand_with_their_sources(firm: World, browse: Browse) -> None:
    sarah, lea = make_portfolio("Sarah"), make_portfolio("Léa")
    single = make_dossier("Affecté", portfolio=sarah)
    make_dossier("Remplacé", portfolio=lea)
    make_dossier("Ailleurs")
    make_dossier("Archivé", portfolio=sarah, archived_at=timezone.now())
    grant(sarah, firm.colleague)
    grant(lea, firm.collaborator)
    give(Assignment, pairs_of([single], [firm.colleague]), role=ObjectRole.READER, by=firm.admin)
    cover(firm.collaborator, firm.colleague)
    client, url = browse(firm.admin), firm.firm.url("clients:member_access", pk=firm.colleague.pk)
    assert reached(client.get(url)) == {"Affecté": ["assignment", "portfolio"], "Remplacé": ["replacement"]}
    assert list(reached(client.get(f"{url}?source=replacement"))) == ["Remplacé"]
    assert list(reached(client.get(f"{url}?source=assignment"))) == ["Affecté"]
    assert list(reached(client.get(f"{url}?q=rempl"))) == ["Remplacé"]
    assert reached(client.get(f"{url}?source=role")) == {}
    assert reached(client.get(firm.firm.url("clients:member_access", pk=firm.admin.pk)))["Ailleurs"] == [
        "role"
    ]


def test_of_themselves_everybody_sees_it_and_of_others_administrators_alone(
    firm: World, browse: Browse
) -> None:
    client = browse(firm.collaborator)
    assert client.get(firm.firm.url("clients:member_access", pk=firm.collaborator.pk)).status_code == 200
    assert client.get(firm.firm.url("clients:member_access", pk=firm.colleague.pk)).status_code == 403


@pytest.mark.parametrize("who", ["admin", "collaborator"])
def test_a_members_page_costs_the_same_for_ten_rows_and_for_two_hundred(
    firm: World, browse: Browse, who: str
) -> None:
    client = browse(firm.admin)
    url = firm.firm.url("clients:member_access", pk=getattr(firm, who).pk)
    fill(firm, 10)
    client.get(url)
    with queries_at_most(MEMBER_QUERIES):
        assert len(client.get(url).context["access_rows"]) == 10
    with scope(firm=firm.firm):
        for number in range(200):
            portfolio = make_portfolio(f"Autre {number:03}")
            make_dossier(f"Autre {number:03}", portfolio=portfolio)
            grant(portfolio, firm.collaborator)
    with queries_at_most(MEMBER_QUERIES):
        assert len(client.get(f"{url}?size=100").context["access_rows"]) == 100


MEMBER_QUERIES = 14


# --- On the dossier ------------------------------------------------------------------------------------------------


def test_the_dossiers_page_says_why_each_person_sees_it(firm: World, browse: Browse) -> None:
    dossier = make_dossier()
    give(Assignment, pairs_of([dossier], [firm.colleague]), role=ObjectRole.READER, by=firm.admin)
    cover(firm.colleague, firm.collaborator)
    text = browse(firm.admin).get(firm.firm.url("clients:dossier", pk=dossier.pk)).content.decode()
    assert "Affectation" in text
    assert "Remplace Paul Martin" in text
    assert "par une affectation" in text
    assert "par Alice Martin" in text
