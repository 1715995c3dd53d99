"""Background work on exports."""

from typing import Any
from uuid import UUID

from celery import shared_task

from exports.making import make_export as make_one
from exports.sweeping import sweep
from tenancy.tasks import FirmTask


@shared_task(base=FirmTask, bind=True, name="exports.make_export", scoped=False)
def make_export(self: Any, firm_id: UUID, export_id: str) -> None:
    """Make the workbook that a person asked for. Opens its own scopes: it may take minutes."""
    make_one(firm_id, UUID(export_id))


@shared_task(name="exports.sweep_exports")
def sweep_exports() -> None:
    """Hand exports that nobody works on to a worker, and delete files whose time is over."""
    sweep()
