"""A portfolio's page: its dossiers and its subscribers; taking it from one of them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.answers import done
from accounts.models import Membership, Role
from accounts.permissions import ObjectRole, Perm, can, grants_on, permitted, require
from accounts.places import FirmRequest
from clients.models import Assignment, Dossier
from clients.views.table import table_of
from portfolios.actions import withdraw_portfolio
from portfolios.models import Portfolio, PortfolioGrant


@require_safe
def portfolio(request: FirmRequest, pk: UUID) -> HttpResponse:
    """The portfolio's dossiers, in the same table as the list's, and who has it."""
    shown = _seen(request, pk)
    dossiers = permitted(Dossier.objects.in_portfolio(shown), request.member, Perm.VIEW_DOSSIER)
    context = {
        "portfolio": shown,
        "table": table_of(request, dossiers, portfolio=shown),
        "subscribers": _subscribers(shown),
        "may_add": can(request.member, Perm.ADD_TO_PORTFOLIO, shown),
        "may_change": can(request.member, Perm.CHANGE_PORTFOLIO, shown),
        "may_grant": can(request.member, Perm.GRANT_PORTFOLIO, shown),
    }
    return render(request, "clients/portfolio.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: FirmRequest, pk: UUID, member: UUID) -> HttpResponse:
    """Take the portfolio from a member; first what that means for them."""
    shown = _seen(request, pk)
    require(request.member, Perm.GRANT_PORTFOLIO, shown)
    subscribers = [grant["user_id"] for grant in grants_on(PortfolioGrant, shown)]
    person = get_object_or_404(Membership.objects.filter(user_id__in=subscribers), pk=member)
    if request.method == "POST":
        withdraw_portfolio(actor=request.member, portfolio=shown, member=person)
        told = _("%(member)s no longer has the portfolio %(name)s.")
        messages.success(request, told % {"member": person.name, "name": shown.name})
        return done(request, request.firm.url("clients:portfolio", pk=pk))
    context = {"portfolio": shown, "person": person, **_impact(shown, person, subscribers)}
    return render(request, "clients/withdraw.html", context)


def _seen(request: FirmRequest, pk: UUID) -> Portfolio:
    """The portfolio; 404 for one that the member does not see."""
    return get_object_or_404(permitted(Portfolio.objects.all(), request.member, Perm.VIEW_PORTFOLIO), pk=pk)


def _subscribers(shown: Portfolio) -> list[dict[str, Any]]:
    """Each running grant with its member, role, since when and by whom; by name."""
    members = {member.user_id: member for member in Membership.objects.exclude(user=None)}
    rows = [
        {
            "member": members[grant["user_id"]],
            "role": ObjectRole(grant["role"]).label,
            "since": grant["granted_at"],
            "by": members.get(grant["granted_by_id"]),
        }
        for grant in grants_on(PortfolioGrant, shown)
        if grant["user_id"] in members
    ]
    return sorted(rows, key=lambda row: (row["member"].last_name, row["member"].first_name))


def _impact(shown: Portfolio, person: Membership, subscribers: Iterable[UUID]) -> dict[str, Any]:
    """How many dossiers the member loses and keeps, and how many mails leave."""
    total = Dossier.objects.in_portfolio(shown).count()
    assigned = Assignment.objects.running().filter(user_id=person.user_id)
    kept = (
        total
        if person.role == Role.ADMIN
        else Dossier.objects.in_portfolio(shown).filter(assignments__in=assigned).distinct().count()
    )
    return {"lost": total - kept, "kept": kept, "mails": _told(subscribers)}


def _told(subscribers: Iterable[UUID]) -> int:
    """Administrators and subscribers, less the one who acts (an administrator)."""
    administrators = set(Membership.objects.administrators().values_list("user_id", flat=True))
    return len(administrators | set(subscribers)) - 1
