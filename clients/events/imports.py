"""What happens to imports, and whom it concerns."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Perm, administrators, holders
from activity.events import EventType, Recipient
from clients.models import Import
from portfolios.models import Portfolio


class ImportEvent(EventType):
    route = "clients:import"


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


class ImportApplied(ImportEvent):
    """Concerns the administrators, and those to whom a portfolio is open that the import filled.

    Details: `created`, `updated` (counts), `portfolios` (their keys).
    """

    name = "clients.import.applied"
    summary = _("A client list was imported")
    sentence = _(
        "%(actor)s imported the client list %(subject)s: %(created)s client files created, %(updated)s changed."
    )
    concerns = _("The administrators, and those to whom a portfolio is open that the import filled")

    @classmethod
    def audience(cls, subject: Import, details: Mapping[str, Any]) -> Iterable[Recipient]:
        told: list[Recipient] = [*administrators()]
        for portfolio in Portfolio.objects.filter(pk__in=details["portfolios"]):
            told += holders(Perm.VIEW_PORTFOLIO, portfolio)
        return told
