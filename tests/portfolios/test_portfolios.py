"""What may be done to portfolios, and who is told."""

import pytest
from django.core.exceptions import PermissionDenied

from accounts.permissions import Perm, can, holders, permitted
from activity.models import Event, Notification
from portfolios.actions import (
    NameTaken,
    create_portfolio,
    grant_portfolio,
    rename_portfolio,
    withdraw_portfolio,
)
from portfolios.models import Portfolio
from tests.worlds import World, make_dossier, make_portfolio


def told() -> set[str]:
    return set(Notification.objects.values_list("address", flat=True))


def latest() -> str:
    return Event.objects.latest("id").type


def test_renaming_a_portfolio_tells_its_other_subscribers(firm: World) -> None:
    portfolio = make_portfolio()
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Léa")
    assert latest() == "portfolios.portfolio.renamed"
    assert told() == {firm.collaborator.email}


@pytest.mark.parametrize("again", ["Sarah", "SARAH", "sàrah", " sarah "])
def test_a_name_is_unique_case_and_accents_aside(firm: World, again: str) -> None:
    create_portfolio(actor=firm.admin, name="Sarah")
    with pytest.raises(NameTaken):
        create_portfolio(actor=firm.admin, name=again)
    assert Portfolio.objects.count() == 1
    assert Event.objects.count() == 1


def test_a_grant_opens_the_portfolio_and_its_dossiers(firm: World) -> None:
    portfolio = make_portfolio()
    inside, outside = make_dossier(portfolio=portfolio), make_dossier("Ailleurs")
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    assert can(firm.collaborator, Perm.VIEW_DOSSIER, inside)
    assert not can(firm.collaborator, Perm.VIEW_DOSSIER, outside)
    assert not can(firm.colleague, Perm.VIEW_DOSSIER, inside)
    assert set(holders(Perm.VIEW_DOSSIER, inside)) == {firm.admin, firm.collaborator}
    seen = permitted(Portfolio.objects.all(), firm.collaborator, Perm.VIEW_PORTFOLIO)
    assert list(seen) == [portfolio]


def test_withdrawing_closes_it_and_tells_the_one_who_lost_it(firm: World) -> None:
    portfolio = make_portfolio()
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    Notification.objects.all().delete()
    withdraw_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    assert not can(firm.collaborator, Perm.VIEW_PORTFOLIO, portfolio)
    assert told() == {firm.collaborator.email}


def test_granting_twice_records_once(firm: World) -> None:
    portfolio = make_portfolio()
    for _ in range(2):
        grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    assert Event.objects.count() == 1


def test_a_collaborator_creates_no_portfolio(firm: World) -> None:
    with pytest.raises(PermissionDenied):
        create_portfolio(actor=firm.collaborator, name="Sarah")
    assert not Portfolio.objects.exists()
