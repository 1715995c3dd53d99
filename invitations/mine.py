"""The invitations that wait for a person at an address which they have shown to be theirs: no mail is needed."""

from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.waiting import Waiting
from invitations.actions.answering import inviter_may
from invitations.lookups import invitations_to
from invitations.models import Invitation, InvitationKind
from invitations.standing import settled_as
from tenancy.scopes import scope

SHOWN = 20


def waiting_for(person: UUID) -> list[Waiting]:
    """The newest of those whose sender may still invite; each is read in its sender's scope."""
    found = []
    for row in invitations_to(person)[:SHOWN]:
        with scope(firm=row["firm_id"], space=row["space_id"]):
            invitation = Invitation.objects.with_names().get(pk=row["invitation_id"])
            # One that a firm has received already waits for that firm, in its own list.
            taken = invitation.to_firm_id or settled_as(invitation)
            if invitation.is_open and not taken and inviter_may(invitation):
                found.append(_waiting(invitation))
    return found


def _waiting(invitation: Invitation) -> Waiting:
    return Waiting(
        sender=invitation.sender_name,
        what=_what(invitation),
        until=invitation.expires_at,
        url=reverse("invitations:open_mine", kwargs={"pk": invitation.pk}),
    )


def _what(invitation: Invitation) -> str:
    kind = InvitationKind(invitation.kind)
    if kind == InvitationKind.MEMBER:
        return _("Join the firm, as: %(role)s") % {"role": invitation.get_role_display()}
    if kind == InvitationKind.PERSON:
        return _("Enter the client space, with the profile: %(profile)s") % {
            "profile": invitation.get_profile_display()
        }
    if kind == InvitationKind.FIRM:
        return _("Follow this client with your accounting firm")
    return _("Open your space for the client file %(name)s") % {"name": invitation.target_name}
