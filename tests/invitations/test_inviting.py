"""Who may invite whom, what leaves, and what is left out and why."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.actions.members import leave_firm
from accounts.models import Membership, MemberState, Role
from activity.models import Event, Notification, OutgoingEmail
from clients.actions.space import open_space
from clients.models import Dossier
from invitations.actions.handling import note_failure, revoke_invitation
from invitations.actions.inviting import (
    AlreadyActive,
    AlreadyInvited,
    AlreadyMember,
    Skip,
    invite_client,
    invite_clients,
    invite_member,
    plan_invitations,
)
from invitations.models import Invitation, InvitationKind, InvitationState
from portfolios.actions import grant_portfolio
from tests.outbox import Outbox
from tests.worlds import World, make_dossier, make_member, make_person, make_portfolio


def types() -> list[str]:
    return list(Event.objects.order_by("id").values_list("type", flat=True))


def told() -> set[str]:
    return set(Notification.objects.values_list("address", flat=True))


def activate(world: World, dossier: Dossier) -> None:
    person = make_person(dossier.email or "client@client.test")
    open_space(person=person, firm=world.firm, dossier=dossier, email=person.email)


def expire(invitation: Invitation) -> None:
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now())


def test_a_colleague_is_invited_with_a_role_and_appears_as_invited(firm: World, outbox: Outbox) -> None:
    invite_member(actor=firm.admin, email="Nina@Lemoine.test ", role=Role.COLLABORATOR, first_name="Nina")
    member = Membership.objects.get(email="nina@lemoine.test")
    assert (member.state, member.role, member.user) == (MemberState.INVITED, Role.COLLABORATOR, None)
    assert types() == ["invitations.member.invited"]
    assert outbox.recipients() == ["nina@lemoine.test"], "the inviting administrator gets no mail"


def test_only_an_administrator_invites(firm: World) -> None:
    dossier = make_dossier(email="c@client.test")
    with pytest.raises(PermissionDenied):
        invite_member(actor=firm.collaborator, email="nina@lemoine.test", role=Role.COLLABORATOR)
    with pytest.raises(PermissionDenied):
        invite_client(actor=firm.collaborator, dossier=dossier)
    with pytest.raises(PermissionDenied):
        invite_clients(actor=firm.collaborator, dossiers=Dossier.objects.all())
    assert not Invitation.objects.exists()


def test_a_member_is_not_invited_again_and_a_pending_invitation_is_said_to_be_there(firm: World) -> None:
    with pytest.raises(AlreadyMember):
        invite_member(actor=firm.admin, email=firm.collaborator.email, role=Role.ADMIN)
    invite_member(actor=firm.admin, email="nina@lemoine.test", role=Role.COLLABORATOR)
    with pytest.raises(AlreadyInvited):
        invite_member(actor=firm.admin, email="nina@lemoine.test", role=Role.ADMIN)


def test_one_whose_invitation_was_revoked_can_be_invited_anew(firm: World) -> None:
    first = invite_member(actor=firm.admin, email="nina@lemoine.test", role=Role.ADMIN)
    revoke_invitation(actor=firm.admin, invitation=first)
    assert Membership.objects.get(email="nina@lemoine.test").state == MemberState.TERMINATED
    second = invite_member(actor=firm.admin, email="nina@lemoine.test", role=Role.COLLABORATOR)
    assert second.membership == first.membership
    assert second.membership.state == MemberState.INVITED  # type: ignore[union-attr]


def test_inviting_a_client_tells_those_who_see_the_dossier(firm: World, outbox: Outbox) -> None:
    portfolio = make_portfolio()
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    outbox.clear()
    invite_client(actor=firm.admin, dossier=make_dossier(email="c@client.test", portfolio=portfolio))
    assert outbox.recipients() == ["c@client.test", firm.collaborator.email]


def test_a_dossier_without_an_address_keeps_the_one_that_is_given(firm: World) -> None:
    dossier = make_dossier()
    invite_client(actor=firm.admin, dossier=dossier, email="Claire@Client.test")
    dossier.refresh_from_db()
    assert dossier.email == "claire@client.test"
    assert types() == ["clients.dossier.changed", "invitations.client.invited"]


def test_inviting_at_the_same_address_sends_again(firm: World) -> None:
    dossier = make_dossier(email="c@client.test")
    first = invite_client(actor=firm.admin, dossier=dossier)
    second = invite_client(actor=firm.admin, dossier=dossier)
    assert (second.pk, second.generation) == (first.pk, 2)
    assert types() == ["invitations.client.invited", "invitations.invitation.resent"]


def test_a_corrected_address_makes_the_former_invitation_void(firm: World) -> None:
    dossier = make_dossier(email="wrong@client.test")
    first = invite_client(actor=firm.admin, dossier=dossier)
    invite_client(actor=firm.admin, dossier=dossier, email="right@client.test")
    first.refresh_from_db()
    assert first.state == InvitationState.REVOKED
    assert Invitation.objects.pending().get().email == "right@client.test"


def test_an_active_client_and_the_firms_own_dossier_are_not_invited(firm: World) -> None:
    dossier, own = make_dossier(email="c@client.test"), make_dossier("Cabinet Lemoine", is_own=True)
    activate(firm, dossier)
    with pytest.raises(AlreadyActive):
        invite_client(actor=firm.admin, dossier=dossier)
    with pytest.raises(PermissionDenied):
        invite_client(actor=firm.admin, dossier=own, email="x@lemoine.test")


def test_a_selection_is_invited_at_once_and_says_who_was_left_out(firm: World, outbox: Outbox) -> None:
    fine = make_dossier("Fine", email="Fine@client.test")
    pending = make_dossier("Pending", email="pending@client.test")
    expired = make_dossier("Expired", email="expired@client.test")
    moved = make_dossier("Moved", email="old@client.test")
    active = make_dossier("Active", email="active@client.test")
    make_dossier("Without")
    make_dossier("Own", is_own=True, email="own@lemoine.test")
    activate(firm, active)
    invite_client(actor=firm.admin, dossier=pending)
    for dossier in (expired, moved):
        expire(invite_client(actor=firm.admin, dossier=dossier))
    Dossier.objects.filter(pk=moved.pk).update(email="new@client.test")
    outbox.clear()

    look = plan_invitations(actor=firm.admin, dossiers=Dossier.objects.all())
    plan = invite_clients(actor=firm.admin, dossiers=Dossier.objects.all())

    assert (look.new, look.new_besides) == ([moved], 1), "who was never invited is only counted"
    assert (look.mail_count, look.renewed, look.replaced) == (3, plan.renewed, plan.replaced)
    assert look.skipped == plan.skipped
    assert {reason: [d.name for d in left] for reason, left in plan.skipped.items()} == {
        Skip.PENDING: ["Pending"],
        Skip.ACTIVE: ["Active"],
        Skip.NO_ADDRESS: ["Without"],
        Skip.OWN: ["Own"],
    }
    assert outbox.recipients() == ["expired@client.test", "fine@client.test", "new@client.test"]
    assert Invitation.objects.get(email="old@client.test").state == InvitationState.REVOKED
    assert Invitation.objects.get(dossier=fine).is_open
    group = Event.objects.get(type="invitations.clients.invited")
    assert group.details == {"count": 3}
    kinds = Event.objects.filter(group=group.group).exclude(pk=group.pk).values_list("type", flat=True)
    assert sorted(kinds) == [
        "invitations.client.invited",
        "invitations.client.invited",
        "invitations.invitation.resent",
        "invitations.invitation.revoked",
    ]


def test_a_selection_is_invited_in_few_queries_whatever_its_size(
    firm: World, django_assert_max_num_queries: object
) -> None:
    Dossier.objects.bulk_create(
        Dossier(legal_name=f"Client {n}", name_key=f"client {n}", email=f"c{n}@client.test")
        for n in range(300)
    )
    with django_assert_max_num_queries(25):  # type: ignore[operator]
        plan = invite_clients(actor=firm.admin, dossiers=Dossier.objects.all())
    assert plan.mail_count == 300
    assert OutgoingEmail.objects.count() == 300


def test_a_selection_tells_each_concerned_member_once(firm: World, outbox: Outbox) -> None:
    portfolio = make_portfolio()
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    for n in range(3):
        make_dossier(f"Client {n}", email=f"c{n}@client.test", portfolio=portfolio)
    outbox.clear()
    invite_clients(actor=firm.admin, dossiers=Dossier.objects.all())
    assert outbox.recipients().count(firm.collaborator.email) == 1
    assert firm.colleague.email not in outbox.recipients()


def test_nothing_is_recorded_where_nobody_can_be_invited(firm: World) -> None:
    make_dossier()
    assert invite_clients(actor=firm.admin, dossiers=Dossier.objects.all()).mail_count == 0
    assert types() == []


def test_a_mail_that_never_arrives_makes_the_invitation_fail_and_a_selection_sends_it_again(
    firm: World,
) -> None:
    invitation = invite_client(actor=firm.admin, dossier=make_dossier(email="c@client.test"))
    note_failure(invitation_id=invitation.pk, generation=1, reason="This address does not exist.")
    invitation.refresh_from_db()
    assert (invitation.state, invitation.failure) == (InvitationState.FAILED, "This address does not exist.")
    assert told() == {firm.admin.email}
    invite_clients(actor=firm.admin, dossiers=Dossier.objects.all())
    invitation.refresh_from_db()
    assert (invitation.state, invitation.failure, invitation.generation) == (InvitationState.SENT, "", 2)
    note_failure(invitation_id=invitation.pk, generation=1, reason="An older mail.")
    invitation.refresh_from_db()
    assert invitation.state == InvitationState.SENT


def test_the_database_refuses_a_second_pending_invitation_and_one_without_a_target(firm: World) -> None:
    dossier = make_dossier(email="c@client.test")
    invite_client(actor=firm.admin, dossier=dossier)
    with pytest.raises(IntegrityError), transaction.atomic():
        Invitation.objects.create(kind=InvitationKind.CLIENT, dossier=dossier, email="c@client.test")
    with pytest.raises(IntegrityError), transaction.atomic():
        Invitation.objects.create(kind=InvitationKind.CLIENT, email="d@client.test")
    with pytest.raises(IntegrityError), transaction.atomic():
        Invitation.objects.create(kind=InvitationKind.MEMBER, dossier=dossier, email="d@client.test")


def test_what_nobody_answers_for_any_more_is_sent_again_with_a_selection(firm: World, outbox: Outbox) -> None:
    """The link opens nothing once its sender has left, so the client waits for another one."""
    zoe = make_member(firm.firm, "Zoé", role=Role.ADMIN)
    sent = invite_client(actor=zoe, dossier=make_dossier("Bar", email="bar@client.test"))
    leave_firm(actor=zoe)
    outbox.clear()
    plan = invite_clients(actor=firm.admin, dossiers=Dossier.objects.clients())
    assert (plan.renewed, plan.skipped_count) == ([sent], 0)
    sent.refresh_from_db()
    assert sent.invited_by == firm.admin
    assert "bar@client.test" in outbox.recipients()
