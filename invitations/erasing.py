"""Somebody is made unknown (`accounts.erasing`): in the invitations and letters that were sent to them, too."""

from django.db.models import Case, Q, Value, When
from django.utils import timezone

from accounts.erasing import Forgotten
from activity.erasing import OWNER
from invitations.models import PENDING_STATES, Invitation, InvitationState, Letter

_UNANSWERED = (InvitationState.DRAFT, *PENDING_STATES)


def forget_invited(person: Forgotten) -> None:
    """Of all firms and clients. What still waited for an answer is withdrawn: nobody is left who could give one.

    A mail service's reason names the address that it could not reach, so it goes with it.
    """
    unknown = {"email": person.unreachable, "failure": ""}
    theirs = Invitation.objects.using(OWNER).filter(email__in=person.addresses)
    theirs.update(
        **unknown,
        name=Case(When(~Q(name=""), then=Value(person.pseudonym)), default="name"),
        answered_at=Case(When(state__in=_UNANSWERED, then=timezone.now()), default="answered_at"),
        state=Case(When(state__in=_UNANSWERED, then=Value(InvitationState.REVOKED.value)), default="state"),
        remind_at=None,
    )
    Letter.objects.using(OWNER).filter(email__in=person.addresses).update(**unknown, proof_hash=None)
