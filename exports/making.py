"""An export in a worker's hands: written into a file, then kept in the database; all of it or nothing."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from typing import IO
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone, translation

from activity.actions import record
from exports import words
from exports.events import ExportFailed, ExportReady
from exports.kinds import REGISTRY, Gone
from exports.limits import MOST_LINES, TooManyLines
from exports.models import AT_WORK, KEPT_FOR, Export, ExportPart, ExportState
from tenancy.leases import LostHold, Progress, beating, free, let_go, take
from tenancy.scopes import scope

_PART = 1 << 20
# What ends an export for good, by the word for it.
_ENDS = {PermissionDenied: words.NOT_ALLOWED, Gone: words.GONE, TooManyLines: words.TOO_LONG}


def make_export(firm_id: UUID, export_id: UUID) -> None:
    """Write what was asked for, as the person may see it now."""
    with scope(firm=firm_id):
        held = _claim(export_id)
    if held is None:
        return
    try:
        with beating(firm_id, held) as progress, tempfile.TemporaryFile() as file, scope(firm=firm_id):
            _make(held, file, progress)
    except LostHold:
        return
    except (PermissionDenied, Gone, TooManyLines) as error:
        _end(firm_id, held, _ENDS[type(error)])
    except Exception:
        let_go(firm_id, held)
        raise


@transaction.atomic
def _claim(export_id: UUID) -> Export | None:
    """Take the export over, if nobody holds it. Gives up on one that several workers died of."""
    waiting = Export.objects.select_for_update(no_key=True, of=("self",)).select_related("asked_by__user")
    held = waiting.filter(free(), pk=export_id, state__in=AT_WORK).first()
    if held is None:
        return None
    if held.is_worn_out:
        _fail(held, words.GAVE_UP)
        return None
    take(held, state=ExportState.RUNNING, step=0)
    return held


def _make(held: Export, file: IO[bytes], progress: Progress) -> None:
    actor, kind = held.asked_by, REGISTRY.get(held.kind)
    if kind is None:
        raise Gone(held.kind)
    kind.require(actor)
    with translation.override(actor.language):
        book = kind.book(actor, held.parameters)
        progress.step, progress.total = 0, book.expected()
        if progress.total > MOST_LINES:
            raise TooManyLines(progress.total)
        lines = book.write(file, progress)
    kind.require(actor)  # it took a while
    _keep(held, file, lines, book.subjects)


def _end(firm_id: UUID, held: Export, code: str) -> None:
    with suppress(LostHold), scope(firm=firm_id):
        _give_back(held)
        _fail(held, code)


def _keep(held: Export, file: IO[bytes], lines: int, subjects: bytes) -> None:
    _give_back(held)
    held.size = file.seek(0, 2)
    file.seek(0)
    for number, content in enumerate(_parts(file)):
        ExportPart.objects.create(export=held, number=number, content=content)
    now = timezone.now()
    held.state, held.ended_at, held.expires_at = ExportState.READY, now, now + KEPT_FOR
    held.lines, held.subjects, held.lease_until = lines, subjects, None
    held.save(update_fields=["state", "ended_at", "expires_at", "lines", "size", "subjects", "lease_until"])
    record(ExportReady, actor=None, subject=held, details={"lines": lines})


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    while content := file.read(_PART):
        yield content


def _give_back(held: Export) -> None:
    """Raises LostHold, which takes the whole work back, if another worker has it by now."""
    current = Export.objects.select_for_update(no_key=True).filter(pk=held.pk).first()
    if current is None or (current.attempts, current.state) != (held.attempts, held.state):
        raise LostHold(held.pk)


def _fail(held: Export, code: str) -> None:
    held.state, held.reason, held.ended_at, held.lease_until = ExportState.FAILED, code, timezone.now(), None
    held.save(update_fields=["state", "reason", "ended_at", "lease_until"])
    record(ExportFailed, actor=None, subject=held, details={"reason": code})
