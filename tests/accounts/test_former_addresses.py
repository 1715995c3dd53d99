"""Whoever changes somebody's address hides what follows from them, unless the former one is told too."""

from allauth.account.models import EmailAddress

from accounts.actions.mails import choose_mails
from accounts.actions.members import change_role
from accounts.actions.people import follow_confirmed_address
from accounts.models import Role, User
from accounts.places import places_of
from activity.preferences import Chosen
from activity.topics import TOPICS, Timing
from tenancy.scopes import scope
from tests.outbox import Outbox
from tests.worlds import World

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
