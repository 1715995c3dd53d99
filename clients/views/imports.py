"""The pages of imports: the list with the upload, and one import from its reading to its report."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh

from accounts.answers import done
from accounts.models import Membership
from accounts.permissions import Perm, can, require
from accounts.places import FirmRequest
from clients import jobs
from clients.forms.imports import SheetForm, UploadForm
from clients.imports import showing
from clients.imports.template import template
from clients.models import OVER, WAITING, Import, ImportState
from clients.paging import size_of
from clients.views.plan import back_to, plan_of
from portfolios.models import Portfolio

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PER_PAGE = 20
View = Callable[..., HttpResponse]


def for_importers(view: View) -> View:
    """Only for those who may import; the others get the page that says so."""

    @wraps(view)
    def guarded(request: FirmRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        require(request.member, Perm.IMPORT_DOSSIERS)
        return view(request, *args, **kwargs)

    return guarded


# --- The list, the upload, the template ---------------------------------------------------------------------------


@require_safe
@for_importers
def index(request: FirmRequest) -> HttpResponse:
    """All imports of the firm, and where a file is sent."""
    return _list(request, UploadForm())


@require_POST
@for_importers
def upload(request: FirmRequest) -> HttpResponse:
    """Keep the file, have it read, and go to its page."""
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _list(request, form, status=422)
    name = form.cleaned_data["file"].name
    made = jobs.start_import(actor=request.member, file_name=name, content=form.content)
    return done(request, request.firm.url("clients:import", pk=made.pk))


def _list(request: FirmRequest, form: UploadForm, status: int = 200) -> HttpResponse:
    page = Paginator(Import.objects.for_list(), size_of(request.GET, _PER_PAGE)).get_page(
        request.GET.get("page")
    )
    return render(request, "clients/import_list.html", {"form": form, "page": page}, status=status)


@require_safe
@for_importers
def download_template(request: FirmRequest) -> HttpResponse:
    """The template, with the firm's portfolios and members in its drop-down lists."""
    portfolios = list(Portfolio.objects.running().values_list("name", flat=True))
    members = [(member.name, member.email) for member in Membership.objects.open()]
    response = HttpResponse(template(portfolios, members), content_type=_XLSX)
    response["Content-Disposition"] = f'attachment; filename="{_("client-list-template")}.xlsx"'
    return response


# --- One import -----------------------------------------------------------------------------------------------------


@require_safe
def detail(request: FirmRequest, pk: UUID) -> HttpResponse:
    """The import where it stands: at work, a sheet to choose, a plan to confirm, a report or a refusal.

    Others who are told of an import are led to the client files that they see.
    """
    if not can(request.member, Perm.IMPORT_DOSSIERS):
        return redirect(request.firm.url("clients:list"))
    source = get_object_or_404(
        Import.objects.select_related("created_by", "confirmed_by", "undone_by"), pk=pk
    )
    context = {"source": source, **_progress(request, source), "step": _step(source)}
    if source.state == ImportState.MAPPING:
        return redirect(request.firm.url("clients:import_mapping", pk=pk))
    if source.state == ImportState.CHOOSING:
        return render(request, "clients/import_choose.html", {**context, "sheets": showing.choices(source)})
    if source.state == ImportState.READY or source.state in OVER:
        return render(request, "clients/import_plan.html", {**context, **plan_of(request, source)})
    return render(request, "clients/import_state.html", {**context, "summary": showing.summary(source)})


@require_safe
@for_importers
def progress(request: FirmRequest, pk: UUID) -> HttpResponse:
    """The fragment that the page asks for each second; once the work is over, the whole page anew.

    `then`: the query string with which a corrected row's list goes on.
    """
    source = get_object_or_404(Import, pk=pk)
    if not source.is_at_work:
        if request.htmx and "then" in request.GET:  # type: ignore[attr-defined]  # as below
            then = QueryDict(request.GET["then"])
            row = {"row": then["row"]} if then.get("row") else {}
            query = "&".join(filter(None, (back_to(then), urlencode(row))))
            return HttpResponseClientRedirect(f"{request.firm.url('clients:import', pk=pk)}?{query}")
        if request.htmx:  # type: ignore[attr-defined]  # set by django-htmx's middleware
            return HttpResponseClientRefresh()
        return redirect(request.firm.url("clients:import", pk=pk))
    return render(request, "clients/_import_progress.html", {"source": source, **_progress(request, source)})


def _progress(request: FirmRequest, source: Import) -> dict[str, Any]:
    labels = {
        ImportState.UPLOADED: _("Waiting for its turn…"),
        ImportState.READING: _("Reading and checking the file…"),
        ImportState.PLANNING: _("Checking the rows…"),
        ImportState.APPLYING: _("Writing the client files…"),
        ImportState.UNDOING: _("Taking the import back…"),
    }
    return {
        "label": labels.get(ImportState(source.state), ""),
        "poll_url": request.firm.url("clients:import_progress", pk=source.pk),
    }


def _step(source: Import) -> int:
    """Where the import stands among the steps that the page shows."""
    steps = {
        ImportState.READY: 3,
        ImportState.APPLYING: 4,
        ImportState.DONE: 5,
        ImportState.UNDOING: 5,
        ImportState.UNDONE: 5,
        ImportState.PLANNING: 2,
    }
    return steps.get(ImportState(source.state), 1 if source.sheet is None else 2)


@require_http_methods(["GET", "HEAD", "POST"])
@for_importers
def sheet(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Which sheet is meant: the answer, or (GET) the question again after a look at the plan."""
    source = get_object_or_404(Import, pk=pk)
    page = request.firm.url("clients:import", pk=pk)
    form = SheetForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            jobs.choose_sheet(actor=request.member, source=source, sheet=form.cleaned_data["sheet"])
        except ObjectDoesNotExist:
            raise Http404 from None
        except jobs.NotNow:
            messages.info(request, _("This import has gone on since: here is where it stands."))
        return done(request, page)
    if source.state not in WAITING:
        return done(request, page)
    context = {"source": source, "form": form, "sheets": showing.choices(source), "step": 1}
    return render(request, "clients/import_choose.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_importers
def confirm(request: FirmRequest, pk: UUID) -> HttpResponse:
    """What will happen, in a dialog or as a page; the POST has it done."""
    source = get_object_or_404(Import, pk=pk)
    page = request.firm.url("clients:import", pk=pk)
    changed = False
    if request.method == "POST":
        try:
            jobs.confirm_import(actor=request.member, source=source, seen=request.POST.get("seen", ""))
            return done(request, page)
        except jobs.NotNow:
            _say_confirmed(request, source)
        except jobs.MeansSomethingElse:
            changed = True
            source.refresh_from_db()
    if source.state != ImportState.READY or (request.method == "POST" and not changed):
        return done(request, page)
    context = {
        "source": source,
        "summary": showing.summary(source),
        "seen": jobs.plan_key(source),
        "changed": changed,
    }
    return render(request, "clients/import_confirm.html", context, status=422 if changed else 200)


def _say_confirmed(request: FirmRequest, source: Import) -> None:
    """To the second of two who confirm: who was first."""
    source.refresh_from_db()
    if source.confirmed_by:
        words = _("%(name)s has confirmed this import already: here is where it stands.")
        messages.info(request, words % {"name": source.confirmed_by.name})
    else:
        messages.info(request, _("This import has gone on since: here is where it stands."))


@require_http_methods(["GET", "HEAD", "POST"])
@for_importers
def cancel(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Drop the file and its plan, after a question."""
    source = get_object_or_404(Import, pk=pk)
    if request.method == "POST":
        try:
            jobs.cancel_import(actor=request.member, source=source)
            messages.success(request, _("The import is cancelled; nothing was written."))
        except jobs.NotNow:
            messages.info(request, _("This import has gone on since: here is where it stands."))
            return done(request, request.firm.url("clients:import", pk=pk))
        return done(request, request.firm.url("clients:imports"))
    return render(request, "clients/import_cancel.html", {"source": source})
