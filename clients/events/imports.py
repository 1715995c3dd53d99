"""What happens to imports, and whom it concerns."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Perm, administrators, holders_of_any
from activity.events import EventType, Recipient
from clients.models import Import
from portfolios.models import Portfolio


class ImportEvent(EventType):
    route = "clients:import"
    topic = "dossiers"


class ImportUploaded(ImportEvent):
    """Concerns nobody else: nothing of the firm has changed yet."""

    name = "clients.import.uploaded"
    summary = _("A client list was uploaded")
    sentence = _("%(actor)s uploaded the client list %(subject)s.")


class ImportCancelled(ImportEvent):
    """Concerns nobody else: nothing of the firm has changed."""

    name = "clients.import.cancelled"
    summary = _("An import was cancelled")
    sentence = _("%(actor)s cancelled the import of %(subject)s.")


class ImportFailed(ImportEvent):
    """Concerns whoever had confirmed it (told by `also_tell`), who may have left the page: nothing of the firm has
    changed. Details: `reason`, a key of the import's own words.
    """

    name = "clients.import.failed"
    summary = _("An import failed")
    sentence = _("The import of %(subject)s failed: its page says why.")
    concerns = _("Whoever had confirmed the import")


class ImportUndoFailed(ImportEvent):
    """Concerns whoever asked for the undo (told by `also_tell`): the import stands as it was. Details: `reason`."""

    name = "clients.import.undo_failed"
    summary = _("An import could not be undone")
    sentence = _(
        "The undo of the import %(subject)s failed, and nothing was taken back: its page says what to do."
    )
    concerns = _("Whoever asked for the undo")


class ImportFileDeleted(ImportEvent):
    name = "clients.import.file_deleted"
    summary = _("The file of an import was deleted")
    sentence = _("The file of the import %(subject)s was deleted: its time was over.")


class ImportApplied(ImportEvent):
    """Concerns the administrators, those to whom a portfolio is open that the import filled or that lost dossiers by
    it, and (told by `also_tell`) those to whom one of the dossiers is open by itself.

    Details: `created`, `updated` (counts), `portfolios` (their keys).
    """

    name = "clients.import.applied"
    summary = _("A client list was imported")
    sentence = _(
        "%(actor)s imported the client list %(subject)s: %(created)s client files created, %(updated)s changed."
    )
    concerns = _(
        "The administrators, and those to whom one of the client files is open, or a portfolio that got or lost some"
    )

    @classmethod
    def audience(cls, subject: Import, details: Mapping[str, Any]) -> Iterable[Recipient]:
        portfolios = Portfolio.objects.filter(pk__in=details["portfolios"])
        return [*administrators(), *holders_of_any(Perm.VIEW_PORTFOLIO, portfolios)]


class ImportUndone(ImportEvent):
    """Details: `deleted`, `restored`, `kept`, how many dossiers. Those who saw one of them are told by `also_tell`."""

    name = "clients.import.undone"
    summary = _("An import was undone")
    sentence = _(
        "%(actor)s undid the import of the client list %(subject)s: %(deleted)s client files taken back, "
        "%(restored)s as they were before, %(kept)s kept."
    )
    concerns = _(
        "The administrators, and those to whom one of the client files was open, or a portfolio that got or lost some"
    )

    @classmethod
    def audience(cls, subject: Import, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return administrators()


class ColumnsRemembered(EventType):
    """Concerns nobody else: it changes no client file, and is shown and changeable with each import."""

    name = "clients.columns.remembered"
    summary = _("The columns of a list were remembered")
    sentence = _("%(actor)s had the columns of %(subject)s remembered for lists of the same shape.")


class ColumnsForgotten(EventType):
    """Concerns nobody else: it changes no client file."""

    name = "clients.columns.forgotten"
    summary = _("The remembered columns of a list were forgotten")
    sentence = _("%(actor)s had the columns of %(subject)s forgotten.")
