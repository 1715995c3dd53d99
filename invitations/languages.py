"""In which language somebody who is invited is written to: their own; else the one that whoever invites has chosen."""

from collections.abc import Iterable
from uuid import UUID

from django.conf import settings

from accounts.newcomers import languages_at
from invitations.models import Invitation


def languages_of(invitations: Iterable[Invitation]) -> dict[UUID, str]:
    """By the invitation's key. An account's language is what its person has chosen, so it counts first."""
    chosen = list(invitations)
    known = languages_at(invitation.email for invitation in chosen)
    return {
        invitation.pk: known.get(invitation.email) or invitation.language or settings.LANGUAGE_CODE
        for invitation in chosen
    }
