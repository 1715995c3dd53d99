"""A firm keeps some of a client's details, or no more: in its journal, and in that of the client's space."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Perm, holders
from activity.events import EventType, Recipient
from clients.events.space import SpaceEvent
from clients.models import Dossier
from clients.models.details import DETAIL_FIELDS, ClientDetails

# Not the fields themselves: nothing of them changes, but who may change them.
FIELDS = {
    f"kept_{field.name}": field.verbose_name
    for field in ClientDetails._meta.local_fields
    if field.name in DETAIL_FIELDS
}


class DetailsKept(EventType):
    """Concerns those to whom the dossier is open. `changes`: of each detail, whether the firm keeps it; `reason`."""

    name = "clients.dossier.details_kept"
    summary = _("The details that a client may change were chosen")
    sentence = _(
        "%(actor)s changed which details of %(subject)s the firm keeps from being changed by the client."
    )
    route = "clients:dossier"
    topic = "dossiers"
    fields = {**FIELDS, "reason": _("Reason")}
    concerns = _("Those to whom the client file is open")

    @classmethod
    def audience(cls, subject: Dossier, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return holders(Perm.VIEW_DOSSIER, subject)


class FirmKeepsDetails(SpaceEvent):
    """Details: `firm`, its name. `changes` as above."""

    name = "clients.space.details_kept"
    summary = _("Your accounting firm changed which of your details it keeps")
    sentence = _("%(actor)s (%(firm)s) changed which details of %(subject)s the firm keeps.")
    fields = DetailsKept.fields
