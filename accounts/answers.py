"""How views answer once something is done."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django_htmx.http import HttpResponseClientRedirect


def done(request: HttpRequest, url: str) -> HttpResponse:
    """On to that page: a redirect, also from a dialog or the drawer, where htmx would swallow an ordinary one."""
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(url)
    return redirect(url)


def opened_on(request: HttpRequest, url: str) -> str:
    """The page on which a dialog was opened or a button pressed, filters and all; `url` where that is not known.

    Of a page that htmx does not tell of, only one at that very path is believed.
    """
    htmx = getattr(request, "htmx", None)
    if htmx and htmx.current_url_abs_path:
        return str(htmx.current_url_abs_path)
    came_from = urlsplit(request.headers.get("Referer", ""))
    is_here = came_from.netloc == request.get_host() and came_from.path == urlsplit(url).path
    return f"{came_from.path}?{came_from.query}" if is_here and came_from.query else url
