"""The switch “third-party declarants may register your SIREN”."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.actions.declarants import change_declarants
from accounts.permissions import Perm, require
from accounts.places import FirmRequest


@require_POST
def declarants(request: FirmRequest) -> HttpResponse:
    """Open or close the firm to declarants whom its administrators have not chosen."""
    require(request.member, Perm.CHANGE_FIRM)
    allowed = request.POST.get("allowed") == "1"
    change_declarants(actor=request.member, allowed=allowed)
    if allowed:
        messages.success(request, _("Firms may be linked to your SIREN without asking you."))
    else:
        messages.success(request, _("From now on you are asked before a firm is linked to your SIREN."))
    return redirect(request.firm.url("clients:members"))
