"""A file in a worker's hands: the virus scanner looks at it, and it arrives, or whoever dropped it is told why not.

A scanner that is away keeps files waiting, ever longer, for a day; then they are refused.
"""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from clients.actions.files import SCAN, announce, copy_content, delete_content, turn_away
from clients.files import words
from clients.files.scanning import scanner
from clients.lookups import due_files
from clients.models import PUT_BACK_WITHIN, ExchangedFile, FileState, SpaceLink
from tenancy.leases import beating, free, take
from tenancy.scopes import scope
from tenancy.tasks import nudge

log = structlog.get_logger(__name__)

_PATIENCE = timedelta(days=1)
_FIRST_REST, _LONGEST_REST = timedelta(seconds=10), timedelta(minutes=15)


def scan_file(firm_id: UUID, file_id: UUID) -> None:
    """Have it looked at, if nobody else does."""
    with scope(firm=firm_id):
        held = _claim(file_id)
    if held is None:
        return
    if held.attempts > 1 and held.dropped_at < timezone.now() - _PATIENCE:
        with _side_of(held):
            _settle(held, words.UNCHECKED)
        return
    try:
        with beating(firm_id, held):
            found = _look(firm_id, held)
    except Exception as error:  # whatever a scanner raises: it could not tell
        log.warning("scanner_failed", error=type(error).__name__)
        _rest(firm_id, held)
        return
    with _side_of(held):
        _settle(held, words.INFECTED if found else "", found)


def sweep() -> int:
    """What no nudge announced, and contents that are kept no longer. Returns how many files were due."""
    due = due_files()
    for one in due:
        if one["state"] == FileState.QUARANTINED:
            nudge(SCAN, one["firm_id"], one["id"])
        else:
            with scope(firm=one["firm_id"]):
                erase(one["id"])
    return len(due)


@transaction.atomic
def erase(file_id: UUID) -> None:
    """Delete the content of a file that was taken back a month ago; that it was there stays."""
    long_ago = timezone.now() - PUT_BACK_WITHIN
    rows = ExchangedFile.objects.select_related("link")
    removed = rows.filter(pk=file_id, state=FileState.REMOVED, ended_at__lte=long_ago)
    if held := removed.select_for_update(no_key=True, of=("self",)).first():
        with _side_of(held):
            delete_content(held)


@transaction.atomic
def _claim(file_id: UUID) -> ExchangedFile | None:
    waiting = ExchangedFile.objects.filter(free(), pk=file_id, state=FileState.QUARANTINED)
    held = waiting.select_for_update(no_key=True, of=("self",)).first()
    if held is not None:
        take(held)
    return held


def _look(firm_id: UUID, held: ExchangedFile) -> str:
    """What the scanner finds; "" for nothing, and where the settings name none any more."""
    ask = scanner()
    if ask is None:
        return ""
    with tempfile.TemporaryFile() as file:
        with scope(firm=firm_id):
            copy_content(held, file)
        file.seek(0)
        return ask(file)


def _rest(firm_id: UUID, held: ExchangedFile) -> None:
    """Ask again later."""
    rest = min(_FIRST_REST * 2 ** min(held.attempts, 10), _LONGEST_REST)
    with scope(firm=firm_id):
        same = ExchangedFile.objects.filter(pk=held.pk, attempts=held.attempts)
        same.update(lease_until=timezone.now() + rest)


def _settle(held: ExchangedFile, reason: str, found: str = "") -> None:
    """On the side of whoever dropped it. Not where another worker has it by now, or its own people took it back."""
    links = SpaceLink.objects.running().filter(pk=held.link_id).select_for_update(no_key=True, of=("self",))
    is_linked = links.first() is not None
    rows = ExchangedFile.objects.select_related("link").select_for_update(no_key=True, of=("self",))
    file = rows.filter(pk=held.pk, attempts=held.attempts, state=FileState.QUARANTINED).first()
    if file is None:
        return
    if reason or not is_linked:
        turn_away(file, reason or words.ENDED, found)
        return
    file.state, file.lease_until = FileState.AVAILABLE, None
    file.save(update_fields=["state", "lease_until"])
    announce(file)


@contextmanager
def _side_of(held: ExchangedFile) -> Generator[None]:
    """The scope of the side that dropped the file."""
    if held.from_client:
        with scope(space=held.space_id):
            yield
    else:
        with scope(firm=held.firm_id):
            yield
