"""What no nudge announced: exports whose worker died, or whose nudge was lost; and files that were kept long enough."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from activity.actions import record
from exports.events import ExportExpired
from exports.lookups import due_exports
from exports.models import Export, ExportState
from tenancy.scopes import scope
from tenancy.tasks import nudge


def sweep() -> int:
    """Returns how many exports were due."""
    due = due_exports()
    for one in due:
        if one["state"] == ExportState.READY:
            with scope(firm=one["firm_id"]):
                expire(one["id"])
        else:
            nudge("exports.make_export", one["firm_id"], one["id"])
    return len(due)


@transaction.atomic
def expire(export_id: UUID) -> None:
    """Delete the file; that it was made stays, for whoever follows the link of its mail."""
    kept = Export.objects.select_for_update(no_key=True).filter(pk=export_id, state=ExportState.READY)
    export = kept.filter(expires_at__lte=timezone.now()).first()
    if export is None:
        return
    export.parts.all().delete()
    export.state, export.subjects = ExportState.EXPIRED, b""
    export.save(update_fields=["state", "subjects"])
    record(ExportExpired, actor=None, subject=export)
