"""Telling of assignments: the journal of each dossier, and one event for each member and kind of change."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import Membership
from accounts.permissions import ObjectRole, Perm, holders_of_any
from activity.actions import Changes, Happening, new_group, record, record_many
from clients.assigned import Change, Share
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
from clients.models import Dossier
from tenancy.expressions import among


@dataclass(frozen=True)
class _News:
    """What all the events of one change have in common; names of the dossiers, and ends of technical support."""

    actor: Membership
    names: Mapping[UUID, str]
    ends: Mapping[UUID, datetime]
    group: UUID


def tell_of(
    shares: Iterable[Share], *, actor: Membership, names: Mapping[UUID, str], ends: Mapping[UUID, datetime]
) -> None:
    """One line in each dossier's journal; one event that tells, for each member and kind of change."""
    news, told = _News(actor, names, ends, new_group()), _Concerned()
    for share in shares:
        for change in share.changes:
            if change.count == 1:
                _tell_of_one(news, share.member, change)
            else:
                _tell_of_many(news, share.member, change, told.by(change.dossiers))


def _tell_of_one(news: _News, member: Membership, change: Change) -> None:
    dossier = Dossier.objects.get(pk=change.dossiers[0])
    record(
        _types(change)[0],
        actor=news.actor,
        subject=dossier,
        changes=_changes(change, news.ends.get(dossier.pk)),
        details=_details(member, change),
        also_tell=[member] if member.is_open else [],
        group=news.group,
    )


def _tell_of_many(news: _News, member: Membership, change: Change, concerned: Collection[Membership]) -> None:
    one, many = _types(change)
    details = _details(member, change)
    lines = (
        Happening(key, news.names[key], _changes(change, news.ends.get(key)), details)
        for key in change.dossiers
    )
    record_many(one, actor=news.actor, model=Dossier, happenings=lines, group=news.group)
    record(
        many,
        actor=news.actor,
        subject=member,
        changes=_changes(change),
        details={"count": change.count, "role": details["role"], "dossiers_id": _digest(change.dossiers)},
        also_tell=concerned,
        group=news.group,
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
