"""Mails to clients that did not arrive, as a firm may know of them: to whom, why, and of which client file.

They stand in the clients' spaces, which the firm doesn't read; the resolver tells it of those about what it did
itself, to people whom it sees in the client file (`clients.lookups.unreached_clients`). So a client's firms learn
nothing of each other, nor of what happens among the client's own people.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

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


class UnreachedList:
    """Of the client files that the member may see, the newest first: counted and cut into pages by the database."""

    def __init__(self, member: Membership) -> None:
        named = permitted(Dossier.objects.clients().active(), member, Perm.VIEW_DOSSIER).order_by()
        try:
            self._seen, self._values = named.values("pk").query.sql_with_params()
        except EmptyResultSet:  # nothing is open to the member
            self._seen, self._values = "NULL", ()

    def count(self) -> int:
        """One query."""
        return int(self._rows("count(DISTINCT mail.id)")[0][0])

    def __getitem__(self, place: slice) -> list[Unreached]:
        """Two queries, whatever there is."""
        first = "DISTINCT ON (mail.id) mail.dossier_id, mail.name, mail.address, mail.created_at, mail.reason"
        begin = place.start or 0
        end = "" if place.stop is None else f"LIMIT {max(place.stop - begin, 0)}"
        rows = self._rows(first, f"ORDER BY mail.id DESC, mail.dossier_id {end} OFFSET {begin}")
        dossiers = Dossier.objects.in_bulk({key for key, *_rest in rows})
        return [Unreached(dossiers[key], *rest) for key, *rest in rows if key in dossiers]

    def _rows(self, what: str, how: str = "") -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {what} FROM app.unreached_clients(NULL) AS mail WHERE mail.dossier_id IN ({self._seen}) {how}",
                self._values,
            )
            return list(cursor.fetchall())


def number_unreached(member: Membership) -> int:
    """How many of them there are; one query."""
    return UnreachedList(member).count()


def troubles_of(dossier: Dossier) -> dict[str, str]:
    """By address, why the people of this client get no mails."""
    return {row["address"]: row["reason"] for row in reversed(unreached_clients(dossier.pk))}


def to_members() -> Any:
    """Mails that told of something and did not reach members who are still there (a queryset, newest last)."""
    return unheard().filter(to__in=Membership.objects.open().values("email"))
