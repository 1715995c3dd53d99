"""What happens to the connections with other platforms and to what is fetched there, and whom it concerns."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.permissions import administrators
from activity.events import EventType, Recipient
from clients.events.imports import ImportEvent


class ConnectionEvent(EventType):
    """Concerns the administrators: it is their firm's access to another platform."""

    route = "clients:connections"
    topic = "firm"
    concerns = _("The administrators")

    @classmethod
    def audience(cls, subject: Any, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return administrators()


class ConnectionMade(ConnectionEvent):
    name = "clients.connection.made"
    summary = _("The firm was connected to another platform")
    sentence = _("%(actor)s connected the firm to %(subject)s, to fetch its client list.")
    opposite = "clients.connection.forgotten"


class ConnectionRenewed(ConnectionEvent):
    name = "clients.connection.renewed"
    summary = _("The token of another platform was replaced")
    sentence = _("%(actor)s replaced the token by which the firm fetches its client list from %(subject)s.")


class ConnectionForgotten(ConnectionEvent):
    name = "clients.connection.forgotten"
    summary = _("The connection to another platform was forgotten")
    sentence = _("%(actor)s had the firm's token of %(subject)s forgotten.")
    opposite = "clients.connection.made"


class FetchEvent(EventType):
    """Concerns nobody else: nothing of the firm changes."""

    route = "clients:fetching"


class FetchStarted(FetchEvent):
    name = "clients.fetch.started"
    summary = _("A client list is being fetched from another platform")
    sentence = _("%(actor)s had the client list of %(subject)s fetched.")


class FetchCancelled(FetchEvent):
    name = "clients.fetch.cancelled"
    summary = _("The fetching of a client list was cancelled")
    sentence = _("%(actor)s cancelled the fetching of the client list of %(subject)s.")


class FetchFailed(FetchEvent):
    name = "clients.fetch.failed"
    summary = _("A client list could not be fetched")
    sentence = _("The client list of %(subject)s could not be fetched.")


class ImportFetched(ImportEvent):
    """Concerns nobody else: nothing of the firm has changed yet. Details: `platform`."""

    name = "clients.import.fetched"
    summary = _("A client list was fetched from another platform")
    sentence = _("%(actor)s fetched the client list %(subject)s from %(platform)s.")
