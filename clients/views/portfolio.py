"""A portfolio's page: its dossiers and its subscribers; adding, changing and removing one; ending it, and taking that
back."""

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.answers import done
from accounts.models import Membership, Role
from accounts.permissions import ObjectRole, Perm, allows, can, grants_on, permitted, require
from accounts.places import FirmRequest
from activity import queries
from clients.actions.portfolios import (
    UNDO_DAYS,
    Restoration,
    TooLate,
    may_be_restored,
    restorable_until,
    restore_portfolio,
    terminate_portfolio,
)
from clients.forms.portfolios import NewNameForm, TargetForm
from clients.models import Dossier, FormerPlace
from clients.views.table import table_of, with_table
from clients.views.weighing import NAMED, Weighed, opens_or_closes_little, weighed
from portfolios.actions import (
    ChangedMeanwhile,
    NameTaken,
    Terminated,
    change_subscriber,
    grant_portfolio,
    withdraw_portfolio,
)
from portfolios.forms import GrantForm, RoleForm
from portfolios.models import Portfolio, PortfolioGrant


@require_safe
def portfolio(request: FirmRequest, pk: UUID) -> HttpResponse:
    """The portfolio's dossiers, in the same table as the list's, and who has it."""
    shown = _seen(request, pk)
    before, after = _neighbours(request, shown)
    context = {
        "portfolio": shown,
        "table": table_of(request, portfolio=shown),
        "subscribers": _subscribers(request, shown),
        "may_add": can(request.member, Perm.ADD_TO_PORTFOLIO, shown),
        "may_see_journal": allows(Role(request.member.role), Perm.VIEW_JOURNAL),
        "may_change": can(request.member, Perm.CHANGE_PORTFOLIO, shown),
        "may_grant": can(request.member, Perm.GRANT_PORTFOLIO, shown),
        "ended": _ended(shown) if shown.terminated_at else None,
        "before": before,
        "after": after,
    }
    return with_table(request, "clients/portfolio.html", context)


# --- Subscribers --------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def grant(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Open the portfolio and its dossiers to a member who has none of it."""
    shown = _changeable(request, pk, Perm.GRANT_PORTFOLIO)
    subscribers = [grant["user_id"] for grant in grants_on(PortfolioGrant, shown)]
    members = Membership.objects.open().exclude(user_id__in=subscribers)
    form = GrantForm(request.POST or None, members=members)
    context: dict[str, Any] = {"form": form, "portfolio": shown, "anybody": members.exists()}
    if not form.is_valid():
        return render(request, "portfolios/grant.html", context, status=422 if form.is_bound else 200)
    member, role = form.cleaned_data["member"], ObjectRole(form.cleaned_data["role"])
    outcome = weighed(
        request,
        partial(grant_portfolio, actor=request.member, portfolio=shown, member=member, role=role),
        about=f"{member.pk} {role}",
        harmless=opens_or_closes_little,
        dossiers=Dossier.objects.in_portfolio(shown),
    )
    if not outcome.is_done:
        return render(request, "portfolios/grant.html", {**context, "weighed": outcome})
    told = _("%(member)s now has the portfolio %(name)s.")
    messages.success(request, told % {"member": member.name, "name": shown.name})
    return done(request, request.firm.url("clients:portfolio", pk=pk))


@require_http_methods(["GET", "HEAD", "POST"])
def change_role(request: FirmRequest, pk: UUID, member: UUID) -> HttpResponse:
    """Give a subscriber another role; whoever changed it meanwhile is not overruled in silence."""
    shown, person, role = _subscriber(request, pk, member)
    form = RoleForm(request.POST or None, initial={"role": role, "seen": role})
    context: dict[str, Any] = {"form": form, "portfolio": shown, "person": person}
    if form.is_valid():
        wanted = ObjectRole(form.cleaned_data["role"])
        try:
            change_subscriber(
                actor=request.member,
                portfolio=shown,
                member=person,
                role=wanted,
                seen=form.cleaned_data["seen"],
            )
        except ChangedMeanwhile as refused:
            form = RoleForm(initial={"role": refused.role, "seen": refused.role})
            context |= {"form": form, "meanwhile": refused.role}
            return render(request, "portfolios/role.html", context, status=422)
        told = _("%(member)s: %(role)s on the portfolio %(name)s.")
        messages.success(request, told % {"member": person.name, "role": wanted.label, "name": shown.name})
        return done(request, request.firm.url("clients:portfolio", pk=pk))
    return render(request, "portfolios/role.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: FirmRequest, pk: UUID, member: UUID) -> HttpResponse:
    """Take the portfolio from a member; first what that means for them."""
    shown, person, _role = _subscriber(request, pk, member)
    outcome = weighed(
        request,
        partial(withdraw_portfolio, actor=request.member, portfolio=shown, member=person),
        dossiers=Dossier.objects.in_portfolio(shown),
    )
    if outcome.is_done:
        told = _("%(member)s no longer has the portfolio %(name)s.")
        messages.success(request, told % {"member": person.name, "name": shown.name})
        return done(request, request.firm.url("clients:portfolio", pk=pk))
    context = {"portfolio": shown, "person": person, "weighed": outcome}
    return render(request, "clients/withdraw.html", context)


# --- Ending it, and taking that back ------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def terminate(request: FirmRequest, pk: UUID) -> HttpResponse:
    """End the portfolio: where its dossiers go is asked, what that means is shown, then it is done."""
    shown = _seen(request, pk)
    if shown.terminated_at:
        return _already_terminated(request, shown)
    require(request.member, Perm.CHANGE_PORTFOLIO, shown)
    dossiers = Dossier.objects.in_portfolio(shown)
    count = dossiers.count()
    form = _successors(request, shown, needed=bool(count))
    context: dict[str, Any] = {"form": form, "portfolio": shown, "count": count, "days": UNDO_DAYS}
    if count and not form.is_valid():
        status = 422 if form.is_bound else 200
        return render(request, "clients/terminate_portfolio.html", context, status=status)
    successor = form.target if count else None
    act = partial(terminate_portfolio, actor=request.member, portfolio=shown, successor=successor)
    try:
        outcome = weighed(request, act, about=str(successor.pk) if successor else "none", dossiers=dossiers)
    except Terminated:
        return _already_terminated(request, shown)
    if not outcome.is_done:
        shown_too = {**context, "weighed": outcome, "successor": successor}
        return render(request, "clients/terminate_portfolio.html", shown_too)
    messages.success(request, _("The portfolio %(name)s is terminated.") % {"name": shown.name})
    return done(request, request.firm.url("clients:portfolio", pk=pk))


@require_http_methods(["GET", "HEAD", "POST"])
def restore(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Take a termination back: what returns and what stays elsewhere is shown first."""
    shown = _seen(request, pk)
    require(request.member, Perm.CREATE_PORTFOLIO)
    context: dict[str, Any] = {"portfolio": shown, "days": UNDO_DAYS}
    form = NewNameForm(request.POST if "name" in request.POST else None)
    name = form.cleaned_data["name"] if form.is_bound and form.is_valid() else ""
    act = partial(restore_portfolio, actor=request.member, portfolio=shown, name=name)
    try:
        outcome = weighed(
            request, act, about=name, dossiers=Dossier.objects.filter(former_places__portfolio=shown)
        )
    except TooLate:
        return render(request, "clients/restore_portfolio.html", {**context, "too_late": True})
    except NameTaken as taken:
        return _other_name(request, form, context, str(taken))
    if not outcome.is_done:
        named = {
            **context,
            "weighed": outcome,
            "kept": _kept(outcome),
            "name": name,
            "form": form if name else None,
        }
        return render(request, "clients/restore_portfolio.html", named)
    _say_restored(request, outcome.result)
    return done(request, request.firm.url("clients:portfolio", pk=pk))


def _already_terminated(request: FirmRequest, shown: Portfolio) -> HttpResponse:
    """Somebody else was faster: with this portfolio, or with the one into which its dossiers were to go."""
    messages.info(
        request, _("Somebody has terminated this portfolio, or the other one, meanwhile. Nothing was done.")
    )
    return done(request, request.firm.url("clients:portfolio", pk=shown.pk))


def _other_name(request: FirmRequest, form: NewNameForm, context: dict[str, Any], taken: str) -> HttpResponse:
    """Another portfolio bears the name now: under which one shall it come back?"""
    if form.is_bound:
        form.add_error("name", _("A portfolio of this name already exists in the firm."))
    shown = {**context, "form": form, "taken": taken}
    status = 422 if form.is_bound else 200
    return render(request, "clients/restore_portfolio.html", shown, status=status)


def _kept(outcome: Weighed[Restoration]) -> dict[str, Any]:
    """The dossiers that stay where somebody has put them since."""
    kept = outcome.result.kept
    names = [dossier.name for dossier in kept[:NAMED]]
    return {"count": len(kept), "names": names, "more": max(len(kept) - NAMED, 0)}


def _say_restored(request: FirmRequest, restored: Restoration) -> None:
    text = ngettext(
        "The portfolio %(name)s is restored, with %(n)s client file.",
        "The portfolio %(name)s is restored, with %(n)s client files.",
        len(restored.back),
    )
    messages.success(request, text % {"name": restored.portfolio.name, "n": len(restored.back)})
    if restored.kept:
        text = ngettext(
            "%(n)s client file stays where somebody has put it since.",
            "%(n)s client files stay where somebody has put them since.",
            len(restored.kept),
        )
        messages.info(request, text % {"n": len(restored.kept)})


# --- What the pages show ------------------------------------------------------------------------------------------


def _seen(request: FirmRequest, pk: UUID) -> Portfolio:
    """The portfolio; 404 for one that the member does not see."""
    seen = permitted(Portfolio.objects.select_related("successor"), request.member, Perm.VIEW_PORTFOLIO)
    return get_object_or_404(seen, pk=pk)


def _changeable(request: FirmRequest, pk: UUID, perm: Perm) -> Portfolio:
    """The portfolio; 403 for one that the member only sees."""
    shown = _seen(request, pk)
    require(request.member, perm, shown)
    return shown


def _subscriber(request: FirmRequest, pk: UUID, member: UUID) -> tuple[Portfolio, Membership, ObjectRole]:
    """The portfolio, and one to whom it is granted, with their role; 404 for anybody else."""
    shown = _changeable(request, pk, Perm.GRANT_PORTFOLIO)
    roles = {grant["user_id"]: ObjectRole(grant["role"]) for grant in grants_on(PortfolioGrant, shown)}
    person = get_object_or_404(Membership.objects.filter(user_id__in=roles), pk=member)
    return shown, person, roles[person.user_id]


def _subscribers(request: FirmRequest, shown: Portfolio) -> list[dict[str, Any]]:
    """Each running grant with its member, role, since when, by whom, and what may be done about it; by name."""
    members = {member.user_id: member for member in Membership.objects.exclude(user=None)}
    rows = [
        {
            "member": members[grant["user_id"]],
            "role": ObjectRole(grant["role"]).label,
            "since": grant["granted_at"],
            "by": members.get(grant["granted_by_id"]),
            "menu": _menu(request, shown, members[grant["user_id"]]),
        }
        for grant in grants_on(PortfolioGrant, shown)
        if grant["user_id"] in members
    ]
    return sorted(rows, key=lambda row: (row["member"].last_name, row["member"].first_name))


def _menu(request: FirmRequest, shown: Portfolio, subscriber: Membership) -> list[dict[str, Any]]:
    """What who grants the portfolio may do about a subscriber."""

    def item(label: str, route: str, icon: str) -> dict[str, Any]:
        url = request.firm.url(route, pk=shown.pk, member=subscriber.pk)
        return {"label": label, "url": url, "icon": icon, "dialog": True}

    withdraw = item(_("Withdraw the portfolio"), "clients:withdraw", "user-minus")
    return [
        item(_("Change the role"), "clients:change_role", "pencil"),
        {**withdraw, "danger": True, "split": True},
    ]


def _neighbours(request: FirmRequest, shown: Portfolio) -> tuple[Portfolio | None, Portfolio | None]:
    """The portfolios before and after it in the list by name, of those in the same state."""
    alike = Portfolio.objects.terminated() if shown.terminated_at else Portfolio.objects.running()
    seen = permitted(alike, request.member, Perm.VIEW_PORTFOLIO)
    name, key = shown.name_key, shown.pk
    before = seen.filter(Q(name_key__lt=name) | Q(name_key=name, pk__lt=key)).order_by("-name_key", "-pk")
    after = seen.filter(Q(name_key__gt=name) | Q(name_key=name, pk__gt=key)).order_by("name_key", "pk")
    return before.first(), after.first()


def _ended(shown: Portfolio) -> dict[str, Any]:
    """When and by whom it was terminated, where its dossiers went, and until when that can be taken back."""
    event = queries.about([shown.pk]).filter(type="portfolios.portfolio.terminated").first()
    return {
        "by": event.who if event else "",
        "count": FormerPlace.objects.filter(portfolio=shown).count(),
        "until": restorable_until(shown),
        "may_restore": may_be_restored(shown),
    }


def _successors(request: FirmRequest, shown: Portfolio, *, needed: bool) -> TargetForm:
    others = permitted(Portfolio.objects.exclude(pk=shown.pk), request.member, Perm.ADD_TO_PORTFOLIO)
    form = TargetForm(
        request.POST if request.method == "POST" and needed else None,
        portfolios=others,
        may_leave_all=True,
        label=_("Where do its client files go?"),
    )
    form.fields["portfolio"].widget.attrs["autofocus"] = True
    return form
