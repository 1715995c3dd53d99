"""What happens to dossiers, and whom it concerns."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Perm, holders
from activity.events import EventType, Recipient
from clients.models import Dossier

# The fields that people fill in, by the names that they know them by.
LABELS = {
    field.name: field.verbose_name
    for field in Dossier._meta.concrete_fields
    if field.editable and field.name != "portfolio"
}


class DossierEvent(EventType):
    """Concerns those to whom the dossier is open."""

    route = "clients:dossier"
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
