"""Which clients the firm's mails do not reach, and why."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.places import FirmRequest
from activity.outbox import PER_PAGE, SHOWN_FOR
from clients.paging import size_of
from clients.unreached import UnreachedList


@require_safe
def index(request: FirmRequest) -> HttpResponse:
    """Of the client files that the member may see: to whom, why, since when."""
    # It counts and cuts, which is all that a Paginator does with it.
    found: Any = UnreachedList(request.member)
    page = Paginator(found, size_of(request.GET, PER_PAGE)).get_page(request.GET.get("page"))
    context = {"page": page, "mails": list(page.object_list), "days": SHOWN_FOR.days}
    return render(request, "clients/unreached.html", context)
