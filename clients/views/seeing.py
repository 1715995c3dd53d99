"""Who at the firm saw a client file: for administrators. What the client reads of it is in their own space."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.answers import done
from accounts.permissions import Perm, permitted, require
from accounts.places import FirmRequest
from clients.exports.seeing import SeenExport, asked_for
from clients.forms.seeing import SeenFilter
from clients.models import Dossier
from clients.paging import size_of
from clients.seeing import seen, told, who_saw
from exports.answers import exported
from exports.kinds import REGISTRY

_PER_PAGE = 50


@require_safe
def index(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Who opened it or took files out of it, day by day. The address holds all that is asked."""
    dossier = _dossier(request, pk)
    filters = SeenFilter(request.GET, people=who_saw(dossier))
    found = Paginator(seen(dossier, filters.asked()), size_of(request.GET, _PER_PAGE))
    page = found.get_page(request.GET.get("page"))
    context = {
        "dossier": dossier,
        "filters": filters,
        "page": page,
        "lines": list(told(page.object_list)),
        "kept": list(asked_for(dossier, filters).items()),
        "export_url": request.firm.url("clients:export_seen", pk=pk),
    }
    return render(request, "clients/seen.html", context)


@require_POST
def export(request: FirmRequest, pk: UUID) -> HttpResponseBase:
    """The same as a workbook. A POST: it is recorded."""
    dossier = _dossier(request, pk)
    filters = SeenFilter(request.POST, people=who_saw(dossier))
    if not filters.is_valid():
        messages.error(request, _("A filter cannot be read. Look at the list again, then export it."))
        return done(request, request.firm.url("clients:seen", pk=pk))
    return exported(request, REGISTRY[SeenExport.name], asked_for(dossier, filters))


def _dossier(request: FirmRequest, pk: UUID) -> Dossier:
    require(request.member, Perm.VIEW_JOURNAL)
    return get_object_or_404(permitted(Dossier.objects.clients(), request.member, Perm.VIEW_DOSSIER), pk=pk)
