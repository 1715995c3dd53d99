"""The client's own people, as the firm's page of a dossier shows them."""

from dataclasses import dataclass
from datetime import datetime

from clients.models import Dossier, SpaceLink, SpaceMember, SupportAuthorisation
from tenancy.scopes import Purpose, crossing


@dataclass(frozen=True)
class ClientPerson:
    name: str
    email: str
    profile: str
    joined_at: datetime


@dataclass(frozen=True)
class ClientSide:
    """Since when the client's space is tied to the dossier, and who is in it; of one that `waits`, nothing but that.

    `support` is the client's authorisation of technical support, if one runs.
    """

    since: datetime
    right: str
    people: list[ClientPerson]
    waits: bool = False
    support: SupportAuthorisation | None = None


def client_side(dossier: Dossier) -> ClientSide | None:
    """None for a client who has no space, or whose link has ended."""
    link = SpaceLink.objects.current().filter(dossier=dossier).first()
    if link is None:
        return None
    if link.waiting:
        return ClientSide(link.since, link.get_right_display(), [], waits=True)
    with crossing(link, Purpose.SHOW_PEOPLE):
        people = [
            ClientPerson(person.name, person.email, person.get_profile_display(), person.joined_at)
            for person in SpaceMember.objects.present().filter(space=link.space_id)
        ]
    support = SupportAuthorisation.objects.running().filter(dossier=dossier).first()
    return ClientSide(link.since, link.get_right_display(), people, support=support)
