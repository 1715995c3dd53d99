"""What happens to dossiers, and whom it concerns."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Perm, administrators, holders
from activity.events import EventType, Recipient
from clients.models import Dossier
from portfolios.models import Portfolio

# The fields that people fill in, by the names that they know them by.
LABELS = {
    field.name: field.verbose_name
    for field in Dossier._meta.concrete_fields
    if field.editable and field.name != "portfolio"
}


class DossierEvent(EventType):
    """Concerns those to whom the dossier is open."""

    route = "clients:dossier"
    topic = "dossiers"
    fields = {
        **LABELS,
        "portfolio": _("Portfolio"),
        "siret_as_is": _("SIRET accepted although its check digit does not match"),
    }
    concerns = _("Those to whom the client file is open")

    @classmethod
    def audience(cls, subject: Dossier, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return holders(Perm.VIEW_DOSSIER, subject)


class DossierCreated(DossierEvent):
    name = "clients.dossier.created"
    summary = _("A client file was created")
    sentence = _("%(actor)s created the client file %(subject)s.")


class DossierChanged(DossierEvent):
    name = "clients.dossier.changed"
    summary = _("A client file was changed")
    sentence = _("%(actor)s changed the client file %(subject)s.")


class DossierMoved(DossierEvent):
    """Changes: `portfolio`, by name; those who lost the dossier are told by `also_tell`."""

    name = "clients.dossier.moved"
    summary = _("A client file was moved to another portfolio")
    sentence = _("%(actor)s moved the client file %(subject)s.")
    concerns = _("Those to whom the client file is open, and those who no longer have it")


class DossierTakenBack(EventType):
    """The import that had created it was undone; it has no page any more. Those concerned are told by that event."""

    name = "clients.dossier.taken_back"
    summary = _("A client file that an import had created was taken back")
    sentence = _("%(actor)s took back the client file %(subject)s, which an import had created.")


class DossierArchived(DossierEvent):
    name = "clients.dossier.archived"
    summary = _("A client file was archived")
    sentence = _("%(actor)s archived the client file %(subject)s.")
    opposite = "clients.dossier.restored"


class DossierRestored(DossierEvent):
    name = "clients.dossier.restored"
    summary = _("An archived client file was restored")
    sentence = _("%(actor)s restored the archived client file %(subject)s.")
    opposite = "clients.dossier.archived"


class ManyDossiers(EventType):
    """About many dossiers, each of which has its own line in the journal.

    Details: `count`; `dossiers_id`, the same for the same dossiers. Those who see one of them are told by `also_tell`.
    """

    topic = "dossiers"
    concerns = _("The administrators, and those to whom one of the client files is open")

    @classmethod
    def audience(cls, subject: Any, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return administrators()


class DossiersArchived(ManyDossiers):
    name = "clients.dossiers.archived"
    summary = _("Client files were archived")
    sentence = _("%(actor)s archived %(count)s client files.")
    opposite = "clients.dossiers.restored"


class DossiersRestored(ManyDossiers):
    name = "clients.dossiers.restored"
    summary = _("Archived client files were restored")
    sentence = _("%(actor)s restored %(count)s archived client files.")
    opposite = "clients.dossiers.archived"


class DossiersMoved(ManyDossiers):
    """The subject is the portfolio in which they are now."""

    name = "clients.dossiers.moved"
    summary = _("Client files were moved to another portfolio")
    sentence = _("%(actor)s moved %(count)s client files to the portfolio %(subject)s.")
    route = "clients:portfolio"
    concerns = _(
        "The administrators, those to whom one of the client files is open, and those who no longer have it"
    )

    @classmethod
    def audience(cls, subject: Portfolio | None, details: Mapping[str, Any]) -> Iterable[Recipient]:
        """Those of the portfolio by their right to it: the others, who do not see it, are told by `also_tell`."""
        of_portfolio = holders(Perm.VIEW_PORTFOLIO, subject) if subject else ()
        return [*administrators(), *of_portfolio]


class DossiersTakenOut(DossiersMoved):
    """They are in no portfolio now."""

    name = "clients.dossiers.taken_out"
    summary = _("Client files were taken out of their portfolio")
    sentence = _("%(actor)s took %(count)s client files out of their portfolio.")
