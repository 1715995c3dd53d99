"""Which details of a client the firm keeps, for whoever may change the dossier."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.answers import done
from accounts.permissions import Perm, permitted, require
from accounts.places import FirmRequest
from clients.actions.locking import NoClient, keep_details
from clients.forms.locking import KeptForm
from clients.models import Dossier, SpaceLink


@require_http_methods(["GET", "HEAD", "POST"])
def kept(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Tick what the client may not change, and say why."""
    seen = permitted(Dossier.objects.clients(), request.member, Perm.VIEW_DOSSIER)
    dossier = get_object_or_404(seen, pk=pk)
    require(request.member, Perm.CHANGE_DOSSIER, dossier)
    link = SpaceLink.objects.running().filter(dossier=dossier).first()
    initial = {"fields_kept": link.locked_details, "reason": link.lock_reason} if link else {}
    form = KeptForm(request.POST or None, initial=initial, kind=dossier.kind)
    if request.method == "POST" and form.is_valid():
        _keep(request, dossier, form)
        return done(request, request.firm.url("clients:dossier", pk=pk))
    context = {"form": form, "dossier": dossier, "link": link}
    return render(request, "clients/kept.html", context, status=422 if form.is_bound else 200)


def _keep(request: FirmRequest, dossier: Dossier, form: KeptForm) -> None:
    data = form.cleaned_data
    try:
        keep_details(actor=request.member, dossier=dossier, fields=data["fields_kept"], reason=data["reason"])
    except NoClient:
        messages.warning(request, _("No client follows this file in a space of their own any more."))
    else:
        messages.success(request, _("The client is told which details your firm keeps."))
