"""What a person starts to fetch a client list from another platform: a worker's work where there is a token, else a
download for which the person signs in there."""

from django.core.cache import cache
from django.db import connection as database
from django.db import transaction

from accounts.models import Membership
from accounts.permissions import Perm, require
from activity.actions import record
from clients.connectors.fetching import FETCH, end, imported
from clients.connectors.form import download
from clients.connectors.platforms import Platform
from clients.connectors.troubles import Trouble
from clients.events.fetching import FetchCancelled, FetchStarted
from clients.models import FETCHING, Connection, Fetch, FetchState, Import
from spreadsheets.guard import Format, recognise
from tenancy.tasks import nudge

_ENDINGS = {Format.TEXT: "csv", Format.XML_2003: "xml"}
_MOST_REFUSALS, _REFUSALS_COUNT_SECONDS = 5, 600
# Of PostgreSQL's advisory locks, one that nothing else takes: it spells “down”.
_ONE_DOWNLOAD = 0x646F776E


class NotConnected(Exception):
    """The connection was forgotten meanwhile."""


class TooManyTries(Exception):
    """The platform has refused this person's passwords so often that we send it no more of them for now."""


class Busy(Exception):
    """Somebody else's download is going on: one at a time, for each keeps a web worker."""


@transaction.atomic
def start_fetch(*, actor: Membership, connection: Connection) -> Fetch:
    """Have the list fetched; while it is being fetched already, that fetch. Raises NotConnected."""
    require(actor, Perm.IMPORT_DOSSIERS)
    kept = Connection.objects.select_for_update(no_key=True).filter(pk=connection.pk).first()
    if kept is None:
        raise NotConnected(connection.pk)
    fetch, is_new = Fetch.objects.get_or_create(
        kind=kept.kind, state__in=FETCHING, defaults={"connection": kept, "asked_by": actor}
    )
    if is_new:
        record(FetchStarted, actor=actor, subject=fetch)
        nudge(FETCH, fetch.firm_id, fetch.pk)
    return fetch


@transaction.atomic
def cancel_fetch(*, actor: Membership, fetch: Fetch) -> bool:
    """Stop it, and drop what has come. False if it was over already."""
    require(actor, Perm.IMPORT_DOSSIERS)
    held = Fetch.objects.at_work().select_for_update(no_key=True).filter(pk=fetch.pk).first()
    if held is None:
        return False
    end(held, FetchState.CANCELLED)
    record(FetchCancelled, actor=actor, subject=held)
    return True


def download_list(*, actor: Membership, platform: Platform, email: str, password: str) -> Import:
    """Sign in to the platform with these, fetch its export file, and have it read. They are used here, and nowhere
    kept. Raises Trouble, Refused (for a file that is no list), TooManyTries and Busy.

    Not all or nothing: a refusal is counted although nothing comes of it.
    """
    require(actor, Perm.IMPORT_DOSSIERS)
    counter = f"sign-in-refused:{actor.pk}:{platform.key}"
    refused = cache.get(counter, 0)
    if refused >= _MOST_REFUSALS:
        raise TooManyTries(actor.pk)
    _one_at_a_time()
    try:
        content = download(platform, email, password)
    except Trouble as trouble:
        if trouble.code == "sign_in_refused":
            cache.set(counter, refused + 1, _REFUSALS_COUNT_SECONDS)
        raise
    kind = recognise(content)
    with transaction.atomic():
        return imported(
            actor=actor, platform=platform.name, ending=_ENDINGS.get(kind, kind.value), content=content
        )


def _one_at_a_time() -> None:
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_ONE_DOWNLOAD])
        if not cursor.fetchone()[0]:
            raise Busy
