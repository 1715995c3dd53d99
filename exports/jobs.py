"""Asking for an export that a worker makes: a row is written, and a worker is nudged after the commit."""

import hashlib
import json

from django.db import transaction

from accounts.models import Membership
from activity.actions import record
from exports.events import ExportAsked
from exports.kinds import Book, Kind, Parameters
from exports.models import AT_WORK, Export
from tenancy.tasks import nudge

MAKE = "exports.make_export"
MOST_AT_WORK = 5


class TooManyAtWork(Exception):
    """So many exports of this person are being prepared that another one has to wait."""


@transaction.atomic
def order_export(*, actor: Membership, kind: Kind, parameters: Parameters, book: Book) -> Export:
    """Have it made; while one of the same kind and parameters is at work, that one. Raises TooManyAtWork."""
    kind.require(actor)
    export, is_new = Export.objects.get_or_create(
        asked_by=actor,
        kind=kind.name,
        digest=_digest(parameters),
        state__in=AT_WORK,
        defaults={
            "parameters": dict(parameters),
            "asked": book.asked,
            "file_name": book.name() or kind.file_name(),
            "total": book.expected(),
        },
    )
    if not is_new:
        return export
    if Export.objects.of(actor).at_work().count() > MOST_AT_WORK:
        raise TooManyAtWork(actor.pk)
    record(ExportAsked, actor=actor, subject=export)
    nudge(MAKE, export.firm_id, export.pk)
    return export


def _digest(parameters: Parameters) -> str:
    told = json.dumps(dict(parameters), sort_keys=True)
    return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()
