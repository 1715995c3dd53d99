"""What the firm shows of itself."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.actions.firms import change_firm
from accounts.forms import FirmSettingsForm
from accounts.models import Firm, Membership
from accounts.permissions import Perm, require
from accounts.second_factor import members_without


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """What the firm shows of itself, and what it requires of its members."""
    member: Membership = request.member  # type: ignore[attr-defined]  # set by the middleware
    require(member, Perm.CHANGE_FIRM)
    firm = Firm.objects.get(pk=member.firm.pk)
    form = FirmSettingsForm(request.POST or None, instance=firm)
    if form.is_valid():
        change_firm(actor=member, **form.cleaned_data)
        messages.success(request, _("The firm's settings are saved."))
        return redirect(firm.url("accounts:settings"))
    unprotected = members_without(list(Membership.objects.open()))
    context = {"form": form, "unprotected": unprotected, "required": request.firm.second_factor_required}  # type: ignore[attr-defined]
    return render(request, "accounts/settings.html", context, status=422 if form.is_bound else 200)
