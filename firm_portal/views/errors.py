"""What people read when a page can't be shown: in their language, with a way on. None of these asks the database."""

import sys
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The person is known and may not do this."""
    in_space = getattr(request, "space_member", None) is not None
    return render(request, "403.html", {"in_space": in_space}, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Absent, or of another firm, or lost: nobody can tell which. The way on is the place where they stand, if any."""
    place = getattr(request, "place", None)
    context = {"place": place, "in_space": place is not None and place.kind.name == "space"}
    return render(request, "404.html", context, status=404)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was too old, or came from elsewhere."""
    return render(request, "403_csrf.html", status=403)


def server_error(request: HttpRequest, *args: Any) -> HttpResponse:
    """Our fault (500), or the database is away (503): then trying again soon is good advice."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        response = render(request, "503.html", status=503)
        response["Retry-After"] = "30"
        return response
    return render(request, "500.html", status=500)
