"""The journal is taken away: that stands in it too."""

from django.utils.translation import gettext_lazy as _

from activity.events import ACCESSES, PROOFS, EventType


class JournalExported(EventType):
    """Concerns nobody else: nothing of the firm has changed. Details: `lines`, how many events the workbook tells."""

    name = "clients.journal.exported"
    family = ACCESSES
    summary = _("The activity log was exported")
    sentence = _("%(actor)s exported the activity log (%(lines)s lines).")


class AccessesExported(EventType):
    """Concerns nobody else: nothing of the firm has changed. Details: `lines`."""

    name = "clients.accesses.exported"
    family = ACCESSES
    summary = _("Who saw a client file was exported")
    sentence = _("%(actor)s exported who saw a client file (%(lines)s lines).")


class AccessesRemoved(EventType):
    """Concerns nobody. Details: `until`, the day before which nothing is kept any more."""

    name = "clients.accesses.removed"
    family = PROOFS
    summary = _("Who saw client files was removed in due time")
    sentence = _("Who opened client files before %(until)s is no longer kept.")
