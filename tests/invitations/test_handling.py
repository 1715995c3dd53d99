"""Sending again and revoking, one and many; and what the list of dossiers shows."""

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import Membership, MemberState, Role
from activity.models import Event
from clients.columns import STATE_FILTERS, client_states
from clients.models import Dossier
from invitations.actions.answering import Link, refuse_invitation
from invitations.actions.handling import (
    NotPending,
    resend_invitation,
    resend_invitations,
    revoke_invitation,
    revoke_invitations,
)
from invitations.actions.inviting import invite_client, invite_member
from invitations.models import Invitation, InvitationState
from invitations.summary import waiting_counts
from portfolios.actions import grant_portfolio
from tests.invitations.links import token_to
from tests.outbox import Outbox
from tests.worlds import World, make_dossier, make_portfolio


@pytest.fixture
def invitation(firm: World) -> Invitation:
    return invite_client(actor=firm.admin, dossier=make_dossier(email="c@client.test"))


def test_sending_again_renews_the_deadline_and_answers_for_it(
    firm: World, invitation: Invitation, outbox: Outbox
) -> None:
    first = token_to(outbox, "c@client.test")
    Invitation.objects.update(expires_at=timezone.now())
    Membership.objects.filter(pk=firm.colleague.pk).update(role=Role.ADMIN)
    firm.colleague.refresh_from_db()
    resend_invitation(actor=firm.colleague, invitation=invitation)
    invitation.refresh_from_db()
    assert invitation.is_open
    assert invitation.invited_by == firm.colleague
    assert token_to(outbox, "c@client.test") != first


def test_who_may_not_invite_handles_none(firm: World, invitation: Invitation) -> None:
    for action in (resend_invitation, revoke_invitation):
        with pytest.raises(PermissionDenied):
            action(actor=firm.collaborator, invitation=invitation)
    assert resend_invitations(actor=firm.collaborator, invitations=Invitation.objects.all()) == 0


def test_an_answered_invitation_is_handled_no_more(firm: World, invitation: Invitation) -> None:
    refuse_invitation(link=Link(invitation.pk, 1))
    for action in (resend_invitation, revoke_invitation):
        with pytest.raises(NotPending):
            action(actor=firm.admin, invitation=invitation)
    assert revoke_invitations(actor=firm.admin, invitations=Invitation.objects.all()) == 0


def test_many_are_sent_again_and_revoked_with_one_event_each_and_one_for_the_group(
    firm: World, invitation: Invitation, outbox: Outbox
) -> None:
    invite_member(actor=firm.admin, email="nina@lemoine.test", role=Role.COLLABORATOR)
    outbox.clear()
    assert resend_invitations(actor=firm.admin, invitations=Invitation.objects.all()) == 2
    assert outbox.recipients() == ["c@client.test", "nina@lemoine.test"]
    assert revoke_invitations(actor=firm.admin, invitations=Invitation.objects.all()) == 2
    types = list(Event.objects.values_list("type", flat=True))
    assert types.count("invitations.invitation.resent") == 2
    assert types.count("invitations.invitation.revoked") == 2
    assert types.count("invitations.invitations.revoked") == 1
    assert Membership.objects.get(email="nina@lemoine.test").state == MemberState.TERMINATED


def test_a_revoked_invitations_waiting_mail_never_leaves(
    firm: World, invitation: Invitation, outbox: Outbox
) -> None:
    revoke_invitation(actor=firm.admin, invitation=invitation)
    assert outbox.recipients() == []


def test_a_member_sees_the_invitations_of_their_dossiers_only(firm: World, invitation: Invitation) -> None:
    portfolio = make_portfolio()
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    mine = invite_client(
        actor=firm.admin, dossier=make_dossier("Mine", email="m@client.test", portfolio=portfolio)
    )
    invite_member(actor=firm.admin, email="nina@lemoine.test", role=Role.COLLABORATOR)
    assert list(Invitation.objects.visible_to(firm.collaborator)) == [mine]
    assert Invitation.objects.visible_to(firm.admin).count() == 3
    assert not Invitation.objects.manageable_by(firm.collaborator).exists()


def test_the_dossiers_show_their_latest_invitation_and_can_be_narrowed_down_to_it(firm: World) -> None:
    never, sent, expired = (make_dossier(name, email=f"{name}@client.test") for name in ("a", "b", "c"))
    invite_client(actor=firm.admin, dossier=sent)
    revoke_invitation(actor=firm.admin, invitation=invite_client(actor=firm.admin, dossier=expired))
    late = invite_client(actor=firm.admin, dossier=expired)
    Invitation.objects.filter(pk=late.pk).update(expires_at=timezone.now())
    keys = [never.pk, sent.pk, expired.pk]
    assert client_states(keys) == {sent.pk: InvitationState.SENT, expired.pk: InvitationState.EXPIRED}
    for state, dossier in [("sent", sent), ("expired", expired), ("none", never)]:
        assert list(Dossier.objects.filter(STATE_FILTERS[state].condition())) == [dossier], state
    assert waiting_counts(firm.admin) == {"pending": 1, "expired": 1, "failed": 0, "on_hold": 0}
