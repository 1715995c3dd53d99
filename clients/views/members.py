"""The firm's members: the list, one member's page, and what may be done about them."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actions.members import (
    LastAdministrator,
    NotInThatState,
    RoleChangedMeanwhile,
    change_role,
    leave_firm,
    restore_member,
    suspend_member,
    terminate_member,
)
from accounts.answers import done
from accounts.models import OPEN_STATES, Membership, MemberState, Role
from accounts.permissions import Perm, allows, can, permitted, require
from accounts.places import FirmRequest
from activity import queries
from clients import consents, replacements
from clients.departures import departed_by_wizard
from clients.forms.members import MemberFilter, SubscriptionsForm
from clients.impact import Impact, MeansSomethingElse, enact, rehearse
from clients.leftovers import LEFTOVERS
from clients.members import acts_on, rows_of, subscriptions_of
from clients.views.access import member_access
from portfolios.actions import NotAMember, Subscriptions, change_subscriptions
from portfolios.models import Portfolio

HISTORY = 20
# Administrators first; by name.
ORDER = ("role", "last_name", "first_name", "email", "id")
HERE = (*OPEN_STATES, MemberState.SUSPENDED)

View = Callable[..., HttpResponseBase]
Act = Callable[[], Any]


def for_managers(view: View) -> View:
    """Only for those who manage members; the others get the page that says so."""

    @wraps(view)
    def guarded(request: FirmRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        require(request.member, Perm.MANAGE_MEMBERS)
        return view(request, *args, **kwargs)

    return guarded


# --- The list and the page ------------------------------------------------------------------------------------


@require_safe
def index(request: FirmRequest) -> HttpResponse:
    """Administrators, then the others. The URL holds the whole state."""
    require(request.member, Perm.VIEW_MEMBERS)
    manages = allows(Role(request.member.role), Perm.MANAGE_MEMBERS)
    portfolios = Portfolio.objects.running() if manages else Portfolio.objects.none()
    filters = MemberFilter(request.GET, portfolios=portfolios, manages=manages)
    found = filters.narrow(Membership.objects.all()).order_by(*ORDER)
    page = Paginator(found, filters.page_size).get_page(request.GET.get("page"))
    rows = rows_of(page.object_list, viewer=request.member, firm=request.firm)
    administrators = [row for row in rows if row.member.role == Role.ADMIN]
    others = [row for row in rows if row.member.role != Role.ADMIN]
    total, first = page.paginator.count, len(administrators)
    if page.has_other_pages():
        first = found.filter(role=Role.ADMIN).order_by().count()
    context = {
        "filters": filters,
        "page": page,
        "groups": [
            (_("Administrators"), first, administrators),
            (_("Collaborators"), total - first, others),
        ],
        "manages": manages,
        "declarants": consents.of_firm(request.member) if manages else None,
        "replacements": replacements.unended(),
    }
    return render(request, "clients/members.html", context)


@require_safe
def detail(request: FirmRequest, pk: UUID) -> HttpResponse:
    """One member: what they hold, what they reach and why, what happened to their place; of others, for managers."""
    person = get_object_or_404(Membership, pk=pk)
    manages = can(request.member, Perm.MANAGE_MEMBERS)
    is_me = person.pk == request.member.pk
    if not is_me and not manages:
        # Mails and the dashboard name colleagues: the list says of them what everybody may know.
        return redirect(f"{request.firm.url('clients:members')}?{urlencode({'q': person.email})}")
    context = {
        "person": person,
        "is_me": is_me,
        "manages": manages,
        "invited_by": _invited_by(person),
        "subscriptions": subscriptions_of(person),
        "may_subscribe": manages and person.state in HERE,
        "acts": acts_on(person, viewer=request.member, firm=request.firm) if manages else [],
        "may_see_journal": allows(Role(request.member.role), Perm.VIEW_JOURNAL),
        "history": queries.concerning_member(pk, HISTORY),
        "replacements": replacements.unended(person) if person.user_id else [],
        "left": _left(request, person) if manages else [],
        "departed": person.state == MemberState.TERMINATED and manages and departed_by_wizard(person),
        **member_access(request, person),
    }
    return render(request, "clients/member.html", context)


def _left(request: FirmRequest, person: Membership) -> list[tuple[str, int, str]]:
    """What waits for somebody else to take it up: title, how many, where it is listed."""
    counts = [(kind, kind.count_on_hold(person, viewer=request.member)) for kind in LEFTOVERS]
    return [
        (str(kind.title), count, f"{request.firm.url(kind.route)}?{kind.query}")
        for kind, count in counts
        if count
    ]


def _invited_by(person: Membership) -> str:
    """Who sent the first invitation, as the journal has it; empty for the firm's founder."""
    asked = queries.Asked(kind="invitations.member.invited", subject=person.pk)
    event = queries.journal(asked).last()
    return event.actor_name if event else ""


# --- Role, suspension, end ------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@for_managers
def role(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Give the member the other role."""
    person = get_object_or_404(Membership, pk=pk)
    becomes = Role.COLLABORATOR if person.role == Role.ADMIN else Role.ADMIN
    if request.method == "POST":
        becomes = Role.ADMIN if request.POST.get("role") == Role.ADMIN else Role.COLLABORATOR
    act = partial(change_role, actor=request.member, member=person, role=becomes)
    told = (
        _("%(member)s is an administrator now.")
        if becomes == Role.ADMIN
        else _("%(member)s is a collaborator now.")
    )
    return _Dialog(request, person, act, "clients/member_role.html", {"becomes": becomes}).answer(
        told, possible=person.state in HERE and person.role != becomes
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_managers
def suspend(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Close the firm to the member until further notice."""
    person = _another(request, pk)
    act = partial(suspend_member, actor=request.member, member=person)
    return _Dialog(request, person, act, "clients/member_suspend.html").answer(
        _("%(member)s can no longer enter the firm."), possible=person.is_open
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_managers
def restore(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Open the firm to a suspended member again."""
    person = get_object_or_404(Membership, pk=pk)
    act = partial(restore_member, actor=request.member, member=person)
    return _Dialog(request, person, act, "clients/member_restore.html").answer(
        _("%(member)s can enter the firm again."), possible=person.state == MemberState.SUSPENDED
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_managers
def terminate(request: FirmRequest, pk: UUID) -> HttpResponse:
    """End the member's place in the firm, without handing over what they hold."""
    person = _another(request, pk)
    act = partial(terminate_member, actor=request.member, member=person)
    return _Dialog(request, person, act, "clients/member_terminate.html").answer(
        _("The access of %(member)s is terminated."), possible=person.state in HERE
    )


@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: FirmRequest) -> HttpResponse:
    """One's own place ends."""
    act = partial(leave_firm, actor=request.member)
    return _Dialog(request, request.member, act, "clients/member_leave.html").answer(
        _("You have left %(firm)s."), to=reverse("accounts:places")
    )


# --- Portfolios -------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@for_managers
def portfolios(request: FirmRequest, pk: UUID) -> HttpResponse:
    """The member's portfolios as a list of boxes; what changes is shown before it is done."""
    person = get_object_or_404(Membership, pk=pk)
    if person.state not in HERE:
        return _too_late(request, person)
    offered = permitted(Portfolio.objects.with_counts(), request.member, Perm.GRANT_PORTFOLIO)
    held = [one.portfolio.pk for one in subscriptions_of(person)]
    form = SubscriptionsForm(request.POST or None, portfolios=offered, held=held)
    context = {"form": form, "person": person}
    if not form.is_valid() or "again" in request.POST:
        status = 422 if form.is_bound and not form.is_valid() else 200
        return render(request, "clients/member_portfolios.html", context, status=status)
    act = partial(
        change_subscriptions,
        actor=request.member,
        member=person,
        add=form.add,
        remove=form.remove,
        role=form.cleaned_data["role"],
    )
    context |= {"chosen": form.chosen, "added": _names(form, form.add), "removed": _names(form, form.remove)}
    return _subscribed(request, person, act, "clients/member_portfolios_confirm.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_managers
def withdraw(request: FirmRequest, pk: UUID, portfolio: UUID) -> HttpResponse:
    """Take one portfolio from the member."""
    person = get_object_or_404(Membership, pk=pk)
    held = {one.portfolio.pk: one.portfolio for one in subscriptions_of(person)}
    if portfolio not in held:
        get_object_or_404(Portfolio, pk=portfolio)
        return _too_late(request, person)
    act = partial(change_subscriptions, actor=request.member, member=person, remove=[portfolio])
    context = {"person": person, "removed": [held[portfolio].name], "chosen": [("confirmed", "1")]}
    return _subscribed(request, person, act, "clients/member_portfolios_confirm.html", context)


def _subscribed(
    request: FirmRequest,
    person: Membership,
    act: Callable[[], Subscriptions],
    template: str,
    context: dict[str, Any],
) -> HttpResponse:
    """First what it means; with `seen`, what was shown is done."""
    try:
        if not request.POST.get("seen"):
            impact = rehearse(act, members=[person])
            if not impact.result.count:
                messages.info(request, _("Nothing was changed: it is so already."))
                return done(request, _page(request, person))
            return render(request, template, {**context, "impact": impact})
        made = enact(act, seen=request.POST["seen"], members=[person]).result
    except MeansSomethingElse as refused:
        return render(
            request, template, {**context, "impact": refused.impact, "changed_meanwhile": True}, status=422
        )
    except NotAMember:
        return _too_late(request, person)
    messages.success(request, _in_words(person, made))
    return done(request, _page(request, person))


def _in_words(person: Membership, made: Subscriptions) -> str:
    text = ngettext(
        "%(n)s portfolio of %(member)s was changed.",
        "%(n)s portfolios of %(member)s were changed.",
        made.count,
    )
    words = text % {"n": made.count, "member": person.name}
    if made.left_out:
        left = ngettext(
            "%(n)s was left as it is: it has been terminated meanwhile.",
            "%(n)s were left as they are: they have been terminated meanwhile.",
            made.left_out,
        )
        words = f"{words} {left % {'n': made.left_out}}"
    return words


def _names(form: SubscriptionsForm, keys: list[UUID]) -> list[str]:
    return [form.named[str(key)] for key in keys]


# --- Shared -------------------------------------------------------------------------------------------------------

LAST_ADMINISTRATOR = gettext_lazy(
    "The firm keeps at least one administrator: make somebody else an administrator first."
)


class _Dialog:
    """Asks before a dangerous act, with what it means; done, it leads to the member's page (or `to`)."""

    def __init__(
        self,
        request: FirmRequest,
        person: Membership,
        act: Act,
        template: str,
        context: dict[str, Any] | None = None,
    ) -> None:
        self.request, self.person, self.act, self.template = request, person, act, template
        self.context: dict[str, Any] = {"person": person, **(context or {})}

    def answer(self, told: str, *, possible: bool = True, to: str = "") -> HttpResponse:
        """`possible`: does the member's present state lead there?"""
        if not possible:
            return _too_late(self.request, self.person)
        try:
            if self.request.method != "POST":
                return self._ask(rehearse(self.act, members=[self.person]))
            enact(self.act, seen=self.request.POST.get("seen", ""), members=[self.person])
        except MeansSomethingElse as refused:
            return self._ask(refused.impact, changed_meanwhile=True)
        except LastAdministrator:
            return self._refuse(LAST_ADMINISTRATOR)
        except (NotInThatState, RoleChangedMeanwhile):
            return _too_late(self.request, self.person)
        messages.success(self.request, told % {"member": self.person.name, "firm": self.request.firm.name})
        return done(self.request, to or _page(self.request, self.person))

    def _ask(self, impact: Impact[Any], *, changed_meanwhile: bool = False) -> HttpResponse:
        context = {**self.context, "impact": impact, "changed_meanwhile": changed_meanwhile}
        return render(self.request, self.template, context, status=422 if changed_meanwhile else 200)

    def _refuse(self, why: str | Promise) -> HttpResponse:
        context = {**self.context, "refusal": why}
        return render(
            self.request, self.template, context, status=422 if self.request.method == "POST" else 200
        )


def _another(request: FirmRequest, pk: UUID) -> Membership:
    """A member other than oneself, who leaves by a page of their own."""
    return get_object_or_404(Membership.objects.exclude(pk=request.member.pk), pk=pk)


def _too_late(request: FirmRequest, person: Membership) -> HttpResponse:
    """Somebody was faster, or the address was typed by hand: the page shows how it stands."""
    messages.info(request, _("Nothing was done: this is how it stands now."))
    return done(request, _page(request, person))


def _page(request: FirmRequest, person: Membership) -> str:
    return request.firm.url("clients:member", pk=person.pk)
