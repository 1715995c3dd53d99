"""What a member who leaves has left standing (invitations that wait, connections, keys), to be looked at and revoked.

The apps that own such things register a kind; the departure wizard shows what each lists.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.utils.functional import Promise

from accounts.models import Membership


@dataclass(frozen=True)
class Leftover:
    """One thing: its key, what it is called, and what is to be known of it."""

    key: UUID
    name: str
    note: str = ""


class LeftoverKind(ABC):
    """One kind of thing. `name` is its key in forms and details; `title` what people read, `done` once they are
    revoked."""

    name: ClassVar[str]
    title: ClassVar[str | Promise]
    done: ClassVar[str | Promise]
    explanation: ClassVar[str | Promise]

    # The page that lists those that are on hold: the name of its URL, and its query.
    route: ClassVar[str]
    query: ClassVar[str]

    # The event type, by name, of which each revoked one leaves a line in the group.
    line: ClassVar[str]

    @abstractmethod
    def of(self, member: Membership) -> list[Leftover]:
        """Those of the member that still stand."""

    @abstractmethod
    def count_on_hold(self, member: Membership, *, viewer: Membership) -> int:
        """Of those that the viewer sees, how many open nothing because the member may no longer answer for them."""

    @abstractmethod
    def revoke(
        self, *, actor: Membership, member: Membership, keys: Collection[UUID], group: UUID
    ) -> list[Leftover]:
        """Revoke these of the member's, if they still stand; returns those that did.

        Called inside the departure, whose one event tells of it: `group` is that event's.
        """

    @abstractmethod
    def take_over(self, *, actor: Membership, member: Membership) -> None:
        """Let the actor answer from now on for what is left of the member's. Called after `revoke`, as it is."""

    @abstractmethod
    def noted(self, details: Mapping[str, Any]) -> str:
        """Of the line that a revoked one left: its note."""


LEFTOVERS: list[LeftoverKind] = []


def leftovers_of(member: Membership) -> list[tuple[LeftoverKind, list[Leftover]]]:
    """The kinds of which the member has some, with these."""
    listed = [(kind, kind.of(member)) for kind in LEFTOVERS]
    return [(kind, things) for kind, things in listed if things]
