"""The firm's invitations: the list, sending again, revoking."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Perm, can
from accounts.places import FirmRequest
from clients.paging import Order, page_of
from clients.selection import keys_in
from invitations.actions.handling import (
    NotPending,
    resend_invitation,
    resend_invitations,
    revoke_invitation,
    revoke_invitations,
)
from invitations.forms import InvitationFilter
from invitations.models import Invitation, InvitationQuerySet
from invitations.offers import offer_counts
from invitations.summary import waiting_counts
from invitations.views.leading import lead_to

NEWEST_FIRST = Order("sent_at", descending=True)


@require_safe
def invitations(request: FirmRequest) -> HttpResponse:
    """All invitations that the member may see, the newest first."""
    filters = InvitationFilter(request.GET)
    found = filters.narrow(Invitation.objects.visible_to(request.member)).with_names()
    page = page_of(found, request.GET, NEWEST_FIRST)
    manages, offers = can(request.member, Perm.INVITE_CLIENTS), offer_counts(page.rows)
    context = {
        "filters": filters,
        "filtered": any(request.GET.get(name) for name in filters.fields),
        "page": page,
        "rows": [
            {
                "invitation": one,
                "opens": _opens(*offers.get(one.pk, (0, 0))),
                "menu": _menu(request, one) if manages else [],
            }
            for one in page.rows
        ],
        "counts": waiting_counts(request.member),
        "bulk_actions": _bulk_actions(request) if manages else [],
        "may_invite_members": can(request.member, Perm.MANAGE_MEMBERS),
    }
    return render(request, "invitations/list.html", context)


def _opens(portfolios: int, dossiers: int) -> str:
    """What a colleague's invitation opens, in numbers."""
    parts = []
    if portfolios:
        parts.append(ngettext("%(n)s portfolio", "%(n)s portfolios", portfolios) % {"n": portfolios})
    if dossiers:
        parts.append(ngettext("%(n)s client file", "%(n)s client files", dossiers) % {"n": dossiers})
    return ", ".join(parts)


@require_POST
def resend(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Send a new link; the older ones become void."""
    invitation = _manageable(request, pk)
    try:
        resend_invitation(actor=request.member, invitation=invitation)
    except NotPending:
        messages.info(request, _("This invitation has been answered meanwhile: nothing was sent."))
    else:
        text = _("A new link is on its way to %(email)s. The older ones no longer work.")
        messages.success(request, text % {"email": invitation.email})
    return lead_to(request)


@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Make an invitation's links void, after a look at what that means."""
    invitation = _manageable(request, pk)
    if request.method != "POST":
        context = {"invitation": invitation, "back": request.firm.url("invitations:list")}
        return render(request, "invitations/revoke.html", context)
    try:
        revoke_invitation(actor=request.member, invitation=invitation)
    except NotPending:
        messages.info(request, _("This invitation has been answered meanwhile: nothing was revoked."))
    else:
        messages.success(request, _("The invitation for %(email)s is revoked.") % {"email": invitation.email})
    return lead_to(request)


@require_POST
def resend_selected(request: FirmRequest) -> HttpResponse:
    """Send again those of the selection that wait for an answer."""
    chosen = _selected(request)
    total = chosen.count()  # before: who asks for all in one state finds none of them in it afterwards
    count = resend_invitations(actor=request.member, invitations=chosen)
    text = ngettext("%(n)s new link is on its way.", "%(n)s new links are on their way.", count)
    _report(request, text, count, total)
    return lead_to(request)


@require_POST
def revoke_selected(request: FirmRequest) -> HttpResponse:
    """Revoke those of the selection that wait for an answer; first what that means, then, confirmed, the deed."""
    chosen = _selected(request)
    if not request.POST.get("confirmed"):
        context = {
            "count": chosen.pending().count(),
            "left_out": chosen.count() - chosen.pending().count(),
            "selection": [(n, v) for n in ("ids", "all", "query") for v in request.POST.getlist(n)],
            "back": request.firm.url("invitations:list"),
        }
        return render(request, "invitations/revoke_selected.html", context)
    total = chosen.count()
    count = revoke_invitations(actor=request.member, invitations=chosen)
    text = ngettext("%(n)s invitation is revoked.", "%(n)s invitations are revoked.", count)
    _report(request, text, count, total)
    return lead_to(request, ends_selection=True)


def _manageable(request: FirmRequest, pk: UUID) -> Invitation:
    return get_object_or_404(Invitation.objects.manageable_by(request.member).with_names(), pk=pk)


def _selected(request: FirmRequest) -> InvitationQuerySet:
    """The invitations that the posted selection names, of those that the member may handle."""
    allowed = Invitation.objects.manageable_by(request.member)
    if request.POST.get("all"):
        filters = InvitationFilter(QueryDict(request.POST.get("query", "")))
        # A list shows all where a filter makes no sense; nothing is done to what nobody asked for.
        return filters.narrow(allowed) if filters.is_valid() else allowed.none()
    return allowed.filter(pk__in=keys_in(request.POST.getlist("ids")))


def _report(request: FirmRequest, text: str, count: int, total: int) -> None:
    (messages.success if count else messages.info)(request, text % {"n": count})
    if left_out := total - count:
        text = ngettext(
            "%(n)s was left out: it no longer waits for an answer.",
            "%(n)s were left out: they no longer wait for an answer.",
            left_out,
        )
        messages.info(request, text % {"n": left_out})


def _menu(request: FirmRequest, invitation: Invitation) -> list[dict[str, Any]]:
    """What may be done with one that waits for an answer."""
    if not invitation.is_pending:
        return []
    url = request.firm.url
    correct = {
        "label": _("Correct the address"),
        "icon": "pencil",
        "url": url("invitations:invite_client", pk=invitation.dossier_id) if invitation.dossier_id else "",
        "dialog": True,
    }
    return [
        {
            "label": _("Send again"),
            "icon": "mail-forward",
            "url": url("invitations:resend", pk=invitation.pk),
            "post": True,
        },
        *([correct] if invitation.dossier_id else []),
        {
            "label": _("Revoke"),
            "icon": "mail-x",
            "url": url("invitations:revoke", pk=invitation.pk),
            "dialog": True,
            "danger": True,
            "split": True,
        },
    ]


def _bulk_actions(request: FirmRequest) -> list[dict[str, Any]]:
    return [
        {
            "label": _("Send again"),
            "icon": "mail-forward",
            "url": request.firm.url("invitations:resend_selected"),
            "ends": True,
        },
        {
            "label": _("Revoke"),
            "icon": "mail-x",
            "url": request.firm.url("invitations:revoke_selected"),
            "dialog": True,
            "danger": True,
        },
    ]
