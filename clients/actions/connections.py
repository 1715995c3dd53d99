"""What may be done to the firm's connections with other platforms."""

from collections.abc import Mapping
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions import Perm, require
from activity.actions import Happening, record, record_many
from clients import secrets
from clients.connectors.fetching import end
from clients.events.fetching import ConnectionForgotten, ConnectionMade, ConnectionRenewed, FetchCancelled
from clients.models import Connection, ConnectionKind, Fetch, FetchState


@transaction.atomic
def connect(*, actor: Membership, kind: ConnectionKind, opened: Mapping[str, str]) -> Connection:
    """Keep what opens the platform (`token`, and what else it wants), encrypted, in the place of what was kept."""
    require(actor, Perm.IMPORT_DOSSIERS)
    kept = Connection.objects.select_for_update().filter(kind=kind).first()
    is_new = kept is None
    kept = kept or Connection(kind=kind)
    kept.secret, kept.hint = secrets.seal(opened), secrets.hint(opened["token"])
    kept.made_by, kept.made_at = actor, timezone.now()
    try:
        with transaction.atomic():
            kept.save(force_insert=is_new)
    except IntegrityError as error:  # somebody else connected it in this moment: the later token counts
        if "connection_once" not in str(error):
            raise
        return connect(actor=actor, kind=kind, opened=opened)
    record(ConnectionMade if is_new else ConnectionRenewed, actor=actor, subject=kept)
    return kept


@transaction.atomic
def forget_connection(*, actor: Membership, connection: Connection) -> None:
    """Delete what was kept of it, and end what is being fetched with it; the imports that came of it stay."""
    require(actor, Perm.IMPORT_DOSSIERS)
    kept = _stopped(actor, connection)
    if kept is not None:
        record(ConnectionForgotten, actor=actor, subject=kept)
        kept.delete()


@transaction.atomic
def forget_connections(
    *, actor: Membership, connections: QuerySet[Connection], group: UUID
) -> list[Connection]:
    """The same for these, as a part of a departure, whose event tells of it; returns those that were there."""
    require(actor, Perm.IMPORT_DOSSIERS)
    found = [kept for one in connections if (kept := _stopped(actor, one)) is not None]
    lines = [Happening(kept.pk, str(kept), details={"hint": kept.hint}) for kept in found]
    record_many(ConnectionForgotten, actor=actor, model=Connection, happenings=lines, group=group)
    Connection.objects.filter(pk__in=[kept.pk for kept in found]).delete()
    return found


def _stopped(actor: Membership, connection: Connection) -> Connection | None:
    """The connection, locked, if it is still there; nothing is fetched with it any more."""
    # Fetches first, as a worker does that keeps a page.
    for fetch in Fetch.objects.at_work().filter(kind=connection.kind).select_for_update(no_key=True):
        end(fetch, FetchState.CANCELLED)
        record(FetchCancelled, actor=actor, subject=fetch)
    return Connection.objects.select_for_update().filter(pk=connection.pk).first()
