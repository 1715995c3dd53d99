"""Completing a form from the public register: an answer to the button, never needed to save anything."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from accounts.permissions import Perm, can, permitted, require
from accounts.places import FirmRequest
from clients import register
from clients.forms.dossiers import DossierForm, NewDossierForm
from clients.forms.register import looked_up
from clients.models import Dossier
from clients.views.moving import targets_of


def look_up_url(request: FirmRequest, pk: UUID | None = None) -> str:
    """Where the form of this dossier (None: of a new one) is completed; "" where this installation asks no register."""
    if not register.is_open():
        return ""
    return request.firm.url("clients:look_up_dossier", pk=pk) if pk else request.firm.url("clients:look_up")


@require_POST
def for_new(request: FirmRequest) -> HttpResponse:
    """The fields of a new dossier as they were typed, completed."""
    require(request.member, Perm.CREATE_DOSSIER)
    form = NewDossierForm(
        initial=_typed(request, NewDossierForm),
        portfolios=targets_of(request),
        may_accept_siret=can(request.member, Perm.ACCEPT_SIRET),
    )
    return _completed(request, form, look_up_url(request))


@require_POST
def for_dossier(request: FirmRequest, pk: UUID) -> HttpResponse:
    """The fields of a dossier that is being edited, completed; nothing is saved."""
    seen = permitted(Dossier.objects.all(), request.member, Perm.VIEW_DOSSIER)
    dossier = get_object_or_404(seen, pk=pk)
    require(request.member, Perm.CHANGE_DOSSIER, dossier)
    typed = _typed(request, DossierForm)
    form = DossierForm(
        initial=typed, instance=dossier, may_accept_siret=can(request.member, Perm.ACCEPT_SIRET)
    )
    form.initial["base"] = typed["base"]  # as this person found it, not as it is now
    return _completed(request, form, look_up_url(request, pk))


def _typed(request: FirmRequest, form: type[DossierForm]) -> dict[str, Any]:
    return {name: request.POST.get(name, "") for name in (*form.base_fields, "email_checked")}


def _completed(request: FirmRequest, form: DossierForm, url: str) -> HttpResponse:
    found = looked_up({name: str(form.initial.get(name) or "") for name in form.STORED})
    form.initial = {**form.initial, **found.values}
    form.looked_up, form.look_up_url = found, url
    return HttpResponse(form.render())
