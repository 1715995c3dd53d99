"""A worker's hold on an import: claimed with a lease, kept alive while the work lasts, given back at the end.

A worker that was killed renews nothing, so its lease runs out and the sweep hands the import to another one. `attempts`
counts the claims and fences them: whoever finds another number at the end has lost its hold, and takes back its work.
"""

import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, connections, transaction
from django.db.models import Q
from django.utils import timezone

from activity.actions import record
from clients.events.imports import ImportCancelled
from clients.models import Import, ImportFile, ImportState
from tenancy.scopes import scope

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
_BEAT_SECONDS = 1.0
_MOST_ATTEMPTS = 4


class LostHold(Exception):
    """Another worker has taken the import over, or a person has cancelled it."""


@dataclass
class Progress:
    """Where the work stands; the beat writes it down. Set by plain assignment."""

    step: int = 0
    total: int = 0


@transaction.atomic
def claim(
    import_id: UUID, states: Iterable[ImportState], working: Callable[[Import], ImportState]
) -> Import | None:
    """Take the import over, if it is in one of these states and nobody holds it; None if there is nothing to do.

    `working`: the state that it has while the work lasts. Gives up on an import that several workers died of.
    """
    free = Q(lease_until=None) | Q(lease_until__lt=timezone.now())
    held = Import.objects.select_for_update(no_key=True).filter(free, pk=import_id, state__in=states).first()
    if held is None:
        return None
    if held.attempts >= _MOST_ATTEMPTS:
        fail(held, "gave_up", {})
        return None
    held.attempts += 1
    held.state, held.lease_until = working(held), timezone.now() + LEASE
    held.save(update_fields=["attempts", "state", "lease_until"])
    return held


@transaction.atomic
def keep(held: Import, **fields: Any) -> None:
    """Store the work's result and give the import back. Raises LostHold, which takes the whole work back."""
    current = Import.objects.select_for_update(no_key=True).filter(pk=held.pk).first()
    if current is None or (current.attempts, current.state) != (held.attempts, held.state):
        raise LostHold(held.pk)
    for name, value in {"lease_until": None, "attempts": 0, **fields}.items():
        setattr(held, name, value)
    held.save(update_fields=["lease_until", "attempts", *fields])


def fail(held: Import, code: str, params: Mapping[str, Any]) -> None:
    """The import ends here, for this reason; nothing of it was written."""
    held.refusal_code, held.refusal_params = code, dict(params)
    held.save(update_fields=["refusal_code", "refusal_params"])
    end(held, ImportState.FAILED)


def end(held: Import, state: ImportState) -> None:
    """Nothing was written, and nothing is kept but the import itself."""
    held.state, held.lease_until, held.ended_at = state, None, timezone.now()
    held.save(update_fields=["state", "lease_until", "ended_at"])
    ImportFile.objects.filter(source_id=held.pk).delete()
    held.rows.all().delete()


@transaction.atomic
def forget(import_id: UUID) -> None:
    """Drop a plan that nobody confirmed, with its file."""
    waiting = (ImportState.CHOOSING, ImportState.READY)
    held = Import.objects.select_for_update(no_key=True).filter(pk=import_id, state__in=waiting).first()
    if held is not None:
        end(held, ImportState.CANCELLED)
        record(ImportCancelled, actor=None, subject=held)


def let_go(firm_id: UUID, held: Import) -> None:
    """After an unforeseen error: the sweep tries again, some times."""
    with scope(firm=firm_id):
        Import.objects.filter(pk=held.pk, attempts=held.attempts).update(lease_until=timezone.now())


@contextmanager
def beating(firm_id: UUID, held: Import) -> Generator[Progress]:
    """Renew the lease and show the progress, from a connection of its own, while the block runs."""
    progress, stop = Progress(held.step, held.total), threading.Event()
    thread = threading.Thread(target=_beat, args=(firm_id, held, progress, stop), daemon=True)
    thread.start()
    try:
        yield progress
    finally:
        stop.set()
        thread.join()


def _beat(firm_id: UUID, held: Import, progress: Progress, stop: threading.Event) -> None:
    try:
        while not stop.wait(_BEAT_SECONDS):
            _renew(firm_id, held, progress)
    finally:
        connections.close_all()


def _renew(firm_id: UUID, held: Import, progress: Progress) -> None:
    try:
        with scope(firm=firm_id):
            with connections["default"].cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '1s'")
            Import.objects.filter(pk=held.pk, attempts=held.attempts).update(
                lease_until=timezone.now() + LEASE, step=progress.step, total=progress.total
            )
    except DatabaseError as error:  # the next beat tries again; a lease outlasts many
        log.warning("import_beat_missed", error=type(error).__name__)
