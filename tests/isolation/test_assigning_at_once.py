"""The same assignments from several places at one moment (a double click, two administrators): made and told once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from django.db import transaction

from accounts.permissions import ObjectRole, give, pairs_of
from activity.models import Event
from clients.actions.archiving import archive_dossiers
from clients.actions.assignments import change_assignments
from clients.actions.dossiers import move_dossier
from clients.actions.portfolios import move_dossiers
from clients.assigned import Result
from clients.impact import MeansSomethingElse, enact, rehearse
from clients.models import Assignment, Dossier
from tenancy.scopes import scope
from tests import worlds
from tests.isolation.test_at_once import AT_ONCE, together
from tests.meeting import come_past, within
from tests.worlds import World, make_dossier, make_member, make_portfolio

ROUNDS = 4

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    world = worlds.make_firm("Cabinet Lemoine", "732829320")
    with scope(firm=world.firm):
        for number in range(5):
            make_dossier(f"Client {number}")
    return world


def given(world: World, role: ObjectRole) -> Result:
    return change_assignments(
        actor=world.admin, dossiers=Dossier.objects.clients(), add={world.collaborator: role}
    )


def _archives(world: World) -> None:
    archive_dossiers(actor=world.admin, dossiers=Dossier.objects.clients())


def _moves_many(world: World) -> None:
    move_dossiers(actor=world.admin, dossiers=Dossier.objects.clients(), portfolio=make_portfolio())


def _moves_one(world: World) -> None:
    dossier = Dossier.objects.clients().order_by("pk")[0]
    move_dossier(actor=world.admin, dossier=dossier, portfolio=make_portfolio())


def _gives_directly(world: World) -> None:
    pairs = pairs_of(Dossier.objects.clients(), [world.collaborator])
    give(Assignment, pairs, role=ObjectRole.READER, by=world.admin)


def test_they_are_given_once(world: World) -> None:
    roles = [ObjectRole.ACCOUNTANT, ObjectRole.READER] * (ROUNDS // 2)
    for role in roles:
        assert together(world, partial(given, world, role)) == ["done"] * AT_ONCE
    with scope(firm=world.firm):
        assert Event.objects.filter(type="clients.assignments.given").count() == 1
        assert Event.objects.filter(type="clients.assignments.changed").count() == ROUNDS - 1
        assert Assignment.objects.count() == 5


@pytest.mark.parametrize("act", [_archives, _moves_many, _moves_one])
def test_what_holds_dossiers_lets_others_be_given_them(world: World, act: Callable[[World], object]) -> None:
    """A grant leans on its dossier's row: if it had to wait, whoever holds dossiers and wants members would wait in a
    ring with whoever holds members and gives dossiers."""
    assert come_past(_undone(world, act), within({"firm": world.firm}, _gives_directly, world=world)) is None


@contextmanager
def _undone(world: World, act: Callable[[World], object]) -> Iterator[None]:
    """It is done as long as this lasts, and then never was."""
    with scope(firm=world.firm):
        act(world)
        yield
        transaction.set_rollback(True)


def test_a_confirmation_pressed_twice_is_one(world: World) -> None:
    for number in range(ROUNDS):
        with scope(firm=world.firm):
            member = make_member(world.firm, f"Nina{number}")
            dossiers = Dossier.objects.clients()

            def act(member=member, dossiers=dossiers) -> Result:
                add = {member: ObjectRole.READER}
                return change_assignments(actor=world.admin, dossiers=dossiers, add=add)

            seen = rehearse(act, dossiers=dossiers).fingerprint
        made: list[int] = []

        def confirm(act=act, dossiers=dossiers, seen=seen, made=made) -> None:
            try:
                made.append(enact(act, seen=seen, dossiers=dossiers).result.count)
            except MeansSomethingElse as refused:
                made.append(refused.impact.result.count)

        together(world, confirm)
        assert sorted(made) == [0] * (AT_ONCE - 1) + [5]
    with scope(firm=world.firm):
        assert Event.objects.filter(type="clients.assignments.given").count() == ROUNDS
