"""May this person of the client do that in the space? Asked anew in each action; the table is `models/profiles.py`."""

from django.core.exceptions import PermissionDenied

from clients.models import SpaceMember, SpacePerm


def require_profile(actor: SpaceMember, perm: SpacePerm) -> None:
    """Raise PermissionDenied unless the person's profile (still) allows it; in the space's scope."""
    if not SpaceMember.objects.get(pk=actor.pk).may(perm):
        raise PermissionDenied(perm)
