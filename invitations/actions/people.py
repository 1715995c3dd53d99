"""How a client lets people of their own into the space: invites them, sends the invitation again, revokes it."""

from django.db import transaction

from accounts.newcomers import person_at
from activity.actions import record
from clients.actions.people import AlreadyHere
from clients.models import ClientSpace, SpaceMember, SpacePerm, SpaceProfile
from clients.profiles import require_profile
from invitations.actions.handling import NotPending, end, leaving, renew, send
from invitations.actions.holding import held_alone, hold_space
from invitations.actions.inviting import AlreadyInvited
from invitations.events import InvitationCorrected, InvitationResent, InvitationRevoked, PersonInvited
from invitations.models import Invitation, InvitationKind, InvitationState


@transaction.atomic
def invite_person(*, actor: SpaceMember, email: str, profile: SpaceProfile, language: str = "") -> Invitation:
    """Invite somebody into the actor's space, with a profile; in its scope. Raises AlreadyHere, AlreadyInvited."""
    space, email = hold_space(actor.space.pk), email.strip().lower()
    require_profile(actor, SpacePerm.MANAGE_PEOPLE)
    _require_new(space, email)
    invitation = Invitation.objects.create(
        firm=None,
        space=space,
        space_name=space.name,
        kind=InvitationKind.PERSON,
        email=email,
        profile=profile,
        language=language,
        asked_by=actor,
        **leaving(),
    )
    send([invitation])
    record(PersonInvited, actor=actor, subject=space, details={"email": email, "profile": profile})
    return invitation


@transaction.atomic
def resend_to_person(*, actor: SpaceMember, invitation: Invitation) -> Invitation:
    """Send a new link with a new deadline, in the actor's name; those before it become void. Raises NotPending."""
    invitation = _held(actor, invitation)
    assert invitation.space is not None
    renew([invitation], by=None, asked_by=actor, space_name=invitation.space.name)
    details = {"email": invitation.email}
    record(InvitationResent, actor=actor, subject=invitation.target, details=details)
    return invitation


@transaction.atomic
def correct_person(*, actor: SpaceMember, invitation: Invitation, email: str) -> Invitation:
    """Send it to this address instead; whoever got a link before holds nothing any more.

    The same address sends it again. Raises NotPending, AlreadyHere, AlreadyInvited.
    """
    held, email = _held(actor, invitation), email.strip().lower()
    assert held.space is not None
    previous = held.email
    if email != previous:
        _require_new(held.space, email)
    held.tokens.all().delete()
    renew([held], by=None, asked_by=actor, space_name=held.space.name, email=email, opened_at=None)
    changes = {"email": (previous, email)} if email != previous else {}
    record(InvitationCorrected, actor=actor, subject=held.target, changes=changes, details={"email": email})
    return held


@transaction.atomic
def revoke_person(*, actor: SpaceMember, invitation: Invitation) -> None:
    """Make its links void. Raises NotPending."""
    invitation = _held(actor, invitation)
    end([invitation], InvitationState.REVOKED)
    details = {"email": invitation.email}
    record(InvitationRevoked, actor=actor, subject=invitation.target, details=details)


def _require_new(space: ClientSpace, email: str) -> None:
    """Nobody of that address is in the space or invited into it. The space is locked, so that this stays true."""
    person = person_at(email)
    if person and SpaceMember.objects.present().filter(space=space, user=person).exists():
        raise AlreadyHere(email)
    if Invitation.objects.pending().filter(space=space, kind=InvitationKind.PERSON, email=email).exists():
        raise AlreadyInvited(email)


def _held(actor: SpaceMember, invitation: Invitation) -> Invitation:
    """The invitation, held after the space, as the actor's space sent it."""
    hold_space(actor.space.pk)
    require_profile(actor, SpacePerm.MANAGE_PEOPLE)
    ours = Invitation.objects.filter(space=actor.space_id, kind=InvitationKind.PERSON)
    waiting = held_alone(ours.get(pk=invitation.pk).pk)
    if waiting is None or not waiting.is_pending:
        raise NotPending(invitation.pk)
    return waiting
