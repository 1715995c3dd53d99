"""The client's side as a place: `/espace/<key>/`."""

import re
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.places import Place, PlaceKind
from clients import lookups
from clients.models import ClientSpace, SpaceMember, SpaceProfile
from tenancy.scopes import scope

# What stands before the path of every page of a client's space.
SPACE = "espace/<uuid:space_id>/"


class SpaceRequest(HttpRequest):
    """A request to a page of a client's space, as its views get it."""

    space_member: SpaceMember
    space: ClientSpace


class SpacePlaces(PlaceKind):
    """A client's space: sets `request.space_member` and `request.space`."""

    name = "space"
    pattern = re.compile(r"^/espace/(?P<token>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/")

    def of(self, person: UUID) -> list[Place]:
        return [
            Place(
                kind=self,
                key=row["space_id"],
                token=str(row["space_id"]),
                name=row["name"],
                url=reverse("clients:space_home", kwargs={"space_id": row["space_id"]}),
                role=SpaceProfile(row["profile"]).label,
                member_id=row["member_id"],
                last_visit_at=row["last_visit_at"],
                unread=row["unread"],
            )
            for row in lookups.spaces_of(person)
        ]

    def scope(self, place: Place) -> AbstractContextManager[Any]:
        return scope(space=place.key)

    def note_visit(self, place: Place) -> None:
        SpaceMember.objects.present().filter(pk=place.member_id).update(last_visit_at=timezone.now())

    def enter(self, request: HttpRequest, place: Place) -> None:
        member = SpaceMember.objects.present().select_related("space").get(pk=place.member_id)
        request.space_member, request.space = member, member.space  # type: ignore[attr-defined]
