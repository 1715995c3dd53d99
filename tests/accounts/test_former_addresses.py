"""Whoever changes somebody's address hides what follows from them, unless the former one is told too."""

from allauth.account.models import EmailAddress

from accounts.actions.mails import choose_mails
from accounts.actions.members import change_role
from accounts.actions.people import follow_confirmed_address
from accounts.models import Role, User
from accounts.places import places_of
from activity.preferences import Chosen
from activity.topics import TOPICS, Timing
from clients.actions.people import admit_person, change_person_profile, end_person
from clients.actions.space import open_space
from clients.models import ClientSpace, SpaceMember, SpaceProfile
from tenancy.scopes import scope
from tests.outbox import Outbox
from tests.worlds import World, make_dossier, make_person

FORMER, NEW = "chloe@cabinet-lemoine.test", "chloe@ailleurs.test"


def with_a_new_address(world: World) -> User:
    """Chloé, whose address has just been changed."""
    chloe = world.collaborator.user
    assert chloe is not None and chloe.email == FORMER
    EmailAddress.objects.filter(user=chloe).update(email=NEW)
    User.objects.filter(pk=chloe.pk).update(email=NEW)
    chloe.refresh_from_db()
    follow_confirmed_address(person=chloe, previous=FORMER, browser="Firefox")
    return chloe


def test_another_role_is_told_to_the_address_before_and_the_one_now(lemoine: World, outbox: Outbox) -> None:
    with_a_new_address(lemoine)
    assert outbox.recipients() == sorted([FORMER, NEW])
    outbox.clear()
    with scope(firm=lemoine.firm):
        lemoine.collaborator.refresh_from_db()
        change_role(actor=lemoine.admin, member=lemoine.collaborator, role=Role.ADMIN)
    assert outbox.recipients() == sorted([FORMER, NEW])
    assert "Cabinet Lemoine" in outbox.to(FORMER).body
    assert "Boulangerie" not in outbox.to(FORMER).subject


def test_who_wants_no_mails_is_told_of_their_role_all_the_same(lemoine: World, outbox: Outbox) -> None:
    chloe = with_a_new_address(lemoine)
    (place,) = places_of(chloe.pk)
    choose_mails(person=chloe, place=place, chosen=Chosen(dict.fromkeys(TOPICS, Timing.NEVER)))
    outbox.clear()
    with scope(firm=lemoine.firm):
        lemoine.collaborator.refresh_from_db()
        change_role(actor=lemoine.admin, member=lemoine.collaborator, role=Role.ADMIN)
    assert outbox.recipients() == sorted([FORMER, NEW])


def test_without_another_address_there_is_one_mail(lemoine: World, outbox: Outbox) -> None:
    with scope(firm=lemoine.firm):
        change_role(actor=lemoine.admin, member=lemoine.collaborator, role=Role.ADMIN)
    assert outbox.recipients() == [FORMER]


def test_so_it_is_in_a_clients_space(lemoine: World, outbox: Outbox) -> None:
    """Another profile is another role; whoever wants no mails of the space is told at once all the same."""
    manager = make_person("claire@boulangerie.test", first_name="Claire")
    with scope(firm=lemoine.firm):
        dossier = make_dossier("Boulangerie Martin")
        link = open_space(person=manager, firm=lemoine.firm, dossier=dossier, email=manager.email)
    chloe = with_a_new_address(lemoine)
    with scope(space=link.space_id):
        space = ClientSpace.objects.get()
        member = admit_person(space=space, user=chloe, email=NEW, profile=SpaceProfile.FULL, terms="2026-01")
    place = next(place for place in places_of(chloe.pk) if place.key == link.space_id)
    choose_mails(person=chloe, place=place, chosen=Chosen(dict.fromkeys(TOPICS, Timing.NEVER)))
    outbox.clear()
    with scope(space=link.space_id):
        claire = SpaceMember.objects.select_related("user", "space").get(user=manager)
        change_person_profile(actor=claire, member=member, profile=SpaceProfile.READER)
    assert outbox.recipients() == sorted([FORMER, NEW])
    assert "Boulangerie Martin" in outbox.to(FORMER).body
    assert "Boulangerie" not in outbox.to(FORMER).subject
    outbox.clear()
    with scope(space=link.space_id):
        end_person(actor=claire, member=member)
    assert outbox.recipients() == [NEW]
    assert "List-Unsubscribe" not in outbox.to(NEW).extra_headers
