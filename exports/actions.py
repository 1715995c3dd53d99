"""Taking a workbook away: each time is an access to what it tells of, and is recorded as one."""

from typing import IO

from django.db import transaction

from accounts.models import Membership
from activity.actions import record
from exports.kinds import REGISTRY, Book, Kind
from exports.models import Export
from spreadsheets.writing import Target
from tenancy.leases import Progress


class NotThere(Exception):
    """The export is not ready, or its file is no longer kept."""


class NotOpenAnyMore(Exception):
    """The person has lost access to something that the export tells of."""


@transaction.atomic
def export_now(*, actor: Membership, kind: Kind, book: Book, target: Target) -> int:
    """Write the workbook while the member waits; returns how many lines it holds."""
    kind.require(actor)
    lines = book.write(target, Progress())
    record(kind.exported, actor=actor, subject=actor.firm, details={"lines": lines})
    return lines


@transaction.atomic
def take_away(*, actor: Membership, export: Export, target: IO[bytes]) -> None:
    """Copy the file into the target, for whoever asked for it and may still have it.

    Raises NotThere (also for another's), PermissionDenied, NotOpenAnyMore.
    """
    # Held, so that the sweep does not delete it meanwhile.
    found = Export.objects.select_for_update(no_key=True).filter(pk=export.pk, asked_by=actor).first()
    kind = REGISTRY.get(found.kind) if found else None
    if found is None or kind is None or not found.is_ready:
        raise NotThere(export.pk)
    kind.require(actor)
    if not kind.still_open(actor, bytes(found.subjects)):
        raise NotOpenAnyMore(export.pk)
    for content in found.parts.values_list("content", flat=True).iterator(chunk_size=1):
        target.write(content)
    record(kind.exported, actor=actor, subject=actor.firm, details={"lines": found.lines})
