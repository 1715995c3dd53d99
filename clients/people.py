"""Who stands on the other side: the client's people, as the firm sees them; technical support, as the client does."""

from dataclasses import dataclass, field
from datetime import datetime

from accounts.models import Membership
from accounts.permissions import ObjectRole, grants_on
from clients.locks import LABELS
from clients.models import Assignment, Dossier, SpaceLink, SpaceMember, SupportAuthorisation
from clients.unreached import troubles_of
from tenancy.scopes import Purpose, crossing


@dataclass(frozen=True)
class ClientPerson:
    name: str
    email: str
    profile: str
    joined_at: datetime
    # Why mails of what the firm did don't reach them, if they don't.
    trouble: str = ""


@dataclass(frozen=True)
class ClientSide:
    """Since when the client's space is tied to the dossier, and who is in it; of one that `waits`, or that
    the client has ended (`left`), nothing but that.

    `kept`: the details that the client may not change, by label. `support`: the client's authorisation of technical
    support, if one runs.
    """

    since: datetime
    right: str
    people: list[ClientPerson]
    waits: bool = False
    left: datetime | None = None
    kept: list[str] = field(default_factory=list)
    support: SupportAuthorisation | None = None


def support_people(given: SupportAuthorisation) -> list[str]:
    """The names of those at the firm whom technical support's access is open to now; in the space's scope."""
    with crossing(given, Purpose.SHOW_SUPPORT):
        grants = grants_on(Assignment, Dossier.objects.get(pk=given.dossier_id))
        people = {grant["user_id"] for grant in grants if grant["role"] == ObjectRole.SUPPORT}
        return [member.name for member in Membership.objects.open().filter(user_id__in=people)]


def client_side(dossier: Dossier) -> ClientSide | None:
    """None for a client who never had a space here."""
    link = SpaceLink.objects.current().filter(dossier=dossier).first()
    if link is None:
        return _former(dossier)
    if link.waiting:
        return ClientSide(link.since, link.get_right_display(), [], waits=True)
    troubles = troubles_of(dossier)
    with crossing(link, Purpose.SHOW_PEOPLE):
        people = [
            ClientPerson(
                person.name,
                person.email,
                person.get_profile_display(),
                person.joined_at,
                troubles.get(person.email, ""),
            )
            for person in SpaceMember.objects.present().filter(space=link.space_id)
        ]
    support = SupportAuthorisation.objects.running().filter(dossier=dossier).first()
    kept = [str(LABELS[name]) for name in link.locked_details]
    return ClientSide(link.since, link.get_right_display(), people, support=support, kept=kept)


def _former(dossier: Dossier) -> ClientSide | None:
    """Of a client who has ended the firm's access."""
    link = SpaceLink.objects.left().filter(dossier=dossier).order_by("-until").first()
    if link is None:
        return None
    return ClientSide(link.since, link.get_right_display(), [], left=link.until)
