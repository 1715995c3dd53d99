"""What happens when a member leaves and what they held goes to others, and whom it concerns.

One group of events: a line for each portfolio and dossier (from which the certificate is made), one event for each
person who takes something over, and one for the departure.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.events.members import MemberTerminated
from accounts.models import Membership
from accounts.permissions import ObjectRole
from activity.events import ACCESSES, EventType, Recipient


class MemberDeparted(MemberTerminated):
    """Instead of MemberTerminated. Details, besides its: `portfolios` and `dossiers`, how many went to others; `alone`,
    how many of both went to nobody; `revoked`; `sessions`, how many no longer open the firm."""

    name = "clients.member.departed"
    summary = _("A member has left: what they held went to others")
    sentence = _(
        "%(actor)s completed the departure of %(subject)s: portfolios handed over: %(portfolios)s, single client "
        "files: %(dossiers)s, left to administrators: %(alone)s, invitations and connections revoked: %(revoked)s."
    )
    route = "clients:departed"


class HandoverReceived(EventType):
    """Concerns the one who takes over: at once, in the mail that tells of the departure.

    Details: `member` and `member_id`, who leaves; `portfolios`, `dossiers` (counts).
    """

    name = "clients.member.received_handover"
    summary = _("Client files of a departing colleague were handed over to you")
    sentence = _(
        "%(actor)s handed over to %(subject)s what %(member)s looked after: portfolios: %(portfolios)s, single "
        "client files: %(dossiers)s."
    )
    route = "clients:list"
    topic = "access"
    security = True
    concerns = _("The person who takes over")

    @classmethod
    def audience(cls, subject: Membership, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return [subject]


class HandedOver(EventType):
    """A line of a departure. Details: `member` and `member_id`, who leaves; `to` and `to_id`; `role`."""

    words = {"role": dict(ObjectRole.choices)}
    concerns = _("Nobody by itself: the departure tells those concerned")


class PortfolioHandedOver(HandedOver):
    name = "clients.portfolio.handed_over"
    summary = _("A portfolio was handed over")
    sentence = _("%(actor)s handed the portfolio %(subject)s of %(member)s over to %(to)s (%(role)s).")
    route = "clients:portfolio"


class DossierHandedOver(HandedOver):
    name = "clients.dossier.handed_over"
    summary = _("A client file was handed over")
    sentence = _("%(actor)s handed the client file %(subject)s of %(member)s over to %(to)s (%(role)s).")
    route = "clients:dossier"


class PortfolioLeftAlone(HandedOver):
    """Without `to` and `to_id`."""

    name = "clients.portfolio.left_alone"
    summary = _("Nobody took over a portfolio")
    sentence = _(
        "%(actor)s completed the departure of %(member)s; nobody took over the portfolio %(subject)s."
    )
    route = "clients:portfolio"


class DossierLeftAlone(HandedOver):
    """Without `to` and `to_id`."""

    name = "clients.dossier.left_alone"
    summary = _("Nobody took over a client file")
    sentence = _(
        "%(actor)s completed the departure of %(member)s; nobody took over the client file %(subject)s."
    )
    route = "clients:dossier"


class CertificateTaken(EventType):
    name = "clients.member.certificate_taken"
    family = ACCESSES
    summary = _("The certificate of a departure was downloaded")
    sentence = _("%(actor)s downloaded the certificate of the departure of %(subject)s.")
    route = "clients:departed"
