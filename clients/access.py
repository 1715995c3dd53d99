"""Who may see a dossier, and why: by their role in the firm, by which portfolio, or by which assignment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Role
from accounts.permissions import ObjectRole, grants_on
from clients.models import Assignment, Dossier
from portfolios.models import Portfolio, PortfolioGrant


@dataclass(frozen=True)
class Reason:
    """One way by which a member reaches the dossier. `by` is who opened it, "" where nobody is known to have."""

    way: str | Promise
    role: str | Promise
    since: datetime
    by: str = ""
    until: datetime | None = None
    portfolio: Portfolio | None = None


@dataclass(frozen=True)
class Access:
    """A member who sees the dossier, and every reason for it."""

    member: Membership
    reasons: list[Reason]


def access_to(dossier: Dossier) -> list[Access]:
    """Those who may see the dossier now, administrators first, then by name. Two or three queries."""
    members: dict[UUID | None, Membership] = {
        member.user_id: member for member in Membership.objects.exclude(user=None)
    }
    reasons: dict[UUID, list[Reason]] = {}
    for member in members.values():
        if member.is_open and member.role == Role.ADMIN:
            reasons[member.pk] = [Reason(_("Administrator of the firm"), "", member.invited_at)]
    if not dossier.is_own:
        _add_grants(reasons, members, grants_on(Assignment, dossier), _("Assignment"))
        if portfolio := dossier.portfolio:
            rows = grants_on(PortfolioGrant, portfolio)
            _add_grants(reasons, members, rows, _("Portfolio"), portfolio)
    people = sorted(members.values(), key=lambda one: (one.role != Role.ADMIN, one.last_name, one.first_name))
    return [Access(member, reasons[member.pk]) for member in people if member.pk in reasons]


def _add_grants(
    reasons: dict[UUID, list[Reason]],
    members: dict[UUID | None, Membership],
    grants: list[dict[str, Any]],
    way: str | Promise,
    portfolio: Portfolio | None = None,
) -> None:
    for grant in grants:
        member, giver = members.get(grant["user_id"]), members.get(grant["granted_by_id"])
        if member is None or not member.is_open:
            continue
        reason = Reason(
            way=way,
            role=ObjectRole(grant["role"]).label,
            since=grant["granted_at"],
            by=giver.name if giver else "",
            until=grant["expires_at"],
            portfolio=portfolio,
        )
        reasons.setdefault(member.pk, []).append(reason)
