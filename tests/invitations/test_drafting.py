"""Drafts: kept, changed, sent, deleted; nothing leaves of them, and no link exists."""

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from activity.models import Event, OutgoingEmail
from clients.models import Dossier
from invitations.actions.drafting import (
    NoDraft,
    discard_draft,
    discard_drafts,
    prepare_clients,
    prepare_invitation,
    send_draft,
    send_drafts,
)
from invitations.actions.handling import revoke_invitation
from invitations.actions.inviting import (
    AlreadyActive,
    AlreadyInvited,
    Skip,
    invite_client,
    invite_clients,
)
from invitations.models import Invitation, InvitationState, InvitationToken
from tests.invitations.test_inviting import activate
from tests.outbox import Outbox
from tests.worlds import World, make_dossier


def types() -> list[str]:
    return list(Event.objects.order_by("id").values_list("type", flat=True))


@pytest.fixture
def draft(firm: World) -> Invitation:
    dossier = make_dossier(email="c@client.test")
    return prepare_invitation(actor=firm.admin, dossier=dossier, language="en")


def test_a_draft_leaves_no_mail_and_no_link(firm: World, draft: Invitation, outbox: Outbox) -> None:
    assert draft.state == InvitationState.DRAFT
    assert outbox.recipients() == []
    assert not OutgoingEmail.objects.exists()
    assert not InvitationToken.objects.exists()
    assert draft.remind_at is None
    assert types() == ["invitations.draft.prepared"]


def test_a_draft_is_sent_as_it_was_prepared_with_a_deadline_from_now(
    firm: World, draft: Invitation, outbox: Outbox
) -> None:
    Invitation.objects.update(expires_at=timezone.now())
    send_draft(actor=firm.admin, invitation=draft)
    draft.refresh_from_db()
    assert draft.is_open
    assert draft.language == "en"
    assert outbox.recipients() == ["c@client.test"]
    assert types()[-1] == "invitations.client.invited"
    with pytest.raises(NoDraft):
        send_draft(actor=firm.admin, invitation=draft)


def test_preparing_again_changes_the_draft_and_the_same_once_more_nothing(
    firm: World, draft: Invitation
) -> None:
    assert draft.dossier is not None
    for _ in range(2):
        prepare_invitation(actor=firm.admin, dossier=draft.dossier, email="d@client.test")
    assert Invitation.objects.get().email == "d@client.test"
    assert types() == ["invitations.draft.prepared"] * 2


def test_inviting_the_client_sends_the_draft(firm: World, draft: Invitation, outbox: Outbox) -> None:
    assert draft.dossier is not None
    invite_client(actor=firm.admin, dossier=draft.dossier, email="d@client.test")
    assert outbox.recipients() == ["d@client.test"]
    sent = Invitation.objects.get()
    assert (sent.pk, sent.language) == (draft.pk, "en")


def test_inviting_many_sends_their_drafts_at_the_drafts_address(
    firm: World, draft: Invitation, outbox: Outbox
) -> None:
    Dossier.objects.update(email="")
    plan = invite_clients(actor=firm.admin, dossiers=Dossier.objects.all(), language="fr")
    assert (plan.mail_count, plan.skipped) == (1, {})
    assert outbox.recipients() == ["c@client.test"]
    assert Invitation.objects.get().language == "en"


def test_while_an_invitation_waits_no_draft_is_kept_beside_it(firm: World) -> None:
    dossier = make_dossier(email="c@client.test")
    invite_client(actor=firm.admin, dossier=dossier)
    with pytest.raises(AlreadyInvited):
        prepare_invitation(actor=firm.admin, dossier=dossier)


def test_many_are_prepared_sent_and_deleted_with_one_event_for_the_group(firm: World, outbox: Outbox) -> None:
    for name in ("a", "b", "c"):
        make_dossier(name, email=f"{name}@client.test")
    active = make_dossier("d", email="d@client.test")
    activate(firm, active)
    plan = prepare_clients(actor=firm.admin, dossiers=Dossier.objects.all(), language="en")
    assert (plan.mail_count, list(plan.skipped)) == (3, [Skip.ACTIVE])
    assert prepare_clients(actor=firm.admin, dossiers=Dossier.objects.all()).mail_count == 0
    assert discard_drafts(actor=firm.admin, invitations=Invitation.objects.filter(email__startswith="a")) == 1
    assert send_drafts(actor=firm.admin, invitations=Invitation.objects.all()) == 2
    assert [address for address in outbox.recipients() if address.endswith("client.test")] == [
        "b@client.test",
        "c@client.test",
    ]
    assert set(Invitation.objects.values_list("language", flat=True)) == {"en"}
    for group in ("drafts.prepared", "drafts.discarded", "clients.invited"):
        assert types().count(f"invitations.{group}") == 1, group


def test_the_draft_of_a_client_who_came_in_otherwise_is_not_sent(firm: World, draft: Invitation) -> None:
    assert draft.dossier is not None
    activate(firm, draft.dossier)
    with pytest.raises(AlreadyActive):
        send_draft(actor=firm.admin, invitation=draft)
    assert send_drafts(actor=firm.admin, invitations=Invitation.objects.all()) == 0


def test_a_deleted_draft_is_gone_and_a_sent_one_is_not_deleted(firm: World, draft: Invitation) -> None:
    discard_draft(actor=firm.admin, invitation=draft)
    assert not Invitation.objects.exists()
    sent = invite_client(actor=firm.admin, dossier=Dossier.objects.get())
    with pytest.raises(NoDraft):
        discard_draft(actor=firm.admin, invitation=sent)
    assert discard_drafts(actor=firm.admin, invitations=Invitation.objects.all()) == 0
    revoke_invitation(actor=firm.admin, invitation=sent)
    assert prepare_invitation(actor=firm.admin, dossier=Dossier.objects.get()).is_draft


def test_who_may_not_invite_prepares_and_sends_nothing(firm: World, draft: Invitation) -> None:
    assert draft.dossier is not None
    with pytest.raises(PermissionDenied):
        prepare_invitation(actor=firm.collaborator, dossier=draft.dossier)
    for action in (send_draft, discard_draft):
        with pytest.raises(PermissionDenied):
            action(actor=firm.collaborator, invitation=draft)
    for many in (send_drafts, discard_drafts):
        assert many(actor=firm.collaborator, invitations=Invitation.objects.all()) == 0
    assert Invitation.objects.drafts().count() == 1
