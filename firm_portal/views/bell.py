"""The bell's page, in a firm and in a client's space: what concerned me here, what I have not read yet.

A GET marks nothing as read. Two tabs stay apart: “all” is what the page had to show, not what came since.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.concern import shown_to_member
from accounts.places import FirmRequest
from activity.bell import mark_read, under_bell
from clients.frame import framed
from clients.places import SpaceRequest
from firm_portal.bell import shown_to_client

SIZE = 20


@dataclass(frozen=True)
class Side:
    """Whose bell it is, what they may still see, and where its page is."""

    recipient: UUID
    allowing: Callable[[Sequence[Any]], dict[UUID, bool]]
    url: str
    read_url: str

    def context(self, request: HttpRequest) -> dict[str, Any]:
        only_unread = request.GET.get("voir") != "tout"
        under = under_bell(
            self.recipient,
            self.allowing,
            size=SIZE,
            only_unread=only_unread,
            before=_key(request.GET.get("before")),
            after=_key(request.GET.get("after")),
        )
        return {"under": under, "only_unread": only_unread, "url": self.url, "read_url": self.read_url}

    def read(self, request: HttpRequest) -> HttpResponse:
        """Mark what was named, or all up to what the page had to show."""
        keys = [key for text in request.POST.getlist("key") if (key := _key(text))]
        count = mark_read(self.recipient, keys=keys, until=_key(request.POST.get("until")))
        if "quietly" in request.POST:  # on the way to what it is about
            return HttpResponse(status=204)
        text = ngettext("%(count)s change is marked as read.", "%(count)s changes are marked as read.", count)
        if count:
            messages.success(request, text % {"count": count})
        return redirect(self.url + ("?voir=tout" if request.POST.get("voir") == "tout" else ""))


@require_safe
def of_firm(request: FirmRequest) -> HttpResponse:
    return render(request, "bell/page.html", {"layout": "firm", **_member(request).context(request)})


@require_POST
def read_of_firm(request: FirmRequest) -> HttpResponse:
    return _member(request).read(request)


@require_safe
def of_space(request: SpaceRequest) -> HttpResponse:
    context = framed(request, "space_bell", layout="space", **_client(request).context(request))
    return render(request, "bell/page.html", context)


@require_POST
def read_of_space(request: SpaceRequest) -> HttpResponse:
    return _client(request).read(request)


def _member(request: FirmRequest) -> Side:
    member = request.member
    assert member.user_id is not None
    return Side(
        member.user_id,
        lambda events: shown_to_member(member, events),
        request.firm.url("bell"),
        request.firm.url("read"),
    )


def _client(request: SpaceRequest) -> Side:
    member, space = request.space_member, request.space
    return Side(
        member.user_id,
        lambda events: shown_to_client(member, events),
        space.url("space_bell"),
        space.url("space_read"),
    )


def _key(text: str | None) -> UUID | None:
    """A key of an address or a form; None where it is none."""
    try:
        return UUID(text or "")
    except ValueError:
        return None
