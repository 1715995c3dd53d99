"""Eight people press the same button at the same moment: one comes in. Of each kind of invitation, and of a letter."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from accounts.models import Membership, MemberState, Role, User
from accounts.newcomers import AddressTaken, Newcomer
from accounts.terms import current_terms
from activity.models import Event
from clients.models import Dossier, SpaceLink, SpaceMember, SpaceProfile
from invitations.actions.answering import (
    Link,
    NotAnswerable,
    accept_as_client,
    accept_as_member,
    accept_as_person,
    fingerprint,
    refuse_invitation,
)
from invitations.actions.following import asked, follow_client
from invitations.actions.inviting import invite_client, invite_member
from invitations.actions.letters import NotToConfirm, confirm_letter, print_letters
from invitations.actions.people import invite_person
from invitations.models import Invitation, InvitationState, Letter, LetterState
from tenancy.scopes import scope
from tests import worlds
from tests.invitations.asked import ask, make_client, receive
from tests.worlds import PASSWORD, World, make_dossier

AT_ONCE = 8
ROUNDS = 100 if os.environ.get("PORTAL_LONG") == "1" else 20
LATE = (NotAnswerable, NotToConfirm, AddressTaken)

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Button:
    """What eight people press, each with their number, on the side of `owner`."""

    owner: dict[str, Any]
    press: Callable[[int], object]


class Kind(ABC):
    """How a button of this kind comes about, and what there is of everything once each was pressed."""

    def __init__(self, world: World) -> None:
        self.world = world

    @abstractmethod
    def button(self, number: int) -> Button:
        """What eight people press in this round."""

    @abstractmethod
    def came_in(self) -> dict[str, int]:
        """How often, by what it left behind."""


def shown(key: Any) -> dict[str, Any]:
    invitation = Invitation.objects.with_names().get(pk=key)
    return {"link": Link(key, 1), "shown": fingerprint(invitation, current_terms())}


def newcomer(number: int) -> Newcomer:
    return Newcomer(first_name=f"P{number}", last_name="Aubry", password=PASSWORD)


class Client(Kind):
    def button(self, number: int) -> Button:
        with scope(firm=self.world.firm):
            dossier = make_dossier(f"Client {number}", email=f"client{number}@client.test")
            page = shown(invite_client(actor=self.world.admin, dossier=dossier).pk)
        return Button({"firm": self.world.firm}, lambda who: accept_as_client(**page, person=newcomer(who)))

    def came_in(self) -> dict[str, int]:
        with scope(firm=self.world.firm):
            return {
                "links": SpaceLink.objects.count(),
                "events": Event.objects.filter(type="invitations.client.joined").count(),
                "people": User.objects.filter(email__endswith="@client.test").count(),
            }


class Member(Kind):
    def button(self, number: int) -> Button:
        email = f"membre{number}@lemoine.test"
        with scope(firm=self.world.firm):
            page = shown(invite_member(actor=self.world.admin, email=email, role=Role.COLLABORATOR).pk)
        return Button({"firm": self.world.firm}, lambda who: accept_as_member(**page, person=newcomer(who)))

    def came_in(self) -> dict[str, int]:
        with scope(firm=self.world.firm):
            return {
                "places": Membership.objects.filter(state=MemberState.CREATED).count(),
                "events": Event.objects.filter(type="invitations.member.joined").count(),
                "people": User.objects.filter(email__startswith="membre").count(),
            }


class Person(Kind):
    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.manager = make_client()

    def button(self, number: int) -> Button:
        email, space = f"marc{number}@client.test", self.manager.space_id
        with scope(space=space):
            page = shown(invite_person(actor=self.manager, email=email, profile=SpaceProfile.FULL).pk)
        return Button({"space": space}, lambda who: accept_as_person(**page, person=newcomer(who)))

    def came_in(self) -> dict[str, int]:
        with scope(space=self.manager.space_id):
            return {
                "places": SpaceMember.objects.exclude(pk=self.manager.pk).count(),
                "events": Event.objects.filter(type="clients.person.joined").count(),
                "people": User.objects.filter(email__startswith="marc").count(),
            }


class Firm(Kind):
    """Two of the firm's members answer a client: four times each, at the same moment."""

    def button(self, number: int) -> Button:
        client = make_client(f"client{number}@client.test", f"Client {number}")
        invitation = receive(ask(client), self.world.colleague)
        with scope(firm=self.world.firm):
            received = Invitation.objects.get(pk=invitation.pk)
            page: dict[str, Any] = {"invitation": received, "shown": asked(received).mark}
        members = (self.world.admin, self.world.colleague)
        return Button({"firm": self.world.firm}, lambda who: follow_client(**page, actor=members[who % 2]))

    def came_in(self) -> dict[str, int]:
        with scope(firm=self.world.firm):
            return {
                "links": SpaceLink.objects.count(),
                "dossiers": Dossier.objects.clients().count(),
                "events": Event.objects.filter(type="clients.dossier.client_followed").count(),
            }


class AnsweredLetter(Kind):
    """Eight times “yes, that is our client”: one invitation leaves."""

    def button(self, number: int) -> Button:
        with scope(firm=self.world.firm):
            dossier = make_dossier(f"Client {number}")
            chosen = Dossier.objects.filter(pk=dossier.pk)
            _writing, drawn = print_letters(actor=self.world.admin, dossiers=chosen)
            letter = drawn[0][0]
            answered = {"state": LetterState.PROVEN, "email": f"client{number}@client.test"}
            Letter.objects.filter(pk=letter.pk).update(**answered)
        return Button(
            {"firm": self.world.firm}, lambda _who: confirm_letter(actor=self.world.admin, letter=letter)
        )

    def came_in(self) -> dict[str, int]:
        with scope(firm=self.world.firm):
            return {
                "invitations": Invitation.objects.filter(state=InvitationState.SENT, generation=1).count(),
                "letters": Letter.objects.filter(state=LetterState.CONFIRMED).count(),
                "events": Event.objects.filter(type="invitations.letter.confirmed").count(),
            }


class NotForMe(Kind):
    """“Ce n'est pas pour moi”, eight times: the firm is told once."""

    def button(self, number: int) -> Button:
        with scope(firm=self.world.firm):
            dossier = make_dossier(f"Client {number}", email=f"client{number}@client.test")
            link = Link(invite_client(actor=self.world.admin, dossier=dossier).pk, 1)
        return Button({"firm": self.world.firm}, lambda _who: refuse_invitation(link=link))

    def came_in(self) -> dict[str, int]:
        with scope(firm=self.world.firm):
            return {
                "refused": Invitation.objects.filter(state=InvitationState.REFUSED).count(),
                "events": Event.objects.filter(type="invitations.invitation.refused").count(),
            }


KINDS = [Client, Member, Person, Firm, AnsweredLetter, NotForMe]


def pressed(button: Button, who: int, together: Barrier) -> str:
    together.wait()
    try:
        with scope(**button.owner):
            button.press(who)
    except LATE as error:
        return type(error).__name__
    finally:
        connection.close()
    return "in"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_one_of_eight_at_once_comes_in(kind: type[Kind]) -> None:
    of_kind = kind(worlds.make_firm("Cabinet Lemoine", "732829320"))
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for number in range(ROUNDS):
            button, together = of_kind.button(number), Barrier(AT_ONCE)
            answers = list(threads.map(lambda who: pressed(button, who, together), range(AT_ONCE)))  # noqa: B023 - the round ends here
            assert answers.count("in") == 1, (number, answers)
    assert set(of_kind.came_in().values()) == {ROUNDS}, of_kind.came_in()
