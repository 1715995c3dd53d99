"""Whether an invitation that waits still leads anywhere: somebody may have come in by another way."""

from accounts.newcomers import person_at
from clients.models import SpaceLink, SpaceMember
from invitations.models import Invitation, InvitationKind, InvitationState


def settled_as(invitation: Invitation) -> str:
    """In its sender's scope: "active" where the dossier has its client's space already, "accepted" where the person has
    their place in the space; empty where there is something to accept."""
    if invitation.dossier_id and SpaceLink.objects.running().filter(dossier=invitation.dossier_id).exists():
        return "active"
    return str(InvitationState.ACCEPTED) if _is_there(invitation) else ""


def _is_there(invitation: Invitation) -> bool:
    if invitation.kind != InvitationKind.PERSON or (person := person_at(invitation.email)) is None:
        return False
    return SpaceMember.objects.present().filter(space=invitation.space_id, user=person).exists()
