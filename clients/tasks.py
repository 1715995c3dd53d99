"""Background work on client lists, and on what ends by itself."""

from typing import Any
from uuid import UUID

from celery import shared_task

from clients.connectors.fetching import fetch_clients as fetch_one
from clients.connectors.fetching import sweep as sweep_fetches
from clients.files.quarantine import scan_file as scan_one
from clients.files.quarantine import sweep as sweep_exchanged
from clients.imports.applying import apply_import as apply_one
from clients.imports.reading import read_import as read_one
from clients.imports.showing import prepare_page
from clients.imports.sweeping import sweep
from clients.imports.undoing import undo_import as undo_one
from clients.supporting import sweep as sweep_support
from tenancy.tasks import FirmTask


@shared_task(base=FirmTask, bind=True, name="clients.read_import", scoped=False)
def read_import(self: Any, firm_id: UUID, import_id: str) -> None:
    """Read an uploaded list up to its plan. Opens its own scopes: reading a file takes seconds."""
    read_one(firm_id, UUID(import_id))
    prepare_page(firm_id, UUID(import_id))


@shared_task(base=FirmTask, bind=True, name="clients.apply_import", scoped=False)
def apply_import(self: Any, firm_id: UUID, import_id: str) -> None:
    """Write a confirmed plan."""
    apply_one(firm_id, UUID(import_id))
    prepare_page(firm_id, UUID(import_id))


@shared_task(base=FirmTask, bind=True, name="clients.undo_import", scoped=False)
def undo_import(self: Any, firm_id: UUID, import_id: str) -> None:
    """Take back what an import has written."""
    undo_one(firm_id, UUID(import_id))
    prepare_page(firm_id, UUID(import_id))


@shared_task(name="clients.resume_imports")
def resume_imports() -> None:
    """Hand imports that nobody works on to a worker, and drop plans and files whose month is over."""
    sweep()


@shared_task(base=FirmTask, bind=True, name="clients.fetch_clients", scoped=False)
def fetch_clients(self: Any, firm_id: UUID, fetch_id: str) -> None:
    """Fetch a client list from another platform. Opens its own scopes: the platform may take minutes."""
    fetch_one(firm_id, UUID(fetch_id))


@shared_task(name="clients.resume_fetches")
def resume_fetches() -> None:
    """Hand fetches that nobody works on to a worker: those that have waited long enough among them."""
    sweep_fetches()


@shared_task(name="clients.end_support")
def end_support() -> None:
    """Clear up after authorisations of technical support that have run out, and tell both sides."""
    sweep_support()


@shared_task(base=FirmTask, bind=True, name="clients.scan_file", scoped=False)
def scan_file(self: Any, firm_id: UUID, file_id: str) -> None:
    """Have the virus scanner look at a file that was dropped. Opens its own scopes: it may take a minute."""
    scan_one(firm_id, UUID(file_id))


@shared_task(name="clients.sweep_files")
def sweep_files() -> None:
    """Hand files that wait for the scanner to a worker, and delete the contents of those taken back a month ago."""
    sweep_exchanged()
