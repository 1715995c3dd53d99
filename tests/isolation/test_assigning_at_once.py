"""The same assignments from several places at one moment (a double click, two administrators): made and told once."""

import pytest

from accounts.permissions import ObjectRole
from activity.models import Event
from clients.actions.assignments import change_assignments
from clients.assigned import Result
from clients.impact import MeansSomethingElse, enact, rehearse
from clients.models import Assignment, Dossier
from tenancy.scopes import scope
from tests import worlds
from tests.isolation.test_at_once import AT_ONCE, together
from tests.worlds import World, make_dossier, make_member

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


def test_they_are_given_once(world: World) -> None:
    roles = [ObjectRole.ACCOUNTANT, ObjectRole.READER] * (ROUNDS // 2)
    for role in roles:
        assert together(world, lambda role=role: given(world, role)) == ["done"] * AT_ONCE
    with scope(firm=world.firm):
        assert Event.objects.filter(type="clients.assignments.given").count() == 1
        assert Event.objects.filter(type="clients.assignments.changed").count() == ROUNDS - 1
        assert Assignment.objects.count() == 5


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
