"""A portfolio is terminated while somebody puts something into it, or gives it to somebody: nothing is left behind in
it, whoever comes first. Two real connections."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from clients.actions.dossiers import create_dossier, move_dossier
from clients.actions.portfolios import move_dossiers, terminate_portfolio
from clients.models import Dossier
from portfolios.actions import Terminated, grant_portfolio
from portfolios.models import Portfolio, PortfolioGrant
from tenancy.scopes import scope
from tests import worlds
from tests.clients.lists import apply, plan
from tests.meeting import come_meanwhile, come_past, in_firm
from tests.worlds import World, make_dossier, make_portfolio

pytestmark = pytest.mark.django_db(transaction=True)
Act = Callable[[World, Portfolio, Dossier], object]


@pytest.fixture
def world() -> World:
    return worlds.make_firm("Cabinet Lemoine", "732829320")


def _create(world: World, portfolio: Portfolio, _dossier: Dossier) -> None:
    create_dossier(actor=world.admin, values={"legal_name": "Nouveau"}, portfolio=portfolio)


def _move(world: World, portfolio: Portfolio, dossier: Dossier) -> None:
    move_dossier(actor=world.admin, dossier=dossier, portfolio=portfolio)


def _move_many(world: World, portfolio: Portfolio, dossier: Dossier) -> None:
    move_dossiers(actor=world.admin, dossiers=Dossier.objects.clients(), portfolio=portfolio)


def _grant(world: World, portfolio: Portfolio, _dossier: Dossier) -> None:
    grant_portfolio(actor=world.admin, portfolio=portfolio, member=world.collaborator)


ACTS = pytest.mark.parametrize("act", [_create, _move, _move_many, _grant])


@contextmanager
def under_way(world: World, act: Callable[[], object]) -> Iterator[None]:
    """Done, and not committed as long as this lasts."""
    with scope(firm=world.firm):
        act()
        yield


def elsewhere(world: World, act: Callable[[], object]) -> str:
    """In another thread and transaction; "done", or the name of the refusal."""
    try:
        with scope(firm=world.firm):
            act()
    except PermissionDenied as refused:
        return type(refused).__name__
    finally:
        connection.close()
    return "done"


@ACTS
def test_what_comes_while_it_is_terminated_is_refused(world: World, act: Act) -> None:
    with scope(firm=world.firm):
        portfolio, dossier = make_portfolio(), make_dossier()
        stale = Portfolio.objects.get(pk=portfolio.pk)
    ending = under_way(world, partial(terminate_portfolio, actor=world.admin, portfolio=portfolio))
    # Read committed: the other one still sees it running, and waits for its lock.
    refused = come_meanwhile(ending, in_firm(world, partial(act, world, stale, dossier)), then=lambda: None)
    assert isinstance(refused, Terminated)
    with scope(firm=world.firm):
        assert not Dossier.objects.in_portfolio(portfolio).exists()
        assert not PortfolioGrant.objects.exists()


@ACTS
def test_a_termination_waits_for_what_came_first_and_takes_it_along(world: World, act: Act) -> None:
    with scope(firm=world.firm):
        portfolio, dossier = make_portfolio(), make_dossier()
        stale = Portfolio.objects.get(pk=portfolio.pk)
    coming = under_way(world, partial(act, world, stale, dossier))
    ending = in_firm(world, terminate_portfolio, actor=world.admin, portfolio=portfolio)
    assert come_meanwhile(coming, ending, then=lambda: None) is None
    with scope(firm=world.firm):
        assert not Dossier.objects.in_portfolio(portfolio).exists()


def test_two_who_put_something_in_do_not_wait_for_each_other(world: World) -> None:
    with scope(firm=world.firm):
        portfolio, dossier = make_portfolio(), make_dossier()
    creating = under_way(world, partial(_create, world, portfolio, dossier))
    assert come_past(creating, in_firm(world, partial(_move, world, portfolio, dossier))) is None


def test_two_portfolios_that_are_terminated_into_each_other_do_not_lock_each_other_out(world: World) -> None:
    with scope(firm=world.firm):
        one, two = make_portfolio("Sarah"), make_portfolio("Léa")
    pairs = ((one, two), (two, one))
    ends = [partial(terminate_portfolio, actor=world.admin, portfolio=a, successor=b) for a, b in pairs]
    with ThreadPoolExecutor(2) as threads:
        answers = [threads.submit(elsewhere, world, end) for end in ends]
        assert "done" in {answer.result(30) for answer in answers}
    with scope(firm=world.firm):
        assert Portfolio.objects.running().count() == 1


def test_an_import_into_a_portfolio_that_was_terminated_writes_nothing(world: World) -> None:
    from clients.jobs import confirm_import

    with scope(firm=world.firm):
        portfolio = make_portfolio("Sarah")
        made = plan(world.admin, [["C1", "Boulangerie Martin", "", "", "Sarah"]])
        confirm_import(actor=world.admin, source=made)
        terminate_portfolio(actor=world.admin, portfolio=portfolio)
    apply(made)
    with scope(firm=world.firm):
        made.refresh_from_db()
        assert (made.state, made.refusal_code) == ("failed", "portfolio_terminated")
        assert not Dossier.objects.filter(reference="C1").exists()
