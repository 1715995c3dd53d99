"""Giving single dossiers to members, and taking them back: many members × many dossiers in one go."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, MemberState, Role
from accounts.permissions import (
    RANKS,
    Granted,
    ObjectRole,
    Perm,
    give,
    granted,
    holders_of_any,
    permitted,
    take,
)
from activity.actions import Changes, Happening, record, record_many
from clients.events.assignments import (
    AssignmentChanged,
    AssignmentsChanged,
    AssignmentsGiven,
    AssignmentsTaken,
    DossierAssigned,
    DossierUnassigned,
    ManyAssignments,
    OneAssignment,
)
from clients.models import Assignment, Dossier, SupportAuthorisation
from clients.models.details import name_of
from clients.sets import among
from tenancy.keys import uuid7


class Reason(TextChoices):
    """Why something that was asked for was left as it is."""

    OWN = "own", _("the firm's own file, which administrators alone see")
    ARCHIVED = "archived", _("archived file")
    NO_ACCOUNT = "no_account", _("has not accepted the invitation yet")
    SUSPENDED = "suspended", _("suspended member")
    TERMINATED = "terminated", _("terminated member")
    ADMINISTRATOR = "administrator", _("administrator, who sees every file anyway")
    ALREADY = "already", _("has this role already")
    WIDER = "wider", _("has a wider role already")
    NOT_AUTHORISED = "not_authorised", _("the client has not authorised technical support")
    NOT_ASSIGNED = "not_assigned", _("was not assigned to it")


_SHUT = {
    MemberState.INVITED: Reason.NO_ACCOUNT,
    MemberState.SUSPENDED: Reason.SUSPENDED,
    MemberState.TERMINATED: Reason.TERMINATED,
}


@dataclass(frozen=True)
class Change:
    """What became of so many assignments of one member: `before` is None where they had none, `after` where taken."""

    before: ObjectRole | None
    after: ObjectRole | None
    dossiers: list[UUID]
    # The end of a technical support that was prolonged.
    until: datetime | None = None

    @property
    def count(self) -> int:
        return len(self.dossiers)

    @property
    def narrows(self) -> bool:
        """A lesser role than before, but a role."""
        return bool(self.before and self.after and RANKS[self.after] < RANKS[self.before])


@dataclass(frozen=True)
class Share:
    """What one member was given and lost. `stays`: of the dossiers taken, how many are open to them all the same."""

    member: Membership
    changes: list[Change]
    stays: int = 0

    @property
    def count(self) -> int:
        return sum(change.count for change in self.changes)


@dataclass(frozen=True)
class Skipped:
    """What was left as it is, and why; `member` is None where it is for the dossier's sake."""

    reason: Reason
    member: Membership | None
    dossiers: list[UUID]


@dataclass(frozen=True)
class Result:
    shares: list[Share] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many assignments are other than before."""
        return sum(share.count for share in self.shares)

    @property
    def dossiers(self) -> int:
        """How many dossiers that concerns."""
        return len({key for share in self.shares for change in share.changes for key in change.dossiers})

    @property
    def meaning(self) -> str:
        """The same for the same changes."""
        digest = hashlib.sha256()
        for share in self.shares:
            for change in share.changes:
                digest.update(f"{share.member.pk} {change.before} {change.after} {change.until}".encode())
                for key in sorted(change.dossiers):
                    digest.update(key.bytes)
        return digest.hexdigest()


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
    members = _locked([*add, *remove])
    _require_all(actor, keys)
    files = _Files(keys, assigns=bool(add), supports=ObjectRole.SUPPORT in add.values())
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
    _tell(actor, files, shares)
    return Result(shares, skipped)


class _Files:
    """The dossiers that a change is about, their names in order, and what decides about them."""

    def __init__(self, keys: list[UUID], *, assigns: bool, supports: bool) -> None:
        columns = ("id", "is_own", "archived_at", "kind", "legal_name", "first_name", "last_name")
        rows = Dossier.objects.filter(among(keys)).order_by("name_key", "id").values_list(*columns)
        found = list(rows)
        self.names = {key: name_of(*parts) for key, _own, _archived, *parts in found}
        self.own = [key for key, is_own, *_rest in found if is_own]
        # An archived one is given to nobody, but whoever has it may lose it.
        self.archived = [key for key, _own, at, *_rest in found if at] if assigns else []
        self.ends = self._authorised(keys) if supports else {}

    @staticmethod
    def _authorised(keys: list[UUID]) -> dict[UUID, datetime]:
        """Until when the clients allow technical support; locked, so that none is withdrawn meanwhile."""
        running = SupportAuthorisation.objects.running().filter(among(keys, "dossier")).order_by("pk")
        return dict(running.select_for_update(of=("self",)).values_list("dossier_id", "until"))

    def open_to_assignment(self) -> list[UUID]:
        shut = {*self.own, *self.archived}
        return [key for key in self.names if key not in shut]

    def skipped(self) -> list[Skipped]:
        reasons = ((Reason.OWN, self.own), (Reason.ARCHIVED, self.archived))
        return [Skipped(reason, None, keys) for reason, keys in reasons if keys]


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
        for (before, after, until), keys in sorted(kinds.items(), key=str)
    ]


def _stays(member: Membership, done: Iterable[Granted]) -> int:
    """How many of the dossiers taken are open to the member in another way."""
    keys = [one.object_id for one in done if one.after is None]
    if not keys or not member.is_open:
        return 0
    if member.is_admin:
        return len(keys)
    return granted(Dossier.objects.filter(among(keys)), member, Perm.VIEW_DOSSIER).count()


# --- Telling -------------------------------------------------------------------------------------------------


def _tell(actor: Membership, files: _Files, shares: Iterable[Share]) -> None:
    """One line in each dossier's journal; one event that tells, for each member and kind of change."""
    group, told = uuid7(), _Concerned()
    for share in shares:
        for change in share.changes:
            if change.count == 1:
                _tell_of_one(actor, files, share.member, change, group)
            else:
                _tell_of_many(actor, files, share.member, change, group, told.by(change.dossiers))


def _tell_of_one(actor: Membership, files: _Files, member: Membership, change: Change, group: UUID) -> None:
    dossier = Dossier.objects.get(pk=change.dossiers[0])
    record(
        _types(change)[0],
        actor=actor,
        subject=dossier,
        changes=_changes(change, files.ends.get(dossier.pk)),
        details=_details(member, change),
        also_tell=[member] if member.is_open else [],
        group=group,
    )


def _tell_of_many(
    actor: Membership,
    files: _Files,
    member: Membership,
    change: Change,
    group: UUID,
    concerned: Collection[Membership],
) -> None:
    one, many = _types(change)
    details = _details(member, change)
    lines = (
        Happening(key, files.names[key], _changes(change, files.ends.get(key)), details)
        for key in change.dossiers
    )
    record_many(one, actor=actor, model=Dossier, happenings=lines, group=group)
    record(
        many,
        actor=actor,
        subject=member,
        changes=_changes(change),
        details={"count": change.count, "role": details["role"], "dossiers_id": _digest(change.dossiers)},
        also_tell=concerned,
        group=group,
    )


class _Concerned:
    """Who sees at least one of some dossiers, asked once for the same ones."""

    def __init__(self) -> None:
        self._known: dict[str, list[Membership]] = {}

    def by(self, keys: Collection[UUID]) -> list[Membership]:
        digest = _digest(keys)
        if digest not in self._known:
            files = Dossier.objects.filter(among(keys))
            self._known[digest] = list(holders_of_any(Perm.VIEW_DOSSIER, files))
        return self._known[digest]


def _types(change: Change) -> tuple[type[OneAssignment], type[ManyAssignments]]:
    if change.before is None:
        return DossierAssigned, AssignmentsGiven
    if change.after is None:
        return DossierUnassigned, AssignmentsTaken
    return AssignmentChanged, AssignmentsChanged


def _details(member: Membership, change: Change) -> dict[str, str]:
    role = change.after or change.before
    assert role is not None
    return {"member": member.name, "member_id": str(member.pk), "role": role.value}


def _changes(change: Change, until: datetime | None = None) -> Changes:
    """Role before and after, where there were two; and when a technical support ends."""
    changed: dict[str, tuple[object, object]] = {}
    if change.before and change.after and change.before != change.after:
        changed["role"] = (change.before.value, change.after.value)
    if change.after == ObjectRole.SUPPORT and (end := change.until or until):
        changed["until"] = (None, end.isoformat())
    return changed


def _digest(keys: Iterable[UUID]) -> str:
    digest = hashlib.sha256()
    for key in sorted(keys):
        digest.update(key.bytes)
    return digest.hexdigest()[:32]
