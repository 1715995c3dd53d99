"""What a change would mean, told before it is made: who gains or loses how many dossiers, and whom it mails.

The change itself is made, by the very action that will make it for good, and taken back: `rehearse`. Confirmed, it is
made again and compared with what the person was shown: `enact` refuses if it means something else by now.
"""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Membership, Replacement
from accounts.permissions import Perm, permitted, reach
from activity.actions import Told, overheard
from clients.models import Dossier
from tenancy.expressions import among
from tenancy.patience import patient

T = TypeVar("T")
Reach = dict[UUID, set[UUID]]


@dataclass(frozen=True)
class Effect:
    """One member's share: how many dossiers they lose, gain and keep, of those that the change is about."""

    member: Membership
    loses: int
    gains: int
    keeps: int


@dataclass(frozen=True)
class Impact(Generic[T]):
    """What the change means. `result` is what the action returned; `fingerprint` is the same for the same meaning."""

    result: T
    effects: list[Effect]
    told: list[Told]
    fingerprint: str

    @property
    def losing(self) -> list[Effect]:
        return [effect for effect in self.effects if effect.loses]

    @property
    def gaining(self) -> list[Effect]:
        return [effect for effect in self.effects if effect.gains]

    @property
    def lost(self) -> int:
        """How many accesses to a dossier go."""
        return sum(effect.loses for effect in self.effects)

    @property
    def gained(self) -> int:
        return sum(effect.gains for effect in self.effects)

    @property
    def recipients(self) -> list[Told]:
        """Those who get a mail, each once, by name."""
        people = {told.address: told for told in self.told}
        return sorted(people.values(), key=lambda told: (told.name, told.address))


class MeansSomethingElse(Exception):
    """Somebody changed something meanwhile: the change would not do what its person was shown. Nothing was done."""

    def __init__(self, impact: Impact[Any]) -> None:
        super().__init__(impact.fingerprint)
        self.impact = impact


def rehearse(
    act: Callable[[], T],
    *,
    dossiers: QuerySet[Dossier] | None = None,
    members: Collection[Membership] = (),
) -> Impact[T]:
    """What the action would mean: it runs and is taken back. What it raises passes through; HeldElsewhere where
    others hold what it needs.

    Measured are the `dossiers` that it is about (by everybody whom a grant lets see them), or all that these `members`
    see, and those who cover them. Objects that the action loaded or was given are not to be used afterwards.
    """
    with patient(), transaction.atomic():
        impact = _measured(act, dossiers, members)
        transaction.set_rollback(True)
    return impact


def enact(
    act: Callable[[], T],
    *,
    seen: str,
    dossiers: QuerySet[Dossier] | None = None,
    members: Collection[Membership] = (),
) -> Impact[T]:
    """Do it, if it still means what the person saw (`seen`, its fingerprint). Raises MeansSomethingElse."""
    with transaction.atomic():
        impact = _measured(act, dossiers, members)
        if impact.fingerprint != seen:
            raise MeansSomethingElse(impact)
    return impact


def _measured(
    act: Callable[[], T], dossiers: QuerySet[Dossier] | None, members: Collection[Membership]
) -> Impact[T]:
    # The keys now: the action may well change which dossiers the query finds.
    keys = None if dossiers is None else list(dossiers.order_by().values_list("pk", flat=True))
    people = [] if keys is not None else _and_their_covers(members)
    before = _reach(keys, people)
    with overheard() as told:
        result = act()
    after = _reach(keys, people)
    effects = _effects(before, after)
    # A role may become another one without anybody gaining or losing a dossier: such a result tells its `meaning`.
    meaning = str(getattr(result, "meaning", ""))
    return Impact(result, effects, told, _fingerprint(before, after, told, meaning))


def _and_their_covers(members: Collection[Membership]) -> list[UUID]:
    """The keys of these members, and of those who see in their stead what they see."""
    covers = Replacement.objects.running().filter(absent_id__in=[one.user_id for one in members])
    covering = Membership.objects.filter(user_id__in=covers.values("cover_id"))
    return [*(one.pk for one in members), *covering.values_list("pk", flat=True)]


def _reach(keys: list[UUID] | None, members: Collection[UUID]) -> Reach:
    if keys is not None:
        return reach(Dossier.objects.active().filter(among(keys)), Perm.VIEW_DOSSIER)
    found: Reach = {}
    for member in Membership.objects.filter(pk__in=members).exclude(user=None):
        seen = permitted(Dossier.objects.active(), member, Perm.VIEW_DOSSIER)
        found[member.user_id] = set(seen.order_by().values_list("pk", flat=True))  # type: ignore[index]  # not None
    return found


def _effects(before: Reach, after: Reach) -> list[Effect]:
    people = Membership.objects.filter(user_id__in=before.keys() | after.keys())
    effects = [_effect(member, before, after) for member in people]
    return [effect for effect in effects if effect.loses or effect.gains]


def _effect(member: Membership, before: Reach, after: Reach) -> Effect:
    assert member.user_id is not None
    had, has = before.get(member.user_id, set()), after.get(member.user_id, set())
    return Effect(member, loses=len(had - has), gains=len(has - had), keeps=len(had & has))


def _fingerprint(before: Reach, after: Reach, told: Collection[Told], meaning: str) -> str:
    digest = hashlib.sha256(meaning.encode())
    for reached in (before, after):
        for person in sorted(reached):
            digest.update(person.bytes)
            for key in sorted(reached[person]):
                digest.update(key.bytes)
        digest.update(b"|")
    for address, about in sorted({(one.address, one.about) for one in told}):
        digest.update(f"{address} {about}".encode())
    return digest.hexdigest()
