"""An import in a worker's hands: claimed, kept with what was made of it, or ended. How it is held: `tenancy.leases`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, Min, QuerySet
from django.utils import timezone

from activity.actions import record
from clients.events.imports import (
    ImportCancelled,
    ImportEvent,
    ImportFailed,
    ImportFileDeleted,
    ImportUndoFailed,
)
from clients.models import OVER, WAITING, Import, ImportFile, ImportRow, ImportState
from tenancy.leases import LostHold, Progress, free, take

SLICE = 20_000


@transaction.atomic
def claim(
    import_id: UUID, states: Iterable[ImportState], working: Callable[[Import], ImportState]
) -> Import | None:
    """Take the import over, if it is in one of these states and nobody holds it; None if there is nothing to do.

    `working`: the state that it has while the work lasts. Gives up on an import that several workers died of.
    """
    waiting = Import.objects.select_for_update(no_key=True).filter(free(), pk=import_id, state__in=states)
    held = waiting.first()
    if held is None:
        return None
    if held.is_worn_out:
        fail(held, "undo_gave_up" if held.state == ImportState.UNDOING else "gave_up", {})
        return None
    take(held, state=working(held))
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


@transaction.atomic
def fail(held: Import, code: str, params: Mapping[str, Any]) -> None:
    """The work ends here, for this reason, and nothing of it was written: the import failed; or, where it was its undo
    that failed, it stands as it was. Not where somebody else has it by now."""
    current = Import.objects.select_for_update(no_key=True).filter(pk=held.pk).first()
    if current is None or (current.attempts, current.state) != (held.attempts, held.state):
        return
    held.refusal_code, held.refusal_params = code, dict(params)
    held.save(update_fields=["refusal_code", "refusal_params"])
    if current.state == ImportState.UNDOING:
        asked = current.undone_by
        held.state, held.lease_until, held.attempts = ImportState.DONE, None, 0
        held.step, held.total, held.undone_by = 0, 0, None
        held.save(update_fields=["state", "lease_until", "attempts", "step", "total", "undone_by"])
        happened: type[ImportEvent] = ImportUndoFailed
    else:
        asked = current.confirmed_by
        end(held, ImportState.FAILED)
        happened = ImportFailed
    told = [asked] if asked is not None else []
    record(happened, actor=None, subject=held, details={"reason": code}, also_tell=told)


def end(held: Import, state: ImportState) -> None:
    """Nothing was written, and nothing is kept but the import itself."""
    held.state, held.lease_until, held.ended_at = state, None, timezone.now()
    held.save(update_fields=["state", "lease_until", "ended_at"])
    ImportFile.objects.filter(source_id=held.pk).delete()
    held.rows.all().delete()
    held.corrections.all().delete()


@transaction.atomic
def forget(import_id: UUID) -> None:
    """Drop a plan that nobody confirmed, with its file."""
    held = Import.objects.select_for_update(no_key=True).filter(pk=import_id, state__in=WAITING).first()
    if held is not None:
        end(held, ImportState.CANCELLED)
        record(ImportCancelled, actor=None, subject=held)


@transaction.atomic
def forget_file(import_id: UUID) -> None:
    """Delete the file of an import that was applied long ago, and all that its rows hold of the file's own words."""
    held = Import.objects.select_for_update(no_key=True).filter(pk=import_id, state__in=OVER).first()
    if held is not None:
        ImportFile.objects.filter(source=held).delete()
        held.rows.exclude(raw=None).update(raw=None)
        held.corrections.all().delete()
        record(ImportFileDeleted, actor=None, subject=held)


def slices(rows: QuerySet[ImportRow], progress: Progress, most: int) -> Iterator[dict[str, int]]:
    """The numbers of the `first` and the `last` row of each slice, in which these are written so that the page sees it
    move; the progress moves on by them, to `most`."""
    ends = rows.aggregate(first=Min("number"), last=Max("number"))
    if ends["first"] is None:
        return
    for first in range(ends["first"], ends["last"] + 1, SLICE):
        yield {"first": first, "last": first + SLICE - 1}
        progress.step = min(most, progress.step + SLICE)


@contextmanager
def never_each_with_each() -> Iterator[None]:
    """For joins of all rows with all dossiers. Of tables that have grown just now the planner believes that they hold
    next to nothing, and compares each row with each dossier: half a minute for 10,000 rows."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        yield
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")


@contextmanager
def row_by_row() -> Iterator[None]:
    """For a look at the first few of many rows: what each of them is about is looked up by its key, and no more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"
        )
        yield
        cursor.execute(
            "SELECT set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true)"
        )


def one_at_a_time(held: Import) -> None:
    """Until the transaction ends, no other import of the firm is applied or undone: the second sees what the first has
    done."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s::text, 0))", [held.firm_id])
