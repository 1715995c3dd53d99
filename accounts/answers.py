"""How views answer once something is done."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django_htmx.http import HttpResponseClientRedirect


def done(request: HttpRequest, url: str) -> HttpResponse:
    """On to that page: a redirect, also from a dialog or the drawer, where htmx would swallow an ordinary one."""
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(url)
    return redirect(url)
