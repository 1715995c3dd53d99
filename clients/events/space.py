"""What happens in a client's space, or reaches a firm's dossier from there, and whom it concerns."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Perm, holders
from activity.events import EventType, Recipient
from clients.models import ClientSpace, Dossier, SpaceMember


class SpaceEvent(EventType):
    """Concerns the people of the client's space. Lives in the space's journal."""

    route = "clients:space_home"
    topic = "details"
    concerns = _("The people of the client's space")

    @classmethod
    def audience(cls, subject: ClientSpace, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return SpaceMember.objects.present().filter(space=subject)


class FirmFollows(SpaceEvent):
    """Details: `firm`, its name."""

    name = "clients.space.followed"
    summary = _("An accounting firm follows your file")
    sentence = _("%(actor)s opened %(subject)s to %(firm)s.")
    topic = "following"


class SpaceDetailsChanged(SpaceEvent):
    name = "clients.space.details_changed"
    summary = _("Your company's details were changed")
    sentence = _("%(actor)s changed the details of %(subject)s.")


class FirmChangedDetails(SpaceEvent):
    """What the firm changed in its own record of the client. Details: `firm`, its name; `apart`, the people (users) who
    are told by one mail of all their clients together."""

    name = "clients.space.firm_changed_details"
    summary = _("Your accounting firm changed your details in its records")
    sentence = _("%(actor)s (%(firm)s) changed the details of %(subject)s in the firm's records.")

    @classmethod
    def audience(cls, subject: ClientSpace, details: Mapping[str, Any]) -> Iterable[Recipient]:
        people = SpaceMember.objects.present().filter(space=subject)
        return people.exclude(user_id__in=details.get("apart", ()))


class ClientChangedDetails(EventType):
    """Concerns the members of the firm to whom the dossier is open. Lives in the firm's journal."""

    name = "clients.dossier.changed_by_client"
    summary = _("A client changed their details")
    sentence = _("%(actor)s, of the client, changed the details of %(subject)s.")
    route = "clients:dossier"
    topic = "dossiers"
    concerns = _("Those to whom the client file is open")

    @classmethod
    def audience(cls, subject: Dossier, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return holders(Perm.VIEW_DOSSIER, subject)
