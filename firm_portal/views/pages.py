"""Pages that draw on all apps: the start page and the dashboard."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.places import FirmRequest
from firm_portal.dashboard import counts, first_steps, last_changes, needs
from firm_portal.demo import ACCOUNTS, PASSWORD


@login_not_required
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """A person's places, or the way in; on a development run also the demo accounts and the mail catcher."""
    if request.user.is_authenticated:
        return redirect("accounts:places")
    if not settings.DEMO:
        return redirect("account_login")
    return render(request, "start.html", {"accounts": ACCOUNTS, "password": PASSWORD})


@require_safe
def dashboard(request: FirmRequest) -> HttpResponse:
    """What is mine in this firm, what needs me, what happened."""
    steps = first_steps(request.firm, request.member)
    context = {
        "counts": counts(request.firm, request.member),
        "needs": needs(request.firm, request.member),
        "lines": last_changes(request.member),
        "steps": steps,
        "next_step": next((number for number, step in enumerate(steps, 1) if not step.is_done), 0),
    }
    return render(request, "dashboard.html", context)
