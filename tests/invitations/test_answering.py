"""What acceptance makes of an invitation, and what stands against it."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone

from accounts.models import Membership, MemberState, Role, TermsAcceptance, User
from accounts.newcomers import AddressTaken, Newcomer
from accounts.terms import current_terms
from activity.models import Event, Notification
from clients.lookups import spaces_of
from clients.models import ClientSpace, Dossier, SpaceLink, SpaceMember
from invitations.actions.answering import (
    InviterMayNoLonger,
    Link,
    NotAnswerable,
    NothingLeftToOpen,
    ShownOtherwise,
    WrongAccount,
    accept_as_client,
    accept_as_member,
    ask_for_link,
    fingerprint,
    open_invitation,
    refuse_invitation,
)
from invitations.actions.handling import resend_invitation, revoke_invitation
from invitations.actions.inviting import invite_client, invite_member
from invitations.actions.letters import print_letters
from invitations.models import Invitation, InvitationState, Letter, LetterState
from tenancy.scopes import scope
from tests.outbox import Outbox
from tests.worlds import PASSWORD, World, make_dossier, make_person

CLAIRE = "claire@boulangerie.test"


@pytest.fixture
def invitation(firm: World) -> Invitation:
    return invite_client(actor=firm.admin, dossier=make_dossier(email=CLAIRE))


@pytest.fixture
def for_nina(firm: World) -> Invitation:
    return invite_member(actor=firm.admin, email="nina@lemoine.test", role=Role.COLLABORATOR)


def somebody(name: str = "Claire") -> Newcomer:
    return Newcomer(first_name=name, last_name="Aubry", password=PASSWORD)


def answer(invitation: Invitation, **changes: Any) -> dict[str, Any]:
    """What the page of this invitation posts, were it filled in now."""
    invitation = Invitation.objects.with_names().get(pk=invitation.pk)
    return {
        "link": Link(invitation.pk, invitation.generation),
        "shown": fingerprint(invitation, current_terms()),
        "person": somebody(),
        **changes,
    }


def types() -> list[str]:
    return list(Event.objects.filter(firm__isnull=False).order_by("id").values_list("type", flat=True))


def test_a_new_client_gets_an_account_a_space_and_the_link_to_the_dossier(
    firm: World, invitation: Invitation
) -> None:
    person, link = accept_as_client(**answer(invitation))
    assert person.check_password(PASSWORD)
    assert EmailAddress.objects.get(user=person).verified
    assert TermsAcceptance.objects.get().user == person
    assert link.dossier == invitation.dossier
    invitation.refresh_from_db()
    assert (invitation.state, invitation.accepted_by) == (InvitationState.ACCEPTED, person)
    assert types() == ["invitations.client.invited", "invitations.client.joined"]
    with scope(space=link.space_id):
        member = SpaceMember.objects.get()
        assert (member.name, member.profile) == ("Claire Aubry", "manager")
        assert Event.objects.get().type == "clients.space.followed"


def test_the_firm_is_told_and_the_client_gets_no_mail_about_it(
    firm: World, invitation: Invitation, outbox: Outbox
) -> None:
    outbox.clear()
    accept_as_client(**answer(invitation))
    assert outbox.recipients() == [firm.admin.email]


def test_a_letter_that_was_printed_for_them_waits_for_nobody_any_more(
    firm: World, invitation: Invitation
) -> None:
    """Answered, it would go on being counted as one that the firm has to confirm."""
    other = make_dossier("Autre")
    print_letters(actor=firm.admin, dossiers=Dossier.objects.all())
    Letter.objects.update(state=LetterState.PROVEN)
    accept_as_client(**answer(invitation))
    assert Letter.objects.to_confirm().get().dossier == other
    assert Letter.objects.get(dossier=invitation.dossier).state == LetterState.REVOKED
    assert Event.objects.get(type="invitations.letter.revoked").actor_name == "Claire Aubry"


def test_a_new_colleague_takes_the_place_with_the_role_of_the_invitation(
    firm: World, for_nina: Invitation
) -> None:
    member = accept_as_member(**answer(for_nina, person=somebody("Nina")))
    assert (member.name, member.role, member.state) == ("Nina Aubry", Role.COLLABORATOR, MemberState.CREATED)
    assert member.user is not None
    assert types()[-1] == "invitations.member.joined"
    assert {n.address for n in Notification.objects.filter(event__type=types()[-1])} == {firm.admin.email}


def test_it_is_accepted_once(firm: World, invitation: Invitation) -> None:
    page = answer(invitation)
    accept_as_client(**page)
    with pytest.raises(NotAnswerable):
        accept_as_client(**page)
    assert SpaceLink.objects.count() == 1


def test_an_account_is_used_only_by_its_owner(firm: World, invitation: Invitation) -> None:
    claire, other = make_person(CLAIRE), make_person("other@ailleurs.test")
    with pytest.raises(WrongAccount):
        accept_as_client(**answer(invitation, person=other))
    with pytest.raises(AddressTaken):
        accept_as_client(**answer(invitation))
    person, _link = accept_as_client(**answer(invitation, person=claire))
    assert person == claire
    assert User.objects.filter(email=CLAIRE).count() == 1


def test_an_account_that_nobody_confirmed_becomes_the_one_of_who_holds_the_link(
    firm: World, invitation: Invitation
) -> None:
    squatter = User.objects.create_user(CLAIRE, "le mot de passe du squatteur")
    EmailAddress.objects.create(user=squatter, email=CLAIRE, verified=False, primary=True)
    person, _link = accept_as_client(**answer(invitation))
    assert person == squatter
    assert person.check_password(PASSWORD)


def test_a_client_of_two_firms_may_keep_their_one_space(
    lemoine: World, bertrand: World, outbox: Outbox
) -> None:
    claire = make_person(CLAIRE, first_name="Claire")
    for world in (lemoine, bertrand):
        with scope(firm=world.firm):
            invitation = invite_client(actor=world.admin, dossier=make_dossier(email=CLAIRE))
            mine = [row["space_id"] for row in spaces_of(claire.pk)]
            accept_as_client(**answer(invitation, person=claire, space_id=mine[0] if mine else None))
    (space,) = spaces_of(claire.pk)
    with scope(space=space["space_id"]):
        assert SpaceLink.objects.count() == 2
        assert ClientSpace.objects.count() == 1


def test_nobody_else_comes_in_by_a_second_invitation(firm: World, invitation: Invitation) -> None:
    dossier = Dossier.objects.get()
    second = Invitation.objects.create(
        kind="client", dossier=dossier, email="b@client.test", invited_by=firm.admin
    )
    accept_as_client(**answer(invitation))
    with pytest.raises(NothingLeftToOpen):
        accept_as_client(**answer(second))
    assert not User.objects.filter(email="b@client.test").exists(), "nothing of it is kept"


def test_an_expired_a_revoked_and_a_superseded_link_open_nothing(firm: World, invitation: Invitation) -> None:
    page = answer(invitation)
    resend_invitation(actor=firm.admin, invitation=invitation)
    with pytest.raises(NotAnswerable):
        accept_as_client(**page)
    page = answer(invitation)
    Invitation.objects.update(expires_at=timezone.now())
    with pytest.raises(NotAnswerable):
        accept_as_client(**page)
    resend_invitation(actor=firm.admin, invitation=invitation)
    page = answer(invitation)
    revoke_invitation(actor=firm.admin, invitation=invitation)
    with pytest.raises(NotAnswerable):
        accept_as_client(**page)
    assert not SpaceLink.objects.exists()


@pytest.mark.parametrize("change", ["dossier", "firm", "terms"])
def test_what_is_accepted_is_what_was_shown(firm: World, invitation: Invitation, change: str) -> None:
    page = answer(invitation)
    if change == "dossier":
        Dossier.objects.update(legal_name="Autre chose")
    elif change == "firm":
        firm.firm.name = "Autre cabinet"
        firm.firm.save()
    else:
        page["shown"] = fingerprint(
            Invitation.objects.with_names().get(), type(current_terms())(version="an older one")
        )
    with pytest.raises(ShownOtherwise):
        accept_as_client(**page)
    assert not SpaceLink.objects.exists()


def test_a_role_that_changed_meanwhile_is_shown_again_first(firm: World, for_nina: Invitation) -> None:
    page = answer(for_nina)
    Invitation.objects.update(role=Role.ADMIN)
    with pytest.raises(ShownOtherwise):
        accept_as_member(**page)


def test_the_inviters_right_is_asked_again(firm: World, invitation: Invitation, for_nina: Invitation) -> None:
    Membership.objects.filter(pk=firm.admin.pk).update(role=Role.COLLABORATOR)
    with pytest.raises(InviterMayNoLonger):
        accept_as_client(**answer(invitation))
    with pytest.raises(InviterMayNoLonger):
        accept_as_member(**answer(for_nina))
    with pytest.raises(InviterMayNoLonger):
        ask_for_link(link=Link(invitation.pk, 1))
    assert Invitation.objects.pending().count() == 2, "another administrator may send them again"


def test_opening_is_noted_once(firm: World, invitation: Invitation) -> None:
    for _ in range(3):
        open_invitation(link=Link(invitation.pk, 1))
    invitation.refresh_from_db()
    assert invitation.state == InvitationState.OPENED
    assert types().count("invitations.invitation.opened") == 1


def test_not_for_me_tells_the_firm_and_makes_the_link_void(
    firm: World, invitation: Invitation, for_nina: Invitation, outbox: Outbox
) -> None:
    outbox.clear()
    page = answer(invitation)
    refuse_invitation(link=page["link"])
    refuse_invitation(link=Link(for_nina.pk, 1))
    with pytest.raises(NotAnswerable):
        accept_as_client(**page)
    assert outbox.recipients() == [firm.admin.email], "one mail for what belongs together"
    assert Membership.objects.get(email="nina@lemoine.test").state == MemberState.TERMINATED


def test_an_expired_link_brings_a_new_one_to_the_same_address(
    firm: World, invitation: Invitation, outbox: Outbox
) -> None:
    outbox.clear()
    Invitation.objects.update(expires_at=timezone.now())
    ask_for_link(link=Link(invitation.pk, 1))
    invitation.refresh_from_db()
    assert invitation.is_open
    assert invitation.generation == 2
    assert outbox.recipients() == [CLAIRE]


def test_a_superseded_link_brings_the_newest_one_without_a_new_deadline(
    firm: World, invitation: Invitation, outbox: Outbox
) -> None:
    resend_invitation(actor=firm.admin, invitation=invitation)
    invitation.refresh_from_db()
    outbox.clear()
    ask_for_link(link=Link(invitation.pk, 1))
    again = Invitation.objects.get()
    assert (again.generation, again.expires_at) == (2, invitation.expires_at)
    assert outbox.recipients() == [CLAIRE]
