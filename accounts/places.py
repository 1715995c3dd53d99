"""The places a person may stand in: each firm, and (registered by `clients`) each client's space.

A place is in the URL, so two tabs can stand in two of them; the request's middleware opens its scope.
"""

import re
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, cast
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise

from accounts import lookups
from accounts.events.members import MemberArrived
from accounts.models import Firm, Membership, MemberState, Role, User
from activity.actions import record
from tenancy import prepared
from tenancy.scopes import scope

# What stands before the path of every page of a firm.
FIRM = "cabinets/<slug:firm_slug>/"

VISIT_RECORDED_EVERY = timedelta(minutes=10)


@dataclass(frozen=True)
class Place:
    """One place of one person. `token` is what the URL holds for it."""

    kind: "PlaceKind"
    key: UUID
    token: str
    name: str
    url: str
    role: str | Promise
    member_id: UUID
    last_visit_at: datetime | None
    # What happened there, concerns them, and was not read yet; counted no further than `MOST_UNREAD`.
    unread: int = 0


class PlaceKind(ABC):
    """One kind of place: how its URL looks, which ones a person has, and what a request finds there."""

    name: ClassVar[str]
    pattern: ClassVar[re.Pattern[str]]

    @abstractmethod
    def of(self, person: UUID) -> list[Place]:
        """The places of this kind that the person may enter, by name."""

    @abstractmethod
    def scope(self, place: Place) -> AbstractContextManager[Any]:
        """The scope of the place."""

    @abstractmethod
    def note_visit(self, place: Place) -> None:
        """Keep in the access record, in scope, that the person is here now."""

    @abstractmethod
    def enter(self, request: HttpRequest, place: Place) -> None:
        """Put on the request, in scope, who the person is here. Raises ObjectDoesNotExist if they lost the place."""


class FirmRequest(HttpRequest):
    """A request to a page of a firm, as its views get it."""

    member: Membership
    firm: Firm


class FirmPlaces(PlaceKind):
    """The firm's side: sets `request.member` and `request.firm`."""

    name = "firm"
    # All that FIRM's `slug` takes: a path that leads to a view without its place would be a fault, not a miss.
    pattern = re.compile(r"^/cabinets/(?P<token>[-a-zA-Z0-9_]+)/")

    def of(self, person: UUID) -> list[Place]:
        return [
            Place(
                kind=self,
                key=row["firm_id"],
                token=row["slug"],
                name=row["name"],
                url=reverse("dashboard", kwargs={"firm_slug": row["slug"]}),
                role=Role(row["role"]).label,
                member_id=row["member_id"],
                last_visit_at=row["last_visit_at"],
                unread=row["unread"],
            )
            for row in lookups.firms_of(person)
        ]

    def scope(self, place: Place) -> AbstractContextManager[Any]:
        return scope(firm=place.key)

    def note_visit(self, place: Place) -> None:
        mine, now = Membership.objects.open().filter(pk=place.member_id), timezone.now()
        if not mine.filter(state=MemberState.CREATED).update(last_visit_at=now, state=MemberState.ACTIVE):
            mine.update(last_visit_at=now)
            return
        member = mine.get()
        changes = {"state": (MemberState.CREATED, MemberState.ACTIVE)}
        record(MemberArrived, actor=member, subject=member, changes=changes)

    def enter(self, request: HttpRequest, place: Place) -> None:
        found = _ENTERING.rows(member=place.member_id)
        if not found:
            raise Membership.DoesNotExist
        member = Membership.from_db("default", _MEMBER_FIELDS, found[0][: len(_MEMBER_FIELDS)])
        member.firm = Firm.from_db("default", _FIRM_FIELDS, found[0][len(_MEMBER_FIELDS) :])
        member.user = cast(User, request.user)  # the places are theirs
        request.member, request.firm = member, member.firm  # type: ignore[attr-defined]


_MEMBER_FIELDS = [field.attname for field in Membership._meta.concrete_fields]
_FIRM_FIELDS = [field.attname for field in Firm._meta.concrete_fields]


def _entering() -> Any:
    """The membership, if it is open, and its firm."""
    mine = Membership.objects.open().filter(pk=prepared.Place("member")).order_by()
    return mine.values_list(*_MEMBER_FIELDS, *(f"firm__{name}" for name in _FIRM_FIELDS))


_ENTERING = prepared.Prepared(_entering)


KINDS: list[PlaceKind] = [FirmPlaces()]


def places_of(person: UUID) -> list[Place]:
    """All places that the person may enter, by kind, then by name."""
    return [place for kind in KINDS for place in kind.of(person)]


def record_visit(place: Place) -> None:
    """Keep the access record, at most every ten minutes: the one thing that a GET writes.

    In a transaction of its own: two requests that each held their person's row until their end, while they wait for
    the rows of all administrators, would wait for each other.
    """
    last = place.last_visit_at
    if last is None or timezone.now() - last > VISIT_RECORDED_EVERY:
        with place.kind.scope(place):
            place.kind.note_visit(place)
