"""What people say about a plan before it is confirmed: each is stored, and a worker makes the plan anew.

A row of the list answers in its own place (htmx): with its form, or with the note that it is being checked again, which
asks until the plan is there and then shows the list from where it was. Without scripts each is a page, and leads back.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.answers import done
from accounts.models import Membership
from accounts.permissions import Perm, permitted
from accounts.places import FirmRequest
from clients import jobs, register
from clients.forms.imports import AssigneesForm, CorrectionForm, PortfoliosForm, RuleForm
from clients.forms.register import looked_up
from clients.imports.findings import Narrowing
from clients.imports.teller import Teller, described
from clients.models import Dossier, Import, ImportRow, ImportState, MatchRule
from clients.resources import columns_by_name
from clients.views.imports import for_importers
from clients.views.plan import back_to
from portfolios.models import Portfolio

_FORM = ["GET", "HEAD", "POST"]
# How many columns the list may have, for the cell that takes the place of a row.
_SPANS = range(1, 10)
_MOST_FOUND, _LONGEST_SEARCH = 20, 200


# --- One row --------------------------------------------------------------------------------------------------------


@require_http_methods(_FORM)
@for_importers
def correct_row(request: FirmRequest, pk: UUID, number: int) -> HttpResponse:
    """The row's cells to correct, in its own place in the list or as a page."""
    source = get_object_or_404(Import, pk=pk)
    if source.state not in (ImportState.READY, ImportState.PLANNING):
        return _gone_on(request, source)
    row = get_object_or_404(ImportRow.objects.select_related("dossier"), source=source, number=number)
    form = CorrectionForm(request.POST if request.method == "POST" else None, source=source, row=row)
    if form.is_valid():
        if not (corrections := form.corrections()):
            return done(request, _list(request, source))
        try:
            jobs.correct(actor=request.member, source=source, number=number, values=corrections)
        except jobs.NotNow:
            form.add_error(None, _("The plan is just being checked again. Save once more in a moment."))
        else:
            return _being_checked(request, source, number)
    return _form(request, source, row, form)


def _form(request: FirmRequest, source: Import, row: ImportRow, form: CorrectionForm) -> HttpResponse:
    in_place = _is_in_place(request, row.number)
    form.look_up_url = _look_up_url(request, source, row.number)
    context = {
        "source": source,
        "form": form,
        "row": Teller(source, request.firm).rows([row])[0],
        "back": _back(request),
        "list_url": _list(request, source),
        "here_url": _list(request, source, row.number),
        "span": _span(request),
    }
    template = "clients/_import_correct_row.html" if in_place else "clients/import_correct.html"
    return render(request, template, context, status=422 if form.is_bound and not form.looked_up else 200)


@require_POST
@for_importers
def look_up_row(request: FirmRequest, pk: UUID, number: int) -> HttpResponse:
    """The row's cells as they were typed, completed from the public register; saving them is what corrects the row."""
    source = get_object_or_404(Import, pk=pk)
    if source.state not in (ImportState.READY, ImportState.PLANNING):
        return _gone_on(request, source)
    row = get_object_or_404(ImportRow.objects.select_related("dossier"), source=source, number=number)
    data, cells = request.POST.copy(), {name: f"{CorrectionForm.prefix}-{name}" for name in columns_by_name()}
    found = looked_up({name: data.get(cell, "") for name, cell in cells.items()})
    for name, text in found.values.items():
        data[cells[name]] = text
    form = CorrectionForm(data, source=source, row=row)
    form.looked_up = found
    return _form(request, source, row, form)


def _look_up_url(request: FirmRequest, source: Import, number: int) -> str:
    return request.firm.url("clients:look_up_row", pk=source.pk, number=number) if register.is_open() else ""


@require_POST
@for_importers
def uncorrect_row(request: FirmRequest, pk: UUID, number: int) -> HttpResponse:
    """Have the row say again what the file says."""

    def act(source: Import) -> object:
        return jobs.correct(actor=request.member, source=source, number=number, values={})

    return _said(request, pk, number, act)


@require_http_methods(_FORM)
@for_importers
def decide_row(request: FirmRequest, pk: UUID, number: int) -> HttpResponse:
    """Which client file the row is about; empty: let the rule find it again. GET: a search among those that the person
    may change, in the row's place or as a page."""
    if request.method != "POST":
        return _searching(request, pk, number)
    dossier = request.POST.get("dossier", "")

    def act(source: Import) -> object:
        return jobs.decide(actor=request.member, source=source, number=number, dossier=dossier)

    return _said(request, pk, number, act)


def _searching(request: FirmRequest, pk: UUID, number: int) -> HttpResponse:
    """At first for the name that the row has."""
    source = get_object_or_404(Import, pk=pk)
    if source.state != ImportState.READY:
        return _gone_on(request, source)
    row = get_object_or_404(ImportRow.objects.select_related("dossier"), source=source, number=number)
    words = request.GET.get("q", row.title)[:_LONGEST_SEARCH].strip()
    sought = Dossier.objects.clients().active().search(words)
    open_ones = permitted(sought, request.member, Perm.CHANGE_DOSSIER).select_related("portfolio")
    found = list(open_ones[: _MOST_FOUND + 1]) if words else []
    context = {
        "source": source,
        "row": Teller(source, request.firm).rows([row])[0],
        "words": words,
        "found": [(one.pk, one.name, described(one)) for one in found[:_MOST_FOUND]],
        "has_more": len(found) > _MOST_FOUND,
        "back": _back(request),
        "list_url": _list(request, source),
        "here_url": _list(request, source, number),
        "span": _span(request),
        "in_place": _is_in_place(request, number) or request.GET.get("place") == "list",
    }
    template = "clients/import_decide.html"
    if request.htmx:  # type: ignore[attr-defined]  # set by django-htmx's middleware
        opens = _is_in_place(request, number)
        template = "clients/_import_decide_row.html" if opens else "clients/_import_found.html"
    return render(request, template, context)


@require_POST
@for_importers
def take_mine(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Write a row (without a number: all such rows) over what others have changed since the export."""
    numbers = _number(request)

    def act(source: Import) -> object:
        return jobs.take_mine(actor=request.member, source=source, numbers=numbers)

    return _said(request, pk, numbers[0] if numbers else None, act)


@require_POST
@for_importers
def keep_theirs(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Leave a dossier (without a number: all such) as others have changed it, after all."""
    numbers = _number(request)

    def act(source: Import) -> object:
        return jobs.keep_theirs(actor=request.member, source=source, numbers=numbers)

    return _said(request, pk, numbers[0] if numbers else None, act)


def _number(request: FirmRequest) -> list[int] | None:
    text = request.POST.get("number", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Http404
    return [int(text)]


# --- The whole plan -------------------------------------------------------------------------------------------------


@require_POST
@for_importers
def accept_offers(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Make every repair that is offered for a column, in all rows at once."""
    finding = request.POST.get("finding", "")

    def act(source: Import) -> None:
        if values := _offered(source, finding):
            jobs.correct_rows(actor=request.member, source=source, values=values)
            corrected = ngettext("%(n)s row was corrected.", "%(n)s rows were corrected.", len(values))
            messages.success(request, corrected % {"n": len(values)})

    return _said(request, pk, None, act)


def _offered(source: Import, finding: str) -> dict[int, dict[str, str]]:
    """By row, the texts that are offered where this was found."""
    level, _dot, name = finding.partition(".")
    rows = Narrowing(finding=finding).of(ImportRow.objects.filter(source=source))
    offered: dict[int, dict[str, str]] = {}
    for number, remarks in rows.values_list("number", "remarks") if name else ():
        for one in remarks or ():
            if (one["level"], one["field"]) == (level, name) and one.get("offers"):
                offered.setdefault(number, {}).update(one["offers"])
    return offered


@require_http_methods(_FORM)
@for_importers
def rule(request: FirmRequest, pk: UUID) -> HttpResponse:
    """By what rows find the client files that they are about."""
    source = get_object_or_404(Import, pk=pk)
    form = RuleForm(request.POST if request.method == "POST" else None, initial={"rule": source.rule})
    if form.is_valid():
        chosen = MatchRule(form.cleaned_data["rule"])
        return _said(
            request, pk, None, lambda one: jobs.choose_rule(actor=request.member, source=one, rule=chosen)
        )
    return _asked(request, source, "clients/import_rule.html", form)


@require_http_methods(_FORM)
@for_importers
def portfolios(request: FirmRequest, pk: UUID) -> HttpResponse:
    """What becomes of the portfolios that the file names and the firm has not."""
    source = get_object_or_404(Import, pk=pk)
    known = list(Portfolio.objects.running().order_by("name_key").values_list("id", "name"))
    form = PortfoliosForm(request.POST if request.method == "POST" else None, source=source, portfolios=known)
    if form.is_valid():
        return _said(
            request,
            pk,
            None,
            lambda one: jobs.choose_portfolios(actor=request.member, source=one, choices=form.choices()),
        )
    return _asked(request, source, "clients/import_portfolios.html", form)


@require_http_methods(_FORM)
@for_importers
def assignees(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Who looks after the client files for which the file names nobody of the firm."""
    source = get_object_or_404(Import, pk=pk)
    members = [(member.pk, member.name) for member in Membership.objects.open()]
    form = AssigneesForm(request.POST if request.method == "POST" else None, source=source, members=members)
    if form.is_valid():
        return _said(
            request,
            pk,
            None,
            lambda one: jobs.choose_assignees(actor=request.member, source=one, choices=form.choices()),
        )
    return _asked(request, source, "clients/import_assignees.html", form)


def _asked(request: FirmRequest, source: Import, template: str, form: Any) -> HttpResponse:
    """The question, as long as the plan can be changed."""
    if source.state != ImportState.READY:
        return _gone_on(request, source)
    return render(request, template, {"source": source, "form": form}, status=422 if form.is_bound else 200)


# --- Answers --------------------------------------------------------------------------------------------------------


def _said(
    request: FirmRequest, pk: UUID, number: int | None, act: Callable[[Import], object]
) -> HttpResponse:
    """Do it, and answer in the row's place, or with the import's page."""
    source = get_object_or_404(Import, pk=pk)
    try:
        act(source)
    except ObjectDoesNotExist:
        raise Http404 from None
    except jobs.NotNow:
        return _gone_on(request, source)
    return _being_checked(request, source, number)


def _being_checked(request: FirmRequest, source: Import, number: int | None) -> HttpResponse:
    """The row's place says that it is being checked, until the plan is there."""
    if number is None or not _is_in_place(request, number):
        return done(request, _list(request, source, number))
    context = {
        "source": source,
        "number": number,
        "span": _span(request),
        "then": _following(request, number),
    }
    return render(request, "clients/_import_checking.html", context)


def _gone_on(request: FirmRequest, source: Import) -> HttpResponse:
    messages.info(request, _("This import has gone on since: here is where it stands."))
    return done(request, request.firm.url("clients:import", pk=source.pk))


def _is_in_place(request: FirmRequest, number: int) -> bool:
    return bool(request.htmx) and request.htmx.target == f"row-{number}"  # type: ignore[attr-defined]  # set by django-htmx's middleware


def _list(request: FirmRequest, source: Import, number: int | None = None) -> str:
    """The list where the person was."""
    query = _following(request, number)
    return request.firm.url("clients:import", pk=source.pk) + (f"?{query}" if query else "")


def _following(request: FirmRequest, number: int | None) -> str:
    """The list's query string, and which row was corrected."""
    back = _back(request)
    return f"{back}&{urlencode({'row': number})}".lstrip("&") if number else back


def _back(request: FirmRequest) -> str:
    """Where the list stood: of its own query string, only what a plan's address may say."""
    given = request.POST if request.method == "POST" else request.GET
    return back_to(QueryDict(given.get("back", "")))


def _span(request: FirmRequest) -> int:
    given = (request.POST if request.method == "POST" else request.GET).get("span", "")
    return int(given) if given in map(str, _SPANS) else 1
