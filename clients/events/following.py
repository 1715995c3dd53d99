"""A firm begins to follow a client who asked it to, and a client ends a firm's access: what stands on each side.

What reaches the firm that a client leaves is the same whether another one takes its place or not, and names nobody but
the client's own person.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Perm, holders
from activity.events import EventType, Recipient
from clients.events.space import SpaceEvent
from clients.models import Dossier


class FirmAgreed(SpaceEvent):
    """Details: `firm`, its name."""

    name = "clients.space.firm_agreed"
    summary = _("An accounting firm follows your file")
    sentence = _("%(actor)s (%(firm)s) accepted your invitation: the firm now follows %(subject)s.")
    route = "invitations:firms"
    topic = "following"


class FollowEnded(SpaceEvent):
    """Details: `firm`, its name."""

    name = "clients.space.firm_ended"
    summary = _("An accounting firm no longer follows your file")
    sentence = _("%(actor)s ended the access of %(firm)s to %(subject)s.")
    route = "invitations:firms"
    topic = "following"


class SpaceRegistered(SpaceEvent):
    name = "clients.space.registered"
    summary = _("A client space was opened")
    sentence = _("%(actor)s opened the client space of %(subject)s.")


class DossierFollowEvent(EventType):
    """In the firm's journal."""

    route = "clients:dossier"
    topic = "dossiers"
    concerns = _("Those to whom the client file is open")

    @classmethod
    def audience(cls, subject: Dossier, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return holders(Perm.VIEW_DOSSIER, subject)


class ClientFollowed(DossierFollowEvent):
    name = "clients.dossier.client_followed"
    summary = _("The firm follows a client who asked for it")
    sentence = _("%(actor)s accepted the client's invitation: the firm now follows %(subject)s.")


class ClientLeft(DossierFollowEvent):
    name = "clients.dossier.client_left"
    summary = _("A client has ended the firm's access")
    sentence = _(
        "%(actor)s, of the client, ended the firm's access: the client file %(subject)s is kept as it was, to be read."
    )
