"""What crosses the wall between a client's space and the firms that follow it, and what does not."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.utils import timezone

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
from clients.imports.undoing import undo_import as undone
from clients.jobs import undo_import
from clients.models import ClientSpace, Dossier, Import, SpaceLink, SpaceMember, SpaceProfile
from tenancy.scopes import Purpose, WrongScope, crossing, scope
from tests.clients.lists import run
from tests.outbox import Outbox
from tests.web.pages import plain
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


# --- what changes together


class TestManyAtOnce:
    """An import changes the records of several clients: Claire has two of them, Denis one."""

    ROWS = (
        ("Boulangerie Martin", "1 rue Neuve"),
        ("Pâtisserie Aubry", "2 rue Neuve"),
        ("Garage Denis", "3 rue Neuve"),
    )

    @pytest.fixture
    def done(self, lemoine: World, claire: User, outbox: Outbox) -> Iterator[Import]:
        denis = make_person("denis@garage.test", first_name="Denis", last_name="Petit")
        for person, (name, _address) in zip((claire, claire, denis), self.ROWS, strict=True):
            followed(lemoine, person, name)
        with scope(firm=lemoine.firm):
            for place, dossier in enumerate(Dossier.objects.clients().order_by("pk")):
                Dossier.objects.filter(pk=dossier.pk).update(reference=f"R{place}")
            outbox.clear()
            rows = [(f"R{place}", address) for place, (_name, address) in enumerate(self.ROWS)]
            yield run(lemoine.admin, rows, ("Code", "Adresse"))

    def test_each_person_gets_one_mail(self, done: Import, claire: User, outbox: Outbox) -> None:
        assert [one for one in outbox.recipients() if one in (claire.email, "denis@garage.test")] == [
            claire.email,
            "denis@garage.test",
        ]
        message = outbox.to(claire.email)
        assert "Boulangerie" not in message.subject and "2 de vos" in plain(str(message.subject))
        for words in (
            "Cabinet Lemoine",
            "Boulangerie Martin",
            "1 rue Neuve",
            "Pâtisserie Aubry",
            "/mes-espaces/",
        ):
            assert words in str(message.body)
        assert "Garage" not in str(message.body)
        assert "3 rue Neuve" in str(outbox.to("denis@garage.test").body)

    def test_each_space_keeps_its_own_event(self, done: Import, lemoine: World) -> None:
        links = SpaceLink.objects.order_by("pk")
        for link, (_name, address) in zip(links, self.ROWS, strict=True):
            with crossing(link, Purpose.TELL_CLIENT):
                event = Event.objects.get(type="clients.space.firm_changed_details")
                assert event.changes == {"address": ["", address]}

    def test_so_does_the_undo(self, done: Import, lemoine: World, claire: User, outbox: Outbox) -> None:
        outbox.clear()
        assert done.firm_id is not None
        undo_import(actor=lemoine.admin, source=done)
        undone(done.firm_id, done.pk)
        assert outbox.recipients().count(claire.email) == 1
        assert "1 rue Neuve → " in str(outbox.to(claire.email).body)

    def test_whoever_is_no_client_any_more_when_it_leaves_gets_none(
        self, done: Import, claire: User, outbox: Outbox
    ) -> None:
        SpaceLink.objects.update(until=timezone.now())
        assert claire.email not in outbox.recipients()
