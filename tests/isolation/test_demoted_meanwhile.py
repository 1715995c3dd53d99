"""Somebody's right ends while what they began waits for its turn: it is refused. Two real connections."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import models
from django.utils import timezone

from accounts.actions.replacements import arrange_replacement, change_replacement, end_replacement
from accounts.models import Membership, MemberState, Role
from accounts.permissions import ObjectRole
from activity.models import Event
from clients.actions.portfolios import restore_portfolio, terminate_portfolio
from invitations.actions.handling import (
    resend_invitation,
    resend_invitations,
    revoke_invitation,
    revoke_invitations,
)
from invitations.actions.inviting import invite_client, invite_member
from invitations.models import Invitation
from portfolios.actions import change_subscriber, grant_portfolio, rename_portfolio
from tenancy.scopes import scope
from tests import worlds
from tests.meeting import come_meanwhile, in_firm
from tests.worlds import World, make_dossier, make_member, make_portfolio

pytestmark = pytest.mark.django_db(transaction=True)

# What an act waits for, and the act itself, by whom it is given.
Act = tuple[models.Model, Callable[[Membership], object]]
WEEK = timedelta(days=7)


@pytest.fixture
def world() -> World:
    return worlds.make_firm("Cabinet Lemoine", "732829320")


def _rename(world: World) -> Act:
    portfolio = make_portfolio()
    return portfolio, lambda actor: rename_portfolio(actor=actor, portfolio=portfolio, name="Sarah")


def _terminate(world: World) -> Act:
    portfolio = make_portfolio()
    return portfolio, lambda actor: terminate_portfolio(actor=actor, portfolio=portfolio)


def _restore(world: World) -> Act:
    portfolio = make_portfolio()
    terminate_portfolio(actor=world.admin, portfolio=portfolio)
    return portfolio, lambda actor: restore_portfolio(actor=actor, portfolio=portfolio)


def _grant(world: World) -> Act:
    portfolio = make_portfolio()
    return portfolio, lambda actor: grant_portfolio(
        actor=actor, portfolio=portfolio, member=world.collaborator
    )


def _change_role(world: World) -> Act:
    portfolio, member = make_portfolio(), world.collaborator
    grant_portfolio(actor=world.admin, portfolio=portfolio, member=member)
    roles: dict[str, Any] = {"role": ObjectRole.READER, "seen": ObjectRole.ACCOUNTANT}
    return portfolio, lambda actor: change_subscriber(
        actor=actor, portfolio=portfolio, member=member, **roles
    )


def _days() -> dict[str, Any]:
    """Far enough ahead: a midnight may come before they are looked at."""
    first = timezone.localdate() + WEEK
    return {"starts_on": first, "ends_on": first + WEEK, "includes_assignments": True}


def _arrange(world: World) -> Act:
    pair: dict[str, Any] = {"absent": world.colleague, "cover": world.collaborator}
    return world.colleague, lambda actor: arrange_replacement(actor=actor, **pair, **_days())


def _change_replacement(world: World) -> Act:
    made = arrange_replacement(actor=world.admin, absent=world.colleague, cover=world.collaborator, **_days())
    other = {**_days(), "includes_assignments": False}
    return made, lambda actor: change_replacement(actor=actor, replacement=made, **other)


def _end_replacement(world: World) -> Act:
    made = arrange_replacement(actor=world.admin, absent=world.colleague, cover=world.collaborator, **_days())
    return world.colleague, lambda actor: end_replacement(actor=actor, replacement=made)


def _invited(world: World) -> Invitation:
    return invite_client(actor=world.admin, dossier=make_dossier(), email="marc@exemple.test")


def _resend(world: World) -> Act:
    invitation = _invited(world)
    return invitation, lambda actor: resend_invitation(actor=actor, invitation=invitation)


def _revoke(world: World) -> Act:
    invitation = _invited(world)
    return invitation, lambda actor: revoke_invitation(actor=actor, invitation=invitation)


def _revoke_a_member(world: World) -> Act:
    invitation = invite_member(actor=world.admin, email="nina@lemoine.test", role=Role.COLLABORATOR)
    return invitation, lambda actor: revoke_invitation(actor=actor, invitation=invitation)


def _resend_many(world: World) -> Act:
    these = Invitation.objects.all()
    return _invited(world), lambda actor: resend_invitations(actor=actor, invitations=these)


def _revoke_many(world: World) -> Act:
    these = Invitation.objects.all()
    return _invited(world), lambda actor: revoke_invitations(actor=actor, invitations=these)


ACTS = [
    _rename,
    _terminate,
    _restore,
    _grant,
    _change_role,
    _arrange,
    _change_replacement,
    _end_replacement,
    _resend,
    _revoke,
    _revoke_a_member,
    _resend_many,
    _revoke_many,
]
ENDS = [{"role": Role.COLLABORATOR}, {"state": MemberState.SUSPENDED}]


@contextmanager
def _held(world: World, thing: models.Model) -> Iterator[None]:
    with scope(firm=world.firm):
        type(thing)._default_manager.select_for_update(of=("self",)).get(pk=thing.pk)
        yield


@pytest.mark.parametrize("end", ENDS, ids=["demoted", "suspended"])
@pytest.mark.parametrize("prepared", ACTS)
def test_what_waits_while_its_actor_loses_the_right_is_refused(
    world: World, prepared: Callable[[World], Act], end: dict[str, Any]
) -> None:
    with scope(firm=world.firm):
        zoe = make_member(world.firm, "Zoé", role=Role.ADMIN)
        thing, act = prepared(world)
        before = Event.objects.count()

    became: list[object] = []
    error = come_meanwhile(
        _held(world, thing),
        in_firm(world, lambda: became.append(act(zoe))),
        then=lambda: Membership.objects.filter(pk=zoe.pk).update(**end),
    )
    assert isinstance(error, PermissionDenied) or became == [0]
    with scope(firm=world.firm):
        assert Event.objects.count() == before
