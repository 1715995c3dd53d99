"""The proof of the firm's journal: verified by a worker, given to keep, kept for so long, held."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts.actions import journal as actions
from accounts.forms import HoldForm, ProofForm, RetentionForm
from accounts.models import CheckState, JournalCheck
from accounts.permissions import Perm, require
from accounts.places import FirmRequest
from activity import heads, retention
from activity.faults import Fault

_SHOWN = 10
_REFUSED: dict[type[Exception], Any] = {
    heads.Unreadable: gettext_lazy(
        "This is no proof of an activity log, or it is not whole. Paste all lines from “BEGIN FIRM PORTAL JOURNAL "
        "HEAD” to “END FIRM PORTAL JOURNAL HEAD”."
    ),
    actions.NotOfThisFirm: gettext_lazy("This is the proof of another firm's activity log."),
    actions.NotOurs: gettext_lazy(
        "This proof does not bear our signature: it was changed, or it was not made here."
    ),
    actions.Without: gettext_lazy(
        "A verification is going on that does not compare the activity log with this proof. Verify it again once that "
        "one is over."
    ),
}


@require_safe
def proof(request: FirmRequest) -> HttpResponse:
    """Was it verified, what was given of it, how long is what kept, does a legal hold stand?"""
    require(request.member, Perm.KEEP_JOURNAL)
    return _page(request, ProofForm())


@require_POST
def verify(request: FirmRequest) -> HttpResponse:
    """Have it verified, also against a proof that somebody kept."""
    form = ProofForm(request.POST)
    if form.is_valid():
        try:
            check = actions.order_check(actor=request.member, given=form.cleaned_data["given"])
        except tuple(_REFUSED) as error:
            form.add_error("given", str(_REFUSED[type(error)]))
        else:
            return redirect(request.firm.url("accounts:journal_check", pk=check.pk))
    require(request.member, Perm.KEEP_JOURNAL)
    return _page(request, form, status=422)


@require_safe
def check(request: FirmRequest, pk: UUID) -> HttpResponse:
    """One verification: waiting, going on, or what it found."""
    found = get_object_or_404(JournalCheck.objects.select_related("asked_by"), pk=pk)
    require(request.member, Perm.KEEP_JOURNAL)
    return render(request, "accounts/journal_check.html", _check_context(request, found))


@require_safe
def check_progress(request: FirmRequest, pk: UUID) -> HttpResponse:
    """The fragment that the page asks for each second; once it is over, the whole page anew."""
    found = get_object_or_404(JournalCheck, pk=pk)
    require(request.member, Perm.KEEP_JOURNAL)
    if not found.is_at_work:
        if request.htmx:  # type: ignore[attr-defined]  # set by django-htmx's middleware
            return HttpResponseClientRefresh()
        return redirect(request.firm.url("accounts:journal_check", pk=pk))
    return render(request, "accounts/_journal_check.html", _check_context(request, found))


@require_http_methods(["GET", "HEAD", "POST"])
def change_retention(request: FirmRequest) -> HttpResponse:
    """How long which events are kept."""
    require(request.member, Perm.KEEP_JOURNAL)
    form = RetentionForm(request.POST or None, rules=retention.rules())
    if not form.is_valid():
        return _to_fill_in(request, "accounts/retention.html", form)
    changed = actions.change_retention(actor=request.member, months=form.cleaned_data)
    return _done(request, changed, _("The activity log is kept as you chose."))


@require_http_methods(["GET", "HEAD", "POST"])
def hold(request: FirmRequest) -> HttpResponse:
    """Place it under legal hold, with the reason."""
    require(request.member, Perm.KEEP_JOURNAL)
    form = HoldForm(request.POST or None)
    if not form.is_valid():
        return _to_fill_in(request, "accounts/hold.html", form)
    reason = form.cleaned_data["reason"]
    changed = actions.hold_journal(actor=request.member, reason=reason)
    if not changed and retention.rules().held_because != reason:
        messages.info(
            request,
            _("It was under legal hold already, for the reason that stands there: yours was not noted."),
        )
    return _done(request, changed, _("The activity log is under legal hold: nothing is removed from it."))


@require_http_methods(["GET", "HEAD", "POST"])
def release(request: FirmRequest) -> HttpResponse:
    """Lift the legal hold, once one has read what that means."""
    require(request.member, Perm.KEEP_JOURNAL)
    if request.method == "POST":
        changed = actions.release_journal(actor=request.member)
        return _done(request, changed, _("The legal hold is lifted: what is over is removed again."))
    return render(request, "accounts/release.html", {"rules": retention.rules()})


def _to_fill_in(request: FirmRequest, page: str, form: RetentionForm | HoldForm) -> HttpResponse:
    context = {"form": form, "rules": retention.rules()}
    return render(request, page, context, status=422 if form.is_bound else 200)


def _done(request: FirmRequest, changed: bool, said: str) -> HttpResponse:
    """Back to the proof; where nothing is otherwise than before, there is nothing to say."""
    if changed:
        messages.success(request, said)
    return redirect(request.firm.url("accounts:proof"))


def _page(request: FirmRequest, form: ProofForm, status: int = 200) -> HttpResponse:
    checks = list(JournalCheck.objects.select_related("asked_by").defer("given")[:_SHOWN])
    rules = retention.rules()
    context = {
        "form": form,
        "checks": checks,
        "latest": next((one for one in checks if one.state in (CheckState.INTACT, CheckState.FAULTY)), None),
        "at_work": next((one for one in checks if one.is_at_work), None),
        "head": heads.last_head(),
        "keys": {name: public.hex() for name, public in heads.public_keys().items()},
        "rules": rules,
        "families": [
            (family, retention.duration(rules.months[key])) for key, family in retention.FAMILIES.items()
        ],
    }
    return render(request, "accounts/proof.html", context, status=status)


def _check_context(request: FirmRequest, found: JournalCheck) -> dict[str, Any]:
    report = found.report
    return {
        "check": found,
        "report": report,
        "faults": [Fault.of_plain(told).sentence for told in report.get("faults", ())],
        "more": report.get("fault_count", 0) - len(report.get("faults", ())),
        "poll_url": request.firm.url("accounts:journal_check_progress", pk=found.pk),
    }
