"""A member leaves: what they held goes to others, the rest is revoked, their place ends; all or nothing."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.usersessions.models import UserSession
from django.db import models, transaction
from django.db.models import Q

from accounts.actions.members import terminate_member
from accounts.actions.people import end_sessions
from accounts.grants import Grant
from accounts.models import Membership, MemberState
from accounts.permissions import RANKS, ObjectRole, Perm, administrators, give, reach, require
from accounts.places import places_of
from activity.actions import Happening, record, record_many
from clients.events.departures import (
    CertificateTaken,
    DossierHandedOver,
    DossierLeftAlone,
    HandedOver,
    HandoverReceived,
    MemberDeparted,
    PortfolioHandedOver,
    PortfolioLeftAlone,
)
from clients.holdings import Held, Holdings, holdings_of
from clients.leftovers import LEFTOVERS
from clients.models import Assignment, Dossier
from portfolios.models import Portfolio, PortfolioGrant
from tenancy.keys import uuid7

# A portfolio's or dossier's key → the member who takes it over; None: nobody.
Takers = Mapping[UUID, Membership | None]


class AlreadyLeft(Exception):
    """Somebody has completed it, or terminated the member, meanwhile."""


class TakerGone(Exception):
    """Somebody who was to take over has no open place in the firm any more: `taker`."""

    def __init__(self, taker: Membership) -> None:
        super().__init__(taker.pk)
        self.taker = taker


class HoldsSomethingElse(Exception):
    """The member was given something, or something was taken from them, since it was decided what goes to whom."""


@dataclass(frozen=True)
class Departure:
    """What was done. `sessions`: how many of the person's open ones no longer open the firm; whether they were ended
    would tell of other places. `alone`: the client files that nobody but administrators sees from now on, by name.
    `handed`: each portfolio and dossier with the member's role on it and who took it over."""

    group: UUID
    sessions: int
    alone: list[str] = field(default_factory=list)
    handed: list[str] = field(default_factory=list)

    @property
    def meaning(self) -> str:
        """What is to be the same when it is confirmed, besides who sees what."""
        return " ".join([str(self.sessions), str(len(self.alone)), *self.handed])


@transaction.atomic
def complete_departure(
    *,
    actor: Membership,
    member: Membership,
    takers: Takers,
    revoke: Mapping[str, Collection[UUID]],
) -> Departure:
    """Hand over all that the member holds, revoke what is named of the rest, end their place and their sessions.

    `takers` names each portfolio and dossier of `holdings_of(member)`. Who takes over gets the member's role on it,
    unless theirs reaches as far. Sessions end if this was the person's last place; else they just don't open the firm
    any more. Raises AlreadyLeft, TakerGone, HoldsSomethingElse, LastAdministrator, NotInThatState.
    """
    require(actor, Perm.MANAGE_MEMBERS)
    member = _held(member, takers)
    require(actor, Perm.MANAGE_MEMBERS)  # the actor's own place may have changed while this waited
    held = holdings_of(member)
    if held.keys != takers.keys():
        raise HoldsSomethingElse(held.keys ^ takers.keys())
    before = _seen_by(member)
    group = uuid7()
    _hand_over(PortfolioGrant, held.portfolios, takers, actor)
    _hand_over(Assignment, held.dossiers, takers, actor)
    _record_lines(actor, member, held, takers, group)
    revoked = _revoke(actor, member, revoke, group)
    sessions = list(UserSession.objects.filter(user_id=member.user_id))
    is_last_place = _is_last_place(member)
    counts = _counts(held, takers)
    terminate_member(
        actor=actor,
        member=member,
        event_type=MemberDeparted,
        details={**counts, "revoked": revoked, "sessions": len(sessions)},
        group=group,
    )
    _tell_takers(actor, member, held, takers, group)
    if sessions and member.user and is_last_place:
        end_sessions(person=member.user, sessions=sessions, by_themself=False)
    return Departure(group, len(sessions), _left_alone(before), _handed(held, takers))


def _handed(held: Holdings, takers: Takers) -> list[str]:
    """In words that say the same for the same; a portfolio without a dossier is told by nothing else."""
    given = [(one, takers[one.key]) for one in (*held.portfolios, *held.dossiers)]
    return sorted(f"{one.key}:{one.role}:{taker.pk if taker else ''}" for one, taker in given)


@transaction.atomic
def take_certificate(*, actor: Membership, member: Membership) -> None:
    """Note who takes the list of what went to whom out of the product."""
    require(actor, Perm.MANAGE_MEMBERS)
    record(CertificateTaken, actor=actor, subject=member)


def _held(member: Membership, takers: Takers) -> Membership:
    """The member as they are now, locked with the takers and the administrators, in the order of their keys.

    The member is then locked whole: what others are just giving to them has arrived before, or is refused after. Not so
    the others, whom every grant may name as its giver: a grant to a taker would wait for this, and this for it. Raises
    AlreadyLeft, TakerGone.
    """
    wanted = {taker.pk: taker for taker in takers.values() if taker is not None}
    rows = Q(pk__in=[member.pk, *wanted]) | Q(pk__in=administrators().values("pk"))
    found = Membership.objects.filter(rows).order_by("pk").select_for_update(no_key=True)
    held = {one.pk: one for one in found}
    Membership.objects.select_for_update().get(pk=member.pk)
    if held[member.pk].state == MemberState.TERMINATED:
        raise AlreadyLeft(member.pk)
    for key, taker in wanted.items():
        if key == member.pk or not held[key].is_open:
            raise TakerGone(taker)
    return Membership.objects.select_related("firm", "user").get(pk=member.pk)


def _hand_over(grants: type[Grant], held: Iterable[Held], takers: Takers, by: Membership) -> None:
    """Set-based: one statement for each role and end, however many there are."""
    theirs = _grants_of_takers(grants, takers)
    groups: dict[tuple[ObjectRole, datetime | None], list[tuple[UUID, UUID]]] = {}
    for one in held:
        taker = takers[one.key]
        if (
            taker is None
            or taker.user_id is None
            or _reaches_as_far(theirs.get((one.key, taker.user_id)), one)
        ):
            continue
        groups.setdefault((one.role, one.until), []).append((one.key, taker.user_id))
    for (role, until), pairs in groups.items():
        give(grants, pairs, role=role, by=by, until=until)


def _grants_of_takers(
    grants: Any, takers: Takers
) -> dict[tuple[UUID, UUID], tuple[ObjectRole, datetime | None]]:
    people = {taker.user_id for taker in takers.values() if taker is not None}
    rows = grants.objects.running().filter(user_id__in=people, content_object_id__in=list(takers))
    columns = ("content_object_id", "user_id", "permission__codename", "expires_at")
    return {
        (key, person): (ObjectRole(role), until) for key, person, role, until in rows.values_list(*columns)
    }


def _reaches_as_far(had: tuple[ObjectRole, datetime | None] | None, one: Held) -> bool:
    """Does what the taker has already reach as far as what they would get: a role as wide, for as long?"""
    if had is None:
        return False
    role, until = had
    if RANKS[role] != RANKS[one.role]:
        return RANKS[role] > RANKS[one.role]
    return until is None or (one.until is not None and until >= one.until)


def _record_lines(actor: Membership, member: Membership, held: Holdings, takers: Takers, group: UUID) -> None:
    """For each portfolio and dossier, to whom it went: its history, and what the certificate is made from."""
    kinds: list[tuple[type[models.Model], list[Held], type[HandedOver], type[HandedOver]]] = [
        (Portfolio, held.portfolios, PortfolioHandedOver, PortfolioLeftAlone),
        (Dossier, held.dossiers, DossierHandedOver, DossierLeftAlone),
    ]
    for model, things, handed, alone in kinds:
        for event_type, taken in ((handed, True), (alone, False)):
            record_many(
                event_type,
                actor=actor,
                model=model,
                happenings=(
                    Happening(one.key, one.name, details=_line(member, one, takers[one.key]))
                    for one in things
                    if (takers[one.key] is not None) == taken
                ),
                group=group,
            )


def _line(member: Membership, one: Held, taker: Membership | None) -> dict[str, str]:
    line = {"member": member.name, "member_id": str(member.pk), "role": one.role.value}
    return line if taker is None else {**line, "to": taker.name, "to_id": str(taker.pk)}


def _revoke(
    actor: Membership, member: Membership, revoke: Mapping[str, Collection[UUID]], group: UUID
) -> int:
    """Those that still stand; returns how many. What is not named, the actor answers for from now on."""
    revoked = 0
    for kind in LEFTOVERS:
        if keys := revoke.get(kind.name, ()):
            revoked += len(kind.revoke(actor=actor, member=member, keys=keys, group=group))
        kind.take_over(actor=actor, member=member)
    return revoked


def _is_last_place(member: Membership) -> bool:
    """Has the person no place but this one?"""
    return member.user_id is not None and all(
        place.key == member.firm_id for place in places_of(member.user_id)
    )


def _counts(held: Holdings, takers: Takers) -> dict[str, int]:
    portfolios = sum(takers[one.key] is not None for one in held.portfolios)
    dossiers = sum(takers[one.key] is not None for one in held.dossiers)
    return {
        "portfolios": portfolios,
        "dossiers": dossiers,
        "alone": len(takers) - portfolios - dossiers,
    }


def _tell_takers(actor: Membership, member: Membership, held: Holdings, takers: Takers, group: UUID) -> None:
    """Each of them once, with counts."""
    people = {taker.pk: taker for taker in takers.values() if taker is not None}
    for taker in Membership.objects.with_person().filter(pk__in=people).order_by("pk"):
        mine = {key for key, one in takers.items() if one is not None and one.pk == taker.pk}
        details = {
            "member": member.name,
            "member_id": str(member.pk),
            "portfolios": sum(one.key in mine for one in held.portfolios),
            "dossiers": sum(one.key in mine for one in held.dossiers),
        }
        record(HandoverReceived, actor=actor, subject=taker, details=details, group=group)


def _seen_by(member: Membership) -> list[UUID]:
    """The active dossiers that the member's own grants open, whatever their role in the firm."""
    portfolios = PortfolioGrant.objects.running().filter(user_id=member.user_id)
    single = Assignment.objects.running().filter(user_id=member.user_id)
    seen = (
        Dossier.objects.clients()
        .active()
        .filter(
            Q(portfolio__in=portfolios.values("content_object")) | Q(pk__in=single.values("content_object"))
        )
    )
    return list(seen.order_by().values_list("pk", flat=True))


def _left_alone(keys: list[UUID]) -> list[str]:
    """Of these, the names of those that nobody but administrators sees."""
    dossiers = Dossier.objects.filter(pk__in=keys)
    seen = set().union(*reach(dossiers, Perm.VIEW_DOSSIER).values())
    return [dossier.name for dossier in dossiers.exclude(pk__in=seen)]
