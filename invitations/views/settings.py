"""How the firm's invitations behave by themselves."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.actions.firms import change_reminders
from accounts.permissions import Perm, require
from accounts.places import FirmRequest
from invitations import reminders
from invitations.forms import RemindersForm


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: FirmRequest) -> HttpResponse:
    """How often somebody who does not answer is reminded."""
    require(request.member, Perm.CHANGE_FIRM)
    form = RemindersForm(request.POST or None, initial={"number": reminders.wanted()})
    if form.is_valid():
        change_reminders(actor=request.member, number=form.cleaned_data["number"])
        messages.success(request, _("The firm's settings are saved."))
        return redirect(request.firm.url("invitations:settings"))
    return render(request, "invitations/settings.html", {"form": form}, status=422 if form.is_bound else 200)
