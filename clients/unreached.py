"""Mails to clients that did not arrive, as a firm may know of them: to whom, why, and of which client file.

They stand in the clients' spaces, which the firm doesn't read; the resolver tells it of those about what it did
itself, to people whom it sees in the client file (`clients.lookups.unreached_clients`). So a client's firms learn
nothing of each other, nor of what happens among the client's own people.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection

from accounts.models import Membership
from accounts.permissions import Perm, permitted
from activity.outbox import unheard
from clients.lookups import unreached_clients
from clients.models import Dossier


@dataclass(frozen=True)
class Unreached:
    """One mail. `dossier`: of several that it was about, the first that the member may see."""

    dossier: Dossier
    name: str
    to: str
    at: datetime
    reason: str


def unreached(member: Membership) -> list[Unreached]:
    """The newest first; of the client files that the member may see. One query where every mail arrives."""
    if not (rows := unreached_clients(None)):
        return []
    named = Dossier.objects.clients().active().filter(pk__in={row["dossier_id"] for row in rows})
    seen = {one.pk: one for one in permitted(named, member, Perm.VIEW_DOSSIER)}
    found: dict[UUID, Unreached] = {}
    for row in rows:
        if (dossier := seen.get(row["dossier_id"])) is not None and row["id"] not in found:
            found[row["id"]] = Unreached(
                dossier, row["name"], row["address"], row["created_at"], row["reason"]
            )
    return list(found.values())


def number_unreached(member: Membership) -> int:
    """How many of them there are, counted by the database; one query."""
    named = permitted(Dossier.objects.clients().active(), member, Perm.VIEW_DOSSIER).order_by()
    try:
        seen, values = named.values("pk").query.sql_with_params()
    except EmptyResultSet:  # nothing is open to the member
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT mail.id) FROM app.unreached_clients(NULL) AS mail"
            f" WHERE mail.dossier_id IN ({seen})",
            values,
        )
        return int(cursor.fetchone()[0])


def troubles_of(dossier: Dossier) -> dict[str, str]:
    """By address, why the people of this client get no mails."""
    return {row["address"]: row["reason"] for row in reversed(unreached_clients(dossier.pk))}


def to_members() -> Any:
    """Mails that told of something and did not reach members who are still there (a queryset, newest last)."""
    return unheard().filter(to__in=Membership.objects.open().values("email"))
