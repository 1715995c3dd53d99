"""The pages of portfolios: list, creation, page, subscribers."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.permissions import ObjectRole, give, pairs_of
from activity.models import Event
from clients.actions.portfolios import terminate_portfolio
from clients.models import Assignment, Dossier
from portfolios.actions import grant_portfolio, rename_portfolio
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
    for route in ("portfolios:rename", "clients:grant"):
        assert client.post(firm.firm.url(route, pk=portfolio.pk), {"name": "X"}).status_code == 403
    withdraw = firm.firm.url("clients:withdraw", pk=portfolio.pk, member=firm.collaborator.pk)
    assert client.get(withdraw).status_code == client.post(withdraw).status_code == 403
    for route in ("portfolios:rename", "clients:grant", "clients:portfolio"):
        assert browse(firm.colleague).get(firm.firm.url(route, pk=portfolio.pk)).status_code == 404
    assert Portfolio.objects.get().name == "Sarah"


def test_adding_a_subscriber_offers_members_who_have_none(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio("Sarah")
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    client, url = browse(firm.admin), firm.firm.url("clients:grant", pk=portfolio.pk)
    offered = client.get(url).context["form"].fields["member"].queryset
    assert set(offered) == {firm.admin, firm.colleague}
    client.post(url, {"member": firm.colleague.pk, "role": ObjectRole.READER})
    page = client.get(firm.firm.url("clients:portfolio", pk=portfolio.pk))
    shown = {(row["member"].first_name, str(row["by"])) for row in page.context["subscribers"]}
    assert shown == {("Chloé", "Alice Martin"), ("Paul", "Alice Martin")}
    again = client.post(url, {"member": firm.colleague.pk, "role": ObjectRole.ACCOUNTANT})
    assert again.context["form"].errors["member"] == [
        "Ce membre a déjà ce portefeuille entre-temps, ou n'est plus dans le cabinet."
    ]


def test_a_role_beyond_a_portfolio_is_refused(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio("Sarah")
    url = firm.firm.url("clients:grant", pk=portfolio.pk)
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
    impact = client.get(url).context["weighed"].impact
    [effect] = impact.losing
    assert (effect.member, effect.loses, effect.keeps) == (firm.collaborator, 1, 1)
    assert [told.address for told in impact.recipients] == [firm.collaborator.email]
    assert PortfolioGrant.objects.exists()
    client.post(url, {"seen": impact.fingerprint})
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
    for route in ("clients:portfolio", "portfolios:rename", "clients:grant"):
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


# --- Renaming, roles: what somebody else did meanwhile ------------------------------------------------------------


def test_the_second_who_renames_is_told_and_asked_again(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio("Sarah")
    client, url = browse(firm.admin), firm.firm.url("portfolios:rename", pk=portfolio.pk)
    seen = client.get(url).context["form"]["seen"].value()
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Sarah Petit")
    answer = client.post(url, {"name": "Sarah P.", "seen": seen})
    assert answer.status_code == 422
    assert (answer.context["before"], answer.context["meanwhile"]) == ("Sarah", "Sarah Petit")
    assert "Alice Martin" in answer.content.decode()
    portfolio.refresh_from_db()
    assert portfolio.name == "Sarah Petit"
    again = {"name": "Sarah P.", "seen": answer.context["form"]["seen"].value()}
    assert client.post(url, again).status_code == 302


def test_a_subscriber_is_given_another_role(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio("Sarah")
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    client = browse(firm.admin)
    url = firm.firm.url("clients:change_role", pk=portfolio.pk, member=firm.collaborator.pk)
    assert client.get(url).context["form"]["role"].value() == ObjectRole.ACCOUNTANT
    assert client.post(url, {"role": "reader", "seen": "accountant"}).status_code == 302
    event = Event.objects.latest("id")
    assert (event.type, event.changes) == (
        "portfolios.portfolio.subscriber_changed",
        {"role": ["accountant", "reader"]},
    )
    stale = client.post(url, {"role": "accountant", "seen": "accountant"})
    assert stale.status_code == 422
    assert stale.context["meanwhile"] == ObjectRole.READER
    assert Event.objects.latest("id") == event


def test_a_grant_that_opens_many_dossiers_is_shown_before_it_is_made(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio("Sarah")
    make_dossier("A", portfolio=portfolio)
    make_dossier("B", portfolio=portfolio)
    client, url = browse(firm.admin), firm.firm.url("clients:grant", pk=portfolio.pk)
    chosen = {"member": firm.colleague.pk, "role": "reader"}
    weighed = client.post(url, chosen).context["weighed"]
    assert [(effect.member, effect.gains) for effect in weighed.impact.gaining] == [(firm.colleague, 2)]
    assert not PortfolioGrant.objects.exists()
    confirmed = {**chosen, "about": weighed.about, "seen": weighed.impact.fingerprint}
    other = client.post(url, {**confirmed, "member": firm.collaborator.pk})  # chosen anew: shown anew
    assert not other.context["weighed"].is_stale
    make_dossier("C", portfolio=portfolio)
    assert client.post(url, confirmed).context["weighed"].is_stale
    assert not PortfolioGrant.objects.exists()
    weighed = client.post(url, chosen).context["weighed"]
    client.post(url, {**confirmed, "seen": weighed.impact.fingerprint})
    assert PortfolioGrant.objects.count() == 1


# --- Ending one ---------------------------------------------------------------------------------------------------


def test_terminating_asks_where_the_dossiers_go_and_shows_what_that_means(
    firm: World, browse: Browse
) -> None:
    old, new = make_portfolio("Sarah"), make_portfolio("Léa")
    make_dossier("A", portfolio=old)
    grant_portfolio(actor=firm.admin, portfolio=old, member=firm.collaborator)
    grant_portfolio(actor=firm.admin, portfolio=new, member=firm.colleague)
    client, url = browse(firm.admin), firm.firm.url("clients:terminate_portfolio", pk=old.pk)
    assert "weighed" not in client.get(url).context
    assert client.post(url, {"to-portfolio": ""}).status_code == 422
    weighed = client.post(url, {"to-portfolio": str(new.pk)}).context["weighed"]
    assert [one.member for one in weighed.impact.losing] == [firm.collaborator]
    assert [one.member for one in weighed.impact.gaining] == [firm.colleague]
    old.refresh_from_db()
    assert old.terminated_at is None
    confirmed = {"to-portfolio": str(new.pk), "about": weighed.about, "seen": weighed.impact.fingerprint}
    assert client.post(url, confirmed).status_code == 302
    assert Dossier.objects.get().portfolio == new
    again = client.post(url, confirmed, follow=True)  # somebody else's second try
    assert "Rien n&#x27;a été fait" in again.content.decode()
    assert Event.objects.filter(type="portfolios.portfolio.terminated").count() == 1


def test_a_terminated_portfolio_is_found_among_its_like_and_restored(firm: World, browse: Browse) -> None:
    old = make_portfolio("Sarah")
    dossier = make_dossier("A", portfolio=old)
    grant_portfolio(actor=firm.admin, portfolio=old, member=firm.collaborator)
    terminate_portfolio(actor=firm.admin, portfolio=old)
    client, listed = browse(firm.admin), firm.firm.url("portfolios:list")
    page = client.get(listed)
    assert (page.context["rows"], page.context["alone"]) == ([], 1)
    assert f"{firm.firm.url('clients:list')}?portfolio=none" in page.content.decode()
    assert [row["portfolio"] for row in client.get(f"{listed}?state=terminated").context["rows"]] == [old]
    assert client.get(firm.firm.url("clients:portfolio", pk=old.pk)).context["ended"]["may_restore"]
    url = firm.firm.url("clients:restore_portfolio", pk=old.pk)
    weighed = client.get(url).context["weighed"]
    assert [one.member for one in weighed.impact.gaining] == [firm.collaborator]
    client.post(url, {"about": "", "seen": weighed.impact.fingerprint})
    dossier.refresh_from_db()
    assert dossier.portfolio == old


def test_restoring_under_a_name_that_is_taken_asks_for_another(firm: World, browse: Browse) -> None:
    old = make_portfolio("Sarah")
    terminate_portfolio(actor=firm.admin, portfolio=old)
    make_portfolio("Sarah")
    client, url = browse(firm.admin), firm.firm.url("clients:restore_portfolio", pk=old.pk)
    assert client.get(url).context["taken"] == "Sarah"
    assert client.post(url, {"name": "SARAH"}).status_code == 422
    weighed = client.post(url, {"name": "Sarah bis"}).context["weighed"]
    client.post(url, {"name": "Sarah bis", "about": weighed.about, "seen": weighed.impact.fingerprint})
    old.refresh_from_db()
    assert (old.name, old.terminated_at) == ("Sarah bis", None)


def test_after_thirty_days_the_page_says_that_it_is_too_late(firm: World, browse: Browse) -> None:
    old = make_portfolio("Sarah")
    terminate_portfolio(actor=firm.admin, portfolio=old)
    Portfolio.objects.update(terminated_at=timezone.now() - timedelta(days=31))
    client = browse(firm.admin)
    assert client.get(firm.firm.url("clients:restore_portfolio", pk=old.pk)).context["too_late"]
    assert not client.get(firm.firm.url("clients:portfolio", pk=old.pk)).context["ended"]["may_restore"]


def test_a_collaborator_does_not_see_a_terminated_portfolio(firm: World, browse: Browse) -> None:
    old = make_portfolio("Sarah")
    grant_portfolio(actor=firm.admin, portfolio=old, member=firm.collaborator)
    terminate_portfolio(actor=firm.admin, portfolio=old)
    client = browse(firm.collaborator)
    assert client.get(firm.firm.url("portfolios:list") + "?state=terminated").context["rows"] == []
    for route in ("clients:portfolio", "clients:restore_portfolio"):
        assert client.get(firm.firm.url(route, pk=old.pk)).status_code == 404


def test_a_portfolio_leads_to_those_next_to_it(firm: World, browse: Browse) -> None:
    one, two, three = (make_portfolio(name) for name in ("Alix", "Béa", "Chloé"))
    client = browse(firm.admin)
    for shown, before, after in ((one, None, two), (two, one, three), (three, two, None)):
        page = client.get(firm.firm.url("clients:portfolio", pk=shown.pk))
        assert (page.context["before"], page.context["after"]) == (before, after)
