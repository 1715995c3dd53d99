"""The list of dossiers as a request asks for it, and the dossiers that a person has ticked in it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from accounts.models import Membership
from accounts.permissions import Perm, permitted
from clients.forms.dossiers import DossierFilter
from clients.models import Dossier
from portfolios.models import Portfolio


def filters_of(
    query: Mapping[str, Any], member: Membership, *, without: tuple[str, ...] = ()
) -> DossierFilter:
    """The filters of the list, offering what the member may see. Two queries."""
    portfolios = permitted(Portfolio.objects.running(), member, Perm.VIEW_PORTFOLIO)
    members = Membership.objects.exclude(user=None)
    return DossierFilter(
        query, member=member, portfolios=list(portfolios), members=list(members), without=without
    )


def selected_dossiers(request: HttpRequest, member: Membership, perm: Perm) -> QuerySet[Dossier]:
    """The clients' dossiers that the posted selection names, of those to which the member may do this.

    The bulk bar posts `ids`; or, for “all that match”, `all=1` and `query`, the list's query string (on a portfolio's
    page, the page's own portfolio is posted as `portfolio`).
    """
    allowed = permitted(Dossier.objects.clients(), member, perm)
    if not request.POST.get("all"):
        return allowed.filter(pk__in=_keys(request.POST.getlist("ids")))
    query = QueryDict(request.POST.get("query", ""), mutable=True)
    if portfolio := request.POST.get("portfolio"):
        query["portfolio"] = portfolio
    filters = filters_of(query, member)
    # A list shows more than was asked for where a filter makes no sense; nothing is done to what nobody saw.
    return filters.narrow(allowed) if filters.is_valid() else allowed.none()


def _keys(texts: list[str]) -> list[UUID]:
    keys = []
    for text in texts:
        try:
            keys.append(UUID(text))
        except ValueError:
            continue
    return keys
