"""How a client asks a firm to follow them: invites it, sends the invitation again, corrects its address, revokes it.

In the space's scope. What the firm does with it is `following`.
"""

from django.db import IntegrityError, transaction

from accounts.models import Firm, Membership
from activity.actions import record
from activity.origin import Origin, coming_from
from clients.models import LinkRight, SpaceMember, SpacePerm
from clients.profiles import require_profile
from invitations.actions.handling import NotPending, end, leaving, renew, send
from invitations.actions.holding import held_alone, hold_space
from invitations.actions.inviting import AlreadyInvited
from invitations.events import (
    FirmInvited,
    InvitationCorrected,
    InvitationResent,
    InvitationRevoked,
    RequestWithdrawn,
)
from invitations.models import Invitation, InvitationKind, InvitationState
from tenancy.scopes import Purpose, crossing, firm_id


@transaction.atomic
def invite_firm(
    *, actor: SpaceMember, email: str, right: LinkRight, ends_others: bool = False, language: str = ""
) -> Invitation:
    """Ask a firm, or somebody who works there, to follow the client, with this right.

    With `ends_others` it takes the place of the firms that follow the space at this moment, once it has accepted.
    Raises AlreadyInvited.
    """
    space = hold_space(actor.space.pk)
    require_profile(actor, SpacePerm.CHOOSE_FIRMS)
    try:
        with transaction.atomic():
            invitation = Invitation.objects.create(
                kind=InvitationKind.FIRM,
                firm=None,
                space=space,
                space_name=space.name[:200],
                asked_by=actor,
                email=email.strip().lower(),
                right=right,
                ends_others=ends_others,
                language=language,
                **leaving(),
            )
    except IntegrityError as error:
        raise AlreadyInvited(email) from error
    send([invitation])
    record(FirmInvited, actor=actor, subject=space, details={"email": invitation.email})
    return invitation


@transaction.atomic
def resend_asked(*, actor: SpaceMember, invitation: Invitation) -> Invitation:
    """Send a new link with a new deadline, for which the actor answers; the links before it are void.

    Raises NotPending.
    """
    held = _held(actor, invitation)
    _renew(held, actor)
    record(InvitationResent, actor=actor, subject=held.target, details={"email": held.email})
    return held


@transaction.atomic
def correct_asked(*, actor: SpaceMember, invitation: Invitation, email: str) -> Invitation:
    """Send it to another address. Whoever had a link to the former one has nothing any more, nor has the firm for which
    they took it up. The same address sends it again. Raises NotPending, AlreadyInvited.
    """
    held, email = _held(actor, invitation), email.strip().lower()
    if (before := held.email) == email:
        return resend_asked(actor=actor, invitation=held)
    fresh = {"email": email, "name": "", "opened_at": None}
    fresh |= {"to_firm": None, "to_firm_name": "", "taken_up_by": None}
    _tell_who_received(actor, held)
    try:
        with transaction.atomic():
            Invitation.objects.filter(pk=held.pk).update(**fresh)
    except IntegrityError as error:
        raise AlreadyInvited(email) from error
    held.refresh_from_db(fields=list(fresh))
    held.tokens.all().delete()  # the former address can't even refuse it
    _renew(held, actor)
    changes = {"email": (before, email)}
    record(InvitationCorrected, actor=actor, subject=held.target, changes=changes, details={"email": email})
    return held


@transaction.atomic
def revoke_asked(*, actor: SpaceMember, invitation: Invitation) -> None:
    """Make its links void, and take it from the firm that was about to answer, which is told. Raises NotPending."""
    held = _held(actor, invitation)
    _tell_who_received(actor, held)
    end([held], InvitationState.REVOKED)
    # Whose it was by name, the client goes on reading; to the firm it is nothing any more.
    Invitation.objects.filter(pk=held.pk).update(to_firm=None, taken_up_by=None)
    record(InvitationRevoked, actor=actor, subject=held.target, details={"email": held.email})


def _held(actor: SpaceMember, invitation: Invitation) -> Invitation:
    """The invitation, held after the space, if the actor may (still, once this has waited) handle it."""
    hold_space(actor.space.pk)
    require_profile(actor, SpacePerm.CHOOSE_FIRMS)
    ours = Invitation.objects.filter(space=actor.space_id, kind=InvitationKind.FIRM)
    waiting = held_alone(ours.get(pk=invitation.pk).pk)
    if waiting is None or not waiting.is_pending:
        raise NotPending(invitation.pk)
    return waiting


def _tell_who_received(actor: SpaceMember, held: Invitation) -> None:
    """A firm that was about to answer learns that there is nothing to answer any more; not from where, nor why."""
    if not held.is_active:
        return
    with crossing(held, Purpose.ANSWER_REQUEST), coming_from(Origin()):
        record(
            RequestWithdrawn,
            actor=actor,
            subject=Firm.objects.get(pk=firm_id()),
            details={"client": held.space_name},
            also_tell=Membership.objects.open().with_person().filter(user=held.taken_up_by_id),
        )


def _renew(held: Invitation, actor: SpaceMember) -> None:
    assert held.space is not None
    held.asked_by, held.space_name = actor, held.space.name[:200]
    held.save(update_fields=["asked_by", "space_name"])
    renew([held], by=None)
