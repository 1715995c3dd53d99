"""What crosses the wall between a client's space and the firms that follow it, and what does not."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError

from accounts.actions.firms import change_firm
from accounts.actions.people import change_profile
from accounts.models import User
from activity.models import Event, Notification
from clients.actions.space import (
    AlreadyFollowed,
    NotTheirSpace,
    edit_space_details,
    open_space,
    tell_client,
    update_contacts,
)
from clients.models import ClientSpace, Dossier, SpaceLink, SpaceMember, SpaceProfile
from tenancy.scopes import Purpose, WrongScope, crossing, scope
from tests.worlds import World, make_dossier, make_person


@pytest.fixture
def claire(db: None) -> User:
    return make_person("claire@boulangerie.test", first_name="Claire", last_name="Aubry")


def followed(
    world: World, person: User, name: str = "Boulangerie Martin", space_id: UUID | None = None
) -> SpaceLink:
    """A dossier of that firm whose client is that person."""
    with scope(firm=world.firm):
        dossier = make_dossier(name, email=person.email)
        return open_space(
            person=person,
            firm=world.firm,
            dossier=dossier,
            email=person.email,
            profile=SpaceProfile.MANAGER,
            space_id=space_id,
        )


@pytest.fixture
def link(lemoine: World, claire: User) -> SpaceLink:
    return followed(lemoine, claire)


@pytest.fixture
def claire_inside(link: SpaceLink) -> Iterator[SpaceMember]:
    """Claire, with her space's scope open."""
    with scope(space=link.space_id):
        yield SpaceMember.objects.select_related("user", "space").get()


def test_a_space_opens_with_the_details_of_the_dossier(claire_inside: SpaceMember, lemoine: World) -> None:
    assert claire_inside.space.name == "Boulangerie Martin"
    assert claire_inside.space.email == "claire@boulangerie.test"
    assert SpaceLink.objects.get().firm_name == lemoine.firm.name
    assert Event.objects.get().type == "clients.space.followed"


def test_a_dossier_has_one_space_at_a_time(lemoine: World, link: SpaceLink) -> None:
    other = make_person("paul@ailleurs.test")
    with scope(firm=lemoine.firm), pytest.raises(AlreadyFollowed):
        open_space(
            person=other,
            firm=lemoine.firm,
            dossier=Dossier.objects.get(),
            email=other.email,
            profile=SpaceProfile.MANAGER,
        )


def test_a_client_of_two_firms_keeps_one_space_and_both_are_told_of_their_edit(
    lemoine: World, bertrand: World, claire: User, link: SpaceLink
) -> None:
    followed(bertrand, claire, "SARL Martin", space_id=link.space_id)
    with scope(space=link.space_id):
        member = SpaceMember.objects.get()
        edit_space_details(actor=member, space=member.space, values={"phone": "04 78 00 00 00"})
        assert set(SpaceLink.objects.values_list("firm_name", flat=True)) == {
            "Cabinet Lemoine",
            "Bertrand Conseil",
        }
    for world, name in [(lemoine, "Boulangerie Martin"), (bertrand, "SARL Martin")]:
        with scope(firm=world.firm):
            assert Dossier.objects.get().phone == "04 78 00 00 00"
            assert Dossier.objects.get().name == name, "only what changed crosses"
            event = Event.objects.get(type="clients.dossier.changed_by_client")
            assert event.changes == {"phone": ["", "04 78 00 00 00"]}
            assert event.actor_name == "Claire Aubry"
            assert [n.address for n in event.notifications.all()] == [world.admin.email]
            assert SpaceLink.objects.count() == 1, "a firm sees its own link only"


def test_an_edit_that_changes_nothing_records_nothing(claire_inside: SpaceMember) -> None:
    edit_space_details(
        actor=claire_inside, space=claire_inside.space, values={"legal_name": "Boulangerie Martin"}
    )
    assert Event.objects.count() == 1


@pytest.mark.parametrize("profile", [SpaceProfile.READER, SpaceProfile.BILLING])
def test_who_only_reads_changes_nothing(claire_inside: SpaceMember, profile: SpaceProfile) -> None:
    SpaceMember.objects.update(profile=profile)
    with pytest.raises(PermissionDenied):
        edit_space_details(actor=claire_inside, space=claire_inside.space, values={"phone": "1"})


def test_a_space_takes_another_firm_only_from_its_manager(
    bertrand: World, claire: User, link: SpaceLink
) -> None:
    stranger = make_person("intrus@ailleurs.test")
    with pytest.raises(NotTheirSpace):
        followed(bertrand, stranger, space_id=link.space_id)
    with scope(space=link.space_id):
        SpaceMember.objects.update(profile=SpaceProfile.FULL)
    with pytest.raises(NotTheirSpace):
        followed(bertrand, claire, space_id=link.space_id)


def test_an_ended_link_carries_nothing_over(lemoine: World, claire_inside: SpaceMember) -> None:
    link = SpaceLink.objects.get()
    link.until = link.since
    link.save()
    edit_space_details(actor=claire_inside, space=claire_inside.space, values={"phone": "01 02 03 04 05"})
    with scope(firm=lemoine.firm):
        assert Dossier.objects.get().phone == ""
    with pytest.raises(WrongScope), crossing(link, Purpose.CLIENT_EDIT):
        pass


def test_the_client_is_told_what_the_firm_changed_and_keeps_their_own_details(
    lemoine: World, link: SpaceLink
) -> None:
    with scope(firm=lemoine.firm):
        dossier = Dossier.objects.get()
        changes = {"city": ("", "Lyon"), "reference": ("", "M12")}
        tell_client(actor=lemoine.admin, dossier=dossier, changes=changes)
        tell_client(actor=lemoine.admin, dossier=dossier, changes={"reference": ("", "M12")})
    with scope(space=link.space_id):
        event = Event.objects.get(type="clients.space.firm_changed_details")
        assert event.changes == {"city": ["", "Lyon"]}, "the firm's own fields stay in the firm"
        assert [n.address for n in event.notifications.all()] == ["claire@boulangerie.test"]
        assert ClientSpace.objects.get().city == ""


def test_nobody_is_told_of_a_dossier_without_a_client(firm: World) -> None:
    tell_client(actor=firm.admin, dossier=make_dossier(), changes={"city": ("", "Lyon")})
    assert not Event.objects.exists()
    assert not Notification.objects.exists()


def test_clients_see_the_firms_new_contacts(lemoine: World, link: SpaceLink) -> None:
    lemoine.firm.phone, lemoine.firm.name = "04 72 00 00 00", "Lemoine & Associés"
    with scope(firm=lemoine.firm):
        update_contacts(lemoine.firm)
    with scope(space=link.space_id):
        seen = SpaceLink.objects.get()
        assert (seen.firm_name, seen.firm_phone) == ("Lemoine & Associés", "04 72 00 00 00")


def test_a_person_has_one_place_in_a_space(lemoine: World, link: SpaceLink) -> None:
    with scope(space=link.space_id), pytest.raises(IntegrityError):
        SpaceMember.objects.create(user=SpaceMember.objects.get().user, email="x@x.test")


def test_what_a_firm_or_a_person_changes_of_itself_shows_in_the_spaces(
    lemoine: World, claire: User, link: SpaceLink
) -> None:
    with scope(firm=lemoine.firm):
        change_firm(
            actor=lemoine.admin,
            name="Lemoine & Associés",
            phone="04 72 00 00 00",
            email="",
            second_factor_required=False,
        )
    change_profile(person=claire, first_name="Clara", last_name="Aubry", language="fr")
    with scope(space=link.space_id):
        assert SpaceLink.objects.get().firm_name == "Lemoine & Associés"
        assert SpaceMember.objects.get().name == "Clara Aubry"
