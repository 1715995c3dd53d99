"""A client's own people: their profiles, and the end of their place."""

from collections.abc import Iterator

import pytest
from django.core.exceptions import PermissionDenied

from accounts.models import User
from activity.models import Event, Notification
from clients.actions.people import (
    AlreadyHere,
    GoneMeanwhile,
    LastManager,
    admit_person,
    change_person_profile,
    end_person,
)
from clients.actions.space import edit_space_details
from clients.lookups import spaces_of
from clients.models import SpaceLink, SpaceMember, SpacePerm, SpaceProfile
from clients.models.profiles import PROFILE_ALLOWS, allowed_to
from tenancy.scopes import scope
from tests.clients.test_space import followed
from tests.outbox import Outbox
from tests.worlds import World, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def claire(db: None) -> User:
    return make_person("claire@boulangerie.test", first_name="Claire", last_name="Aubry")


@pytest.fixture
def link(lemoine: World, claire: User) -> SpaceLink:
    """Claire's space, which the first firm follows."""
    return followed(lemoine, claire)


@pytest.fixture
def manager(link: SpaceLink) -> Iterator[SpaceMember]:
    """Claire, the space's only manager, with its scope open."""
    with scope(space=link.space_id):
        yield SpaceMember.objects.select_related("user", "space").get()


def joined(
    manager: SpaceMember, name: str = "Marc", profile: SpaceProfile = SpaceProfile.READER
) -> SpaceMember:
    """Somebody who has accepted the invitation into the space."""
    person = make_person(f"{name.lower()}@boulangerie.test", first_name=name, last_name="Petit")
    return admit_person(
        space=manager.space, user=person, email=person.email, profile=profile, terms="2026-01"
    )


def told(kind: str) -> set[str]:
    return set(Notification.objects.filter(event__type=kind).values_list("address", flat=True))


def test_a_person_comes_in_with_the_profile_and_the_managers_are_told(manager: SpaceMember) -> None:
    marc = joined(manager, profile=SpaceProfile.BILLING)
    assert (marc.name, marc.profile, marc.email) == ("Marc Petit", "billing", "marc@boulangerie.test")
    assert Event.objects.latest("id").type == "clients.person.joined"
    assert told("clients.person.joined") == {manager.email}


def test_nobody_is_in_a_space_twice(manager: SpaceMember) -> None:
    marc = joined(manager)
    with pytest.raises(AlreadyHere):
        admit_person(
            space=manager.space, user=marc.user, email=marc.email, profile=SpaceProfile.FULL, terms="2026-01"
        )
    marc.refresh_from_db()
    assert marc.profile == "reader"


def test_who_comes_back_has_what_the_new_invitation_gives_and_no_more(manager: SpaceMember) -> None:
    marc = joined(manager, profile=SpaceProfile.MANAGER)
    end_person(actor=manager, member=marc)
    again = admit_person(
        space=manager.space, user=marc.user, email=marc.email, profile=SpaceProfile.READER, terms="2026-01"
    )
    assert (again.pk, again.profile, again.ended_at) == (marc.pk, "reader", None)


def test_another_profile_counts_at_once_and_the_person_is_told(manager: SpaceMember) -> None:
    marc = joined(manager, profile=SpaceProfile.FULL)
    change_person_profile(actor=manager, member=marc, profile=SpaceProfile.READER)
    with pytest.raises(PermissionDenied):  # with the object that an open page still holds
        edit_space_details(actor=marc, space=manager.space, values={"phone": "01 02 03 04 05"})
    event = Event.objects.get(type="clients.person.profile_changed")
    assert event.changes == {"profile": ["full", "reader"]}
    assert told("clients.person.profile_changed") == {"marc@boulangerie.test"}


def test_the_same_profile_again_records_nothing(manager: SpaceMember) -> None:
    marc = joined(manager)
    change_person_profile(actor=manager, member=marc, profile=SpaceProfile.READER)
    assert not Event.objects.filter(type="clients.person.profile_changed").exists()


def test_the_last_manager_stays_a_manager_and_stays(manager: SpaceMember) -> None:
    joined(manager, profile=SpaceProfile.FULL)
    with pytest.raises(LastManager):
        change_person_profile(actor=manager, member=manager, profile=SpaceProfile.FULL)
    with pytest.raises(LastManager):
        end_person(actor=manager, member=manager)
    assert SpaceMember.objects.who_may(SpacePerm.MANAGE_PEOPLE).get() == manager


def test_with_a_second_manager_the_first_may_go(manager: SpaceMember) -> None:
    joined(manager, profile=SpaceProfile.MANAGER)
    end_person(actor=manager, member=manager)
    assert not SpaceMember.objects.present().filter(pk=manager.pk).exists()
    assert Event.objects.latest("id").type == "clients.person.left"
    assert told("clients.person.left") == {"marc@boulangerie.test"}


@pytest.mark.parametrize("profile", [SpaceProfile.FULL, SpaceProfile.BILLING, SpaceProfile.READER])
def test_only_a_manager_manages_people(manager: SpaceMember, profile: SpaceProfile) -> None:
    marc, zoe = joined(manager, "Marc", profile), joined(manager, "Zoé")
    for act in (
        lambda: end_person(actor=marc, member=zoe),
        lambda: change_person_profile(actor=marc, member=zoe, profile=SpaceProfile.FULL),
        lambda: change_person_profile(actor=marc, member=marc, profile=SpaceProfile.MANAGER),
    ):
        with pytest.raises(PermissionDenied):
            act()


def test_anybody_may_leave(manager: SpaceMember) -> None:
    marc = joined(manager)
    end_person(actor=marc, member=marc)
    assert not spaces_of(marc.user.pk)


def test_who_is_gone_already_cannot_be_ended_again(manager: SpaceMember) -> None:
    marc = joined(manager)
    end_person(actor=manager, member=marc)
    with pytest.raises(GoneMeanwhile):
        end_person(actor=manager, member=marc)
    with pytest.raises(GoneMeanwhile):
        change_person_profile(actor=manager, member=marc, profile=SpaceProfile.FULL)
    assert Event.objects.filter(type="clients.person.ended").count() == 1


def test_a_person_of_another_space_is_out_of_reach(lemoine: World, manager: SpaceMember) -> None:
    with scope(space=followed(lemoine, make_person("autre@ailleurs.test"), "Autre").space_id):
        stranger = SpaceMember.objects.get()
    with pytest.raises(GoneMeanwhile):
        end_person(actor=manager, member=stranger)


def test_who_has_lost_their_place_is_told_of_that_and_of_nothing_else(
    manager: SpaceMember, outbox: Outbox
) -> None:
    """Between a change and its mail, somebody may have gone: the change is no longer theirs to know."""
    marc = joined(manager, profile=SpaceProfile.FULL)
    outbox.clear()
    edit_space_details(actor=manager, space=manager.space, values={"city": "Villeneuve-la-Secrète"})
    end_person(actor=manager, member=marc)
    (mail,) = [one for one in outbox.mails() if "marc@boulangerie.test" in one.to[0]]
    assert "Secrète" not in mail.body
    assert "Marc Petit" in mail.body


def test_each_profile_may_what_the_table_says(manager: SpaceMember) -> None:
    for profile in SpaceProfile:
        one = SpaceMember(profile=profile)
        assert {perm for perm in SpacePerm if one.may(perm)} == PROFILE_ALLOWS[profile]
        assert set(allowed_to(profile)) == PROFILE_ALLOWS[profile]
    assert PROFILE_ALLOWS[SpaceProfile.MANAGER] == set(SpacePerm)


def test_a_person_whose_place_has_ended_may_nothing(claire: User, manager: SpaceMember) -> None:
    joined(manager, profile=SpaceProfile.MANAGER)
    end_person(actor=manager, member=manager)
    manager.refresh_from_db()
    assert not any(manager.may(perm) for perm in SpacePerm)
