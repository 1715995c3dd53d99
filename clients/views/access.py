"""Who has access to what: the firm-wide matrix and its export, and what one member reaches."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from django.db import models
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Membership, Role
from accounts.permissions import Perm, allows, can, require
from accounts.places import FirmRequest
from clients import matrix
from clients.access import reached_by, sources_of
from clients.exports.access import (
    AccessExport,
    asked_for,
    clients_for,
    filters_for,
    people,
    portfolios_for,
)
from clients.forms.access import MatrixFilter, SourceFilter
from clients.paging import Order, Page, page_of
from exports.answers import exported
from exports.kinds import REGISTRY

_BY_NAME = Order("name_key")
M = TypeVar("M", bound=models.Model)
View = Callable[..., HttpResponseBase]


def for_overseers(view: View) -> View:
    """Only for those who may see all accesses; the others get the page that says so."""

    @wraps(view)
    def guarded(request: FirmRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        require(request.member, Perm.VIEW_ACCESS)
        return view(request, *args, **kwargs)

    return guarded


# --- The matrix ---------------------------------------------------------------------------------------------------


@require_safe
@for_overseers
def portfolios(request: FirmRequest) -> HttpResponse:
    """People × portfolios."""
    filters = MatrixFilter(request.GET, members=people())
    rows = filters.portfolios(portfolios_for(request.member))
    page = page_of(rows, request.GET, _BY_NAME)
    shown = matrix.of_portfolios(page, member=filters.person, start=_start(request))
    return render(
        request, "clients/access_portfolios.html", _matrix_context(request, filters, shown, ("member",))
    )


@require_safe
@for_overseers
def dossiers(request: FirmRequest) -> HttpResponse:
    """People × client files."""
    filters = filters_for(request.member, request.GET)
    page = page_of(
        filters.dossiers(clients_for(request.member).active()).only(*_SHOWN), request.GET, _BY_NAME
    )
    shown = matrix.of_dossiers(page, member=filters.person, start=_start(request))
    return render(
        request,
        "clients/access_dossiers.html",
        _matrix_context(request, filters, shown, ("q", "portfolio", "member")),
    )


@require_POST
@for_overseers
def export(request: FirmRequest) -> HttpResponseBase:
    """The matrix as a workbook, of what its filters let through. A POST: it is recorded."""
    kind = REGISTRY[AccessExport.name]
    return exported(request, kind, asked_for(request.member, request.POST))


# --- One member ---------------------------------------------------------------------------------------------------


@require_safe
def member(request: FirmRequest, pk: UUID) -> HttpResponse:
    """All client files that a member reaches, each with its sources."""
    person = get_object_or_404(Membership, pk=pk)
    if not may_see_access(request, person):
        require(request.member, Perm.VIEW_ACCESS)
    way = [
        {"label": _("Members"), "url": request.firm.url("clients:members")},
        {"label": person.name, "url": request.firm.url("clients:member", pk=pk)},
    ]
    context = {"way": way, **member_access(request, person)}
    return render(request, "clients/member_access.html", context)


def may_see_access(request: FirmRequest, person: Membership) -> bool:
    """Of themselves, everybody; of others, those who may see all accesses: it names clients."""
    return person.pk == request.member.pk or can(request.member, Perm.VIEW_ACCESS)


def member_access(request: FirmRequest, person: Membership) -> dict[str, Any]:
    """The context of `clients/_member_access.html`: a page of what the person reaches, as the query string asks.

    Ask `may_see_access` first. Eight queries at most, with ten client files or two hundred thousand.
    """
    filters = SourceFilter(request.GET)
    page = page_of(filters.narrow(reached_by(person), person).only(*_SHOWN), request.GET, _BY_NAME)
    sources = sources_of(person, page.rows)
    return {
        "person": person,
        "access_filters": filters,
        "access_page": page,
        "access_rows": [(dossier, sources[dossier.pk]) for dossier in page.rows],
        "access_acts": _acts(request, person),
        "access_hidden": [("for", str(person.pk))],
        **_links(request, page),
    }


def _acts(request: FirmRequest, person: Membership) -> list[dict[str, Any]]:
    """What may be done to the ticked client files of a member, for whom the screen of assignments then asks first."""
    if person.is_admin or not person.is_open or not allows(Role(request.member.role), Perm.ASSIGN_DOSSIER):
        return []
    url = request.firm.url("clients:assign")
    return [{"label": _("Change or withdraw the assignment"), "url": url, "icon": "user-check"}]


# --- Shared -------------------------------------------------------------------------------------------------------

_SHOWN = (
    "id", "firm_id", "kind", "legal_name", "civility", "first_name", "last_name", "reference", "siren", "portfolio_id",
    "name_key", "is_own",
)  # fmt: skip


def _start(request: FirmRequest) -> int:
    text = request.GET.get("people", "")
    return int(text) if text.isdecimal() and len(text) < 6 else 0


def _matrix_context(
    request: FirmRequest, filters: MatrixFilter, shown: matrix.Matrix[Any], followed: Sequence[str]
) -> dict[str, Any]:
    """`followed`: the filters that the export follows too."""
    return {
        "filters": filters,
        "matrix": shown,
        "page": shown.page,
        "kept": [(name, request.GET[name]) for name in followed if request.GET.get(name)],
        **_links(request, shown.page),
    }


def _links(request: FirmRequest, page: Page[M]) -> dict[str, str]:
    return {
        "previous_url": _with(request.GET, before=page.previous) if page.previous else "",
        "next_url": _with(request.GET, after=page.following) if page.following else "",
    }


def _with(query: QueryDict, **mark: str) -> str:
    """This list, from another place on."""
    changed = query.copy()
    for name in ("after", "before"):
        changed.pop(name, None)
    changed.update(mark)
    return f"?{changed.urlencode()}"
