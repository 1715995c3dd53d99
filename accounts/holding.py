"""What a person is told who needs what another transaction holds: after a moment, and nothing of theirs is lost.

From a dialog or a list it is a notice beside what they typed, which stays; from a page, a page that sends it again.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django_htmx.http import trigger_client_event

# What is in fields of these names is not given back, not even to who typed it.
_SECRET = re.compile(r"password|secret|token|^code$")


@dataclass(frozen=True)
class Holder:
    """Who holds it, and until when."""

    title: str
    text: str


# The apps above add what may hold things for long: in the scope that asks, who it is, if it is at work now.
HOLDERS: list[Callable[[], Holder | None]] = []


def held_by(title: str = "") -> Holder:
    """Who it is as far as it is known. `title`: what is said where it is not."""
    found = (holder() for holder in HOLDERS)
    nobody = Holder(
        title or _("Somebody is changing the same thing at this very moment"),
        _("It will be free again in an instant."),
    )
    return next((holder for holder in found if holder), nobody)


def held_answer(request: HttpRequest) -> HttpResponse:
    """The answer to a request of which nothing was done."""
    holder = held_by()
    if getattr(request, "htmx", False):
        words = _("Nothing was done, and nothing is lost: try again in a moment.")
        answer = HttpResponse(status=HTTPStatus.CONFLICT)
        notice = {"text": f"{holder.title}. {holder.text} {words}", "tone": "bad"}
        return trigger_client_event(answer, "toast", notice)
    context = {
        "holder": holder,
        "is_post": request.method == "POST",
        "sent": _sent(request),
        "back": _came_from(request),
    }
    return render(request, "held.html", context, status=HTTPStatus.CONFLICT)


def _sent(request: HttpRequest) -> list[tuple[str, str]] | None:
    """What a form has sent, to be sent again as it is; None where that can't be."""
    given = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name != "csrfmiddlewaretoken"
    ]
    is_whole = not request.FILES and not any(_SECRET.search(name) for name, _value in given)
    return given if is_whole else None


def _came_from(request: HttpRequest) -> str:
    """The page from which it was sent, if it is one of ours."""
    page = urlsplit(request.headers.get("Referer", ""))
    if page.netloc != request.get_host():
        return "/"
    return f"{page.path}?{page.query}" if page.query else page.path
