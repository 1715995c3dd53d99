"""A client invites a person of their own: what leaves, what its page says, and what becomes of each way to answer."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import TermsAcceptance, User
from activity.models import Event, Notification
from clients.actions.people import AlreadyHere, change_person_profile, end_person
from clients.models import ClientSpace, SpaceMember, SpaceProfile
from invitations.actions.answering import (
    InviterMayNoLonger,
    NotAnswerable,
    NothingLeftToOpen,
    ShownOtherwise,
    WrongAccount,
    accept_as_person,
)
from invitations.actions.handling import NotPending, note_failure
from invitations.actions.inviting import AlreadyInvited
from invitations.actions.people import correct_person, invite_person, resend_to_person, revoke_person
from invitations.models import Invitation, InvitationState, InvitationToken
from invitations.sweeping import remind_due
from tenancy.keys import uuid7
from tenancy.scopes import NOWHERE, _standing_in, scope
from tests.clients.test_people import joined
from tests.invitations.links import link_to
from tests.invitations.test_answering import answer, somebody
from tests.outbox import Outbox
from tests.web.pages import plain
from tests.worlds import PASSWORD, make_person

Browse = Callable[..., Client]
MARC = "marc.petit@boulangerie.test"
HERE = "/invitation/"
ABOUT_ME = {"first_name": "Marc", "last_name": "Petit", "password": PASSWORD, "terms": "on"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(db: None) -> Any:
    """Claire, who manages a space that no firm follows, with its scope open: what happens here touches no firm."""
    key, person = uuid7(), make_person("claire@boulangerie.test", first_name="Claire", last_name="Aubry")
    with scope(space=key):
        ClientSpace.objects.create(id=key, legal_name="Boulangerie Martin")
        member = SpaceMember.objects.create(
            user=person, email=person.email, first_name="Claire", last_name="Aubry"
        )
        yield SpaceMember.objects.select_related("user", "space").get(pk=member.pk)


@pytest.fixture
def invitation(manager: SpaceMember) -> Invitation:
    return invite_person(actor=manager, email=MARC, profile=SpaceProfile.BILLING)


def text(response: Any) -> str:
    return plain(" ".join(response.content.decode().replace("&#x27;", "'").split()))


def shown(page: Any) -> str:
    found = re.search(r'name="shown" value="([0-9a-f]{64})"', page.content.decode())
    assert found, "the page has no form"
    return found[1]


def post(client: Client, **changes: str) -> Any:
    return client.post(HERE, {**ABOUT_ME, "shown": shown(client.get(HERE)), **changes})


def told(kind: str) -> set[str]:
    return set(Notification.objects.filter(event__type=kind).values_list("address", flat=True))


# --- What leaves


def test_the_mail_says_who_invites_where_and_as_what(
    manager: SpaceMember, invitation: Invitation, outbox: Outbox
) -> None:
    mail = outbox.to(MARC)
    assert mail.subject == "Une invitation à partager un espace en ligne", "no client's name in a subject"
    body = plain(str(mail.body))
    assert "Claire Aubry vous invite dans l'espace en ligne « Boulangerie Martin »" in body
    assert "« Facturation »" in body
    assert mail.from_email.startswith("Boulangerie Martin ")
    assert "claire@boulangerie.test" in mail.reply_to[0]


def test_an_inviter_whose_address_is_written_in_other_letters_gets_no_answers(
    manager: SpaceMember, outbox: Outbox
) -> None:
    zoe = joined(manager, "Zoé", SpaceProfile.MANAGER)
    invite_person(actor=zoe, email=MARC, profile=SpaceProfile.READER)
    assert outbox.to(MARC).reply_to == [], "a mail server may not take such an address"


def test_a_reminder_leaves_too_in_the_clients_name(
    browse: Browse, manager: SpaceMember, invitation: Invitation, outbox: Outbox
) -> None:
    outbox.clear()
    Invitation.objects.update(remind_at=timezone.now() - timedelta(hours=1))
    with _standing_in(NOWHERE, "default"):
        assert remind_due() == 1
    mail = outbox.to(MARC)
    assert mail.subject.startswith("Rappel")
    assert mail.from_email.startswith("Boulangerie Martin ")
    assert browse().get(link_to(outbox, MARC), follow=True).status_code == 200


def test_only_a_manager_invites(manager: SpaceMember) -> None:
    marc = joined(manager, profile=SpaceProfile.FULL)
    with pytest.raises(PermissionDenied):
        invite_person(actor=marc, email="x@y.test", profile=SpaceProfile.READER)


def test_who_is_there_or_invited_already_is_not_invited_again(
    manager: SpaceMember, invitation: Invitation
) -> None:
    with pytest.raises(AlreadyInvited):
        invite_person(actor=manager, email=MARC.upper(), profile=SpaceProfile.READER)
    with pytest.raises(AlreadyHere):
        invite_person(actor=manager, email=manager.email, profile=SpaceProfile.READER)
    assert Event.objects.filter(type="invitations.person.invited").count() == 1


def test_sent_again_the_older_links_are_void(
    browse: Browse, manager: SpaceMember, invitation: Invitation, outbox: Outbox
) -> None:
    first = link_to(outbox, MARC)
    Invitation.objects.update(expires_at=timezone.now())
    resend_to_person(actor=manager, invitation=invitation)
    second = link_to(outbox, MARC)
    closed = browse().get(first, follow=True)
    assert closed.status_code == 404
    assert "Un lien plus récent a été envoyé" in text(closed)
    assert browse().get(second, follow=True).status_code == 200


def test_a_corrected_address_gets_the_link_and_the_former_one_has_nothing(
    browse: Browse, manager: SpaceMember, invitation: Invitation, outbox: Outbox
) -> None:
    former = link_to(outbox, MARC)
    correct_person(actor=manager, invitation=invitation, email="marc@bonne-adresse.test")
    closed = browse().get(former, follow=True)
    assert (closed.status_code, closed.context["because"]) == (404, "unknown")
    assert browse().get(link_to(outbox, "marc@bonne-adresse.test"), follow=True).status_code == 200
    event = Event.objects.get(type="invitations.invitation.corrected")
    assert event.changes == {"email": [MARC, "marc@bonne-adresse.test"]}


def test_an_address_is_not_corrected_to_one_that_is_there_or_invited(
    manager: SpaceMember, invitation: Invitation
) -> None:
    with pytest.raises(AlreadyHere):
        correct_person(actor=manager, invitation=invitation, email=manager.email)
    invite_person(actor=manager, email="z@client.test", profile=SpaceProfile.READER)
    with pytest.raises(AlreadyInvited):
        correct_person(actor=manager, invitation=invitation, email="z@client.test")
    invitation.refresh_from_db()
    assert (invitation.email, invitation.generation) == (MARC, 1)


def test_a_revoked_one_opens_nothing_and_is_revoked_once(
    browse: Browse, manager: SpaceMember, invitation: Invitation, outbox: Outbox
) -> None:
    path = link_to(outbox, MARC)
    revoke_person(actor=manager, invitation=invitation)
    closed = browse().get(path, follow=True)
    assert (closed.status_code, "Boulangerie" in text(closed)) == (404, False)
    for act in (revoke_person, resend_to_person):
        with pytest.raises(NotPending):
            act(actor=manager, invitation=invitation)


def test_one_that_never_arrives_is_told_to_the_managers(manager: SpaceMember, invitation: Invitation) -> None:
    note_failure(invitation_id=invitation.pk, generation=1, reason="Cette adresse n'existe pas.")
    invitation.refresh_from_db()
    assert invitation.state == InvitationState.FAILED
    assert told("invitations.invitation.failed") == {manager.email}


# --- Its page


def test_a_new_person_accepts_in_one_page_and_lands_in_the_space(
    browse: Browse, manager: SpaceMember, invitation: Invitation, outbox: Outbox
) -> None:
    client = browse()
    page = client.get(link_to(outbox, MARC), follow=True)
    for word in ("Boulangerie Martin", "Claire Aubry", "Facturation", "voir et télécharger les fichiers de"):
        assert word in text(page)
    landed = post(client)
    assert landed["Location"] == manager.space.url("clients:space_welcome")
    marc = SpaceMember.objects.get(email=MARC)
    assert (marc.name, marc.profile) == ("Marc Petit", "billing")
    assert TermsAcceptance.objects.get().user == marc.user
    welcome = text(client.get(landed["Location"]))
    assert "Bienvenue" in welcome and "Votre profil ici est « Facturation »." in welcome
    assert "Vérifiez vos coordonnées" not in welcome, "their profile does not let them"
    assert told("clients.person.joined") == {manager.email}
    assert client.get(HERE).status_code == 404, "the browser has forgotten the link"


def test_an_account_is_asked_to_sign_in_and_comes_back(
    browse: Browse, manager: SpaceMember, invitation: Invitation, outbox: Outbox
) -> None:
    person = make_person(MARC, first_name="Marc", last_name="Petit")
    client = browse()
    page = client.get(link_to(outbox, MARC), follow=True)
    assert page.context["case"] == "login"
    client.force_login(person)
    post(client)
    assert SpaceMember.objects.get(email=MARC).user == person
    assert User.objects.filter(email=MARC).count() == 1


def test_signed_in_as_another_one_is_told_and_may_switch(
    browse: Browse, manager: SpaceMember, invitation: Invitation, outbox: Outbox
) -> None:
    other = make_person("autre@ailleurs.test")
    client = browse(other)
    page = client.get(link_to(outbox, MARC), follow=True)
    assert page.context["case"] == "other"
    assert client.post(HERE, ABOUT_ME).status_code == 422
    with pytest.raises(WrongAccount):
        accept_as_person(**answer(invitation, person=other))
    client.post("/invitation/changer-de-compte/")
    assert client.get(HERE).context["case"] == "new"
    invitation.refresh_from_db()
    assert invitation.is_pending


def test_an_expired_one_sends_a_new_link_to_the_same_address(
    browse: Browse, manager: SpaceMember, invitation: Invitation, outbox: Outbox
) -> None:
    path = link_to(outbox, MARC)
    Invitation.objects.update(expires_at=timezone.now())
    client = browse()
    page = client.get(path, follow=True)
    assert page.status_code == 404
    assert "L'invitation envoyée par Boulangerie Martin" in text(page)
    outbox.clear()
    assert client.post("/invitation/nouveau-lien/").status_code == 200
    assert outbox.recipients() == [MARC]
    assert browse().get(link_to(outbox, MARC), follow=True).status_code == 200


def test_refusing_tells_the_managers_and_ends_it(
    browse: Browse, manager: SpaceMember, invitation: Invitation, outbox: Outbox
) -> None:
    client = browse()
    client.get(f"{link_to(outbox, MARC)}refuser/")
    assert "Boulangerie Martin" in text(client.get("/invitation/refuser/"))
    assert "Boulangerie Martin" in text(client.post("/invitation/refuser/"))
    invitation.refresh_from_db()
    assert invitation.state == InvitationState.REFUSED
    assert told("invitations.invitation.refused") == {manager.email}


def test_looking_writes_nothing(
    browse: Browse, manager: SpaceMember, invitation: Invitation, outbox: Outbox
) -> None:
    path = link_to(outbox, MARC)
    with CaptureQueriesContext(connection) as queries:
        for _ in range(5):
            browse().get(path, follow=True)
    written = [q["sql"] for q in queries if re.match(r"(INSERT|UPDATE|DELETE)", q["sql"])]
    assert written == []
    invitation.refresh_from_db()
    assert (invitation.state, invitation.opened_at) == (InvitationState.SENT, None)


# --- What stands against it


def test_it_is_accepted_once(manager: SpaceMember, invitation: Invitation) -> None:
    page = answer(invitation, person=somebody("Marc"))
    accept_as_person(**page)
    with pytest.raises(NotAnswerable):
        accept_as_person(**page)
    assert SpaceMember.objects.filter(email=MARC).count() == 1


def test_another_profile_than_the_page_showed_is_not_accepted(
    manager: SpaceMember, invitation: Invitation
) -> None:
    page = answer(invitation, person=somebody("Marc"))
    Invitation.objects.update(profile=SpaceProfile.MANAGER)
    with pytest.raises(ShownOtherwise):
        accept_as_person(**page)


@pytest.mark.parametrize("fate", ["demoted", "gone"])
def test_the_askers_right_is_asked_again(
    browse: Browse, manager: SpaceMember, invitation: Invitation, outbox: Outbox, fate: str
) -> None:
    path, zoe = link_to(outbox, MARC), joined(manager, "Zoé", SpaceProfile.MANAGER)
    if fate == "demoted":
        change_person_profile(actor=zoe, member=manager, profile=SpaceProfile.FULL)
    else:
        end_person(actor=zoe, member=manager)
    with pytest.raises(InviterMayNoLonger):
        accept_as_person(**answer(invitation, person=somebody("Marc")))
    page = browse().get(path, follow=True)
    assert page.status_code == 404
    assert "Demandez à l'un de ses gérants" in text(page)
    held = Invitation.objects.with_names().get()
    assert held.shown_state == InvitationState.ON_HOLD
    resend_to_person(actor=zoe, invitation=held)
    assert browse().get(link_to(outbox, MARC), follow=True).status_code == 200


def test_who_came_in_meanwhile_has_nothing_left_to_accept(
    browse: Browse, manager: SpaceMember, invitation: Invitation, outbox: Outbox
) -> None:
    """Invited at a second address of theirs."""
    from allauth.account.models import EmailAddress

    marc = joined(manager)
    EmailAddress.objects.create(user=marc.user, email=MARC, verified=True)
    page = browse().get(link_to(outbox, MARC), follow=True)
    assert page.status_code == 404
    assert page.context["because"] == "accepted"
    with pytest.raises(NothingLeftToOpen):
        accept_as_person(**answer(invitation, person=marc.user))


def test_only_the_hash_of_a_link_is_kept(
    manager: SpaceMember, invitation: Invitation, outbox: Outbox
) -> None:
    assert not InvitationToken.objects.exists(), "before the mail leaves there is none at all"
    token = link_to(outbox, MARC).split("/")[2]
    assert InvitationToken.objects.get().token_hash != token
