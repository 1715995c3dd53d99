"""Putting dossiers into another portfolio, one or a selection: who would lose or gain them is shown first."""

from functools import partial
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.answers import done, opened_on
from accounts.models import Role
from accounts.permissions import Perm, allows, can, permitted, require
from accounts.places import FirmRequest
from clients.actions.dossiers import move_dossier
from clients.actions.portfolios import move_dossiers
from clients.forms.dossiers import MoveForm
from clients.forms.portfolios import TargetForm
from clients.models import Dossier
from clients.results import Result
from clients.selection import listed_at, selected_dossiers, selection_again
from clients.views.weighing import left_out, opens_or_closes_little, report, selection_done, weighed
from portfolios.actions import Terminated
from portfolios.models import Portfolio


@require_http_methods(["GET", "HEAD", "POST"])
def move(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Put one dossier into another portfolio."""
    seen = permitted(Dossier.objects.clients().select_related("portfolio"), request.member, Perm.VIEW_DOSSIER)
    dossier = get_object_or_404(seen, pk=pk)
    require(request.member, Perm.MOVE_DOSSIER, dossier)
    form = MoveForm(
        request.POST or None,
        initial={"portfolio": dossier.portfolio_id},
        portfolios=targets_of(request),
        may_leave_all=can(request.member, Perm.ASSIGN_DOSSIER, dossier),
    )
    context = {"form": form, "dossier": dossier}
    if form.is_valid():
        target = form.cleaned_data["portfolio"]
        outcome = weighed(
            request,
            partial(move_dossier, actor=request.member, dossier=dossier, portfolio=target),
            about=str(target.pk) if target else "none",
            harmless=opens_or_closes_little,
            dossiers=Dossier.objects.filter(pk=pk),
        )
        if outcome.is_done:
            _say_where(request, dossier, target)
            return done(request, opened_on(request, request.firm.url("clients:list")))
        return render(request, "clients/move.html", {**context, "weighed": outcome})
    return render(request, "clients/move.html", context, status=422 if form.is_bound else 200)


def _listed(request: FirmRequest) -> str:
    return listed_at(request.firm, dict(selection_again(request)))


@require_POST
def move_many(request: FirmRequest) -> HttpResponse:
    """Put a selection into another portfolio: which one is asked, what it means is shown, then it is done."""
    dossiers = selected_dossiers(request, request.member, Perm.VIEW_DOSSIER)
    form = TargetForm(
        request.POST if "to-portfolio" in request.POST else None,
        portfolios=targets_of(request),
        may_leave_all=allows(Role(request.member.role), Perm.ASSIGN_DOSSIER),
    )
    context = {"form": form, "selection": selection_again(request), "back": _listed(request)}
    if not form.is_valid():
        status = 422 if form.is_bound else 200
        return render(
            request, "clients/move_many.html", {**context, "count": dossiers.count()}, status=status
        )
    return _moved(request, dossiers, form, context)


def targets_of(request: FirmRequest) -> QuerySet[Portfolio]:
    """The portfolios into which the member may put dossiers."""
    return permitted(Portfolio.objects.all(), request.member, Perm.ADD_TO_PORTFOLIO)


def _moved(
    request: FirmRequest, dossiers: QuerySet[Dossier], form: TargetForm, context: dict[str, object]
) -> HttpResponse:
    # The keys now: what has moved may no longer be found by the query that chose it.
    chosen = Dossier.objects.filter(pk__in=list(dossiers.order_by().values_list("pk", flat=True)))
    act = partial(move_dossiers, actor=request.member, dossiers=chosen, portfolio=form.target)
    try:
        outcome = weighed(request, act, about=form.cleaned_data["portfolio"], dossiers=chosen)
    except Terminated:
        form.add_error("portfolio", _("This portfolio has been terminated meanwhile. Choose another one."))
        return render(request, "clients/move_many.html", context, status=422)
    if outcome.is_done:
        report(request, outcome.result, _many_moved(outcome.result, form.target))
        return selection_done(request, opened_on(request, _listed(request)))
    shown = {
        **context,
        "weighed": outcome,
        "result": outcome.result,
        "left_out": left_out(outcome.result),
        "target": form.target,
    }
    return render(request, "clients/move_many.html", shown)


def _say_where(request: FirmRequest, dossier: Dossier, target: Portfolio | None) -> None:
    where = target.name if target else _("no portfolio")
    messages.success(
        request, _("%(name)s is now in: %(portfolio)s.") % {"name": dossier.name, "portfolio": where}
    )


def _many_moved(result: Result, target: Portfolio | None) -> str:
    if target is None:
        text = ngettext(
            "%(n)s client file is in no portfolio now.",
            "%(n)s client files are in no portfolio now.",
            result.count,
        )
    else:
        text = ngettext(
            "%(n)s client file is now in: %(portfolio)s.",
            "%(n)s client files are now in: %(portfolio)s.",
            result.count,
        )
    return text % {"n": result.count, "portfolio": target.name if target else ""}
