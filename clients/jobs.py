"""What starts background work: a row is written, and a worker is nudged after the commit."""

from collections.abc import Mapping

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions import Perm, require
from activity.actions import record
from clients.events.imports import ImportCancelled, ImportUploaded
from clients.imports.working import end
from clients.models import Import, ImportFile, ImportState
from tenancy.tasks import nudge

READ, APPLY = "clients.read_import", "clients.apply_import"
_LONGEST_NAME = 200


class NotNow(Exception):
    """The import has gone on since the page was shown: confirmed, cancelled, or being read again."""


@transaction.atomic
def start_import(*, actor: Membership, file_name: str, content: bytes) -> Import:
    """Keep the file and have it read."""
    require(actor, Perm.IMPORT_DOSSIERS)
    made = Import.objects.create(created_by=actor, file_name=file_name[-_LONGEST_NAME:], size=len(content))
    ImportFile.objects.create(source=made, content=content)
    record(ImportUploaded, actor=actor, subject=made)
    _nudge(READ, made)
    return made


@transaction.atomic
def choose_sheet(*, actor: Membership, source: Import, sheet: int) -> Import:
    """Have this sheet read: the answer to the question, or another one after a look at the plan.

    Raises NotNow, and ObjectDoesNotExist for a sheet that can't be chosen. It is no event: nothing of the firm changes.
    """
    require(actor, Perm.IMPORT_DOSSIERS)
    current = _locked(source, ImportState.CHOOSING, ImportState.READY)
    chosen = next((one for one in current.sheets if one["index"] == sheet and may_be_chosen(one)), None)
    if chosen is None:
        raise ObjectDoesNotExist(sheet)
    current.sheet, current.sheet_name = sheet, chosen["name"][:_LONGEST_NAME]
    _hand_over(current, ImportState.PLANNING, "sheet", "sheet_name")
    _nudge(READ, current)
    return current


def may_be_chosen(sheet: Mapping[str, object]) -> bool:
    """Has the sheet a column that is known, and rows?"""
    return sheet["refusal"] is None and bool(sheet["recognised"])


@transaction.atomic
def confirm_import(*, actor: Membership, source: Import) -> Import:
    """Have the plan written into the firm's dossiers: once, however often it is confirmed. Raises NotNow."""
    require(actor, Perm.IMPORT_DOSSIERS)
    current = _locked(source, ImportState.READY)
    if not current.to_apply:
        raise NotNow(current.pk)
    current.confirmed_by, current.confirmed_at = actor, timezone.now()
    _hand_over(current, ImportState.APPLYING, "confirmed_by", "confirmed_at")
    _nudge(APPLY, current)
    return current


@transaction.atomic
def cancel_import(*, actor: Membership, source: Import) -> None:
    """Drop the file and its plan. Raises NotNow once it is being written, or over."""
    require(actor, Perm.IMPORT_DOSSIERS)
    waiting = (
        ImportState.UPLOADED,
        ImportState.READING,
        ImportState.CHOOSING,
        ImportState.PLANNING,
        ImportState.READY,
    )
    current = _locked(source, *waiting)
    end(current, ImportState.CANCELLED)
    record(ImportCancelled, actor=actor, subject=current)


def _locked(source: Import, *states: ImportState) -> Import:
    """The import as it stands now, held until the commit. Raises NotNow if it is in another state.

    Without the key: rows that a worker is planning point at it, and a person who cancels should not wait for them.
    """
    current = Import.objects.select_for_update(no_key=True).get(pk=source.pk)
    if current.state not in states:
        raise NotNow(current.pk)
    return current


def _hand_over(current: Import, state: ImportState, *fields: str) -> None:
    """To the next worker, or to nobody."""
    current.state, current.lease_until, current.attempts, current.step, current.total = state, None, 0, 0, 0
    current.save(update_fields=["state", "lease_until", "attempts", "step", "total", *fields])


def _nudge(task: str, source: Import) -> None:
    nudge(task, source.firm_id, source.pk)
