"""Giving single dossiers to members, and taking them back: many members × many dossiers in one go."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Membership, MemberState, Role
from accounts.permissions import RANKS, Granted, ObjectRole, Perm, give, granted, permitted, take
from clients.actions.assignment_news import tell_of
from clients.actions.support import hold_authorisations
from clients.assigned import Change, Reason, Result, Share, Skipped
from clients.models import Assignment, Dossier, SupportAuthorisation
from clients.models.details import name_of
from tenancy.expressions import among

_SHUT = {
    MemberState.INVITED: Reason.NO_ACCOUNT,
    MemberState.SUSPENDED: Reason.SUSPENDED,
    MemberState.TERMINATED: Reason.TERMINATED,
}


@dataclass(frozen=True)
class _Held:
    """A running assignment."""

    role: ObjectRole
    until: datetime | None


@transaction.atomic
def change_assignments(
    *,
    actor: Membership,
    dossiers: QuerySet[Dossier],
    add: Mapping[Membership, ObjectRole] | Iterable[tuple[Membership, ObjectRole]] = (),
    remove: Collection[Membership] = (),
) -> Result:
    """Assign all these dossiers to some members, each in a role, and take them from others; nobody else is touched.

    A member has one role on a dossier, so another one replaces it. Technical support needs the client's authorisation
    on that dossier and ends with it. What cannot be done, or is so already, is skipped with its reason. Raises
    PermissionDenied if one of the dossiers is not the actor's to assign.
    """
    add = dict(add)
    keys = list(dossiers.order_by().values_list("pk", flat=True))
    ends = _authorised(keys) if ObjectRole.SUPPORT in add.values() else {}
    members = _locked([*add, *remove])
    _require_all(actor, keys)
    files = _Files(keys, assigns=bool(add), ends=ends)
    roles = {member.pk: role for member, role in add.items()}
    held = _held(keys, members)
    shares, skipped = [], files.skipped()
    for member in members:
        mine = held.get(member.user_id, {}) if member.user_id else {}
        role = roles.get(member.pk)
        done, left = _taken(files, member, mine) if role is None else _given(actor, files, member, role, mine)
        skipped += left
        if done:
            shares.append(Share(member, _sorted_by_kind(done, mine, files), _stays(member, done)))
    tell_of(shares, actor=actor, names=files.names, ends=files.ends)
    return Result(shares, skipped)


class _Files:
    """The dossiers that a change is about, their names in order, and what decides about them.

    `ends`: until when the clients of some allow technical support.
    """

    def __init__(self, keys: list[UUID], *, assigns: bool, ends: Mapping[UUID, datetime]) -> None:
        columns = ("id", "is_own", "archived_at", "kind", "legal_name", "first_name", "last_name")
        rows = Dossier.objects.filter(among(keys)).order_by("name_key", "id").values_list(*columns)
        found = list(rows)
        self.names = {key: name_of(*parts) for key, _own, _archived, *parts in found}
        self.own = [key for key, is_own, *_rest in found if is_own]
        # An archived one is given to nobody, but whoever has it may lose it.
        self.archived = [key for key, _own, at, *_rest in found if at] if assigns else []
        self.ends = ends

    def open_to_assignment(self) -> list[UUID]:
        shut = {*self.own, *self.archived}
        return [key for key in self.names if key not in shut]

    def skipped(self) -> list[Skipped]:
        reasons = ((Reason.OWN, self.own), (Reason.ARCHIVED, self.archived))
        return [Skipped(reason, None, keys) for reason, keys in reasons if keys]


def _authorised(keys: list[UUID]) -> dict[UUID, datetime]:
    """Until when the clients allow technical support; held before the members, and withdrawn by nobody meanwhile."""
    held = hold_authorisations(keys)
    running = SupportAuthorisation.objects.running().filter(among(held, "dossier"))
    return dict(running.values_list("dossier_id", "until"))


def _locked(members: Collection[Membership]) -> list[Membership]:
    """As they are now; two changes of one member's assignments come one after the other."""
    rows = Membership.objects.select_for_update(of=("self",), no_key=True).select_related("user")
    locked = list(rows.filter(pk__in={member.pk for member in members}).order_by("pk"))
    return sorted(locked, key=lambda member: (member.last_name, member.first_name, member.email))


def _require_all(actor: Membership, keys: Collection[UUID]) -> None:
    mine = permitted(Dossier.objects.filter(among(keys)), actor, Perm.ASSIGN_DOSSIER)
    if mine.count() != len(keys) or (not keys and actor.role != Role.ADMIN):
        raise PermissionDenied(Perm.ASSIGN_DOSSIER)


def _held(keys: list[UUID], members: Iterable[Membership]) -> dict[UUID, dict[UUID, _Held]]:
    """The running assignments of these members among these dossiers: person → dossier → role and end."""
    people = [member.user_id for member in members if member.user_id]
    rows = Assignment.objects.running().filter(among(keys, "content_object"), user_id__in=people)
    found: dict[UUID, dict[UUID, _Held]] = {}
    columns = ("user_id", "content_object_id", "permission__codename", "expires_at")
    for person, dossier, role, until in rows.values_list(*columns):
        found.setdefault(person, {})[dossier] = _Held(ObjectRole(role), until)
    return found


def _taken(
    files: _Files, member: Membership, mine: Mapping[UUID, _Held]
) -> tuple[list[Granted], list[Skipped]]:
    left = [key for key in files.names if key not in mine and key not in files.own]
    done = take(Assignment, [(key, member.user_id) for key in mine]) if member.user_id else []
    return done, _those_left(member, {Reason.NOT_ASSIGNED: left})


def _given(
    actor: Membership, files: _Files, member: Membership, role: ObjectRole, mine: Mapping[UUID, _Held]
) -> tuple[list[Granted], list[Skipped]]:
    keys = files.open_to_assignment()
    reason = _SHUT.get(MemberState(member.state)) or (Reason.ADMINISTRATOR if member.is_admin else None)
    if reason or member.user_id is None:
        return [], _those_left(member, {reason or Reason.NO_ACCOUNT: keys})
    wanted: dict[datetime | None, list[UUID]] = {}
    left: dict[Reason, list[UUID]] = {}
    for key in keys:
        until = files.ends.get(key) if role == ObjectRole.SUPPORT else None
        if why := _why_not(mine.get(key), _Held(role, until)):
            left.setdefault(why, []).append(key)
        else:
            wanted.setdefault(until, []).append(key)
    done = [
        granted
        for until, some in wanted.items()
        for granted in give(
            Assignment, [(key, member.user_id) for key in some], role=role, by=actor, until=until
        )
    ]
    return done, _those_left(member, left)


def _why_not(has: _Held | None, wanted: _Held) -> Reason | None:
    """Why the member is not given this dossier so."""
    if has == wanted:
        return Reason.ALREADY
    if wanted.role == ObjectRole.SUPPORT:
        if has and RANKS[has.role] > RANKS[ObjectRole.SUPPORT]:
            return Reason.WIDER
        if wanted.until is None:
            return Reason.NOT_AUTHORISED
    return None


def _those_left(member: Membership, left: Mapping[Reason, list[UUID]]) -> list[Skipped]:
    return [Skipped(reason, member, keys) for reason, keys in left.items() if keys]


def _sorted_by_kind(done: Iterable[Granted], mine: Mapping[UUID, _Held], files: _Files) -> list[Change]:
    """What was done to one member, each kind by itself, the dossiers by name."""
    kinds: dict[tuple[ObjectRole | None, ObjectRole | None, datetime | None], set[UUID]] = {}
    for one in done:
        prolonged = one.after is not None and one.before == one.after
        until = files.ends.get(one.object_id) if prolonged else None
        kinds.setdefault((one.before, one.after, until), set()).add(one.object_id)
    return [
        Change(before, after, [key for key in files.names if key in keys], until)
        for (before, after, until), keys in sorted(kinds.items(), key=lambda kind: str(kind[0]))
    ]


def _stays(member: Membership, done: Iterable[Granted]) -> int:
    """How many of the dossiers taken are open to the member in another way."""
    keys = [one.object_id for one in done if one.after is None]
    if not keys or not member.is_open:
        return 0
    if member.is_admin:
        return len(keys)
    return granted(Dossier.objects.filter(among(keys)), member, Perm.VIEW_DOSSIER).count()
