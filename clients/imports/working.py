"""An import in a worker's hands: claimed, kept with what was made of it, or ended. How it is held: `tenancy.leases`."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from activity.actions import record
from clients.events.imports import ImportCancelled
from clients.models import Import, ImportFile, ImportState
from tenancy.leases import LostHold, free, take


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
        fail(held, "gave_up", {})
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
