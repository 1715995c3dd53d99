"""What other pages show of invitations: the state of a dossier's client, and what waits for somebody."""

from uuid import UUID

from django.db.models import Count, Q
from django.utils import timezone

from accounts.models import Membership
from clients.models import SpaceLink
from invitations.models import Invitation, InvitationState

ACTIVE = "active"


def client_states(dossiers: list[UUID]) -> dict[UUID, str]:
    """For each of these dossiers that has one: the state of its latest invitation, or that its client is active."""
    latest = (
        Invitation.objects.filter(dossier__in=dossiers)
        .order_by("dossier", "-sent_at", "-id")
        .distinct("dossier")
        .only("dossier_id", "state", "expires_at", "kind")
    )
    states = {
        invitation.dossier_id: str(invitation.shown_state) for invitation in latest if invitation.dossier_id
    }
    running = SpaceLink.objects.running().filter(dossier__in=dossiers)
    return states | dict.fromkeys(running.values_list("dossier_id", flat=True), ACTIVE)


def waiting_counts(member: Membership) -> dict[str, int]:
    """How many of the invitations that the member sees are `pending`, `expired` and `failed`."""
    now = timezone.now()
    running = Q(expires_at__gt=now)
    failed = Q(state=InvitationState.FAILED)
    return (
        Invitation.objects.visible_to(member)
        .pending()
        .order_by()
        .aggregate(
            pending=Count("pk", filter=running & ~failed),
            expired=Count("pk", filter=~running),
            failed=Count("pk", filter=running & failed),
        )
    )
