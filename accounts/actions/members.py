"""What may be done to a person's place in a firm: another role, a pause, its end.

The firm always keeps an administrator who may enter it. Whoever could take the last one away first holds the rows of
all of them, so two who try at the same moment come one after the other, and the second is refused.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.actions.people import tell_former_addresses
from accounts.actions.replacements import end_replacements_of
from accounts.events.members import (
    MemberLeft,
    MemberRestored,
    MemberRoleChanged,
    MemberSuspended,
    MemberTerminated,
)
from accounts.models import OPEN_STATES, Membership, MemberState, Role
from accounts.permissions import Perm, require, take_all
from accounts.registration import GRANTS_TAKEN
from activity.actions import record
from tenancy.keys import uuid7


class LastAdministrator(Exception):
    """Without this member nobody could manage the firm: somebody else has to become an administrator first."""


class NotInThatState(Exception):
    """The member is in a state from which this doesn't lead on: nobody suspends who has not come yet."""


class RoleChangedMeanwhile(Exception):
    """Somebody else has given the member another role since the actor looked. Nothing was done."""

    def __init__(self, member: Membership) -> None:
        super().__init__(member.pk)
        self.member = member


@transaction.atomic
def change_role(*, actor: Membership, member: Membership, role: Role, seen: Role | None = None) -> Membership:
    """Make the member an administrator or a collaborator. The same role again changes and records nothing.

    `seen` is the role that the actor was shown. Raises RoleChangedMeanwhile, LastAdministrator, NotInThatState (of one
    who has not come yet: the invitation holds the role; or has left).
    """
    member = _held(actor, member)
    if seen is not None and member.role != seen:
        raise RoleChangedMeanwhile(member)
    if member.role == role:
        return member
    _require_state(member, *OPEN_STATES, MemberState.SUSPENDED)
    if role != Role.ADMIN:
        _require_another_administrator(member)
    before, member.role = member.role, role
    member.save(update_fields=["role"])
    changed = record(MemberRoleChanged, actor=actor, subject=member, changes={"role": (before, role)})
    tell_former_addresses(member.user, MemberRoleChanged, changed.at, firm=member.firm.name)
    return member


@transaction.atomic
def suspend_member(*, actor: Membership, member: Membership) -> Membership:
    """Close the firm to the member, at their next request. What they hold stays theirs, for their return.

    One who is suspended already stays so, and nothing is recorded. Raises LastAdministrator, NotInThatState.
    """
    member = _held(actor, member)
    if member.state == MemberState.SUSPENDED:
        return member
    _require_state(member, *OPEN_STATES)
    _require_another_administrator(member)
    before = _enter(member, MemberState.SUSPENDED)
    record(MemberSuspended, actor=actor, subject=member, changes={"state": (before, member.state)})
    return member


@transaction.atomic
def restore_member(*, actor: Membership, member: Membership) -> Membership:
    """Open the firm again to a suspended member, with all that they hold. Raises NotInThatState.

    One whose access was terminated is invited anew instead. One who may enter anyway stays as they are.
    """
    member = _held(actor, member)
    if member.is_open:
        return member
    _require_state(member, MemberState.SUSPENDED)
    before = _enter(member, MemberState.ACTIVE if member.last_visit_at else MemberState.CREATED)
    record(MemberRestored, actor=actor, subject=member, changes={"state": (before, member.state)})
    return member


@transaction.atomic
def terminate_member(
    *,
    actor: Membership,
    member: Membership,
    event_type: type[MemberTerminated] = MemberTerminated,
    details: Mapping[str, Any] | None = None,
    group: UUID | None = None,
) -> Membership:
    """End the member's place in the firm: nothing is open to them any more, and nobody stands in for them.

    One who has left already stays so, and nothing is recorded. An action that does more on the occasion names its own
    event, details and group. Raises LastAdministrator, NotInThatState (an invitation that waits is revoked instead).
    """
    member = _held(actor, member)
    if member.state == MemberState.TERMINATED:
        return member
    _require_state(member, *OPEN_STATES, MemberState.SUSPENDED)
    _end(member, by=actor, event_type=event_type, details=details or {}, group=group or uuid7())
    return member


@transaction.atomic
def leave_firm(*, actor: Membership) -> Membership:
    """The member ends their own place in the firm. Raises LastAdministrator."""
    member = _locked(actor)
    if not member.is_open:
        raise PermissionDenied
    _end(member, by=member, event_type=MemberLeft, details={}, group=uuid7())
    return member


def _end(
    member: Membership,
    *,
    by: Membership,
    event_type: type[MemberTerminated] | type[MemberLeft],
    details: Mapping[str, Any],
    group: UUID,
) -> None:
    _require_another_administrator(member)
    before = _enter(member, MemberState.TERMINATED)
    taken = take_all(member)
    for follow in GRANTS_TAKEN:
        follow(by, member, taken, group)
    replacements = end_replacements_of(actor=by, member=member, group=group)
    record(
        event_type,
        actor=by,
        subject=member,
        changes={"state": (before, member.state)},
        details={"grants": sum(map(len, taken.values())), "replacements": replacements, **details},
        group=group,
    )


def _enter(member: Membership, state: MemberState) -> str:
    """Put the member into the state; returns the one before."""
    before, member.state, member.state_since = member.state, state, timezone.now()
    member.save(update_fields=["state", "state_since"])
    return before


def _held(actor: Membership, member: Membership) -> Membership:
    """The member as they are now, with the administrators' rows locked, if the actor may still manage members."""
    require(actor, Perm.MANAGE_MEMBERS)
    member = _locked(member)
    require(actor, Perm.MANAGE_MEMBERS)  # the actor's own place may have changed while this waited
    return member


def _locked(member: Membership) -> Membership:
    """The member, locked with all who administer the firm by their keys, so that nobody waits in a ring."""
    rows = Membership.objects.filter(Q(pk=member.pk) | Q(role=Role.ADMIN, state__in=OPEN_STATES))
    list(rows.order_by("pk").select_for_update(no_key=True).values_list("pk"))
    return Membership.objects.select_related("firm", "user").get(pk=member.pk)


def _require_state(member: Membership, *states: MemberState) -> None:
    if member.state not in states:
        raise NotInThatState(member.state)


def _require_another_administrator(member: Membership) -> None:
    """Refuse what would leave the firm without an administrator. Asked anew, since the rows were waited for."""
    if member.is_admin and not Membership.objects.administrators().exclude(pk=member.pk).exists():
        raise LastAdministrator(member.pk)
