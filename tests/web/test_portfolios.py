"""The pages of portfolios: list, creation, page, subscribers."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.permissions import ObjectRole, give, pairs_of
from clients.models import Assignment, Dossier
from portfolios.actions import grant_portfolio
from portfolios.models import Portfolio, PortfolioGrant
from tenancy.scopes import scope
from tests.web.counting import queries_at_most
from tests.worlds import World, make_dossier, make_portfolio

Browse = Callable[..., Client]


def test_the_list_shows_each_portfolio_with_its_counts(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio("Sarah")
    make_dossier("A", portfolio=portfolio)
    make_dossier("B", portfolio=portfolio)
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    page = browse(firm.admin).get(firm.firm.url("portfolios:list"))
    [row] = page.context["rows"]
    assert (row["portfolio"].dossier_count, row["portfolio"].subscriber_count) == (2, 1)
    assert row["people"] == ["Chloé Martin"]


def test_a_collaborator_sees_only_the_portfolios_granted_to_them(firm: World, browse: Browse) -> None:
    mine, other = make_portfolio("Sarah"), make_portfolio("Léa")
    grant_portfolio(actor=firm.admin, portfolio=mine, member=firm.collaborator)
    client = browse(firm.collaborator)
    page = client.get(firm.firm.url("portfolios:list"))
    assert [row["portfolio"] for row in page.context["rows"]] == [mine]
    assert client.get(firm.firm.url("clients:portfolio", pk=mine.pk)).status_code == 200
    assert client.get(firm.firm.url("clients:portfolio", pk=other.pk)).status_code == 404


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?q=sarah", ["Sarah"]),
        ("?sort=-name", ["Sarah", "Léa", "Élise"]),
        ("?sort=dossiers", ["Élise", "Sarah", "Léa"]),
        ("?sort=nonsense&size=7&page=99", ["Élise", "Léa", "Sarah"]),
    ],
)
def test_the_list_is_searched_and_sorted_by_the_address(
    firm: World, browse: Browse, query: str, names: list[str]
) -> None:
    for name in ("Sarah", "Léa", "Élise"):
        make_portfolio(name)
    make_dossier(portfolio=Portfolio.objects.get(name="Léa"))
    page = browse(firm.admin).get(firm.firm.url("portfolios:list") + query)
    assert [row["portfolio"].name for row in page.context["rows"]] == names


def test_an_administrator_creates_a_portfolio_and_stands_on_its_page(firm: World, browse: Browse) -> None:
    answer = browse(firm.admin).post(firm.firm.url("portfolios:create"), {"name": "  Sarah   Petit "})
    portfolio = Portfolio.objects.get()
    assert portfolio.name == "Sarah Petit"
    assert answer.headers["Location"] == firm.firm.url("clients:portfolio", pk=portfolio.pk)


def test_in_the_dialog_the_answer_leads_the_whole_page_on(firm: World, browse: Browse) -> None:
    url = firm.firm.url("portfolios:create")
    answer = browse(firm.admin).post(url, {"name": "Sarah"}, headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == firm.firm.url("clients:portfolio", pk=Portfolio.objects.get().pk)


def test_a_name_that_is_taken_comes_back_in_the_form(firm: World, browse: Browse) -> None:
    make_portfolio("Sarah")
    client = browse(firm.admin)
    for url in ("portfolios:create", "portfolios:rename"):
        key = {"pk": make_portfolio("Léa").pk} if url.endswith("rename") else {}
        answer = client.post(firm.firm.url(url, **key), {"name": "SÀRAH"})
        assert answer.status_code == 422
        assert "name" in answer.context["form"].errors


def test_a_collaborator_neither_creates_nor_renames_nor_grants(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio("Sarah")
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    client = browse(firm.collaborator)
    assert client.get(firm.firm.url("portfolios:create")).status_code == 403
    for route in ("portfolios:rename", "portfolios:grant"):
        assert client.post(firm.firm.url(route, pk=portfolio.pk), {"name": "X"}).status_code == 403
    withdraw = firm.firm.url("clients:withdraw", pk=portfolio.pk, member=firm.collaborator.pk)
    assert client.get(withdraw).status_code == client.post(withdraw).status_code == 403
    for route in ("portfolios:rename", "portfolios:grant", "clients:portfolio"):
        assert browse(firm.colleague).get(firm.firm.url(route, pk=portfolio.pk)).status_code == 404
    assert Portfolio.objects.get().name == "Sarah"


def test_adding_a_subscriber_offers_members_who_have_none(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio("Sarah")
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    client, url = browse(firm.admin), firm.firm.url("portfolios:grant", pk=portfolio.pk)
    offered = client.get(url).context["form"].fields["member"].queryset
    assert set(offered) == {firm.admin, firm.colleague}
    client.post(url, {"member": firm.colleague.pk, "role": ObjectRole.READER})
    page = client.get(firm.firm.url("clients:portfolio", pk=portfolio.pk))
    shown = {(row["member"].first_name, str(row["by"])) for row in page.context["subscribers"]}
    assert shown == {("Chloé", "Alice Martin"), ("Paul", "Alice Martin")}


def test_a_role_beyond_a_portfolio_is_refused(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio("Sarah")
    url = firm.firm.url("portfolios:grant", pk=portfolio.pk)
    for role in ("support", "admin", ""):
        answer = browse(firm.admin).post(url, {"member": firm.colleague.pk, "role": role})
        assert answer.status_code == 422
    assert not PortfolioGrant.objects.exists()


def test_withdrawing_says_first_how_many_dossiers_are_lost(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio("Sarah")
    kept, _lost = make_dossier("A", portfolio=portfolio), make_dossier("B", portfolio=portfolio)
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    assign(firm, kept)
    client = browse(firm.admin)
    url = firm.firm.url("clients:withdraw", pk=portfolio.pk, member=firm.collaborator.pk)
    asked = client.get(url).context
    assert (asked["lost"], asked["kept"], asked["mails"]) == (1, 1, 1)
    assert PortfolioGrant.objects.exists()
    client.post(url)
    assert not PortfolioGrant.objects.exists()
    assert client.get(url).status_code == 404


def assign(firm: World, dossier: Dossier) -> None:
    give(Assignment, pairs_of([dossier], [firm.collaborator]), role=ObjectRole.READER, by=firm.admin)


def test_an_empty_portfolio_has_one_button_that_adds_its_first_client(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio("Sarah")
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    client = browse(firm.collaborator)
    page = client.get(firm.firm.url("clients:portfolio", pk=portfolio.pk)).content.decode()
    address = f"{firm.firm.url('clients:create')}?portefeuille={portfolio.pk}"
    assert page.count("btn-primary") == 1
    assert f'href="{address}"' in page
    form = client.get(address).context["form"]
    assert str(form["portfolio"].value()) == str(portfolio.pk)


def test_the_page_of_another_firms_portfolio_is_a_404(
    lemoine: World, bertrand: World, browse: Browse
) -> None:
    with scope(firm=bertrand.firm):
        foreign = make_portfolio("Sarah")
    client = browse(lemoine.admin)
    for route in ("clients:portfolio", "portfolios:rename", "portfolios:grant"):
        assert client.get(lemoine.firm.url(route, pk=foreign.pk)).status_code == 404


@pytest.mark.parametrize("count", [10, 200])
def test_the_list_costs_the_same_queries_with_ten_portfolios_and_two_hundred(
    firm: World, browse: Browse, count: int
) -> None:
    for number in range(count):
        portfolio = make_portfolio(f"Portefeuille {number}")
        make_dossier(portfolio=portfolio)
    client, url = browse(firm.admin), firm.firm.url("portfolios:list") + "?size=100"
    client.get(url)
    with queries_at_most(12):
        client.get(url)
