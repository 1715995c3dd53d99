"""What a member holds by grants of their own: the portfolios and the single dossiers that others may take over."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import Membership
from accounts.permissions import ObjectRole
from clients.models import Assignment, Dossier
from portfolios.models import Portfolio, PortfolioGrant


@dataclass(frozen=True)
class Held:
    """One portfolio or dossier, the member's role on it and until when. `others`: who has the portfolio too."""

    key: UUID
    name: str
    role: ObjectRole
    until: datetime | None = None
    note: str = ""
    dossiers: int = 0
    others: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Holdings:
    """`support`: how many dossiers the member sees for technical support alone, which nobody can take over."""

    portfolios: list[Held]
    dossiers: list[Held]
    support: int = 0

    @property
    def keys(self) -> set[UUID]:
        return {held.key for held in (*self.portfolios, *self.dossiers)}


def holdings_of(member: Membership) -> Holdings:
    """By name. Archived dossiers are among them, for they may come back; terminated portfolios are not."""
    single = _grants(Assignment, member)
    passed_on = {key: grant for key, grant in single.items() if grant[0] != ObjectRole.SUPPORT}
    return Holdings(_portfolios(member), _dossiers(passed_on), len(single) - len(passed_on))


def _grants(grants: Any, member: Membership) -> dict[UUID, tuple[ObjectRole, datetime | None]]:
    rows = grants.objects.running().filter(user_id=member.user_id)
    return {
        key: (ObjectRole(role), until)
        for key, role, until in rows.values_list("content_object_id", "permission__codename", "expires_at")
    }


def _portfolios(member: Membership) -> list[Held]:
    granted = _grants(PortfolioGrant, member)
    others = _subscribers(granted, without=member)
    found = Portfolio.objects.running().filter(pk__in=granted).with_counts()
    return [
        Held(
            key=portfolio.pk,
            name=portfolio.name,
            role=granted[portfolio.pk][0],
            until=granted[portfolio.pk][1],
            dossiers=portfolio.dossier_count,  # type: ignore[attr-defined]  # annotated by `with_counts`
            others=others.get(portfolio.pk, []),
        )
        for portfolio in found
    ]


def _subscribers(portfolios: Collection[UUID], *, without: Membership) -> dict[UUID, list[str]]:
    """The names of the others to whom each portfolio is open."""
    names = {one.user_id: one.name for one in Membership.objects.open().exclude(user=without.user)}
    rows = PortfolioGrant.objects.running().filter(content_object_id__in=portfolios, user_id__in=names)
    found: dict[UUID, list[str]] = {}
    for key, person in rows.values_list("content_object_id", "user_id"):
        found.setdefault(key, []).append(names[person])
    return {key: sorted(people) for key, people in found.items()}


def _dossiers(granted: dict[UUID, tuple[ObjectRole, datetime | None]]) -> list[Held]:
    found = Dossier.objects.clients().filter(pk__in=granted)
    return [
        Held(
            key=dossier.pk,
            name=dossier.name,
            role=granted[dossier.pk][0],
            until=granted[dossier.pk][1],
            note="archived" if dossier.archived_at else "",
        )
        for dossier in found
    ]
