"""“My exports”: the exports of the person who is here, and of nobody else."""

import tempfile
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts.places import FirmRequest
from exports import words
from exports.actions import NotOpenAnyMore, NotThere, take_away
from exports.answers import workbook
from exports.kinds import REGISTRY
from exports.models import Export

_PER_PAGE = 20


@require_safe
def index(request: FirmRequest) -> HttpResponse:
    """Those that a worker made or makes, the latest first."""
    page = Paginator(Export.objects.of(request.member), _PER_PAGE).get_page(request.GET.get("page"))
    shown = [{"export": one, "label": _label(one)} for one in page.object_list]
    return render(request, "exports/list.html", {"page": page, "shown": shown})


@require_safe
def detail(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Where it stands: being prepared, ready, failed, or deleted.

    The journal leads others here; they are led on to their own.
    """
    export = get_object_or_404(Export.objects.defer("subjects"), pk=pk)
    if export.asked_by_id != request.member.pk:
        messages.info(request, _("This export was made for somebody else; here are yours."))
        return redirect(request.firm.url("exports:list"))
    return render(request, "exports/export.html", _context(request, export))


@require_safe
def progress(request: FirmRequest, pk: UUID) -> HttpResponse:
    """The fragment that the page asks for each second; once the work is over, the whole page anew."""
    export = get_object_or_404(Export.objects.of(request.member), pk=pk)
    if not export.is_at_work:
        if request.htmx:  # type: ignore[attr-defined]  # set by django-htmx's middleware
            return HttpResponseClientRefresh()
        return redirect(request.firm.url("exports:export", pk=pk))
    return render(request, "exports/_progress.html", _context(request, export))


@require_POST
def download(request: FirmRequest, pk: UUID) -> HttpResponseBase:
    """The file. A POST: it is recorded."""
    export = get_object_or_404(Export.objects.of(request.member), pk=pk)
    target = tempfile.TemporaryFile()  # noqa: SIM115 - the answer closes it once it is sent
    try:
        take_away(actor=request.member, export=export, target=target)
    except NotThere:
        messages.error(request, _("The file of this export is not there (any more)."))
    except NotOpenAnyMore:
        messages.error(
            request,
            _("This export tells of client files that are no longer open to you. Ask for it again."),
        )
    else:
        return workbook(target, export.file_name)
    target.close()
    return redirect(request.firm.url("exports:export", pk=pk))


def _context(request: FirmRequest, export: Export) -> dict[str, Any]:
    kind = REGISTRY.get(export.kind)
    return {
        "export": export,
        "label": _label(export),
        "reason": words.reason(export.reason) if export.reason else "",
        "again_url": kind.page(request.firm, export.parameters) if kind else "",
        "poll_url": request.firm.url("exports:progress", pk=export.pk),
    }


def _label(export: Export) -> str:
    kind = REGISTRY.get(export.kind)
    return str(kind.label) if kind else export.file_name
