"""The firm's invitations: the list, sending again, correcting the address, revoking, what the mail looked like."""

from functools import partial
from typing import Any
from uuid import UUID

from csp.constants import SELF
from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Perm, can
from accounts.places import FirmRequest
from activity.mails import Message
from activity.showing import confined, standalone
from clients.paging import Order, page_of
from clients.selection import keys_in
from invitations import reminders
from invitations.actions.correcting import TheirOwnAddress, correct_address
from invitations.actions.handling import (
    NotPending,
    resend_invitation,
    resend_invitations,
    revoke_invitation,
    revoke_invitations,
)
from invitations.actions.inviting import AlreadyInvited, AlreadyMember
from invitations.forms import CorrectForm, InvitationFilter
from invitations.jobs import order_sending
from invitations.languages import languages_of
from invitations.mails import specimen
from invitations.models import Invitation, InvitationQuerySet, Letter, Sending, SendingKind
from invitations.offers import offer_counts
from invitations.summary import waiting_counts
from invitations.views import menus
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
        "requests": Invitation.objects.requests_to(request.member).answerable().count(),
        "letters": Letter.objects.manageable_by(request.member).to_confirm().count() if manages else 0,
        "sendings": list(Sending.objects.light().at_work()) if manages else [],
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
    invitation = manageable(request, pk)
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
    invitation = manageable(request, pk)
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


@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Send it to the right address; whoever got it before holds nothing."""
    invitation = manageable(request, pk)
    if not invitation.is_pending:
        messages.info(request, _("This invitation has been answered meanwhile: nothing was sent."))
        return lead_to(request, request.firm.url("invitations:list"))
    dossier = invitation.dossier
    form = CorrectForm(
        request.POST or None,
        has_dossier=dossier is not None,
        initial={
            "email": invitation.email,
            "also_dossier": dossier is not None and dossier.email.lower() == invitation.email,
        },
    )
    if request.method == "POST" and form.is_valid() and _corrected(request, invitation, form):
        text = _(
            "The invitation is on its way to %(email)s. The links that left before open nothing any more."
        )
        messages.success(request, text % {"email": form.cleaned_data["email"]})
        return lead_to(request)
    context = {"form": form, "invitation": invitation, "back": request.firm.url("invitations:list")}
    return render(request, "invitations/correct.html", context, status=422 if form.is_bound else 200)


def _corrected(request: FirmRequest, invitation: Invitation, form: CorrectForm) -> bool:
    """False with what stood in the way said in the form."""
    try:
        correct_address(
            actor=request.member,
            invitation=invitation,
            email=form.cleaned_data["email"],
            also_dossier=form.cleaned_data.get("also_dossier", False),
        )
    except AlreadyInvited:
        form.add_error("email", _("Another invitation to this address waits for its answer already."))
    except AlreadyMember:
        form.add_error("email", _("This address already belongs to a member of the firm."))
    except TheirOwnAddress:
        form.add_error(
            "email",
            _("This person has been in the firm before, at the address above. Revoke it and invite anew."),
        )
    except NotPending:
        form.add_error(None, _("This invitation has been answered meanwhile: nothing was sent."))
    else:
        return True
    return False


@require_safe
def mail(request: FirmRequest, pk: UUID) -> HttpResponse:
    """What the mail looked like; with `rappel`, a reminder of it."""
    invitation = manageable(request, pk)
    is_reminder = "rappel" in request.GET
    context = {
        "invitation": invitation,
        "message": _message(invitation, is_reminder=is_reminder),
        "is_reminder": is_reminder,
        "reminders": reminders.wanted(),
        "frame": request.firm.url("invitations:mail_html", pk=pk) + ("?rappel" if is_reminder else ""),
        "back": request.firm.url("invitations:list"),
    }
    response = render(request, "invitations/mail.html", context)
    response._csp_update = {"frame-src": [SELF]}  # type: ignore[attr-defined]  # as csp_update, which takes no key
    return response


@require_safe
def mail_html(request: FirmRequest, pk: UUID) -> HttpResponse:
    """The mail itself, for the frame of its page. Its links open nothing."""
    message = _message(manageable(request, pk), is_reminder="rappel" in request.GET)
    return confined(standalone(message))


def _message(invitation: Invitation, *, is_reminder: bool) -> Message:
    """In the language in which the person reads."""
    with translation.override(languages_of([invitation])[invitation.pk]):
        return specimen(invitation, is_reminder=is_reminder)


@require_POST
def resend_selected(request: FirmRequest) -> HttpResponse:
    """Send again those of the selection that wait for an answer."""
    chosen = selected(request)
    total = chosen.count()  # before: who asks for all in one state finds none of them in it afterwards
    if total > settings.INVITATIONS_AT_ONCE:
        return ordered(request, SendingKind.RESEND, chosen.pending())
    count = resend_invitations(actor=request.member, invitations=chosen)
    text = ngettext("%(n)s new link is on its way.", "%(n)s new links are on their way.", count)
    _report(request, text, count, total)
    return lead_to(request)


@require_POST
def revoke_selected(request: FirmRequest) -> HttpResponse:
    """Revoke those of the selection that wait for an answer; first what that means, then, confirmed, the deed."""
    chosen = selected(request)
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


def ordered(request: FirmRequest, kind: SendingKind, chosen: QuerySet[Invitation]) -> HttpResponse:
    """Have a worker do it with all of these, and go to the page that shows how far it is."""
    keys = list(chosen.order_by().values_list("pk", flat=True))
    sending = order_sending(actor=request.member, kind=kind, keys=keys)
    return lead_to(request, request.firm.url("invitations:sending", pk=sending.pk), ends_selection=True)


def manageable(request: FirmRequest, pk: UUID) -> Invitation:
    return get_object_or_404(Invitation.objects.manageable_by(request.member).with_names(), pk=pk)


def selected(request: FirmRequest) -> InvitationQuerySet:
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
    """What may be done with it; of one that was answered, only its mail may be looked at."""
    here = partial(request.firm.url, pk=invitation.pk)
    look = here("invitations:mail")
    if invitation.is_draft:
        change = request.firm.url("invitations:invite_client", pk=invitation.dossier_id)
        return [
            {"label": _("Send"), "icon": "send", "url": here("invitations:send_draft"), "post": True},
            {"label": _("Change"), "icon": "pencil", "url": change, "dialog": True},
            menus.looking(look),
            menus.danger(_("Delete the draft"), here("invitations:discard")),
        ]
    if not invitation.is_pending:
        return [menus.looking(look)]
    return menus.of_waiting(
        resend=here("invitations:resend"),
        correct=here("invitations:correct"),
        revoke=here("invitations:revoke"),
        look=look,
    )


def _bulk_actions(request: FirmRequest) -> list[dict[str, Any]]:
    return [
        {
            "label": _("Send the drafts"),
            "icon": "send",
            "url": request.firm.url("invitations:send_selected"),
            "ends": True,
        },
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
        {
            "label": _("Delete the drafts"),
            "icon": "trash",
            "url": request.firm.url("invitations:discard_selected"),
            "dialog": True,
            "danger": True,
        },
    ]
