"""A firm is a company too: its administrators answer other firms that ask to register its SIREN."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.permissions import Perm, require
from accounts.places import FirmRequest
from clients.actions.consent import AnsweredMeanwhile, answer_consent
from clients.models import ConsentRequest
from clients.views.authorisations import said_of_answer


@require_POST
def accept_request(request: FirmRequest, pk: UUID) -> HttpResponse:
    """The other firm is linked to its client, whose company this firm is."""
    return _answer(request, pk, agrees=True)


@require_POST
def refuse_request(request: FirmRequest, pk: UUID) -> HttpResponse:
    """It is not."""
    return _answer(request, pk, agrees=False)


def _answer(request: FirmRequest, pk: UUID, *, agrees: bool) -> HttpResponse:
    require(request.member, Perm.CHANGE_FIRM)
    one = get_object_or_404(ConsentRequest.objects.of_company(firm=request.firm.pk).shown(), pk=pk)
    try:
        answer_consent(actor=request.member, request=one, agrees=agrees)
    except AnsweredMeanwhile:
        messages.warning(request, _("This request has been answered meanwhile, or is no longer made."))
    else:
        messages.success(request, said_of_answer(agrees, one.firm_name))
    return redirect(request.firm.url("clients:members"))
