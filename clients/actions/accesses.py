"""Keeping who at the firm opened a dossier, and when: the one thing that a GET writes."""

from django.db import connection
from django.utils import timezone

from accounts.models import Membership
from clients.models import AccessKind, Dossier
from tenancy.keys import uuid7
from tenancy.scopes import firm_id

_ONE_MORE = """
INSERT INTO clients_accessrecord (id, firm_id, dossier_id, user_id, kind, day, first_at, last_at, count)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 1)
ON CONFLICT (firm_id, dossier_id, user_id, kind, day)
    DO UPDATE SET last_at = excluded.last_at, count = clients_accessrecord.count + 1
"""


def note_access(member: Membership, dossier: Dossier, kind: AccessKind = AccessKind.OPENED) -> None:
    """Keep that the member sees the dossier now, in the firm's scope. The firm's own dossier is nobody else's."""
    if dossier.is_own:
        return
    now = timezone.now()
    whose = [uuid7(), firm_id(), dossier.pk, member.user_id]
    with connection.cursor() as cursor:
        cursor.execute(_ONE_MORE, [*whose, kind.value, timezone.localdate(now), now, now])
