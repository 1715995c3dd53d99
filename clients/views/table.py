"""The table of dossiers, which the list and a portfolio's page show alike."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Role
from accounts.permissions import Perm, allows
from accounts.places import FirmRequest
from clients.models import Dossier
from clients.paging import page_of
from clients.rows import SHOWN, rows_of
from clients.selection import filters_of
from portfolios.models import Portfolio


def table_of(
    request: FirmRequest, dossiers: QuerySet[Dossier], *, portfolio: Portfolio | None = None
) -> dict[str, Any]:
    """The context of `clients/_table.html` for these dossiers; `portfolio` is the one whose page it stands on."""
    filters = filters_of(request.GET, request.member, without=("portfolio",) if portfolio else ())
    page = page_of(filters.narrow(dossiers).only(*SHOWN), request.GET, filters.order)
    rows = rows_of(
        page.rows,
        member=request.member,
        firm=request.firm,
        members=filters.members.values(),
        portfolios=filters.portfolios,
    )
    return {
        "filters": filters,
        "rows": rows,
        "page": page,
        "previous_url": _with(request, before=page.previous) if page.previous else "",
        "next_url": _with(request, after=page.following) if page.following else "",
        "bulk_actions": _bulk_actions(request),
        "bulk_hidden": [("portfolio", str(portfolio.pk))] if portfolio else [],
        "shows_portfolio": portfolio is None,
    }


def _with(request: FirmRequest, **mark: str) -> str:
    """This list, from another place on."""
    query = request.GET.copy()
    for name in ("after", "before"):
        query.pop(name, None)
    query.update(mark)
    return f"?{query.urlencode()}"


def _bulk_actions(request: FirmRequest) -> list[dict[str, Any]]:
    """What may be done to the ticked rows. The page behind each address asks again who may."""
    if not allows(Role(request.member.role), Perm.INVITE_CLIENTS):
        return []
    url = request.firm.url("invitations:invite_clients")
    return [{"label": _("Activate"), "url": url, "icon": "send", "dialog": True}]
