"""What an invitation to the firm opens besides the place: the portfolios and single dossiers chosen in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count

from accounts.permissions import ObjectRole
from invitations.models import Invitation, InvitationGrant


@dataclass(frozen=True)
class Offer:
    """One portfolio or dossier. `is_open`: it has neither been terminated nor archived since, so it opens."""

    key: UUID
    name: str
    role: ObjectRole
    is_portfolio: bool
    is_open: bool


@dataclass(frozen=True)
class Offers:
    """All of an invitation, by name."""

    offers: list[Offer]

    @property
    def portfolios(self) -> list[Offer]:
        return [offer for offer in self.offers if offer.is_open and offer.is_portfolio]

    @property
    def dossiers(self) -> list[Offer]:
        return [offer for offer in self.offers if offer.is_open and not offer.is_portfolio]

    @property
    def left_out(self) -> list[Offer]:
        return [offer for offer in self.offers if not offer.is_open]

    @property
    def said(self) -> str:
        """All that the page shows of them, in one text: another one means that something has changed."""
        return "\x1e".join(f"{one.key} {one.role} {one.is_open}" for one in self.offers)


def offers_of(invitation: Invitation) -> Offers:
    """What accepting it now would open, and what it would not any more. One query."""
    if not invitation.membership_id:
        return Offers([])
    grants = InvitationGrant.objects.filter(invitation=invitation).select_related("portfolio", "dossier")
    return Offers(sorted(map(_offer, grants), key=lambda one: (not one.is_portfolio, one.name, one.key)))


def offer_counts(invitations: Iterable[Invitation]) -> dict[UUID, tuple[int, int]]:
    """Of those of these invitations that open something: how many portfolios and dossiers. One query."""
    grants = InvitationGrant.objects.filter(invitation__in=[one.pk for one in invitations]).order_by()
    rows = grants.values_list("invitation_id").annotate(
        portfolios=Count("portfolio_id"), dossiers=Count("dossier_id")
    )
    return {key: (portfolios, dossiers) for key, portfolios, dossiers in rows}


def _offer(grant: InvitationGrant) -> Offer:
    role = ObjectRole(grant.role)
    if portfolio := grant.portfolio:
        return Offer(portfolio.pk, portfolio.name, role, True, portfolio.terminated_at is None)
    dossier = grant.dossier
    assert dossier is not None  # each is about one of the two
    return Offer(dossier.pk, dossier.name, role, False, dossier.archived_at is None)
