"""Two administrators do the same at the same moment: it happens once, it is told once, and the second is answered."""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from time import sleep

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client

from accounts.actions.members import (
    LastAdministrator,
    change_role,
    leave_firm,
    suspend_member,
    terminate_member,
)
from accounts.models import Membership, Role
from accounts.permissions import ObjectRole, give, pairs_of
from activity.models import Event
from clients.actions.departing import complete_departure
from clients.models import Assignment
from invitations.actions.inviting import AlreadyInvited, invite_member
from portfolios.actions import grant_portfolio
from tenancy.scopes import scope
from tests import worlds
from tests.worlds import World, make_dossier, make_member, make_portfolio

AT_ONCE, ROUNDS = 4, 10

pytestmark = pytest.mark.django_db(transaction=True)


def together(world: World, act: Callable[[], object]) -> list[str]:
    """What became of each of several who do it at once: "done", or the name of the refusal."""
    return side_by_side(world, [act] * AT_ONCE)


def side_by_side(world: World, acts: Sequence[Callable[[], object]]) -> list[str]:
    """The same of several who each do something else."""

    def inside(act: Callable[[], object]) -> object:
        with scope(firm=world.firm):
            return act()

    return at_once([partial(inside, act) for act in acts])


def at_once(acts: Sequence[Callable[[], object]]) -> list[str]:
    """The same of acts that open their own transactions."""
    start = Barrier(len(acts))

    def one(act: Callable[[], object]) -> str:
        start.wait()
        try:
            act()
        except (AlreadyInvited, LastAdministrator, PermissionDenied) as refused:
            return type(refused).__name__
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(one, acts))


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


def _demotes(actor: Membership, member: Membership) -> object:
    return change_role(actor=actor, member=member, role=Role.COLLABORATOR)


def _suspends(actor: Membership, member: Membership) -> object:
    return suspend_member(actor=actor, member=member)


def _terminates(actor: Membership, member: Membership) -> object:
    return terminate_member(actor=actor, member=member)


@pytest.mark.parametrize("act", [_demotes, _suspends, _terminates])
def test_administrators_who_turn_on_each_other_leave_one(world: World, act) -> None:
    """Whoever comes second is no administrator any more, and says so to nobody."""
    for number in range(ROUNDS):
        with scope(firm=world.firm):
            partner = make_member(world.firm, f"Zoé{number}", role=Role.ADMIN)
            Membership.objects.filter(pk=world.admin.pk).update(role=Role.ADMIN, state="active")

        pair = [(world.admin, partner), (partner, world.admin)]
        became = side_by_side(world, [partial(act, actor, member) for actor, member in pair])
        assert sorted(became) == ["PermissionDenied", "done"]
        with scope(firm=world.firm):
            assert Membership.objects.administrators().count() == 1
            Membership.objects.filter(pk=partner.pk).update(state="terminated")


def test_when_all_administrators_leave_at_once_the_last_one_stays(world: World) -> None:
    for number in range(ROUNDS):
        with scope(firm=world.firm):
            Membership.objects.filter(pk=world.admin.pk).update(state="active")
            others = [
                make_member(world.firm, f"Zoé{number}-{other}", role=Role.ADMIN)
                for other in range(AT_ONCE - 1)
            ]
        leaving = [partial(leave_firm, actor=one) for one in (world.admin, *others)]
        assert sorted(side_by_side(world, leaving)) == ["LastAdministrator"] + ["done"] * (AT_ONCE - 1)
        with scope(firm=world.firm):
            assert Membership.objects.administrators().count() == 1
            Membership.objects.administrators().update(state="terminated")


def test_two_who_suspend_each_other_by_the_pages_do_not_wait_in_a_ring(world: World) -> None:
    """Their visits are due to be noted, too: a request holds nothing of its person's while it waits for the others."""
    with scope(firm=world.firm):
        partner = make_member(world.firm, "Zoé", role=Role.ADMIN)
    pair = [(world.admin, partner), (partner, world.admin)]
    for _number in range(3):
        answers: list[int] = []
        with scope(firm=world.firm):
            Membership.objects.filter(role=Role.ADMIN).update(state="active", last_visit_at=None)
        posts = [partial(_suspends_by_the_page, world, actor, other, answers) for actor, other in pair]
        assert at_once(posts) == ["done", "done"]
        assert 302 in answers and not any(status >= 500 for status in answers)
        with scope(firm=world.firm):
            assert Membership.objects.administrators().count() == 1


def _suspends_by_the_page(world: World, actor: Membership, member: Membership, answers: list[int]) -> None:
    # No scope is open in this thread, and as on a real server no transaction holds the whole request.
    client = Client(raise_request_exception=False)
    assert actor.user is not None
    client.force_login(actor.user)
    url = world.firm.url("clients:suspend_member", pk=member.pk)
    seen = re.search(r'name="seen" value="(\w+)"', client.get(url).content.decode())
    answers.append(client.post(url, {"seen": seen[1] if seen else ""}).status_code)


def test_a_departure_and_a_gift_to_its_taker_do_not_wait_in_a_ring(world: World) -> None:
    """The departure holds the administrators while it waits for who takes over; the gift names one of them."""
    alice, chloe, paul = world.admin, world.collaborator, world.colleague
    with scope(firm=world.firm):
        dossier, other = make_dossier("A"), make_dossier("B")
        give(Assignment, pairs_of([other], [paul]), role=ObjectRole.READER, by=alice)

    def departs() -> None:
        complete_departure(actor=alice, member=paul, takers={other.pk: chloe}, revoke={})

    with ThreadPoolExecutor(1) as threads:
        with scope(firm=world.firm):
            Membership.objects.select_for_update(no_key=True).get(pk=chloe.pk)  # as `change_assignments` does
            departure = threads.submit(side_by_side, world, [departs])
            sleep(0.5)
            give(Assignment, pairs_of([dossier], [chloe]), role=ObjectRole.READER, by=alice)
        assert departure.result(10) == ["done"]
    with scope(firm=world.firm):
        assert Assignment.objects.filter(user=chloe.user).count() == 2
