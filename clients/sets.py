"""Many dossiers at once, as actions hold them: locked in one order, asked about and changed set-based."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions import Perm, permitted
from clients.models import Dossier
from tenancy.expressions import among

# What an action needs of a dossier: its name, and where it stands.
_NEEDED = (
    "firm_id", "kind", "legal_name", "first_name", "last_name", "is_own", "portfolio_id", "archived_at", "updated_at",
)  # fmt: skip
_BATCH = 5_000


def locked(actor: Membership, dossiers: QuerySet[Dossier]) -> list[Dossier]:
    """Of these, those that the actor sees, held until the transaction ends.

    With the lock of an ordinary change: whoever gives or takes one of them meanwhile leans on its key and does not
    wait, so that holding dossiers and then members is safe beside holding members and then dossiers.
    """
    seen = permitted(dossiers, actor, Perm.VIEW_DOSSIER).order_by().values("pk")
    found = Dossier.objects.filter(pk__in=seen).order_by("pk").only(*_NEEDED)
    return list(found.select_for_update(of=("self",), no_key=True))


def these(dossiers: Sequence[Dossier]) -> QuerySet[Dossier]:
    return Dossier.objects.filter(among(dossier.pk for dossier in dossiers))


def allowed(actor: Membership, perm: Perm, dossiers: Sequence[Dossier]) -> set[UUID]:
    """The keys of those to which the actor may do this."""
    return set(permitted(these(dossiers), actor, perm).order_by().values_list("pk", flat=True))


def update_all(dossiers: Sequence[Dossier], **values: Any) -> None:
    """Give them all these values, here and in the database."""
    values = {**values, "updated_at": timezone.now()}
    for start in range(0, len(dossiers), _BATCH):
        these(dossiers[start : start + _BATCH]).update(**values)
    for dossier in dossiers:
        for name, value in values.items():
            setattr(dossier, name, value)


def key_of(dossiers: Iterable[Dossier]) -> str:
    """The same for the same dossiers: two events about them that take each other back share it."""
    digest = hashlib.blake2b(digest_size=12)
    for key in sorted(dossier.pk for dossier in dossiers):
        digest.update(key.bytes)
    return digest.hexdigest()
