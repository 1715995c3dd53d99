"""A wrong address put right: the invitation goes to the right one, and whoever got it before holds nothing."""

from django.db import IntegrityError, transaction

from accounts.models import Membership, MemberState
from activity.actions import record
from clients.actions.dossiers import update_dossier
from invitations.actions.handling import held_pending, renew
from invitations.actions.inviting import AlreadyInvited, AlreadyMember
from invitations.events import InvitationCorrected
from invitations.models import Invitation


class TheirOwnAddress(Exception):
    """The place belongs to somebody who has been there before: at another address, it would be another person."""


@transaction.atomic
def correct_address(
    *, actor: Membership, invitation: Invitation, email: str, also_dossier: bool = False
) -> Invitation:
    """Send it to this address instead, with a new deadline; every earlier link is forgotten.

    Forgotten, not replaced: they went to somebody else, who is to learn nothing and may refuse nothing. The same
    address sends it again. `also_dossier`: the client file gets the address too. Raises NotPending, AlreadyInvited,
    AlreadyMember, TheirOwnAddress.
    """
    held = held_pending(actor, invitation)  # and the client file, which may get the address too
    previous, email = held.email, email.strip().lower()
    held.tokens.all().delete()
    if held.membership is not None and email != previous:
        _move_place(held.membership, email)
    try:
        with transaction.atomic():
            renew([held], by=actor, email=email, opened_at=None)
    except IntegrityError as error:
        raise AlreadyInvited(email) from error
    if also_dossier and held.dossier is not None:
        update_dossier(actor=actor, dossier=held.dossier, values={"email": email})
    changes = {"email": (previous, email)} if email != previous else {}
    record(InvitationCorrected, actor=actor, subject=held.target, changes=changes, details={"email": email})
    return held


def _move_place(place: Membership, email: str) -> None:
    """The place in the firm that waits for the colleague."""
    if place.user_id is not None:
        raise TheirOwnAddress(place.pk)
    taken = Membership.objects.filter(email=email).exclude(pk=place.pk).exclude(state=MemberState.INVITED)
    if taken.exists():
        raise AlreadyMember(email)
    place.email = email
    try:
        with transaction.atomic():
            place.save(update_fields=["email"])
    except IntegrityError as error:
        raise AlreadyInvited(email) from error
