"""Who has access to what: the firm-wide matrix and its export, and what one member reaches."""

import tempfile
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from django.contrib import messages
from django.db import models
from django.db.models import QuerySet
from django.http import FileResponse, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Membership, Role
from accounts.permissions import Perm, allows, can, granted, permitted, require
from accounts.places import FirmRequest
from clients import matrix
from clients.access import reached_by, sources_of
from clients.access_book import MOST_LINES, AccessBook, TooManyLines
from clients.actions.access import export_access
from clients.forms.access import NO_PORTFOLIO, MatrixFilter, SourceFilter
from clients.models import Dossier, DossierQuerySet
from clients.paging import Order, Page, page_of
from portfolios.models import Portfolio, PortfolioQuerySet

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
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
    filters = MatrixFilter(request.GET, members=_people())
    rows = filters.portfolios(_portfolios(request))
    page = page_of(rows, request.GET, _BY_NAME)
    shown = matrix.of_portfolios(page, member=filters.person, start=_start(request))
    return render(
        request, "clients/access_portfolios.html", _matrix_context(request, filters, shown, ("member",))
    )


@require_safe
@for_overseers
def dossiers(request: FirmRequest) -> HttpResponse:
    """People × client files."""
    filters = MatrixFilter(request.GET, members=_people(), portfolios=_portfolios(request))
    page = page_of(filters.dossiers(_clients(request).active()).only(*_SHOWN), request.GET, _BY_NAME)
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
    filters = MatrixFilter(request.POST, members=_people(), portfolios=_portfolios(request))
    book = AccessBook(
        by=request.member,
        portfolios=_exported(filters, _portfolios(request)),
        dossiers=filters.dossiers(_clients(request)),
        member=filters.person,
        asked=_in_words(filters),
    )
    target = tempfile.TemporaryFile()  # noqa: SIM115 - the answer closes it once it is sent
    try:
        export_access(book=book, target=target)
    except TooManyLines as refused:
        target.close()
        return _too_many(request, refused)
    target.seek(0)
    name = f"{_('accesses')}-{timezone.localdate():%Y-%m-%d}.xlsx"
    return FileResponse(target, as_attachment=True, filename=name, content_type=_XLSX)


def _too_many(request: FirmRequest, refused: TooManyLines) -> HttpResponse:
    """Back to where filters are, which make it less."""
    told = _(
        "That would be about %(lines)s lines; a workbook holds %(most)s. Choose a portfolio or a member."
    )
    numbers = {"lines": refused.lines, "most": MOST_LINES}
    shown = {
        name: number_format(number, use_l10n=True, force_grouping=True) for name, number in numbers.items()
    }
    messages.error(request, told % shown)
    return redirect(request.firm.url("clients:access_dossiers"))


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


def _people() -> list[Membership]:
    return matrix.columns_of(list(Membership.objects.open()))


def _portfolios(request: FirmRequest) -> PortfolioQuerySet:
    found = permitted(Portfolio.objects.running(), request.member, Perm.VIEW_PORTFOLIO)
    assert isinstance(found, PortfolioQuerySet)
    return found


def _clients(request: FirmRequest) -> DossierQuerySet:
    found = permitted(Dossier.objects.clients(), request.member, Perm.VIEW_DOSSIER)
    assert isinstance(found, DossierQuerySet)
    return found


def _exported(filters: MatrixFilter, found: PortfolioQuerySet) -> QuerySet[Portfolio]:
    """The search is for client files, so it leaves the portfolios alone."""
    chosen = filters.chosen("portfolio")
    if chosen == NO_PORTFOLIO:
        return found.none()
    rows = found.filter(pk=UUID(chosen)) if chosen else found
    return granted(rows, filters.person, Perm.VIEW_PORTFOLIO) if filters.person else rows


def _in_words(filters: MatrixFilter) -> str:
    """The filters in force, for the workbook's own notice."""
    portfolio = filters.chosen("portfolio")
    named = {
        "q": filters.chosen("q"),
        "portfolio": dict(filters.portfolio_choices).get(portfolio, "") if portfolio else "",
        "member": filters.person.name if filters.person else "",
    }
    labels = {name: field.label for name, field in filters.fields.items()}
    return ", ".join(
        _("%(filter)s: %(value)s") % {"filter": labels[name], "value": value}
        for name, value in named.items()
        if value
    )


def _start(request: FirmRequest) -> int:
    text = request.GET.get("people", "")
    return int(text) if text.isdecimal() and len(text) < 6 else 0


def _matrix_context(
    request: FirmRequest, filters: MatrixFilter, shown: matrix.Matrix[Any], exported: Sequence[str]
) -> dict[str, Any]:
    """`exported`: the filters that the export follows too."""
    return {
        "filters": filters,
        "matrix": shown,
        "page": shown.page,
        "kept": [(name, request.GET[name]) for name in exported if request.GET.get(name)],
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
