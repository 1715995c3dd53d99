"""Many invitations at once, in a worker's hands: how far each order is, and what became of its mails."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts.permissions import Perm, require
from accounts.places import FirmRequest
from activity.queries import mail_counts, mail_counts_of
from clients.paging import size_of
from invitations import words
from invitations.models import Sending, SendingKind, SendingState

_PER_PAGE = 20


@require_safe
def index(request: FirmRequest) -> HttpResponse:
    """All orders of the firm, the latest first."""
    require(request.member, Perm.INVITE_CLIENTS)
    found = Sending.objects.light().select_related("asked_by")
    page = Paginator(found, size_of(request.GET, _PER_PAGE)).get_page(request.GET.get("page"))
    mails = mail_counts_of([one.pk for one in page.object_list])
    shown = [
        {
            "sending": one,
            "mails": mails[one.pk],
            "is_leaving": not one.is_at_work and mails[one.pk]["waiting"],
        }
        for one in page.object_list
    ]
    return render(request, "invitations/sendings.html", {"page": page, "shown": shown})


@require_safe
def detail(request: FirmRequest, pk: UUID) -> HttpResponse:
    """One order: being carried out, its mails on their way, or over."""
    return render(request, "invitations/sending.html", _context(request, pk))


@require_safe
def progress(request: FirmRequest, pk: UUID) -> HttpResponse:
    """The fragment that the page asks for each second; once nothing waits any more, the whole page anew."""
    context = _context(request, pk)
    if not context["is_going_on"]:
        if request.htmx:  # type: ignore[attr-defined]  # set by django-htmx's middleware
            return HttpResponseClientRefresh()
        return redirect(request.firm.url("invitations:sending", pk=pk))
    return render(request, "invitations/_sending_progress.html", context)


def _context(request: FirmRequest, pk: UUID) -> dict[str, Any]:
    require(request.member, Perm.INVITE_CLIENTS)
    sending = get_object_or_404(Sending.objects.light().select_related("asked_by"), pk=pk)
    mails = mail_counts(sending.pk)
    return {
        "sending": sending,
        "mails": mails,
        "is_going_on": sending.is_at_work or mails["waiting"] > 0,
        "has_mails": sending.kind != SendingKind.PREPARE,
        "label": _label(sending),
        "share": _share(sending, mails),
        "left_out": words.left_out(sending.left_out),
        "trouble": words.trouble(sending.trouble),
        "poll_url": request.firm.url("invitations:sending_progress", pk=pk),
        "list_url": request.firm.url("invitations:list"),
    }


def _share(sending: Sending, mails: Mapping[str, int]) -> int:
    """How many percent of both halves of the way: each is prepared, then its mail leaves; who is left out gets none.

    So the bar neither stands still nor goes back.
    """
    told = sum(mails.values())
    to_send = sending.total if sending.is_at_work else told
    whole = sending.total + (0 if sending.kind == SendingKind.PREPARE else to_send)
    return 100 * (sending.step + told - mails["waiting"]) // (whole or 1)


def _label(sending: Sending) -> str:
    if sending.state == SendingState.QUEUED:
        return _("Waiting for its turn…")
    if not sending.is_at_work:
        return _("The mails are leaving…")
    if sending.kind == SendingKind.PREPARE:
        return _("The drafts are being prepared…")
    return _("The invitations are being made, and their mails leave…")
