"""Which clients the firm's mails do not reach, and why."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.places import FirmRequest
from activity.outbox import SHOWN_FOR
from clients.unreached import unreached


@require_safe
def index(request: FirmRequest) -> HttpResponse:
    """Of the client files that the member may see: to whom, why, since when."""
    return render(
        request, "clients/unreached.html", {"mails": unreached(request.member), "days": SHOWN_FOR.days}
    )
