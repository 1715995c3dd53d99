"""Where a page leads when its work is done, in a dialog too."""

from django.http import HttpResponse
from django.shortcuts import redirect

from accounts.places import FirmRequest


def lead_to(request: FirmRequest, url: str = "") -> HttpResponse:
    """To this page; in a dialog without `url`, to the page that opened it, as it then is."""
    if getattr(request, "htmx", None):
        return HttpResponse(status=204, headers={"HX-Redirect": url} if url else {"HX-Refresh": "true"})
    return redirect(url or request.firm.url("invitations:list"))
