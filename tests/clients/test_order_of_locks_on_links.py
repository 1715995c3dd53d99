"""What hangs on a link – files, what support is allowed, its end – is locked in one order, and the right asked then
(docs/decisions/0032-the-locks-of-what-hangs-on-a-link.md)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import models

from accounts.actions.people import change_profile
from accounts.models import Membership, Role
from accounts.permissions import ObjectRole
from clients.actions.assignments import change_assignments
from clients.actions.dossiers import update_dossier
from clients.actions.files import Handed, drop_for_client, drop_for_firm, take_back
from clients.actions.people import change_person_profile
from clients.actions.support import SupportDuration, authorise_support, withdraw_support
from clients.assigned import Reason, Result
from clients.files.recognising import FileKind
from clients.models import (
    Assignment,
    Dossier,
    ExchangedFile,
    FileCategory,
    SpaceLink,
    SpaceMember,
    SpaceProfile,
    SupportAuthorisation,
)
from invitations.actions.following import asked, follow_client
from invitations.models import Invitation
from tenancy.keys import uuid7
from tenancy.scopes import scope
from tests import worlds
from tests.invitations.asked import ask, followed_by, make_client, receive
from tests.meeting import (
    Act,
    Pair,
    come_in_turn,
    come_meanwhile,
    come_past,
    come_through,
    in_firm,
    in_space,
)
from tests.worlds import World, make_member, make_person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(db: None) -> World:
    return worlds.make_firm("Cabinet Lemoine", "732829320")


# --- who meets whom


def supported(world: World) -> tuple[SpaceMember, SpaceLink, Act]:
    """A client whom two of technical support help; and these two lose it, the one who came last first."""
    client = make_client(f"{uuid7()}@client.test")
    link = followed_by(client, world.admin, email=f"{uuid7()}@lemoine.test")
    with scope(space=client.space_id):
        authorise_support(actor=client, link=link, duration=SupportDuration.DAY)
    with scope(firm=world.firm):
        two = [make_member(world.firm, f"{letter} {uuid7()}") for letter in "ab"]
        dossiers = Dossier.objects.filter(pk=link.dossier_id)
        for member in reversed(two):
            change_assignments(actor=world.admin, dossiers=dossiers, add={member: ObjectRole.SUPPORT})
    return (
        client,
        link,
        in_firm(world, change_assignments, actor=world.admin, dossiers=dossiers, remove=two),
    )


def client_prolongs_as_support_is_taken_off(world: World) -> Pair:
    client, link, take_off = supported(world)
    return take_off, in_space(client, authorise_support, link=link, duration=SupportDuration.WEEK)


def another_firm_takes_the_place_as_support_is_taken_off(world: World) -> Pair:
    client, _link, take_off = supported(world)
    other = worlds.make_firm(f"Cabinet {uuid7()}", "552100554")
    invitation = receive(ask(client, f"{uuid7()}@autre.test", instead=True), other.admin)
    with scope(firm=other.firm):
        received = Invitation.objects.get(pk=invitation.pk)
        page = {"invitation": received, "shown": asked(received).mark}
    return take_off, in_firm(other, follow_client, actor=other.admin, **page)


def person_renames_themself_as_they_get_another_profile(world: World) -> Pair:
    """They are told of the profile: a line that leans on their account."""
    client = make_client(f"{uuid7()}@client.test")
    marc = make_person(f"{uuid7()}@client.test", first_name="Marc", last_name="Petit")
    with scope(space=client.space_id):
        member = SpaceMember.objects.create(user=marc, email=marc.email, profile=SpaceProfile.FULL)
    renames: dict[str, Any] = {"first_name": "Marco", "last_name": "Petit", "language": "fr"}
    given = in_space(client, change_person_profile, member=member, profile=SpaceProfile.READER)
    return given, lambda: change_profile(person=marc, **renames)


@pytest.mark.parametrize(
    "pair",
    [
        client_prolongs_as_support_is_taken_off,
        another_firm_takes_the_place_as_support_is_taken_off,
        person_renames_themself_as_they_get_another_profile,
    ],
    ids=lambda pair: pair.__name__,
)
def test_those_who_meet_wait_and_come_through(world: World, pair: Callable[[World], Pair]) -> None:
    come_through(lambda: pair(world))


@contextmanager
def being_done(act: Act, **owner: Any) -> Iterator[None]:
    """It is done, and not yet committed."""
    with scope(**owner):
        act()
        yield


# --- nobody joins those who are losing it


@contextmanager
def place_held(world: World, member: Membership) -> Iterator[None]:
    with scope(firm=world.firm):
        list(Membership.objects.select_for_update(no_key=True).filter(pk=member.pk))
        yield


def test_nobody_is_let_in_by_what_the_client_is_taking_back(world: World) -> None:
    client, link, _take_off = supported(world)
    with scope(space=client.space_id):
        given = SupportAuthorisation.objects.get(dossier=link.dossier_id)
    with scope(firm=world.firm):
        theirs = Assignment.objects.filter(content_object=link.dossier_id).values("user")
        one_who_loses_it = Membership.objects.filter(user__in=theirs).order_by("pk")[0]
    made: list[Result] = []

    def let_in() -> None:
        with scope(firm=world.firm):
            add = {world.colleague: ObjectRole.SUPPORT}
            made.append(change_assignments(actor=world.admin, dossiers=Dossier.objects.all(), add=add))

    withdraw = in_space(client, withdraw_support, authorisation=given)
    assert come_in_turn(place_held(world, one_who_loses_it), withdraw, let_in) == [None, None]
    assert [(one.count, [left.reason for left in one.skipped]) for one in made] == [
        (0, [Reason.NOT_AUTHORISED])
    ]


def test_whoever_edits_a_client_file_holds_nobody_up_who_is_given_it(world: World) -> None:
    with scope(firm=world.firm):
        dossier = worlds.make_dossier()
    edit = in_firm(world, update_dossier, actor=world.admin, dossier=dossier, values={"phone": "04 72"})
    chosen = {"dossiers": Dossier.objects.all(), "add": {world.colleague: ObjectRole.ACCOUNTANT}}
    give = in_firm(world, change_assignments, actor=world.admin, **chosen)
    assert come_past(being_done(edit, firm=world.firm), give) is None


# --- the right, asked once what it is about is held


@contextmanager
def held(link: SpaceLink, *models: type[models.Model]) -> Iterator[None]:
    """Somebody is at work on what ties the two."""
    with scope(space=link.space_id):
        for model in models:
            list(model._default_manager.select_for_update(no_key=True))
        yield


def handed() -> list[Handed]:
    return [Handed("bilan.pdf", FileKind.PDF, 5, BytesIO(b"%PDF-"))]


def dropped_by(client: SpaceMember, link: SpaceLink) -> ExchangedFile:
    with scope(space=client.space_id):
        (file,) = drop_for_firm(actor=client, link=link, handed=handed(), category=FileCategory.GENERAL)
    return file


BY_THE_CLIENT: dict[str, tuple[Callable[[SpaceMember, SpaceLink], Act], type[models.Model]]] = {
    "a file is dropped": (
        lambda client, link: in_space(
            client, drop_for_firm, link=link, handed=handed(), category=FileCategory.GENERAL
        ),
        SpaceLink,
    ),
    "a file is taken back": (
        lambda client, link: in_space(client, take_back, file=dropped_by(client, link)),
        ExchangedFile,
    ),
    "support is authorised": (
        lambda client, link: in_space(client, authorise_support, link=link, duration=SupportDuration.DAY),
        SpaceLink,
    ),
}


@pytest.mark.parametrize("what", BY_THE_CLIENT)
def test_a_profile_that_is_lost_while_one_waits_allows_nothing(world: World, what: str) -> None:
    client = make_client()
    link = followed_by(client, world.admin)
    make, waited_for = BY_THE_CLIENT[what]
    act = make(client, link)

    def only_reads() -> None:
        with scope(space=client.space_id):
            SpaceMember.objects.filter(pk=client.pk).update(profile=SpaceProfile.READER)

    error = come_meanwhile(held(link, waited_for), act, then=only_reads)
    assert isinstance(error, PermissionDenied), error


def test_whoever_loses_the_client_file_while_their_file_comes_in_hands_none_over(world: World) -> None:
    link = followed_by(make_client(), world.admin)
    with scope(firm=world.firm):
        dossier = Dossier.objects.get(pk=link.dossier_id)
    drop = {"dossier": dossier, "handed": handed(), "category": FileCategory.GENERAL}

    def no_administrator() -> None:
        with scope(firm=world.firm):
            Membership.objects.filter(pk=world.admin.pk).update(role=Role.COLLABORATOR)

    act = in_firm(world, drop_for_client, actor=world.admin, **drop)
    error = come_meanwhile(held(link, SpaceLink), act, then=no_administrator)
    assert isinstance(error, PermissionDenied), error
