"""What happens to exports that a worker makes, and whom it concerns. What is taken away is recorded by its kind."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from activity.events import ACCESSES, EventType, Recipient
from exports.models import Export


class ExportAsked(EventType):
    """Concerns nobody else: nothing of the firm has changed."""

    name = "exports.export.asked"
    family = ACCESSES
    summary = _("An export was asked for")
    sentence = _("%(actor)s asked for the export %(subject)s.")


class _ToWhoeverAsked(EventType):
    route = "exports:export"
    topic = "orders"
    concerns = _("Whoever asked for it")

    @classmethod
    def audience(cls, subject: Export, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return Membership.objects.with_person().filter(pk=subject.asked_by_id)


class ExportReady(_ToWhoeverAsked):
    """Details: `lines`, how many the workbook holds."""

    name = "exports.export.ready"
    family = ACCESSES
    summary = _("Your export is ready")
    sentence = _("The export %(subject)s is ready (%(lines)s lines). It is kept for 7 days.")


class ExportFailed(_ToWhoeverAsked):
    """Details: `reason`, a key of `exports.words`."""

    name = "exports.export.failed"
    family = ACCESSES
    summary = _("Your export could not be prepared")
    sentence = _("The export %(subject)s could not be prepared.")


class ExportExpired(EventType):
    name = "exports.export.expired"
    family = ACCESSES
    summary = _("The file of an export was deleted")
    sentence = _("The file of the export %(subject)s was deleted, 7 days after it was made.")
