"""A fetch in a worker's hands: page by page, each kept as it comes; at the end one list that takes the usual road."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.formats import date_format

from accounts.models import Membership
from accounts.permissions import Perm, can
from activity.actions import record
from clients import secrets
from clients.connectors.interface import Batch, Client, Connector
from clients.connectors.listing import as_csv
from clients.connectors.myunisoft import MyUnisoft
from clients.connectors.pennylane import Pennylane
from clients.connectors.troubles import Trouble
from clients.events.fetching import FetchFailed, ImportFetched
from clients.lookups import due_fetches
from clients.models import (
    Connection,
    ConnectionKind,
    Fetch,
    FetchedPage,
    FetchState,
    Import,
    ImportFile,
    ImportOrigin,
)
from spreadsheets.limits import MAX_FILE_BYTES, MAX_ROWS
from tenancy.binding import insert_bound
from tenancy.leases import LostHold, beating, free, let_go, take
from tenancy.scopes import scope
from tenancy.tasks import nudge

FETCH, READ = "clients.fetch_clients", "clients.read_import"
_MOST_FRUITLESS = 5
_LONGEST_NAME, _LONGEST_PLATFORM = 200, 100


def fetch_clients(firm_id: UUID, fetch_id: UUID) -> None:
    """Fetch what is still to come, from the cursor on, and make an import of the whole."""
    with scope(firm=firm_id):
        held = _claim(fetch_id)
    if held is None:
        return
    try:
        _fetch(firm_id, held)
    except LostHold:
        return
    except Trouble as trouble:
        give_up(firm_id, held, trouble)
    except Exception:
        let_go(firm_id, held)
        raise


def connector(kind: str, opened: dict[str, str]) -> Connector:
    """The platform's connector, with what the firm gave us of it."""
    if kind == ConnectionKind.PENNYLANE:
        return Pennylane(opened["token"])
    return MyUnisoft(
        opened["token"], settings.MYUNISOFT_THIRD_PARTY_SECRET or opened.get("third_party_secret", "")
    )


@transaction.atomic
def _claim(fetch_id: UUID) -> Fetch | None:
    """Take the fetch over, if nobody holds it. Gives up on one that several workers died of without a page."""
    waiting = Fetch.objects.at_work().select_for_update(no_key=True, of=("self",)).filter(free(), pk=fetch_id)
    held = waiting.select_related("asked_by").first()
    if held is None:
        return None
    if held.fruitless >= _MOST_FRUITLESS:
        _fail(held, "gave_up")
        return None
    take(held, state=FetchState.RUNNING, fruitless=held.fruitless + 1, waiting_until=None, trouble="")
    return held


def _fetch(firm_id: UUID, held: Fetch) -> None:
    with scope(firm=firm_id):
        source = connector(held.kind, _opened(held))
    with beating(firm_id, held) as progress:
        # Without a cursor but with pages, all had come when a worker died.
        if held.cursor or not held.step:
            for batch in source.iter_clients(held.cursor):
                with scope(firm=firm_id):
                    _keep(held, batch)
                progress.step, progress.total = held.step, held.total
        with scope(firm=firm_id):
            _finish(held)


def _opened(held: Fetch) -> dict[str, str]:
    """What the firm gave us, deciphered; put under the newest key if it was under a former one. Raises Trouble."""
    _check_right(held)
    if held.connection_id is None:
        raise Trouble("forgotten")
    kept = Connection.objects.get(pk=held.connection_id)
    try:
        opened = secrets.unseal(kept.secret)
    except secrets.Unreadable:
        raise Trouble("secret_lost") from None
    if secrets.is_stale(kept.secret):
        kept.secret = secrets.seal(opened)
        kept.save(update_fields=["secret"])
    return opened


def _check_right(held: Fetch) -> None:
    if not can(held.asked_by, Perm.IMPORT_DOSSIERS):
        raise Trouble("not_allowed")


# --- What came ------------------------------------------------------------------------------------------------------


def _keep(held: Fetch, batch: Batch) -> None:
    """The page and the cursor behind it, together or not at all. Raises LostHold."""
    _hold_on(held)
    held.step += 1
    held.total, held.cursor, held.fruitless = max(batch.total, held.step), batch.cursor, 0
    clients = [client.stored() for client in batch.clients]
    FetchedPage.objects.create(fetch=held, number=held.step, clients=clients)
    held.save(update_fields=["step", "total", "cursor", "fruitless"])


def _finish(held: Fetch) -> None:
    """All of it is an import now, waiting to be read. Raises LostHold and Trouble."""
    _hold_on(held)
    _check_right(held)
    content = _content(held)
    held.source = imported(actor=held.asked_by, platform=str(held), ending="csv", content=content)
    end(held, FetchState.DONE)


def imported(*, actor: Membership, platform: str, ending: str, content: bytes) -> Import:
    """A list from that platform as an import that waits to be read, named after the platform and the day."""
    with translation.override(actor.language):
        day = date_format(timezone.localdate(), "SHORT_DATE_FORMAT").replace("/", "-")
    source = Import.objects.create(
        created_by=actor,
        origin=ImportOrigin.FETCHED,
        platform=platform[:_LONGEST_PLATFORM],
        file_name=f"{platform} {day}.{ending}"[-_LONGEST_NAME:],
        size=len(content),
    )
    insert_bound(ImportFile(source=source, content=content))
    record(ImportFetched, actor=actor, subject=source, details={"platform": platform})
    nudge(READ, source.firm_id, source.pk)
    return source


def _content(held: Fetch) -> bytes:
    clients = list(_clients(held))
    if not clients:
        raise Trouble("nothing")
    content = as_csv(clients)
    if len(clients) >= MAX_ROWS or len(content) > MAX_FILE_BYTES:
        raise Trouble("too_many_clients")
    return content


def _clients(held: Fetch) -> Iterator[Client]:
    """Raises Trouble where a page came twice: the platform does not turn pages as we ask, so some are missing."""
    before: list[str] = []
    for page in held.pages.order_by("number").iterator(20):
        clients = [Client.of(one) for one in page.clients]
        keys = [client.external_id for client in clients]
        if keys and keys == before:
            raise Trouble("incomplete")
        before = keys
        yield from clients


# --- How it ends, or waits ------------------------------------------------------------------------------------------


def _hold_on(held: Fetch) -> None:
    """Lock the fetch. Raises LostHold, which takes the work back, if it is another's by now, or nobody's."""
    current = Fetch.objects.select_for_update(no_key=True).filter(pk=held.pk).first()
    if current is None or (current.attempts, current.state) != (held.attempts, held.state):
        raise LostHold(held.pk)


def give_up(firm_id: UUID, held: Fetch, trouble: Trouble) -> None:
    """For now: wait as long as the platform wants, then go on at the cursor. For good, where waiting helps no more."""
    try:
        with scope(firm=firm_id):
            _hold_on(held)
            if trouble.later is None or held.fruitless >= _MOST_FRUITLESS:
                _fail(held, trouble.code)
                return
            held.waiting_until = held.lease_until = timezone.now() + timedelta(seconds=trouble.later)
            held.trouble = trouble.code
            held.save(update_fields=["waiting_until", "lease_until", "trouble"])
    except LostHold:
        return


def _fail(held: Fetch, code: str) -> None:
    held.trouble = code
    held.save(update_fields=["trouble"])
    end(held, FetchState.FAILED)
    record(FetchFailed, actor=None, subject=held, details={"reason": code})


def end(held: Fetch, state: FetchState) -> None:
    """Nothing is kept of it but that it was."""
    held.state, held.lease_until, held.waiting_until, held.ended_at = state, None, None, timezone.now()
    held.save(update_fields=["state", "lease_until", "waiting_until", "ended_at", "source"])
    held.pages.all().delete()


def sweep() -> int:
    """Hand what waits, and what no nudge announced, to a worker. Returns how many were due."""
    due = due_fetches()
    for one in due:
        nudge(FETCH, one["firm_id"], one["id"])
    return len(due)
