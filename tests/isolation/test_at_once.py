"""Two administrators do the same at the same moment: it happens once, it is told once, and the second is answered."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import Role
from activity.models import Event
from invitations.actions.inviting import AlreadyInvited, invite_member
from portfolios.actions import grant_portfolio
from tenancy.scopes import scope
from tests import worlds
from tests.worlds import World, make_portfolio

AT_ONCE, ROUNDS = 4, 10

pytestmark = pytest.mark.django_db(transaction=True)


def together(world: World, act: Callable[[], object]) -> list[str]:
    """What became of each of several who do it at once: "done", or the name of the refusal."""
    start = Barrier(AT_ONCE)

    def one(_number: int) -> str:
        start.wait()
        try:
            with scope(firm=world.firm):
                act()
        except AlreadyInvited as refused:
            return type(refused).__name__
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(one, range(AT_ONCE)))


@pytest.fixture
def world() -> World:
    return worlds.make_firm("Cabinet Lemoine", "732829320")


def test_a_portfolio_is_granted_once(world: World) -> None:
    for number in range(ROUNDS):
        with scope(firm=world.firm):
            portfolio = make_portfolio(f"Lot {number}")

        def grant(portfolio=portfolio) -> None:
            grant_portfolio(actor=world.admin, portfolio=portfolio, member=world.collaborator)

        assert together(world, grant) == ["done"] * AT_ONCE
    with scope(firm=world.firm):
        assert Event.objects.filter(type="portfolios.portfolio.granted").count() == ROUNDS


def test_a_colleague_is_invited_once(world: World) -> None:
    for number in range(ROUNDS):

        def invite(number=number) -> None:
            invite_member(actor=world.admin, email=f"nina{number}@lemoine.test", role=Role.COLLABORATOR)

        assert sorted(together(world, invite)) == ["AlreadyInvited"] * (AT_ONCE - 1) + ["done"]
    with scope(firm=world.firm):
        assert Event.objects.filter(type="invitations.member.invited").count() == ROUNDS
