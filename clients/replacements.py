"""The replacements of a firm as pages show them, with both people's names."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from accounts.models import Membership, Replacement, ReplacementQuerySet

PAST_SHOWN = 50


class Phase(StrEnum):
    RUNNING = "running"
    COMING = "coming"
    PAST = "past"


@dataclass(frozen=True)
class Shown:
    """One replacement: `phase` is where it stands today."""

    pk: UUID
    absent: Membership
    cover: Membership
    starts_on: date
    ends_on: date
    with_assignments: bool
    phase: Phase

    @property
    def is_past(self) -> bool:
        return self.phase == Phase.PAST


def unended(member: Membership | None = None) -> list[Shown]:
    """Those of today and to come; of this member alone, absent or covering. Two queries."""
    return _shown(_of(member).unended())


def past(member: Membership | None = None) -> list[Shown]:
    """The latest of those that are over."""
    over = _of(member).filter(ends_at__lte=timezone.now()).order_by("-ends_at", "-id")
    return _shown(over[:PAST_SHOWN])


def of_today(member: Membership) -> list[Shown]:
    """Those by which the member stands in for somebody today, or somebody for them."""
    return _shown(_of(member).running())


def _of(member: Membership | None) -> ReplacementQuerySet:
    if member is None:
        return Replacement.objects.all()
    return Replacement.objects.filter(Q(absent_id=member.user_id) | Q(cover_id=member.user_id))


def _shown(replacements: Iterable[Replacement]) -> list[Shown]:
    found = list(replacements)
    people = {person for one in found for person in (one.absent_id, one.cover_id)}
    members = {one.user_id: one for one in Membership.objects.filter(user_id__in=people)} if people else {}
    return [
        Shown(
            pk=one.pk,
            absent=members[one.absent_id],
            cover=members[one.cover_id],
            starts_on=one.starts_on,
            ends_on=one.ends_on,
            with_assignments=one.includes_assignments,
            phase=_phase(one),
        )
        for one in found
    ]


def _phase(replacement: Replacement) -> Phase:
    now = timezone.now()
    if replacement.ends_at <= now:
        return Phase.PAST
    return Phase.RUNNING if replacement.starts_at <= now else Phase.COMING
