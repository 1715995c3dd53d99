"""Where a page leads when its work is done, in a dialog too."""

from django.http import HttpResponse
from django.shortcuts import redirect

from accounts.answers import opened_on
from accounts.places import FirmRequest


def lead_to(request: FirmRequest, url: str = "", *, ends_selection: bool = False) -> HttpResponse:
    """To this page; in a dialog without `url`, to the page that opened it, as it then is.

    With `ends_selection`, the rows that were ticked are ticked no more.
    """
    if getattr(request, "htmx", None):
        headers = {"HX-Redirect": url} if url else {"HX-Refresh": "true"}
        if ends_selection:
            headers["HX-Trigger"] = "selection-done"
        return HttpResponse(status=204, headers=headers)
    return redirect(url or opened_on(request, request.firm.url("invitations:list")))
