"""The departure of a member: what they hold and to whom it goes; what that means; the result and its certificate."""

import tempfile
from typing import Any
from uuid import UUID

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actions.members import LastAdministrator, NotInThatState
from accounts.models import Membership, MemberState
from accounts.permissions import Perm, require
from accounts.places import FirmRequest
from clients import replacements
from clients.actions.departing import (
    AlreadyLeft,
    Departure,
    HoldsSomethingElse,
    TakerGone,
    complete_departure,
    take_certificate,
)
from clients.departures import Completed, departure_of
from clients.forms.departure import DepartureForm
from clients.holdings import holdings_of
from clients.impact import Impact, MeansSomethingElse, enact, rehearse
from clients.leftovers import leftovers_of

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NAMED = 20


@require_http_methods(["GET", "HEAD", "POST"])
def departure(request: FirmRequest, pk: UUID) -> HttpResponse:
    """First the choices, then what they mean, then it is done: each page takes along what was chosen."""
    require(request.member, Perm.MANAGE_MEMBERS)
    member = get_object_or_404(Membership.objects.exclude(user=None), pk=pk)
    if member.state == MemberState.TERMINATED:
        return _gone(request, member)
    if member.pk == request.member.pk:
        messages.info(
            request, _("Another administrator completes your departure, or you leave the firm yourself.")
        )
        return redirect(request.firm.url("clients:member", pk=pk))
    form = _form(request, member)
    goes_on = not {"page", "change"} & request.POST.keys()
    if request.method != "POST" or not goes_on or not form.is_valid():
        return _choices(request, member, form, status=422 if form.is_bound and goes_on else 200)
    try:
        return _confirm(request, member, form)
    except AlreadyLeft:
        return _gone(request, member)
    except (LastAdministrator, NotInThatState, TakerGone, HoldsSomethingElse) as refused:
        form = _form(request, member)
        form.is_valid()
        form.add_error(None, _refusal(member, refused))
        return _choices(request, member, form, status=422)


@require_safe
def departed(request: FirmRequest, pk: UUID) -> HttpResponse:
    """What the departure was: what went to whom, what was revoked."""
    require(request.member, Perm.MANAGE_MEMBERS)
    return render(request, "clients/departed.html", {"departure": _completed(pk), "named": NAMED})


@require_POST
def certificate(request: FirmRequest, pk: UUID) -> FileResponse:
    """The same as a workbook, each portfolio and dossier by name. A POST: it is recorded."""
    require(request.member, Perm.MANAGE_MEMBERS)
    completed = _completed(pk)
    take_certificate(actor=request.member, member=completed.member)
    # Closed by the answer that it becomes.
    target = tempfile.TemporaryFile()  # noqa: SIM115
    completed.write(target)
    target.seek(0)
    return FileResponse(target, as_attachment=True, filename=completed.file_name, content_type=_XLSX)


def _form(request: FirmRequest, member: Membership) -> DepartureForm:
    return DepartureForm(
        request.POST if request.method == "POST" else None,
        holdings=holdings_of(member),
        takers=Membership.objects.open().exclude(pk=member.pk),
        leftovers=leftovers_of(member),
    )


def _choices(request: FirmRequest, member: Membership, form: DepartureForm, *, status: int) -> HttpResponse:
    context = {
        "member": member,
        "form": form,
        "holdings": form.holdings,
        "leftovers": form.leftovers,
        "ticked": {str(key) for keys in form.ticked.values() for key in keys},
        "replacements": replacements.unended(member),
        "sessions": UserSession.objects.filter(user_id=member.user_id).count(),
    }
    return render(request, "clients/departure.html", context, status=status)


def _confirm(request: FirmRequest, member: Membership, form: DepartureForm) -> HttpResponse:
    """What it means; or, if that was seen and is still so, the deed."""
    chosen, revoke = form.chosen, form.ticked
    people = {member.pk: member} | {taker.pk: taker for taker in chosen.values() if taker}

    def act() -> Departure:
        return complete_departure(actor=request.member, member=member, takers=chosen, revoke=revoke)

    seen = request.POST.get("seen", "")
    if not seen:
        return _show(request, member, form, rehearse(act, members=people.values()))
    try:
        enact(act, seen=seen, members=people.values())
    except MeansSomethingElse as refused:
        return _show(request, member, form, refused.impact, changed_meanwhile=True)
    messages.success(request, _("The departure of %(name)s is completed.") % {"name": member.name})
    return redirect(request.firm.url("clients:departed", pk=member.pk))


def _show(
    request: FirmRequest,
    member: Membership,
    form: DepartureForm,
    impact: Impact[Departure],
    changed_meanwhile: bool = False,
) -> HttpResponse:
    alone = impact.result.alone
    context: dict[str, Any] = {
        "member": member,
        "form": form,
        "impact": impact,
        "shares": _shares(form),
        "revoked": [
            (kind.done, len(form.ticked[kind.name]))
            for kind, _things in form.leftovers
            if form.ticked[kind.name]
        ],
        "alone": alone[:NAMED],
        "alone_count": len(alone),
        "alone_more": max(len(alone) - NAMED, 0),
        "changed_meanwhile": changed_meanwhile,
    }
    status = 422 if changed_meanwhile else 200
    return render(request, "clients/departure_confirm.html", context, status=status)


def _shares(form: DepartureForm) -> list[tuple[str, int, int]]:
    """Who would take over how many portfolios and dossiers; nobody ("") last."""
    chosen = form.chosen
    counts: dict[str, list[int]] = {}
    for place, things in ((0, form.holdings.portfolios), (1, form.holdings.dossiers)):
        for held in things:
            taker = chosen[held.key]
            counts.setdefault(taker.name if taker else "", [0, 0])[place] += 1
    return [(name, *counts[name]) for name in sorted(counts, key=lambda name: (not name, name))]  # type: ignore[misc]  # two numbers each


def _completed(pk: UUID) -> Completed:
    """404 for somebody who never left by the wizard."""
    member = get_object_or_404(Membership.objects.exclude(user=None), pk=pk)
    if (completed := departure_of(member)) is None:
        raise Http404
    return completed


def _gone(request: FirmRequest, member: Membership) -> HttpResponse:
    """Somebody has done it already: this person by a second press, or another administrator."""
    completed = departure_of(member)
    if completed is None:
        messages.info(request, _("%(name)s is no longer a member of the firm.") % {"name": member.name})
        return redirect(request.firm.url("clients:member", pk=member.pk))
    told = _("%(by)s has completed the departure of %(name)s: this is what was done.")
    messages.info(request, told % {"by": completed.by, "name": member.name})
    return redirect(request.firm.url("clients:departed", pk=member.pk))


def _refusal(member: Membership, refused: Exception) -> str:
    match refused:
        case LastAdministrator():
            text = _("%(name)s is the last administrator: make somebody else an administrator first.")
            return text % {"name": member.name}
        case TakerGone():
            text = _("%(name)s has no open access to the firm any more: choose somebody else.")
            return text % {"name": refused.taker.name}
        case HoldsSomethingElse():
            text = _("Somebody has given %(name)s something or taken something from them: look at it again.")
            return text % {"name": member.name}
        case _:
            return _("The state of this member has changed meanwhile: nothing was done.")
