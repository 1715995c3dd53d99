"""Replacements: the list, arranging, changing and ending one. What each would open is shown before it is done."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actions.replacements import (
    AlreadyOver,
    NotOpen,
    Overlaps,
    WrongDates,
    arrange_replacement,
    begin_at_once,
    change_replacement,
    end_replacement,
)
from accounts.answers import done
from accounts.models import Membership, Replacement
from accounts.permissions import Perm, can, require
from accounts.places import FirmRequest
from clients import replacements
from clients.forms.replacements import ArrangeForm, ChangeForm
from clients.impact import Impact, MeansSomethingElse, enact, rehearse

_FORM = ["GET", "HEAD", "POST"]


@require_safe
def index(request: FirmRequest) -> HttpResponse:
    """Who replaces whom: today, to come, and lately. Open to all members, who have to know whom to ask."""
    require(request.member, Perm.VIEW_MEMBERS)
    context = {
        "unended": replacements.unended(),
        "past": replacements.past(),
        "may_manage": can(request.member, Perm.MANAGE_MEMBERS),
    }
    return render(request, "clients/replacements.html", context)


@require_http_methods(_FORM)
def arrange(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Let somebody cover this member: who and when; then what that opens; then it is done."""
    require(request.member, Perm.MANAGE_MEMBERS)
    absent = get_object_or_404(Membership.objects.open(), pk=pk)
    form = ArrangeForm(
        request.POST or None,
        absent=absent,
        initial={"starts_on": timezone.localdate(), "includes_assignments": True},
    )
    context: dict[str, Any] = {"form": form, "absent": absent, "back": _back(request, absent)}
    if not _goes_on(request, form):
        return _form(request, "clients/replacement_arrange.html", context)
    cover = form.cleaned_data["cover"]
    answer = _settle(
        request,
        form,
        lambda: arrange_replacement(
            actor=request.member, absent=absent, cover=cover, **_days(form.cleaned_data)
        ),
        cover,
        "clients/replacement_arrange.html",
        context,
    )
    if answer is None:
        told = _("%(cover)s replaces %(absent)s from %(since)s to %(until)s.")
        messages.success(request, told % {**_told(form), "cover": cover.name, "absent": absent.name})
        return done(request, context["back"])
    return answer


@require_http_methods(_FORM)
def change(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Give a replacement other days or another extent."""
    require(request.member, Perm.MANAGE_MEMBERS)
    replacement, absent, cover = _seen(pk)
    form = ChangeForm(request.POST or None, replacement=replacement)
    context: dict[str, Any] = {"form": form, "absent": absent, "cover": cover, "back": _back(request, absent)}
    if not _goes_on(request, form):
        return _form(request, "clients/replacement_change.html", context)
    answer = _settle(
        request,
        form,
        lambda: change_replacement(actor=request.member, replacement=replacement, **_days(form.cleaned_data)),
        cover,
        "clients/replacement_change.html",
        context,
    )
    if answer is None:
        messages.success(request, _("The replacement is changed."))
        return done(request, context["back"])
    return answer


@require_http_methods(_FORM)
def end(request: FirmRequest, pk: UUID) -> HttpResponse:
    """End it now; first what that closes."""
    require(request.member, Perm.MANAGE_MEMBERS)
    replacement, absent, cover = _seen(pk)
    context: dict[str, Any] = {
        "replacement": replacement,
        "absent": absent,
        "cover": cover,
        "has_begun": replacement.starts_at <= timezone.now(),
        "back": _back(request, absent),
    }

    def act() -> None:
        end_replacement(actor=request.member, replacement=replacement)

    try:
        if request.method != "POST":
            context["impact"] = rehearse(act, members=[cover])
            return render(request, "clients/replacement_end.html", context)
        enact(act, seen=request.POST.get("seen", ""), members=[cover])
    except MeansSomethingElse as refused:
        context |= {"impact": refused.impact, "changed_meanwhile": True}
        return render(request, "clients/replacement_end.html", context, status=422)
    except AlreadyOver:
        messages.info(request, _("This replacement is over already."))
    else:
        told = _("%(cover)s no longer replaces %(absent)s.")
        messages.success(request, told % {"cover": cover.name, "absent": absent.name})
    return done(request, context["back"])


# --- From the form to what it means, to the deed ----------------------------------------------------------------


def _settle(
    request: FirmRequest,
    form: Form,
    act: Callable[[], Replacement],
    cover: Membership,
    template: str,
    context: dict[str, Any],
) -> HttpResponse | None:
    """The page with what it means, or with what is wrong; None once it is done, which needs `seen` to be right."""
    try:
        impact = _if_it_began_today(act, cover)
        seen = request.POST.get("seen", "")
        if impact.fingerprint == seen:
            act()
            return None
    except (Overlaps, NotOpen, WrongDates, AlreadyOver) as refused:
        _explain(form, refused)
        return _form(request, template, context)
    later = form.cleaned_data["starts_on"] > timezone.localdate()
    shown = {
        **context,
        "impact": impact,
        "cover": cover,
        "starts_later": later,
        "changed_meanwhile": bool(seen),
    }
    hidden = [(name, request.POST.get(name, "")) for name in form.fields if name in request.POST]
    days = {name: form.cleaned_data[name] for name in ("starts_on", "ends_on", "includes_assignments")}
    return render(
        request,
        "clients/replacement_confirm.html",
        {**shown, "hidden": hidden, **days},
        status=422 if seen else 200,
    )


def _if_it_began_today(act: Callable[[], Replacement], cover: Membership) -> Impact[Replacement]:
    """What the cover sees more, or less, than without it: of one to come, what they would see if it began today."""
    return rehearse(lambda: begin_at_once(act()), members=[cover])


def _explain(form: Form, refused: Exception) -> None:
    match refused:
        case Overlaps():
            days = {"since": refused.replacement.starts_on, "until": refused.replacement.ends_on}
            shown = {name: f"{day:%d/%m/%Y}" for name, day in days.items()}
            text = _("They already replace this member from %(since)s to %(until)s: change that one instead.")
            form.add_error(None, text % shown)
        case NotOpen():
            form.add_error(None, _("One of the two has no open access to the firm any more."))
        case AlreadyOver():
            form.add_error(None, _("This replacement is over: arrange another one."))
        case _:
            form.add_error(None, _("These days don't go together any more: choose them again."))


def _goes_on(request: FirmRequest, form: Form) -> bool:
    """Is the form complete, and not called back to be changed?"""
    return form.is_bound and form.is_valid() and "change" not in request.POST


def _form(request: FirmRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    form = context["form"]
    return render(request, template, context, status=422 if form.is_bound and not form.is_valid() else 200)


def _days(data: dict[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in ("starts_on", "ends_on", "includes_assignments")}


def _told(form: Form) -> dict[str, str]:
    days = form.cleaned_data
    return {"since": f"{days['starts_on']:%d/%m/%Y}", "until": f"{days['ends_on']:%d/%m/%Y}"}


def _seen(pk: UUID) -> tuple[Replacement, Membership, Membership]:
    """One that is not over, with both people; 404 for others."""
    replacement = get_object_or_404(Replacement.objects.unended(), pk=pk)
    people = {one.user_id: one for one in Membership.objects.exclude(user=None)}
    return replacement, people[replacement.absent_id], people[replacement.cover_id]


def _back(request: FirmRequest, absent: Membership) -> str:
    return request.firm.url("clients:member", pk=absent.pk)
