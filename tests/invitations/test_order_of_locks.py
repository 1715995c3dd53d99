"""Two actions on the same invitation, client file or space wait for each other and never in a ring; whoever has waited
is asked for their right then (docs/decisions/0026-the-order-of-locks.md)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from accounts.models import Membership, MemberState, Role, User
from accounts.terms import current_terms
from clients.actions.departing import complete_departure
from clients.actions.dossiers import update_dossier
from clients.actions.locking import keep_details
from clients.actions.people import end_person
from clients.actions.space import NotTheirSpace, edit_space_details
from clients.models import ClientSpace, Dossier, LinkRight, SpaceLink, SpaceMember, SpaceProfile
from invitations.actions.answering import (
    InviterMayNoLonger,
    Link,
    accept_as_client,
    accept_as_member,
    accept_as_person,
    fingerprint,
)
from invitations.actions.asking import correct_asked, invite_firm, resend_asked, revoke_asked
from invitations.actions.correcting import correct_address
from invitations.actions.drafting import (
    discard_draft,
    prepare_clients,
    prepare_invitation,
    send_draft,
    send_drafts,
)
from invitations.actions.following import asked, decline_client, follow_client, hand_back
from invitations.actions.handling import (
    resend_invitation,
    resend_invitations,
    revoke_invitation,
    revoke_invitations,
)
from invitations.actions.inviting import invite_client, invite_clients, invite_member
from invitations.actions.letters import confirm_letter, decline_letter, print_letters, revoke_letter
from invitations.actions.people import correct_person, invite_person, resend_to_person, revoke_person
from invitations.models import Invitation, InvitationState, Letter, LetterState
from tenancy.keys import uuid7
from tenancy.scopes import scope
from tests import worlds
from tests.invitations.asked import ask, followed_by, make_client, receive
from tests.meeting import Act, Pair, come_meanwhile, come_through, in_firm, in_space, within
from tests.worlds import World, make_dossier, make_member, make_person, make_portfolio

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(db: None) -> World:
    return worlds.make_firm("Cabinet Lemoine", "732829320")


def shown(invitation: Invitation) -> dict[str, Any]:
    """What its page posts."""
    found = Invitation.objects.with_names().get(pk=invitation.pk)
    return {"link": Link(found.pk, found.generation), "shown": fingerprint(found, current_terms())}


# --- who meets whom


def invited(world: World) -> tuple[Dossier, Invitation, User]:
    """A client whom the firm has invited, and who has an account."""
    person = make_person(f"{uuid7()}@client.test", first_name="Claire", last_name="Aubry")
    with scope(firm=world.firm):
        dossier = make_dossier(email=person.email)
        return dossier, invite_client(actor=world.admin, dossier=dossier), person


def accepts(world: World) -> tuple[Dossier, Invitation, Act]:
    dossier, invitation, person = invited(world)
    with scope(firm=world.firm):
        page = shown(invitation)
    return dossier, invitation, in_firm(world, accept_as_client, person=person, **page)


def client_accepts_as_they_are_invited_anew(world: World) -> Pair:
    dossier, _invitation, accept = accepts(world)
    again = in_firm(world, invite_client, actor=world.admin, dossier=dossier, email="b@client.test")
    return accept, again


def client_accepts_as_many_are_invited(world: World) -> Pair:
    _dossier, _invitation, accept = accepts(world)
    return accept, in_firm(world, invite_clients, actor=world.admin, dossiers=Dossier.objects.all())


def client_accepts_as_the_address_is_corrected(world: World) -> Pair:
    _dossier, invitation, accept = accepts(world)
    chosen = {"invitation": invitation, "email": "b@client.test", "also_dossier": True}
    return accept, in_firm(world, correct_address, actor=world.admin, **chosen)


def address_is_corrected_as_the_client_is_invited_anew(world: World) -> Pair:
    dossier, invitation, _person = invited(world)
    chosen = {"invitation": invitation, "email": "b@client.test", "also_dossier": True}
    return (
        in_firm(world, correct_address, actor=world.admin, **chosen),
        in_firm(world, invite_client, actor=world.admin, dossier=dossier, email="c@client.test"),
    )


def client_accepts_as_the_letter_is_confirmed(world: World) -> Pair:
    dossier, _invitation, accept = accepts(world)
    with scope(firm=world.firm):
        letter = answered_letter(world, dossier)
    return accept, in_firm(world, confirm_letter, actor=world.admin, letter=letter)


def answered_letter(world: World, dossier: Dossier) -> Letter:
    _writing, drawn = print_letters(actor=world.admin, dossiers=Dossier.objects.filter(pk=dossier.pk))
    letter = drawn[0][0]
    Letter.objects.filter(pk=letter.pk).update(state=LetterState.PROVEN, email="d@client.test")
    letter.refresh_from_db()
    return letter


def client_enters_their_own_space_and_edits_it(world: World) -> Pair:
    """Two firms: the one follows the space already, the other invites its manager."""
    _dossier, invitation, person = invited(world)
    client = make_client(f"{uuid7()}@client.test")
    with scope(space=client.space_id):
        member = SpaceMember.objects.create(user=person, email=person.email)
    followed_by(client, world.admin, email="cabinet@lemoine.test")
    with scope(firm=world.firm):
        page = {**shown(invitation), "person": person, "space_id": client.space_id}
    edit = in_space(member, edit_space_details, space=client.space, values={"phone": str(uuid7())[:20]})
    return in_firm(world, accept_as_client, **page), edit


def person_comes_as_their_invitation_is_corrected(world: World) -> Pair:
    client = make_client(f"{uuid7()}@client.test")
    marc = make_person(f"{uuid7()}@client.test", first_name="Marc", last_name="Petit")
    with scope(space=client.space_id):
        invitation = invite_person(actor=client, email=marc.email, profile=SpaceProfile.FULL)
        page = shown(invitation)
    accept = within({"space": client.space_id}, accept_as_person, person=marc, **page)
    return accept, in_space(client, correct_person, invitation=invitation, email="b@client.test")


def firm_answers_as_the_client_withdraws(world: World) -> Pair:
    client = make_client(f"{uuid7()}@client.test")
    invitation = receive(ask(client), world.admin)
    with scope(firm=world.firm):
        received = Invitation.objects.get(pk=invitation.pk)
        page = {"invitation": received, "shown": asked(received).mark}
    follow = in_firm(world, follow_client, actor=world.admin, **page)
    return follow, in_space(client, revoke_asked, invitation=invitation)


def firm_answers_as_the_client_edits(world: World) -> Pair:
    client = make_client(f"{uuid7()}@client.test")
    invitation = receive(ask(client), world.admin)
    with scope(firm=world.firm):
        received = Invitation.objects.get(pk=invitation.pk)
        page = {"invitation": received, "shown": asked(received).mark}
    follow = in_firm(world, follow_client, actor=world.admin, **page)
    return follow, in_space(client, edit_space_details, space=client.space, values={"legal_name": "B"})


def client_edits_as_the_firm_keeps(world: World) -> Pair:
    client = make_client(f"{uuid7()}@client.test")
    link = followed_by(client, world.admin)
    with scope(firm=world.firm):
        dossier = Dossier.objects.get(pk=link.dossier_id)
    edit = in_space(client, edit_space_details, space=client.space, values={"phone": "01 02 03 04 05"})
    keeps = {"dossier": dossier, "fields": ["phone"], "reason": ""}
    return edit, in_firm(world, keep_details, actor=world.admin, **keeps)


def client_edits_as_the_firm_does(world: World) -> Pair:
    edit, _keep = client_edits_as_the_firm_keeps(world)
    with scope(firm=world.firm):
        dossier = Dossier.objects.latest("pk")
    return edit, in_firm(
        world, update_dossier, actor=world.admin, dossier=dossier, values={"phone": "04 72 00 00 00"}
    )


def colleague_joins_as_their_inviter_leaves(world: World) -> Pair:
    """What the invitation offers is given in the inviter's name."""
    nina = make_person(f"{uuid7()}@lemoine.test", first_name="Nina", last_name="Roy")
    with scope(firm=world.firm):
        alain = make_member(world.firm, f"Alain {uuid7()}", role=Role.ADMIN)
        chosen = [make_portfolio(str(uuid7())).pk]
        offer = invite_member(actor=alain, email=nina.email, role=Role.COLLABORATOR, portfolios=chosen)
        page = {**shown(offer), "person": nina}
    leaves = {"member": alain, "takers": {}, "revoke": {"invitations": [offer.pk]}}
    return (
        in_firm(world, accept_as_member, **page),
        in_firm(world, complete_departure, actor=world.admin, **leaves),
    )


def one_sends_all_again_as_they_leave(world: World) -> Pair:
    """Of two invitations, the one that somebody else has sent would now lean on the place that ends."""
    with scope(firm=world.firm):
        Invitation.objects.all().delete()
        alain = make_member(world.firm, f"Alain {uuid7()}", role=Role.ADMIN)
        sent = [
            invite_client(actor=actor, dossier=make_dossier(email=f"{uuid7()}@client.test"))
            for actor in (alain, world.admin)
        ]
    leaves = {"member": alain, "takers": {}, "revoke": {"invitations": [sent[0].pk]}}
    return (
        in_firm(world, resend_invitations, actor=alain, invitations=Invitation.objects.all()),
        in_firm(world, complete_departure, actor=world.admin, **leaves),
    )


MEETINGS = [
    client_accepts_as_they_are_invited_anew,
    client_accepts_as_many_are_invited,
    client_accepts_as_the_address_is_corrected,
    address_is_corrected_as_the_client_is_invited_anew,
    client_accepts_as_the_letter_is_confirmed,
    client_enters_their_own_space_and_edits_it,
    person_comes_as_their_invitation_is_corrected,
    firm_answers_as_the_client_withdraws,
    firm_answers_as_the_client_edits,
    client_edits_as_the_firm_keeps,
    client_edits_as_the_firm_does,
    colleague_joins_as_their_inviter_leaves,
    one_sends_all_again_as_they_leave,
]


@pytest.mark.parametrize("turned", [False, True], ids=["as_told", "turned"])
@pytest.mark.parametrize("pair", MEETINGS, ids=lambda pair: pair.__name__)
def test_those_who_meet_wait_and_come_through(
    world: World, pair: Callable[[World], Pair], turned: bool
) -> None:
    """One after the other, wherever they meet: what the second finds changed it says in words, and no deadlock."""
    come_through(lambda: pair(world), turned=turned)


# --- the right, asked once what it is about is held


@contextmanager
def all_held(world: World) -> Iterator[None]:
    """Somebody is at work on every client file, letter and invitation of the firm, and on the places that wait."""
    with scope(firm=world.firm):
        places = Membership.objects.filter(state=MemberState.INVITED)
        for rows in (Dossier.objects.all(), places, SpaceLink.objects.all(), Letter.objects.all()):
            list(rows.order_by("pk").select_for_update(no_key=True, of=("self",)))
        list(Invitation.objects.order_by("pk").select_for_update(no_key=True, of=("self",)))
        yield


@contextmanager
def space_held(client: SpaceMember) -> Iterator[None]:
    """Somebody is at work in the client's space."""
    with scope(space=client.space_id):
        list(ClientSpace.objects.select_for_update(no_key=True))
        yield


def no_administrator(world: World, member: Membership) -> Act:
    """What happens meanwhile: they are an administrator no more."""

    def take() -> None:
        with scope(firm=world.firm):
            Membership.objects.filter(pk=member.pk).update(role=Role.COLLABORATOR)

    return take


def no_manager(client: SpaceMember) -> Act:
    def take() -> None:
        with scope(space=client.space_id):
            SpaceMember.objects.filter(pk=client.pk).update(profile=SpaceProfile.FULL)

    return take


def draft_of(world: World) -> Invitation:
    return prepare_invitation(actor=world.admin, dossier=make_dossier(email=f"{uuid7()}@client.test"))


def of_invitation(act: Callable[..., object], **more: Any) -> Callable[[World], dict[str, Any]]:
    return lambda world: {"act": act, "invitation": invited(world)[1], **more}


def of_draft(act: Callable[..., object]) -> Callable[[World], dict[str, Any]]:
    return lambda world: {"act": act, "invitation": draft_of(world)}


def of_letter(act: Callable[..., object]) -> Callable[[World], dict[str, Any]]:
    return lambda world: {"act": act, "letter": answered_letter(world, make_dossier())}


def of_dossier(act: Callable[..., object], **more: Any) -> Callable[[World], dict[str, Any]]:
    return lambda world: {"act": act, "dossier": make_dossier(email=f"{uuid7()}@client.test"), **more}


def of_place(world: World) -> dict[str, Any]:
    """A colleague whose invitation was revoked, invited anew."""
    email = f"{uuid7()}@lemoine.test"
    first = invite_member(actor=world.admin, email=email, role=Role.COLLABORATOR)
    Invitation.objects.filter(pk=first.pk).update(state=InvitationState.REVOKED)
    return {"act": invite_member, "email": email, "role": Role.COLLABORATOR}


def of_client(world: World) -> dict[str, Any]:
    link = followed_by(make_client(f"{uuid7()}@client.test"), world.admin)
    dossier = Dossier.objects.get(pk=link.dossier_id)
    return {"act": keep_details, "dossier": dossier, "fields": ["phone"], "reason": ""}


def printed_letter(world: World) -> dict[str, Any]:
    _writing, drawn = print_letters(actor=world.admin, dossiers=Dossier.objects.filter(pk=make_dossier().pk))
    return {"act": revoke_letter, "letter": drawn[0][0]}


BY_THE_FIRM = {
    "a client is invited": of_dossier(invite_client),
    "an invitation is prepared": of_dossier(prepare_invitation),
    "a draft is sent": of_draft(send_draft),
    "a draft is deleted": of_draft(discard_draft),
    "an invitation is sent again": of_invitation(resend_invitation),
    "its address is corrected": of_invitation(correct_address, email="b@client.test"),
    "it is revoked": of_invitation(revoke_invitation),
    "a colleague is invited": of_place,
    "a letter is confirmed": of_letter(confirm_letter),
    "a letter is declined": of_letter(decline_letter),
    "a letter is made void": printed_letter,
    "details are kept": of_client,
}


@pytest.mark.parametrize("what", BY_THE_FIRM)
def test_a_right_that_is_lost_while_one_waits_is_refused(world: World, what: str) -> None:
    with scope(firm=world.firm):
        chosen = BY_THE_FIRM[what](world)
    act = in_firm(world, chosen.pop("act"), actor=world.admin, **chosen)
    error = come_meanwhile(all_held(world), act, then=no_administrator(world, world.admin))
    assert isinstance(error, PermissionDenied), error


MANY: dict[str, tuple[Callable[..., object], str]] = {
    "clients invited": (invite_clients, "dossiers"),
    "drafts prepared": (prepare_clients, "dossiers"),
    "letters printed": (print_letters, "dossiers"),
    "drafts sent": (send_drafts, "invitations"),
    "invitations sent again": (resend_invitations, "invitations"),
    "invitations revoked": (revoke_invitations, "invitations"),
}


@pytest.mark.parametrize("what", MANY)
def test_of_many_none_is_done_by_who_lost_the_right_while_they_waited(world: World, what: str) -> None:
    """Refused, or left out as those are that one may not handle."""
    act, of = MANY[what]
    with scope(firm=world.firm):
        invite_client(actor=world.admin, dossier=make_dossier(email="a@client.test"))
        draft_of(world)
        make_dossier("Sans invitation", email="b@client.test")
    before = standing(world)
    chosen = {of: (Dossier if of == "dossiers" else Invitation).objects.all()}
    many = in_firm(world, act, actor=world.admin, **chosen)
    error = come_meanwhile(all_held(world), many, then=no_administrator(world, world.admin))
    assert error is None or isinstance(error, PermissionDenied), error
    assert standing(world) == before


def standing(world: World) -> list[tuple[Any, ...]]:
    """The firm's invitations and letters, as they stand."""
    with scope(firm=world.firm):
        sent = Invitation.objects.order_by("pk").values_list("pk", "state", "generation", "email")
        return [*sent, *Letter.objects.order_by("pk").values_list("pk", "state")]


BY_THE_CLIENT: dict[str, tuple[Callable[..., object], bool, dict[str, Any]]] = {
    "a firm is asked": (invite_firm, False, {"email": "autre@cabinet.test", "right": LinkRight.READ}),
    "a firm is asked again": (resend_asked, True, {}),
    "the firm's address is corrected": (correct_asked, True, {"email": "autre@cabinet.test"}),
    "the request is withdrawn": (revoke_asked, True, {}),
    "a person is invited": (invite_person, False, {"email": "b@c.test", "profile": SpaceProfile.READER}),
    "a person is invited again": (resend_to_person, True, {}),
    "the person's address is corrected": (correct_person, True, {"email": "b@client.test"}),
    "the person's invitation is revoked": (revoke_person, True, {}),
}


@pytest.mark.parametrize("what", BY_THE_CLIENT)
def test_a_profile_that_is_lost_while_one_waits_allows_nothing(db: None, what: str) -> None:
    act, is_about_one, more = BY_THE_CLIENT[what]
    client = make_client()
    if is_about_one and act in (resend_to_person, correct_person, revoke_person):
        with scope(space=client.space_id):
            person: dict[str, Any] = {"email": "marc@client.test", "profile": SpaceProfile.READER}
            more = {**more, "invitation": invite_person(actor=client, **person)}
    elif is_about_one:
        more = {**more, "invitation": ask(client)}
    error = come_meanwhile(space_held(client), in_space(client, act, **more), then=no_manager(client))
    assert isinstance(error, PermissionDenied), error


@pytest.mark.parametrize("answer", [follow_client, decline_client, hand_back], ids=lambda one: one.__name__)
def test_who_answers_for_the_firm_no_more_answers_no_client(
    world: World, answer: Callable[..., object]
) -> None:
    client = make_client()
    invitation = receive(ask(client), world.colleague)  # whoever received it may always answer: not she
    with scope(firm=world.firm):
        received = Invitation.objects.get(pk=invitation.pk)
        page = {
            "invitation": received,
            **({"shown": asked(received).mark} if answer is follow_client else {}),
        }
    act = in_firm(world, answer, actor=world.admin, **page)
    error = come_meanwhile(space_held(client), act, then=no_administrator(world, world.admin))
    assert isinstance(error, PermissionDenied), error


def test_whose_inviter_lost_the_right_while_they_waited_comes_into_nothing(world: World) -> None:
    _dossier, _invitation, client_accepts = accepts(world)
    nina = make_person("nina@lemoine.test", first_name="Nina", last_name="Roy")
    with scope(firm=world.firm):
        member = invite_member(actor=world.admin, email=nina.email, role=Role.COLLABORATOR)
        colleague_accepts = in_firm(world, accept_as_member, person=nina, **shown(member))
    for accept in (client_accepts, colleague_accepts):
        with scope(firm=world.firm):
            Membership.objects.filter(pk=world.admin.pk).update(role=Role.ADMIN)
        error = come_meanwhile(all_held(world), accept, then=no_administrator(world, world.admin))
        assert isinstance(error, InviterMayNoLonger), error


def test_whom_a_manager_invited_who_is_none_any_more_comes_into_no_space(db: None) -> None:
    client, marc = make_client(), make_person("marc@client.test", first_name="Marc", last_name="Petit")
    with scope(space=client.space_id):
        person = invite_person(actor=client, email=marc.email, profile=SpaceProfile.FULL)
        page = {**shown(person), "person": marc}
    accept = within({"space": client.space_id}, accept_as_person, **page)
    error = come_meanwhile(space_held(client), accept, then=no_manager(client))
    assert isinstance(error, InviterMayNoLonger), error


def test_whoever_is_put_out_of_a_space_while_they_wait_ties_nothing_to_it(world: World) -> None:
    _dossier, invitation, person = invited(world)
    client = make_client()
    with scope(space=client.space_id):
        member = SpaceMember.objects.create(user=person, email=person.email)
    with scope(firm=world.firm):
        page = {**shown(invitation), "person": person, "space_id": client.space_id}
    enter = in_firm(world, accept_as_client, **page)
    error = come_meanwhile(space_held(client), enter, then=in_space(client, end_person, member=member))
    assert isinstance(error, NotTheirSpace), error
