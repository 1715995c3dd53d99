"""The list of portfolios; creating and renaming one. Whatever shows or moves dossiers stands in `clients`."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.answers import done
from accounts.models import Membership
from accounts.permissions import Perm, can, permitted, require
from accounts.places import FirmRequest
from activity import queries
from portfolios.actions import NameTaken, RenamedMeanwhile, create_portfolio, rename_portfolio
from portfolios.events import PortfolioRenamed
from portfolios.forms import TERMINATED, PortfolioForm, PortfolioSearch, RenameForm
from portfolios.models import Portfolio, PortfolioGrant, PortfolioQuerySet, dossiers_in_none

ORDERS = {"name": "name_key", "dossiers": "dossier_count", "subscribers": "subscriber_count", "created": "id"}
SIZES = ("20", "50", "100")


@require_safe
def index(request: FirmRequest) -> HttpResponse:
    """The portfolios that the member sees; administrators may see the terminated ones instead."""
    may_create = can(request.member, Perm.CREATE_PORTFOLIO)
    search = PortfolioSearch(request.GET, shows_states=may_create)
    found = permitted(Portfolio.objects.all(), request.member, Perm.VIEW_PORTFOLIO)
    page = Paginator(_listed(found, search), _size(search)).get_page(request.GET.get("page"))
    ended = search.chosen("state") == TERMINATED
    context = {
        "search": search,
        "page": page,
        "rows": _rows(request, page.object_list, with_menus=may_create),
        "total": page.paginator.count,
        "is_searching": bool(search.chosen("q")) or ended,
        "ended": ended,
        "may_create": may_create,
        "alone": None if ended or search.chosen("q") or page.number > 1 else _alone(request),
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
    """Another name; who renamed it meanwhile is not overruled in silence."""
    portfolio = _changeable(request, pk, Perm.CHANGE_PORTFOLIO)
    form = RenameForm(request.POST or None, instance=portfolio, initial={"seen": portfolio.name})
    context: dict[str, Any] = {"pk": pk}
    if form.is_valid():
        name, seen = form.cleaned_data["name"], form.cleaned_data["seen"]
        try:
            renamed = rename_portfolio(
                actor=request.member, portfolio=portfolio, name=name, seen=seen or None
            )
        except NameTaken:
            _say_taken(form)
        except RenamedMeanwhile as refused:
            form = RenameForm({"name": name, "seen": refused.portfolio.name}, instance=refused.portfolio)
            context |= {"meanwhile": refused.portfolio.name, "before": seen, "by": _renamer(pk)}
        else:
            messages.success(request, _("The portfolio is now called %(name)s.") % {"name": renamed.name})
            return done(request, request.firm.url("clients:portfolio", pk=pk))
    return _answer(request, "portfolios/rename.html", form, **context)


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


def _renamer(pk: UUID) -> str:
    """Who gave the portfolio its present name."""
    event = queries.about([pk]).filter(type=PortfolioRenamed.name).first()
    return event.who if event else ""


def _alone(request: FirmRequest) -> int:
    """How many dossiers the member sees that no portfolio holds."""
    return permitted(dossiers_in_none(), request.member, Perm.VIEW_DOSSIER).count()


def _listed(found: Any, search: PortfolioSearch) -> PortfolioQuerySet:
    of_state = found.terminated() if search.chosen("state") == TERMINATED else found.running()
    portfolios: PortfolioQuerySet = of_state.search(search.chosen("q")).with_counts()
    chosen = search.chosen("sort") or "name"
    column = ORDERS.get(chosen.removeprefix("-"), "name_key")
    return portfolios.order_by(f"-{column}" if chosen.startswith("-") else column, "name_key")


def _size(search: PortfolioSearch) -> int:
    chosen = search.chosen("size")
    return int(chosen) if chosen in SIZES else 50


def _rows(request: FirmRequest, portfolios: Iterable[Portfolio], *, with_menus: bool) -> list[dict[str, Any]]:
    """Each portfolio with the names of its subscribers and, for administrators, what they may do to it."""
    portfolios = list(portfolios)
    names = {member.user_id: member.name for member in Membership.objects.exclude(user=None)}
    subscribers: dict[UUID, set[str]] = {}
    grants = PortfolioGrant.objects.filter(content_object__in=portfolios).running()
    for key, user_id in grants.values_list("content_object_id", "user_id"):
        subscribers.setdefault(key, set()).add(names[user_id])
    return [
        {
            "portfolio": one,
            "people": sorted(subscribers.get(one.pk, ())),
            "menu_id": f"m{one.pk}",
            "menu_label": _("Actions for %(name)s") % {"name": one.name},
            "menu": _menu(request, one) if with_menus else [],
        }
        for one in portfolios
    ]


def _menu(request: FirmRequest, portfolio: Portfolio) -> list[dict[str, Any]]:
    """What an administrator may do to it: the page behind each address asks again."""

    def item(label: str, route: str, icon: str, **more: bool) -> dict[str, Any]:
        return {"label": label, "url": request.firm.url(route, pk=portfolio.pk), "icon": icon, **more}

    if portfolio.terminated_at:
        return [
            item(_("Open"), "clients:portfolio", "briefcase"),
            item(
                pgettext("verb", "Restore"),
                "clients:restore_portfolio",
                "arrow-back-up",
                dialog=True,
                split=True,
            ),
        ]
    return [
        item(_("Open"), "clients:portfolio", "briefcase"),
        item(_("Rename"), "portfolios:rename", "pencil", dialog=True),
        item(_("Add a subscriber"), "clients:grant", "user-plus", dialog=True),
        item(
            pgettext("verb", "Terminate"),
            "clients:terminate_portfolio",
            "ban",
            dialog=True,
            danger=True,
            split=True,
        ),
    ]
