"""A wrong address put right in one step; whoever got the invitation before holds nothing."""

import pytest
from django.core.exceptions import PermissionDenied

from accounts.models import Membership, MemberState, Role
from activity.models import Event
from clients.models import Dossier
from invitations.actions.answering import Link, refuse_invitation
from invitations.actions.correcting import TheirOwnAddress, correct_address
from invitations.actions.handling import NotPending, note_failure, revoke_invitation
from invitations.actions.inviting import AlreadyInvited, AlreadyMember, invite_client, invite_member
from invitations.lookups import invitation_of
from invitations.models import Invitation, InvitationKind, InvitationState, InvitationToken, hashed
from tests.invitations.kinds import INVITED, KINDS, send
from tests.invitations.links import token_to
from tests.outbox import Outbox
from tests.worlds import World, make_dossier

WRONG, RIGHT = "wrong@client.test", "right@client.test"


@pytest.fixture
def invitation(firm: World) -> Invitation:
    return invite_client(actor=firm.admin, dossier=make_dossier(email=WRONG))


def test_it_goes_to_the_right_address_and_the_former_link_is_unknown(
    firm: World, invitation: Invitation, outbox: Outbox
) -> None:
    former = token_to(outbox, WRONG)
    note_failure(invitation_id=invitation.pk, generation=1, reason="550 User unknown")
    outbox.clear()
    correct_address(actor=firm.admin, invitation=invitation, email=" Right@Client.test")
    assert RIGHT in outbox.recipients()
    assert WRONG not in outbox.recipients()
    assert invitation_of(hashed(former)) == [], "not even that there was an invitation is told"
    assert invitation_of(hashed(token_to(outbox, RIGHT)))
    invitation.refresh_from_db()
    assert (invitation.state, invitation.email, invitation.failure) == (InvitationState.SENT, RIGHT, "")
    event = Event.objects.get(type="invitations.invitation.corrected")
    assert event.changes == {"email": [WRONG, RIGHT]}


def test_a_mail_that_waits_for_the_wrong_address_never_leaves(
    firm: World, invitation: Invitation, outbox: Outbox
) -> None:
    correct_address(actor=firm.admin, invitation=invitation, email=RIGHT)
    assert WRONG not in outbox.recipients()
    assert InvitationToken.objects.count() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_an_address_that_was_right_after_all_gets_it_again(
    kind: InvitationKind, lemoine: World, outbox: Outbox
) -> None:
    """Its mailbox was full: the page says that a mail is on its way."""
    sent = send(kind, lemoine)
    assert outbox.to(INVITED)
    outbox.clear()
    sent.act("correct", email=f" {INVITED.upper()}")
    assert outbox.recipients().count(INVITED) == 1
    assert sent.now().generation == 2


def test_the_client_file_gets_the_address_if_that_is_wanted(firm: World, invitation: Invitation) -> None:
    correct_address(actor=firm.admin, invitation=invitation, email=RIGHT)
    assert Dossier.objects.get().email == WRONG
    correct_address(actor=firm.admin, invitation=invitation, email=RIGHT, also_dossier=True)
    assert Dossier.objects.get().email == RIGHT


def test_a_colleagues_address_is_corrected_with_their_place(firm: World, outbox: Outbox) -> None:
    invited = invite_member(actor=firm.admin, email="nina@lemoine.test", role=Role.COLLABORATOR)
    correct_address(actor=firm.admin, invitation=invited, email="nina@autre.test")
    assert Membership.objects.get(state=MemberState.INVITED).email == "nina@autre.test"
    assert outbox.recipients() == ["nina@autre.test"]
    with pytest.raises(AlreadyMember):
        correct_address(actor=firm.admin, invitation=invited, email=firm.colleague.email)
    invite_member(actor=firm.admin, email="paul@autre.test", role=Role.COLLABORATOR)
    with pytest.raises(AlreadyInvited):
        correct_address(actor=firm.admin, invitation=invited, email="paul@autre.test")


def test_one_who_had_left_is_invited_at_their_own_address(firm: World) -> None:
    Membership.objects.filter(pk=firm.colleague.pk).update(state=MemberState.TERMINATED)
    invited = invite_member(actor=firm.admin, email=firm.colleague.email, role=Role.COLLABORATOR)
    with pytest.raises(TheirOwnAddress):
        correct_address(actor=firm.admin, invitation=invited, email="somebody@else.test")


def test_an_answered_or_revoked_one_is_not_corrected(firm: World, invitation: Invitation) -> None:
    refuse_invitation(link=Link(invitation.pk, 1))
    with pytest.raises(NotPending):
        correct_address(actor=firm.admin, invitation=invitation, email=RIGHT)
    again = invite_client(actor=firm.admin, dossier=Dossier.objects.get())
    revoke_invitation(actor=firm.admin, invitation=again)
    with pytest.raises(NotPending):
        correct_address(actor=firm.admin, invitation=again, email=RIGHT)


def test_who_may_not_invite_corrects_none(firm: World, invitation: Invitation) -> None:
    with pytest.raises(PermissionDenied):
        correct_address(actor=firm.collaborator, invitation=invitation, email=RIGHT)
