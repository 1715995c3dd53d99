"""What happens to the authorisation of technical support, on both sides, and whom it concerns."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.permissions import administrators
from activity.events import EventType, Recipient
from clients.events.space import SpaceEvent
from clients.models import Dossier


class SpaceSupportEvent(SpaceEvent):
    """In the space's journal. Details: `firm`, its name; `until`, a moment."""

    route = "clients:space_authorisations"
    topic = "following"


class SupportAuthorised(SpaceSupportEvent):
    name = "clients.space.support_authorised"
    summary = _("Technical support was authorised")
    sentence = _("%(actor)s authorised the technical support of %(firm)s until %(until)s.")


class SupportWithdrawn(SpaceSupportEvent):
    name = "clients.space.support_withdrawn"
    summary = _("Technical support is no longer authorised")
    sentence = _("%(actor)s withdrew the authorisation of the technical support of %(firm)s.")


class SupportEnded(SpaceSupportEvent):
    """It ran out, or the dossier was put away."""

    name = "clients.space.support_ended"
    summary = _("The access of technical support has ended")
    sentence = _("The access of the technical support of %(firm)s has ended.")


class DossierSupportEvent(EventType):
    """In the firm's journal. Those of technical support who lose the dossier are told by `also_tell`."""

    route = "clients:dossier"
    topic = "dossiers"
    concerns = _("The administrators, and those of technical support who lose the client file")

    @classmethod
    def audience(cls, subject: Dossier, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return administrators()


class ClientAuthorisedSupport(DossierSupportEvent):
    """Details: `until`, a moment."""

    name = "clients.dossier.support_authorised"
    summary = _("A client authorised technical support")
    sentence = _("%(actor)s, of the client, authorised technical support on %(subject)s until %(until)s.")
    concerns = _("The administrators")


class ClientWithdrewSupport(DossierSupportEvent):
    name = "clients.dossier.support_withdrawn"
    summary = _("A client withdrew the authorisation of technical support")
    sentence = _("%(actor)s, of the client, withdrew the authorisation of technical support on %(subject)s.")


class DossierSupportEnded(DossierSupportEvent):
    name = "clients.dossier.support_ended"
    summary = _("The access of technical support has ended")
    sentence = _("The access of technical support to %(subject)s has ended.")
