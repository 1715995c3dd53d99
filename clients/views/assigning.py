"""Assigning dossiers: many members × many dossiers in one screen, shown before it is done; or one to one."""

from dataclasses import asdict
from functools import partial
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.answers import done, opened_on
from accounts.models import Membership, Role
from accounts.permissions import ObjectRole, Perm, allows, permitted, require
from accounts.places import FirmRequest
from clients.actions.assignments import change_assignments
from clients.actions.bulk import Edited, edit_dossiers
from clients.assigned import Result
from clients.assigning import Outcome, Selection, assignable, before_and_after, holdings, outcome_of, role_on
from clients.forms.assigning import AssignForm, BulkForm
from clients.impact import Impact, MeansSomethingElse, enact, rehearse
from clients.models import Dossier, SupportAuthorisation
from clients.selection import keys_in, selected_dossiers, selection_again
from portfolios.actions import Terminated
from portfolios.models import Portfolio

# More at once would keep a page waiting, and nobody would read what it means: a portfolio is the way.
MOST = 20_000
RESULT = "bulk_result"


# --- Many ----------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: FirmRequest) -> HttpResponse:
    """Who gets and who loses the selected dossiers, and where they go. Nothing is changed yet."""
    selection = _selection(request)
    if not selection.count:
        messages.info(request, _("Tick the client files first."))
        return redirect(selection.back)
    return _choices(request, selection, _bulk_form(request, selection))


@require_POST
def preview(request: FirmRequest) -> HttpResponse:
    """What these choices would change; nothing is changed yet."""
    selection = _selection(request)
    form = _bulk_form(request, selection)
    if selection.count > MOST or not form.is_valid():
        return _choices(request, selection, form)
    try:
        impact = rehearse(_edit(request, selection, form), dossiers=selection.dossiers)
    except Terminated:
        return _choices(request, selection, _portfolio_gone(form))
    return _show(request, selection, form, impact)


@require_POST
def confirm(request: FirmRequest) -> HttpResponse:
    """Do it, if it still means what was shown; else show what it means now."""
    selection = _selection(request)
    form = _bulk_form(request, selection)
    if selection.count > MOST or not form.is_valid():
        return _choices(request, selection, form)
    try:
        impact = enact(
            _edit(request, selection, form), seen=request.POST.get("seen", ""), dossiers=selection.dossiers
        )
    except Terminated:
        return _choices(request, selection, _portfolio_gone(form))
    except MeansSomethingElse as refused:
        if refused.impact.result.count:
            return _show(request, selection, form, refused.impact, changed_meanwhile=True)
        messages.info(request, _("Nothing was changed: it is so already."))
        return redirect(request.firm.url("clients:assign_result"))
    outcome = outcome_of(impact.result, len(impact.recipients), selection, form.destination)
    request.session[RESULT] = {"firm": str(request.firm.pk), "outcome": asdict(outcome)}
    return redirect(request.firm.url("clients:assign_result"))


@require_safe
def result(request: FirmRequest) -> HttpResponse:
    """What the last confirmation changed, and what was left as it is and why."""
    stored = request.session.get(RESULT)
    if not _may_assign(request):
        raise PermissionDenied(Perm.ASSIGN_DOSSIER)
    if not stored or stored["firm"] != str(request.firm.pk):
        return redirect(request.firm.url("clients:list"))
    outcome = Outcome(**stored["outcome"])
    context = {"outcome": outcome, **outcome.named(request.member)}
    return render(request, "clients/assign_result.html", context)


def _may_assign(request: FirmRequest) -> bool:
    return allows(Role(request.member.role), Perm.ASSIGN_DOSSIER)


def _selection(request: FirmRequest) -> Selection:
    if not _may_assign(request):
        raise PermissionDenied(Perm.ASSIGN_DOSSIER)
    dossiers = selected_dossiers(request, request.member, Perm.ASSIGN_DOSSIER)
    return Selection.of(dossiers, request.firm, selection_again(request))


def _bulk_form(request: FirmRequest, selection: Selection) -> BulkForm:
    """With what was chosen so far; unbound where nothing was."""
    chosen = any(name == "into" or name.startswith("m-") for name in request.POST)
    members, notes = holdings(selection.dossiers, selection.count)
    members.sort(key=lambda member: str(member.pk) != request.POST.get("for"))  # whose page they come from
    portfolios = permitted(Portfolio.objects.running(), request.member, Perm.ADD_TO_PORTFOLIO)
    return BulkForm(request.POST if chosen else None, members=members, notes=notes, portfolios=portfolios)


def _edit(request: FirmRequest, selection: Selection, form: BulkForm) -> "partial[Edited]":
    return partial(
        edit_dossiers,
        actor=request.member,
        dossiers=selection.dossiers,
        add=form.add,
        remove=form.remove,
        into=form.destination,
    )


def _choices(request: FirmRequest, selection: Selection, form: BulkForm) -> HttpResponse:
    context = {"form": form, "selection": selection, "most": MOST, "too_many": selection.count > MOST}
    status = 422 if request.resolver_match.url_name != "assign" else 200  # type: ignore[union-attr]
    return render(request, "clients/assign.html", context, status=status)


def _show(
    request: FirmRequest,
    selection: Selection,
    form: BulkForm,
    impact: Impact[Edited],
    *,
    changed_meanwhile: bool = False,
) -> HttpResponse:
    outcome = outcome_of(impact.result, len(impact.recipients), selection, form.destination)
    context = {
        "selection": selection,
        "choices": form.choices_made,
        "impact": impact,
        "outcome": outcome,
        "changed_meanwhile": changed_meanwhile,
        **outcome.named(request.member),
    }
    status = 422 if changed_meanwhile else 200
    return render(request, "clients/assign_preview.html", context, status=status)


def _portfolio_gone(form: BulkForm) -> BulkForm:
    form.add_error("into", _("This portfolio has been terminated meanwhile: choose another one."))
    return form


# --- One to one ----------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def one(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Assign one dossier to one member, or (`?membre=`) give an assigned member another role."""
    dossier = _dossier(request, pk)
    if dossier.archived_at:
        told = _("%(name)s is archived: it is given to nobody until it is restored.")
        messages.info(request, told % {"name": dossier.name})
        return done(request, _back(request, dossier))
    asked_for = keys_in([request.GET.get("membre", "")])
    member = assignable().filter(pk__in=asked_for[:1]).first()
    had = role_on(dossier, member) if member else None
    form = AssignForm(
        request.POST or None,
        members=[member] if member else assignable(),
        may_support=SupportAuthorisation.objects.running().filter(dossier=dossier).exists(),
        initial={"member": member, **({"role": had} if had else {})},
    )
    if form.is_valid() and _assigned(request, dossier, form):
        return done(request, _back(request, dossier))
    context = {"form": form, "dossier": dossier, "person": member, "had": had}
    return render(request, "clients/assign_one.html", context, status=422 if form.is_bound else 200)


def _assigned(request: FirmRequest, dossier: Dossier, form: AssignForm) -> bool:
    """Do it and say so; or say in the form why not."""
    member, role = form.cleaned_data["member"], ObjectRole(form.cleaned_data["role"])
    has = role_on(dossier, member)
    if "had" in request.POST and request.POST["had"] != (has or ""):
        form.add_error(None, _meanwhile(member, has))
        return False
    made = change_assignments(
        actor=request.member, dossiers=Dossier.objects.filter(pk=dossier.pk), add={member: role}
    )
    if not made.count:
        reason = made.skipped[0].reason.label
        form.add_error(None, _("Nothing was changed: %(reason)s.") % {"reason": reason})
        return False
    messages.success(request, before_and_after(made, dossier))
    return True


def _meanwhile(member: Membership, has: ObjectRole | None) -> str:
    if has is None:
        return _("Somebody has withdrawn this assignment meanwhile. Save again to assign the file anew.")
    text = _("Somebody has given %(member)s the role %(role)s meanwhile. Save again to replace it.")
    return text % {"member": member.name, "role": has.label}


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: FirmRequest, pk: UUID, member: UUID) -> HttpResponse:
    """Take one dossier from one member; first what that means."""
    dossier = _dossier(request, pk)
    person = get_object_or_404(Membership.objects.exclude(user=None), pk=member)
    role = role_on(dossier, person)
    if role is None:
        told = _("%(name)s is no longer assigned to %(member)s: nothing was changed.")
        messages.info(request, told % {"name": dossier.name, "member": person.name})
        return done(request, _back(request, dossier))
    chosen = Dossier.objects.filter(pk=pk)
    act: partial[Result] = partial(change_assignments, actor=request.member, dossiers=chosen, remove=[person])
    context = {"dossier": dossier, "person": person, "role": role}
    if request.method != "POST":
        impact = rehearse(act, dossiers=chosen)
        return render(request, "clients/unassign.html", {**context, "impact": impact})
    try:
        enact(act, seen=request.POST.get("seen", ""), dossiers=chosen)
    except MeansSomethingElse as refused:
        context |= {"impact": refused.impact, "changed_meanwhile": True}
        return render(request, "clients/unassign.html", context, status=422)
    told = _("%(name)s is no longer assigned to %(member)s.")
    messages.success(request, told % {"name": dossier.name, "member": person.name})
    return done(request, _back(request, dossier))


def _dossier(request: FirmRequest, pk: UUID) -> Dossier:
    """The client's dossier, which the member may assign; 404 for one that they do not see."""
    seen = permitted(Dossier.objects.clients(), request.member, Perm.VIEW_DOSSIER)
    dossier = get_object_or_404(seen, pk=pk)
    require(request.member, Perm.ASSIGN_DOSSIER, dossier)
    return dossier


def _back(request: FirmRequest, dossier: Dossier) -> str:
    """The page on which the dialog was opened: the list stays the list."""
    return opened_on(request, request.firm.url("clients:dossier", pk=dossier.pk))
