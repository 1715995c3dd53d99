"""The start page of a demonstration, its data, and the dashboard."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from stdnum.fr import siren, siret

from accounts.models import User
from activity.models import Event, Notification
from clients.actions.dossiers import update_dossier
from clients.models import Assignment, Dossier, SpaceLink
from firm_portal import demo
from portfolios.actions import grant_portfolio
from tenancy.scopes import scope
from tests.web.counting import queries_at_most
from tests.worlds import World, make_dossier, make_portfolio

Browse = Callable[..., Client]


def place(client: Client, name: str) -> str:
    page = client.get(reverse("accounts:places") + "?tous=1")
    return next(str(one.url) for one in page.context["places"] if one.name == name)


def test_the_demonstration_is_made_once_with_valid_numbers_a_common_client_and_support(
    db: None, browse: Browse
) -> None:
    """In one test, for it takes seconds to make."""
    assert demo.load()
    people = User.objects.count()
    assert not demo.load()
    assert User.objects.count() == people == len(demo.ACCOUNTS)
    for account in demo.ACCOUNTS:
        assert Client().login(username=account.email, password=demo.PASSWORD) or User.objects.get(
            email=account.email
        ).check_password(demo.PASSWORD)
    client = browse(User.objects.get(email=demo.CLIENT))
    assert client.get(reverse("accounts:places") + "?tous=1").status_code == 200
    for plan in demo.FIRMS:
        founder = User.objects.get(email=plan.people[0])
        page = browse(founder).get(place(browse(founder), plan.name))
        with scope(firm=page.wsgi_request.firm):  # type: ignore[attr-defined]
            dossiers = list(Dossier.objects.clients())
            assert len(dossiers) == demo.DOSSIERS_PER_FIRM + 1
            assert all(siren.is_valid(one.siren) for one in dossiers if one.siren)
            assert all(siret.is_valid(one.siret) for one in dossiers if one.siret)
            assert SpaceLink.objects.running().count() == 1
            support = Assignment.objects.running().exclude(expires_at=None).count()
            assert support == (1 if plan is demo.LEMOINE else 0)


def test_the_start_page_lists_the_accounts_of_a_demonstration_only(
    db: None, settings, client: Client
) -> None:
    assert client.get("/").headers["Location"] == reverse("account_login")
    settings.DEMO = True
    page = client.get("/").content.decode()
    for account in demo.ACCOUNTS:
        assert f"adresse={account.email.replace('@', '%40')}" in page


def test_the_way_from_the_start_page_fills_the_address_in(db: None, settings, client: Client) -> None:
    url = reverse("account_login") + "?adresse=alice@lemoine.example"
    assert b'value="alice@lemoine.example"' not in client.get(url).content
    settings.DEMO = True
    assert b'value="alice@lemoine.example"' in client.get(url).content


# --- The dashboard ------------------------------------------------------------------------------------------


def shown(firm: World, client: Client) -> Any:
    return client.get(firm.firm.url("dashboard")).context


def test_a_new_firm_is_led_through_four_steps_that_get_ticked(firm: World, browse: Browse) -> None:
    client = browse(firm.admin)
    assert [step.is_done for step in shown(firm, client)["steps"]] == [False, False, True, False]
    make_dossier(portfolio=make_portfolio())
    page = shown(firm, client)
    assert [step.is_done for step in page["steps"]] == [True, True, True, False]
    assert page["next_step"] == 4
    assert shown(firm, browse(firm.collaborator))["steps"] == []


def test_the_dashboard_counts_what_is_mine_and_leads_there(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio()
    make_dossier("Dedans", portfolio=portfolio)
    make_dossier("Ailleurs")
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    assert [one.value for one in shown(firm, browse(firm.admin))["counts"]] == [2, 1, 1]
    mine = shown(firm, browse(firm.collaborator))["counts"]
    assert [one.value for one in mine] == [1, 1, 0]
    assert all(browse(firm.collaborator).get(one.url).status_code == 200 for one in mine)


def test_the_dashboard_shows_what_others_changed(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio()
    dossier = make_dossier(portfolio=portfolio)
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    update_dossier(actor=firm.admin, dossier=dossier, values={"city": "Paris"})
    types = [line.event.type for line in shown(firm, browse(firm.collaborator))["lines"]]
    assert types == ["clients.dossier.changed", "portfolios.portfolio.granted"]
    assert shown(firm, browse(firm.admin))["lines"] == []
    assert Event.objects.count() == Notification.objects.count() == 2


@pytest.mark.parametrize("member", ["admin", "collaborator"])
def test_the_dashboard_stays_quick(firm: World, browse: Browse, member: str) -> None:
    client, url = browse(getattr(firm, member)), firm.firm.url("dashboard")
    client.get(url)
    with queries_at_most(15):
        client.get(url)
