"""A member's place in a firm: its role, its states, and the administrator whom the firm always keeps."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.actions.members import (
    LastAdministrator,
    NotInThatState,
    RoleChangedMeanwhile,
    change_role,
    leave_firm,
    restore_member,
    suspend_member,
    terminate_member,
)
from accounts.models import Membership, MemberState, Replacement, Role
from accounts.permissions import Perm, can
from activity.models import Event, Notification
from portfolios.actions import grant_portfolio
from portfolios.models import PortfolioGrant
from tests.worlds import World, make_dossier, make_member, make_portfolio

pytestmark = pytest.mark.django_db


def told_of(name: str) -> set[str]:
    """The first names of those who are told of the last event of that name."""
    event = Event.objects.filter(type=name).latest("id")
    return {told.name.partition(" ")[0] for told in Notification.objects.filter(event=event)}


def now_of(member: Membership) -> Membership:
    return Membership.objects.get(pk=member.pk)


@pytest.fixture
def zoe(firm: World) -> Membership:
    """A second administrator."""
    return make_member(firm.firm, "Zoé", role=Role.ADMIN)


# --- role -----------------------------------------------------------------------------------------------------


def test_a_collaborator_becomes_an_administrator_and_sees_everything(firm: World) -> None:
    dossier = make_dossier()
    change_role(actor=firm.admin, member=firm.collaborator, role=Role.ADMIN)
    assert can(now_of(firm.collaborator), Perm.VIEW_DOSSIER, dossier)
    assert Event.objects.latest("id").changes == {"role": ["collaborator", "admin"]}
    assert told_of("accounts.member.role_changed") == {"Chloé"}


def test_the_same_role_again_records_nothing(firm: World) -> None:
    change_role(actor=firm.admin, member=firm.collaborator, role=Role.COLLABORATOR)
    assert not Event.objects.exists()


def test_a_role_that_somebody_changed_meanwhile_is_not_overwritten(firm: World, zoe: Membership) -> None:
    change_role(actor=zoe, member=firm.collaborator, role=Role.ADMIN)
    with pytest.raises(RoleChangedMeanwhile):
        change_role(
            actor=firm.admin, member=firm.collaborator, role=Role.COLLABORATOR, seen=Role.COLLABORATOR
        )
    assert now_of(firm.collaborator).role == Role.ADMIN


def test_a_collaborator_manages_nobody(firm: World) -> None:
    for act in (suspend_member, restore_member, terminate_member):
        with pytest.raises(PermissionDenied):
            act(actor=firm.collaborator, member=firm.colleague)
    with pytest.raises(PermissionDenied):
        change_role(actor=firm.collaborator, member=firm.collaborator, role=Role.ADMIN)


# --- the administrator whom the firm keeps --------------------------------------------------------------------


def _demote(member: Membership) -> Any:
    return change_role(actor=member, member=member, role=Role.COLLABORATOR)


def _suspend(member: Membership) -> Any:
    return suspend_member(actor=member, member=member)


def _terminate(member: Membership) -> Any:
    return terminate_member(actor=member, member=member)


def _leave(member: Membership) -> Any:
    return leave_firm(actor=member)


@pytest.mark.parametrize("act", [_demote, _suspend, _terminate, _leave])
def test_the_last_administrator_stays(firm: World, act: Any) -> None:
    with pytest.raises(LastAdministrator):
        act(firm.admin)
    assert now_of(firm.admin).is_admin
    assert not Event.objects.exists()


@pytest.mark.parametrize("act", [_demote, _suspend, _terminate, _leave])
def test_one_of_two_administrators_may_go(firm: World, zoe: Membership, act: Any) -> None:
    act(firm.admin)
    assert not now_of(firm.admin).is_admin


def test_a_suspended_administrator_does_not_count(firm: World, zoe: Membership) -> None:
    suspend_member(actor=firm.admin, member=zoe)
    with pytest.raises(LastAdministrator):
        leave_firm(actor=firm.admin)


# --- suspend and restore --------------------------------------------------------------------------------------


def test_a_suspended_member_keeps_what_they_hold_and_opens_nothing(firm: World, zoe: Membership) -> None:
    portfolio = make_portfolio()
    dossier = make_dossier(portfolio=portfolio)
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    suspend_member(actor=firm.admin, member=firm.collaborator)
    assert not can(firm.collaborator, Perm.VIEW_DOSSIER, dossier)
    assert told_of("accounts.member.suspended") == {"Chloé", "Zoé"}
    restore_member(actor=firm.admin, member=firm.collaborator)
    assert can(firm.collaborator, Perm.VIEW_DOSSIER, dossier)
    assert told_of("accounts.member.restored") == {"Chloé", "Zoé"}


def test_suspending_twice_is_one_event(firm: World) -> None:
    suspend_member(actor=firm.admin, member=firm.collaborator)
    since = now_of(firm.collaborator).state_since
    suspend_member(actor=firm.admin, member=firm.collaborator)
    assert now_of(firm.collaborator).state_since == since
    assert Event.objects.count() == 1


@pytest.mark.parametrize(("visited", "state"), [(True, MemberState.ACTIVE), (False, MemberState.CREATED)])
def test_a_restored_member_is_what_they_were(firm: World, visited: bool, state: str) -> None:
    visit = timezone.now() if visited else None
    Membership.objects.filter(pk=firm.collaborator.pk).update(last_visit_at=visit)
    suspend_member(actor=firm.admin, member=firm.collaborator)
    restore_member(actor=firm.admin, member=firm.collaborator)
    assert now_of(firm.collaborator).state == state


def test_nobody_is_suspended_who_has_not_come(firm: World) -> None:
    nina = Membership.objects.create(email="nina@lemoine.test")
    for act in (suspend_member, restore_member, terminate_member):
        with pytest.raises(NotInThatState):
            act(actor=firm.admin, member=nina)


# --- terminate and leave --------------------------------------------------------------------------------------


def test_whose_place_ends_holds_nothing_any_more(firm: World, zoe: Membership) -> None:
    portfolio = make_portfolio()
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    terminate_member(actor=firm.admin, member=firm.collaborator)
    assert not PortfolioGrant.objects.filter(user=firm.collaborator.user).exists()
    assert now_of(firm.collaborator).state == MemberState.TERMINATED
    event = Event.objects.get(type="accounts.member.terminated")
    assert event.details["grants"] == 1
    assert told_of("accounts.member.terminated") == {"Chloé", "Zoé"}
    lines = Event.objects.filter(type="portfolios.portfolio.withdrawn")
    assert [(line.subject_id, line.group) for line in lines] == [(portfolio.pk, event.group)]


def test_terminating_twice_is_one_event(firm: World) -> None:
    terminate_member(actor=firm.admin, member=firm.collaborator)
    terminate_member(actor=firm.admin, member=firm.collaborator)
    assert Event.objects.count() == 1


def test_who_has_left_is_invited_anew_and_not_restored(firm: World) -> None:
    terminate_member(actor=firm.admin, member=firm.collaborator)
    with pytest.raises(NotInThatState):
        restore_member(actor=firm.admin, member=firm.collaborator)


def test_replacements_end_with_the_place(firm: World) -> None:
    now = timezone.now()
    people = {"absent_id": firm.colleague.user_id, "cover_id": firm.collaborator.user_id}
    Replacement.objects.create(**people, starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1))
    Replacement.objects.create(**people, starts_at=now + timedelta(days=5), ends_at=now + timedelta(days=9))
    terminate_member(actor=firm.admin, member=firm.collaborator)
    assert not Replacement.objects.unended().exists()
    assert told_of("accounts.member.terminated") == {"Chloé"}
    assert Event.objects.get(type="accounts.member.terminated").details["replacements"] == 2


def test_who_leaves_tells_the_administrators(firm: World) -> None:
    leave_firm(actor=firm.collaborator)
    assert now_of(firm.collaborator).state == MemberState.TERMINATED
    assert told_of("accounts.member.left") == {"Alice"}


def test_a_member_leaves_once(firm: World) -> None:
    leave_firm(actor=firm.collaborator)
    with pytest.raises(PermissionDenied):
        leave_firm(actor=firm.collaborator)
