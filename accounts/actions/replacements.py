"""A member covers another one from a day to a day: arranged, changed, ended early; and telling what the calendar did.

Nothing here opens or closes anything: a replacement runs by its dates, in the queries that decide
(`accounts.permissions`), so it begins and ends on time whether or not any worker runs.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Least, Now
from django.utils import timezone

from accounts.events.replacements import (
    ReplacementArranged,
    ReplacementCancelled,
    ReplacementChanged,
    ReplacementEnded,
    ReplacementEndedWithMember,
    ReplacementStarted,
)
from accounts.models import Membership, Replacement
from accounts.permissions import Perm, require
from activity.actions import in_one_go, record

DAY = "%d/%m/%Y"


class SamePerson(Exception):
    """Nobody replaces themself."""


class NotOpen(Exception):
    """One of the two has no open place in the firm."""


class WrongDates(Exception):
    """It would begin in the past, end before it begins, or another day than the one on which it began."""


class Overlaps(Exception):
    """The same person already replaces the other on some of these days: `replacement`."""

    def __init__(self, replacement: Replacement) -> None:
        super().__init__(replacement.pk)
        self.replacement = replacement


class AlreadyOver(Exception):
    """The replacement has ended meanwhile."""


@transaction.atomic
def arrange_replacement(
    *,
    actor: Membership,
    absent: Membership,
    cover: Membership,
    starts_on: date,
    ends_on: date,
    includes_assignments: bool = True,
) -> Replacement:
    """Let `cover` see what grants open to `absent`, from the first day's midnight to the end of the last day.

    Raises SamePerson, NotOpen, WrongDates, Overlaps.
    """
    if absent.pk == cover.pk:
        raise SamePerson(cover.pk)
    if absent.user_id is None or cover.user_id is None:
        raise NotOpen(absent.pk, cover.pk)
    people = _held_people([absent.user_id, cover.user_id])
    require(actor, Perm.MANAGE_MEMBERS)
    absent, cover = people[absent.user_id], people[cover.user_id]
    _require_open(absent, cover)
    if starts_on < timezone.localdate() or ends_on < starts_on:
        raise WrongDates(starts_on, ends_on)
    made = Replacement(
        absent=absent.user,
        cover=cover.user,
        includes_assignments=includes_assignments,
        arranged_by_id=actor.user_id,
    )
    _set_days(made, starts_on, ends_on)
    made.save(force_insert=True)
    record(ReplacementArranged, actor=actor, subject=absent, details=_details(made, cover))
    return made


@transaction.atomic
def change_replacement(
    *,
    actor: Membership,
    replacement: Replacement,
    starts_on: date,
    ends_on: date,
    includes_assignments: bool,
) -> Replacement:
    """Give it other days, or another extent; one that has begun keeps its first day. No change, no event.

    Raises AlreadyOver, NotOpen, WrongDates, Overlaps.
    """
    changed, absent, cover = _held(actor, replacement)
    _require_open(absent, cover)
    before = _shown(changed)
    has_begun = changed.starts_at <= timezone.now()
    earliest = changed.starts_on if has_begun else timezone.localdate()
    if starts_on < earliest or ends_on < max(starts_on, timezone.localdate()):
        raise WrongDates(starts_on, ends_on)
    if has_begun and starts_on != changed.starts_on:
        raise WrongDates(starts_on, ends_on)
    _set_days(changed, starts_on, ends_on)
    changed.includes_assignments = includes_assignments
    after = _shown(changed)
    changes = {name: (before[name], after[name]) for name in after if before[name] != after[name]}
    if changes:
        changed.save()
        details = _details(changed, cover)
        record(ReplacementChanged, actor=actor, subject=absent, changes=changes, details=details)
    return changed


@transaction.atomic
def end_replacement(*, actor: Membership, replacement: Replacement) -> None:
    """End it now; one that has not begun never does, and either of the two may be suspended. Raises AlreadyOver."""
    ended, absent, cover = _held(actor, replacement)
    _end([ended.pk])
    record(ReplacementCancelled, actor=actor, subject=absent, details=_details(ended, cover))


def end_replacements_of(*, actor: Membership, member: Membership, group: UUID | None = None) -> int:
    """End whatever the member, who leaves, covers or is covered by; returns how many. Called inside another action."""
    theirs = Q(absent_id=member.user_id) | Q(cover_id=member.user_id)
    unended = list(Replacement.objects.select_for_update().unended().filter(theirs).order_by("pk"))
    people = _by_person(unended)
    _end(replacement.pk for replacement in unended)
    for one in unended:
        details = _details(one, people[one.cover_id])
        absent = people[one.absent_id]
        record(ReplacementEndedWithMember, actor=actor, subject=absent, details=details, group=group)
    return len(unended)


@transaction.atomic
def begin_at_once(replacement: Replacement) -> Replacement:
    """As if its first day were today: what a rehearsal shows of one to come. Never left standing."""
    Replacement.objects.filter(pk=replacement.pk).update(starts_at=Least(F("starts_at"), Now()))
    return replacement


@transaction.atomic
@in_one_go()
def tell_replacement(*, replacement_id: UUID) -> None:
    """Tell those concerned that it has begun, or is over, once each; in the firm's scope, by the sweep."""
    found = Replacement.objects.select_for_update(skip_locked=True).filter(pk=replacement_id).first()
    if found is None:
        return
    now, people = timezone.now(), _by_person([found])
    subject, details = people[found.absent_id], _details(found, people[found.cover_id])
    if found.start_told_at is None and found.starts_at <= now:
        found.start_told_at = now
        record(ReplacementStarted, actor=None, subject=subject, details=details)
    if found.end_told_at is None and found.ends_at <= now:
        found.end_told_at = now
        record(ReplacementEnded, actor=None, subject=subject, details=details)
    found.save(update_fields=["start_told_at", "end_told_at"])


def _held_people(people: Iterable[UUID]) -> dict[UUID, Membership]:
    """The members, by person, held until the commit: two arrangements of the same pair come one after the other."""
    rows = Membership.objects.with_person().filter(user_id__in=list(people)).order_by("pk")
    return {one.user_id: one for one in rows.select_for_update(of=("self",), no_key=True) if one.user_id}


def _require_open(*members: Membership) -> None:
    if shut := [member.pk for member in members if not member.is_open]:
        raise NotOpen(*shut)


def _held(actor: Membership, replacement: Replacement) -> tuple[Replacement, Membership, Membership]:
    """The replacement as it stands now, with both people, held until the commit. Raises AlreadyOver.

    Whether the actor may is asked once all is held: their own place may have changed while this waited.
    """
    people = _held_people([replacement.absent_id, replacement.cover_id])
    held = Replacement.objects.select_for_update().unended().filter(pk=replacement.pk).first()
    require(actor, Perm.MANAGE_MEMBERS)
    if held is None:
        raise AlreadyOver(replacement.pk)
    return held, people[held.absent_id], people[held.cover_id]


def _by_person(replacements: Iterable[Replacement]) -> dict[UUID, Membership]:
    people = {person for one in replacements for person in (one.absent_id, one.cover_id)}
    members = Membership.objects.with_person().filter(user_id__in=people)
    return {member.user_id: member for member in members if member.user_id}


def _set_days(replacement: Replacement, starts_on: date, ends_on: date) -> None:
    """Raises Overlaps. That one begins today is told by its arrangement itself."""
    replacement.starts_at = _midnight(starts_on)
    replacement.ends_at = _midnight(ends_on + timedelta(days=1))
    now = timezone.now()
    if replacement.starts_at <= now and replacement.start_told_at is None:
        replacement.start_told_at = now
    same = Replacement.objects.filter(absent_id=replacement.absent_id, cover_id=replacement.cover_id)
    others = same.exclude(pk=replacement.pk).unended()
    other = others.filter(starts_at__lt=replacement.ends_at, ends_at__gt=replacement.starts_at).first()
    if other is not None:
        raise Overlaps(other)


def _end(keys: Iterable[UUID]) -> None:
    """By the database's clock, which the queries that decide go by; told at once, so that no sweep tells it again."""
    Replacement.objects.filter(pk__in=list(keys)).update(
        starts_at=Least(F("starts_at"), Now()), ends_at=Now(), end_told_at=Now()
    )


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min), timezone.get_default_timezone())


def _shown(replacement: Replacement) -> dict[str, Any]:
    return {
        "starts_on": replacement.starts_on.strftime(DAY),
        "ends_on": replacement.ends_on.strftime(DAY),
        "includes_assignments": replacement.includes_assignments,
    }


def _details(replacement: Replacement, cover: Membership) -> dict[str, str]:
    return {
        "cover": cover.name,
        "cover_id": str(cover.pk),
        "replacement_id": str(replacement.pk),
        "since": replacement.starts_on.strftime(DAY),
        "until": replacement.ends_on.strftime(DAY),
    }
