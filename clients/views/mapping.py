"""Which column of a list holds what: the page that says it, and what is remembered of it under the settings."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.answers import done
from accounts.places import FirmRequest
from activity import queries
from clients import jobs
from clients.events.imports import ColumnsForgotten
from clients.forms.mapping import MappingForm, seen
from clients.imports.asked import Asked
from clients.imports.headers import Laid, Preview, columns_under, laid_out
from clients.imports.reading import own_names
from clients.models import ColumnMapping, Import, ImportState
from clients.resources import header_of
from clients.views.imports import for_importers

_OPEN = (ImportState.MAPPING, ImportState.READY)


@require_http_methods(["GET", "HEAD", "POST"])
@for_importers
def mapping(request: FirmRequest, pk: UUID) -> HttpResponse:
    """What each column holds, guessed, with the first rows as they would come out. The POST has the plan made of it;
    with `preview`, or another header row, it only shows what that would mean."""
    source = get_object_or_404(Import, pk=pk)
    if source.state not in _OPEN:
        if request.method == "POST":
            messages.info(request, _("This import has gone on since: here is where it stands."))
        return done(request, request.firm.url("clients:import", pk=pk))
    form = _form(request, source)
    if request.method != "POST" or "preview" in request.POST or not form.is_bound:
        return _page(request, source, form)
    if form.data.get("seen") != seen(form.asked):
        messages.warning(
            request,
            _(
                "Somebody changed the columns meanwhile. Yours are still on this page: send them again to replace them."
            ),
        )
        return _page(request, source, form.again(), status=422)
    if not form.is_valid():
        return _page(request, source, form, status=422)
    try:
        jobs.map_columns(
            actor=request.member, source=source, asked=form.said(), remember=form.cleaned_data["remember"]
        )
    except jobs.NotNow:
        messages.info(request, _("This import has gone on since: here is where it stands."))
    return done(request, request.firm.url("clients:import", pk=pk))


def _form(request: FirmRequest, source: Import) -> MappingForm:
    """What was sent, laid over what is known. Another header row has other columns: those are guessed anew."""
    sheet = next(one for one in source.sheets if one["index"] == source.sheet)
    preview, asked = Preview.of(sheet), Asked.of(source.asked)
    laid = laid_out(sheet, asked, own_names())
    posted = request.POST if request.method == "POST" else None
    if posted is None:
        return MappingForm(preview, laid, asked)
    row = _row(posted.get("header_row", ""), preview, laid)
    if row != laid.header_row:
        laid = Laid(row, columns_under(preview, row, own_names()))
    if posted.get("shown_row") != str(row):
        return MappingForm(preview, laid, asked)
    return MappingForm(preview, laid, asked, posted)


def _row(text: str, preview: Preview, laid: Laid) -> int:
    wanted = int(text) if text.isascii() and text.isdigit() and len(text) < 8 else laid.header_row
    return wanted if wanted == 0 or wanted in preview.numbers else laid.header_row


def _page(request: FirmRequest, source: Import, form: MappingForm, status: int = 200) -> HttpResponse:
    lines = form.lines()
    context: dict[str, Any] = {
        "source": source,
        "step": 2,
        "form": form,
        "lines": lines,
        "to_check": sum(line.is_doubtful for line in lines),
        "read": sum(line.is_read for line in lines),
        "sample": form.sample(),
        "emptiable": form.emptiable(),
        "not_read": form.not_read(),
        "may_choose": sum(map(jobs.may_be_chosen, source.sheets)) > 1,
        "is_ready": source.state == ImportState.READY,
    }
    return render(request, "clients/import_mapping.html", context, status=status)


@require_safe
@for_importers
def remembered(request: FirmRequest) -> HttpResponse:
    """The lists whose columns the firm remembers."""
    rows = [
        {
            "mapping": one,
            "headers": ", ".join(one.headers),
            "fields": ", ".join(
                header_of(name) for name in dict.fromkeys(one.asked["fields"].values()) if name
            ),
        }
        for one in ColumnMapping.objects.select_related("saved_by")
    ]
    return render(request, "clients/column_mappings.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@for_importers
def forget(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Forget one of them, after a question."""
    url = request.firm.url("clients:column_mappings")
    held = ColumnMapping.objects.filter(pk=pk).first()
    if held is None:
        if queries.latest(ColumnsForgotten.name, pk) is None:
            raise Http404
        messages.info(request, _("The columns of this list are forgotten already."))
        return done(request, url)
    if request.method == "POST":
        jobs.forget_mapping(actor=request.member, mapping=held)
        messages.success(request, _("The columns of this list are forgotten."))
        return done(request, url)
    return render(request, "clients/forget_mapping.html", {"mapping": held})
