"""Invitations since an import keep what it wrote from being taken back."""

from datetime import datetime

from django.db.models import Q

from clients.imports.touches import Found, Touch
from clients.models import Dossier, RowOutcome
from invitations.models import Invitation, InvitationGrant, Letter
from portfolios.models import Portfolio


def _invited(moment: datetime) -> Found:
    touched = Q(created_at__gt=moment) | Q(sent_at__gt=moment) | Q(answered_at__gt=moment)
    return Invitation.objects.filter(touched)


def _printed(moment: datetime) -> Found:
    """A letter asks a client in, as a mail does."""
    return Letter.objects.filter(printed_at__gt=moment)


def _offered(moment: datetime) -> Found:
    """What opens to a colleague as they accept."""
    return InvitationGrant.objects.filter(invitation__created_at__gt=moment)


TOUCHES = [
    Touch(Dossier, RowOutcome.INVITED, "dossier", _invited),
    Touch(Dossier, RowOutcome.INVITED, "dossier", _printed),
    Touch(Dossier, RowOutcome.GRANTED, "dossier", _offered),
    Touch(Portfolio, RowOutcome.GRANTED, "portfolio", _offered),
]
