"""The list of portfolios; creating, renaming, opening one. Its own page shows dossiers: it stands in `clients`."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.answers import done
from accounts.models import Membership, MembershipQuerySet
from accounts.permissions import ObjectRole, Perm, can, grants_on, permitted, require
from accounts.places import FirmRequest
from portfolios.actions import NameTaken, create_portfolio, grant_portfolio, rename_portfolio
from portfolios.forms import GrantForm, PortfolioForm, PortfolioSearch
from portfolios.models import Portfolio, PortfolioGrant, PortfolioQuerySet

ORDERS = {"name": "name_key", "dossiers": "dossier_count", "subscribers": "subscriber_count", "created": "id"}
SIZES = ("20", "50", "100")


@require_safe
def index(request: FirmRequest) -> HttpResponse:
    """The portfolios that the member sees."""
    search = PortfolioSearch(request.GET)
    found = permitted(Portfolio.objects.all(), request.member, Perm.VIEW_PORTFOLIO)
    page = Paginator(_listed(found, search), _size(search)).get_page(request.GET.get("page"))
    context = {
        "search": search,
        "page": page,
        "rows": _rows(page.object_list),
        "total": page.paginator.count,
        "is_searching": bool(search.chosen("q")),
        "may_create": can(request.member, Perm.CREATE_PORTFOLIO),
    }
    return render(request, "portfolios/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: FirmRequest) -> HttpResponse:
    """A new, empty portfolio."""
    require(request.member, Perm.CREATE_PORTFOLIO)
    form = PortfolioForm(request.POST or None)
    if form.is_valid():
        try:
            portfolio = create_portfolio(actor=request.member, **form.cleaned_data)
        except NameTaken:
            _say_taken(form)
        else:
            messages.success(request, _("The portfolio %(name)s is created.") % {"name": portfolio.name})
            return done(request, request.firm.url("clients:portfolio", pk=portfolio.pk))
    return _answer(request, "portfolios/create.html", form)


@require_http_methods(["GET", "HEAD", "POST"])
def rename(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Another name."""
    portfolio = _changeable(request, pk, Perm.CHANGE_PORTFOLIO)
    form = PortfolioForm(request.POST or None, instance=portfolio)
    if form.is_valid():
        try:
            renamed = rename_portfolio(actor=request.member, portfolio=portfolio, **form.cleaned_data)
        except NameTaken:
            _say_taken(form)
        else:
            messages.success(request, _("The portfolio is now called %(name)s.") % {"name": renamed.name})
            return done(request, request.firm.url("clients:portfolio", pk=pk))
    return _answer(request, "portfolios/rename.html", form, pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
def grant(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Open the portfolio and its dossiers to a member who has none of it."""
    portfolio = _changeable(request, pk, Perm.GRANT_PORTFOLIO)
    members = _without(portfolio)
    form = GrantForm(request.POST or None, members=members)
    if form.is_valid():
        member, role = form.cleaned_data["member"], ObjectRole(form.cleaned_data["role"])
        grant_portfolio(actor=request.member, portfolio=portfolio, member=member, role=role)
        told = _("%(member)s now has the portfolio %(name)s.")
        messages.success(request, told % {"member": member.name, "name": portfolio.name})
        return done(request, request.firm.url("clients:portfolio", pk=pk))
    return _answer(request, "portfolios/grant.html", form, portfolio=portfolio, anybody=members.exists())


def _changeable(request: FirmRequest, pk: UUID, perm: Perm) -> Portfolio:
    """The portfolio; 404 for one that the member does not see, 403 for one that they only see."""
    seen = permitted(Portfolio.objects.all(), request.member, Perm.VIEW_PORTFOLIO)
    portfolio = get_object_or_404(seen, pk=pk)
    require(request.member, perm, portfolio)
    return portfolio


def _answer(request: FirmRequest, template: str, form: Any, **context: Any) -> HttpResponse:
    return render(request, template, {"form": form, **context}, status=422 if form.is_bound else 200)


def _say_taken(form: PortfolioForm) -> None:
    """Asked of the database alone, by the action: case and accents aside, it knows best."""
    form.add_error("name", _("A portfolio of this name already exists in the firm."))


def _without(portfolio: Portfolio) -> MembershipQuerySet:
    """Members to whom the portfolio is not open by a grant."""
    subscribers = [grant["user_id"] for grant in grants_on(PortfolioGrant, portfolio)]
    return Membership.objects.open().exclude(user_id__in=subscribers)


def _listed(found: Any, search: PortfolioSearch) -> PortfolioQuerySet:
    portfolios: PortfolioQuerySet = found.search(search.chosen("q")).with_counts()
    chosen = search.chosen("sort") or "name"
    column = ORDERS.get(chosen.removeprefix("-"), "name_key")
    return portfolios.order_by(f"-{column}" if chosen.startswith("-") else column, "name_key")


def _size(search: PortfolioSearch) -> int:
    chosen = search.chosen("size")
    return int(chosen) if chosen in SIZES else 50


def _rows(portfolios: Iterable[Portfolio]) -> list[dict[str, Any]]:
    """Each portfolio with the names of its subscribers."""
    portfolios = list(portfolios)
    names = {member.user_id: member.name for member in Membership.objects.exclude(user=None)}
    subscribers: dict[UUID, set[str]] = {}
    grants = PortfolioGrant.objects.filter(content_object__in=portfolios).running()
    for key, user_id in grants.values_list("content_object_id", "user_id"):
        subscribers.setdefault(key, set()).add(names[user_id])
    return [{"portfolio": one, "people": sorted(subscribers.get(one.pk, ()))} for one in portfolios]
