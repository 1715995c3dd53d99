"""An import that was written: taken back, and its file once more."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.answers import done
from accounts.places import FirmRequest
from clients import jobs
from clients.imports import reporting
from clients.imports.undoing import impact, may_be_undone, undo_until
from clients.models import Import, ImportFile
from clients.views.imports import for_importers


@require_http_methods(["GET", "HEAD", "POST"])
@for_importers
def undo(request: FirmRequest, pk: UUID) -> HttpResponse:
    """What would be taken back and what kept, and why; the POST has it done."""
    source = get_object_or_404(Import, pk=pk)
    changed = False
    if request.method == "POST":
        try:
            jobs.undo_import(actor=request.member, source=source, seen=request.POST.get("seen", ""))
            return done(request, request.firm.url("clients:import", pk=pk))
        except jobs.NotNow:
            return _gone_on(request, source)
        except jobs.MeansSomethingElse:
            changed = True
    if not may_be_undone(source):
        return _gone_on(request, source)
    context = {**_meant(source), "changed": changed}
    return render(request, "clients/import_undo.html", context, status=422 if changed else 200)


def _meant(source: Import) -> dict[str, Any]:
    meant = impact(source)
    return {
        "source": source,
        "impact": meant,
        "kept": reporting.kept_by_reason(source, meant),
        "until": undo_until(source),
    }


def _gone_on(request: FirmRequest, source: Import) -> HttpResponse:
    source.refresh_from_db()
    if source.undone_by:
        words = _("%(name)s is undoing this import, or has done so: here is where it stands.")
        messages.info(request, words % {"name": source.undone_by.name})
    else:
        messages.info(
            request, _("This import can't be undone, or has gone on since: here is where it stands.")
        )
    return done(request, request.firm.url("clients:import", pk=source.pk))


@require_POST
@for_importers
def original(request: FirmRequest, pk: UUID) -> HttpResponse:
    """The file as it was sent, as long as it is kept."""
    source = get_object_or_404(Import, pk=pk)
    try:
        content = jobs.take_file(actor=request.member, source=source)
    except ImportFile.DoesNotExist:
        messages.info(request, _("This file is no longer kept."))
        return done(request, request.firm.url("clients:import", pk=pk))
    response = HttpResponse(content, content_type="application/octet-stream")
    response["Content-Disposition"] = content_disposition_header(True, source.file_name) or "attachment"
    return response
