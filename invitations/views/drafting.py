"""Drafts: prepared for one client or a selection of them, sent or deleted, one or many."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import Perm, can, permitted
from accounts.places import FirmRequest
from clients.models import Dossier
from clients.selection import selected_dossiers
from invitations.actions.drafting import (
    NoDraft,
    discard_draft,
    discard_drafts,
    prepare_clients,
    prepare_invitation,
    send_draft,
    send_drafts,
)
from invitations.actions.inviting import AlreadyActive, AlreadyInvited
from invitations.forms import ClientForm, ClientsForm
from invitations.models import Invitation, SendingKind
from invitations.views.handling import manageable, ordered, selected
from invitations.views.inviting import client_page, left_out, order_for
from invitations.views.leading import lead_to


@require_POST
def prepare_client(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Keep the invitation of one dossier's client as a draft."""
    dossiers = permitted(Dossier.objects.clients(), request.member, Perm.INVITE_CLIENT)
    dossier = get_object_or_404(dossiers, pk=pk)
    form = ClientForm(request.POST)
    if form.is_valid() and _prepared(request, dossier, form):
        messages.success(request, _("The invitation is prepared; it waits among the drafts."))
        return lead_to(request)
    return client_page(request, dossier, form)


def _prepared(request: FirmRequest, dossier: Dossier, form: ClientForm) -> Invitation | None:
    said = {name: form.cleaned_data[name] for name in ("email", "language")}
    try:
        return prepare_invitation(actor=request.member, dossier=dossier, **said)
    except AlreadyActive:
        form.add_error(None, _("This client already has their space: there is nobody left to invite."))
    except AlreadyInvited:
        form.add_error(
            None,
            _("An invitation waits for its answer already: correct its address, or revoke it, in the list."),
        )
    return None


@require_POST
def prepare_selected(request: FirmRequest) -> HttpResponse:
    """Prepare the invitations of a selection of clients; nothing leaves."""
    if not can(request.member, Perm.INVITE_CLIENTS):
        raise PermissionDenied(Perm.INVITE_CLIENTS)
    dossiers = selected_dossiers(request, request.member, Perm.INVITE_CLIENT)
    wanted = ClientsForm(request.POST).wanted
    if sending := order_for(request, SendingKind.PREPARE, dossiers, wanted):
        return lead_to(request, request.firm.url("invitations:sending", pk=sending.pk), ends_selection=True)
    plan = prepare_clients(actor=request.member, dossiers=dossiers, **wanted)
    text = ngettext("%(n)s invitation is prepared.", "%(n)s invitations are prepared.", plan.mail_count)
    messages.success(request, text % {"n": plan.mail_count})
    left_out(request, plan)
    return lead_to(request, ends_selection=True)


@require_POST
def send(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Send a draft."""
    invitation = manageable(request, pk)
    try:
        send_draft(actor=request.member, invitation=invitation)
    except NoDraft:
        messages.info(request, _("This draft has been sent or deleted meanwhile."))
    except AlreadyActive:
        messages.info(request, _("This client already has their space: there is nobody left to invite."))
    else:
        text = _("The invitation for %(email)s is on its way.")
        messages.success(request, text % {"email": invitation.email})
    return lead_to(request)


@require_POST
def send_selected(request: FirmRequest) -> HttpResponse:
    """Send the drafts among the selection."""
    chosen = selected(request)
    total = chosen.count()
    if total > settings.INVITATIONS_AT_ONCE:
        return ordered(request, SendingKind.DRAFTS, chosen.drafts())
    count = send_drafts(actor=request.member, invitations=chosen)
    text = ngettext("%(n)s invitation is on its way.", "%(n)s invitations are on their way.", count)
    _report(request, text, count, total)
    return lead_to(request)


@require_http_methods(["GET", "HEAD", "POST"])
def discard(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Delete a draft, after a question."""
    invitation = manageable(request, pk)
    if request.method != "POST":
        context = {
            "invitation": invitation,
            "count": int(invitation.is_draft),
            "action": request.firm.url("invitations:discard", pk=pk),
            "back": request.firm.url("invitations:list"),
        }
        return render(request, "invitations/discard.html", context)
    try:
        discard_draft(actor=request.member, invitation=invitation)
    except NoDraft:
        messages.info(request, _("This draft has been sent or deleted meanwhile."))
    else:
        messages.success(request, _("The draft for %(email)s is deleted.") % {"email": invitation.email})
    return lead_to(request)


@require_POST
def discard_selected(request: FirmRequest) -> HttpResponse:
    """Delete the drafts among the selection; first how many that are, then, confirmed, the deed."""
    chosen = selected(request)
    total = chosen.count()
    if not request.POST.get("confirmed"):
        count = chosen.drafts().count()
        context = {
            "count": count,
            "left_out": total - count,
            "selection": [(n, v) for n in ("ids", "all", "query") for v in request.POST.getlist(n)],
            "action": request.firm.url("invitations:discard_selected"),
            "back": request.firm.url("invitations:list"),
        }
        return render(request, "invitations/discard.html", context)
    count = discard_drafts(actor=request.member, invitations=chosen)
    text = ngettext("%(n)s draft is deleted.", "%(n)s drafts are deleted.", count)
    _report(request, text, count, total)
    return lead_to(request, ends_selection=True)


def _report(request: FirmRequest, text: str, count: int, total: int) -> None:
    (messages.success if count else messages.info)(request, text % {"n": count})
    if others := total - count:
        text = ngettext(
            "%(n)s was left out: it is no draft.", "%(n)s were left out: they are no drafts.", others
        )
        messages.info(request, text % {"n": others})
