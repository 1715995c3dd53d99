"""A client's firms: who follows them, who is invited to; inviting a firm, ending its access."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.answers import done
from accounts.throttling import throttled
from clients.actions.following import EndedMeanwhile, end_following, what_ending_means
from clients.frame import FIRMS, framed
from clients.models import SpaceLink, SpacePerm
from clients.places import SpaceRequest
from invitations.actions.asking import correct_asked, invite_firm, resend_asked, revoke_asked
from invitations.actions.handling import NotPending
from invitations.actions.inviting import AlreadyInvited
from invitations.choosing import InviteFirmForm
from invitations.forms import AddressForm
from invitations.models import PENDING_STATES, Invitation, InvitationKind, InvitationQuerySet
from invitations.views import menus

# A space of one's own is opened by anybody: it is no way to write to the whole world.
MAILS_AT_MOST = "20/d/key,40/d/user"
ANSWERED = 10


@require_safe
def firms(request: SpaceRequest) -> HttpResponse:
    """Everybody sees who follows the space and who did; who chooses firms, also who is invited to."""
    chooses = request.space_member.may(SpacePerm.CHOOSE_FIRMS)
    links = SpaceLink.objects.filter(space=request.space)
    asked = _of_space(request).with_names()
    context = {
        "chooses": chooses,
        "former": links.left().order_by("-until", "-pk"),
        "invited": [_invited(request, one) for one in asked.pending()] if chooses else [],
        "answered": asked.exclude(state__in=PENDING_STATES)[:ANSWERED] if chooses else [],
    }
    return render(request, "invitations/firms.html", framed(request, FIRMS, **context))


@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: SpaceRequest) -> HttpResponse:
    """Invite a firm, by its address or that of somebody there."""
    _require_chooser(request)
    running = SpaceLink.objects.running().filter(space=request.space).order_by("firm_name")
    form = InviteFirmForm(request.POST or None, firms=running)
    if request.method == "POST" and form.is_valid():
        if refusal := _too_many(request):
            return refusal
        try:
            made = invite_firm(actor=request.space_member, **form.asked)
        except AlreadyInvited:
            form.add_error("email", _already_invited())
        else:
            text = _("The invitation for %(email)s is on its way.")
            messages.success(request, text % {"email": made.email})
            return done(request, request.space.url(FIRMS))
    context = framed(request, FIRMS, form=form)
    return render(request, "invitations/invite_firm.html", context, status=422 if form.is_bound else 200)


@require_POST
def resend(request: SpaceRequest, pk: UUID) -> HttpResponse:
    """Send a new link; the older ones become void."""
    invitation = _asked(request, pk)
    if refusal := _too_many(request):
        return refusal
    try:
        resend_asked(actor=request.space_member, invitation=invitation)
    except NotPending:
        messages.info(request, _("This invitation has been answered meanwhile: nothing was sent."))
    else:
        text = _("A new link is on its way to %(email)s. The older ones no longer work.")
        messages.success(request, text % {"email": invitation.email})
    return done(request, request.space.url(FIRMS))


@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: SpaceRequest, pk: UUID) -> HttpResponse:
    """Send the invitation to another address; whoever got a link before has nothing any more."""
    invitation = _asked(request, pk)
    form = AddressForm(request.POST or None, initial={"email": invitation.email})
    if request.method == "POST" and form.is_valid():
        if refusal := _too_many(request):
            return refusal
        try:
            corrected = correct_asked(
                actor=request.space_member, invitation=invitation, email=form.cleaned_data["email"]
            )
        except AlreadyInvited:
            form.add_error("email", _already_invited())
        except NotPending:
            messages.info(request, _("This invitation has been answered meanwhile: nothing was sent."))
            return done(request, request.space.url(FIRMS))
        else:
            text = _("The invitation for %(email)s is on its way.")
            messages.success(request, text % {"email": corrected.email})
            return done(request, request.space.url(FIRMS))
    context = framed(request, FIRMS, form=form, invitation=invitation)
    return render(request, "invitations/correct_firm.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: SpaceRequest, pk: UUID) -> HttpResponse:
    """Make an invitation's links void, after a look at what that means."""
    invitation = _asked(request, pk)
    if request.method != "POST":
        context = framed(request, FIRMS, invitation=invitation)
        return render(request, "invitations/revoke_firm.html", context)
    try:
        revoke_asked(actor=request.space_member, invitation=invitation)
    except NotPending:
        messages.info(request, _("This invitation has been answered meanwhile: nothing was revoked."))
    else:
        messages.success(request, _("The invitation for %(email)s is revoked.") % {"email": invitation.email})
    return done(request, request.space.url(FIRMS))


@require_http_methods(["GET", "HEAD", "POST"])
def end(request: SpaceRequest, pk: UUID) -> HttpResponse:
    """End a firm's access; first what that means."""
    _require_chooser(request)
    link = get_object_or_404(SpaceLink.objects.running(), pk=pk, space=request.space)
    if request.method != "POST":
        ending = what_ending_means(actor=request.space_member, link=link)
        context = framed(request, FIRMS, link=link, ending=ending)
        return render(request, "invitations/end_firm.html", context)
    try:
        end_following(actor=request.space_member, link=link)
    except EndedMeanwhile:
        messages.info(request, _("%(firm)s does not follow you any more.") % {"firm": link.firm_name})
    else:
        text = _("%(firm)s no longer has access, and is told.")
        messages.success(request, text % {"firm": link.firm_name})
    return done(request, request.space.url(FIRMS))


def _require_chooser(request: SpaceRequest) -> None:
    if not request.space_member.may(SpacePerm.CHOOSE_FIRMS):
        raise PermissionDenied(SpacePerm.CHOOSE_FIRMS)


def _of_space(request: SpaceRequest) -> InvitationQuerySet:
    return Invitation.objects.filter(space=request.space, kind=InvitationKind.FIRM)


def _asked(request: SpaceRequest, pk: UUID) -> Invitation:
    _require_chooser(request)
    return get_object_or_404(_of_space(request).with_names(), pk=pk)


def _too_many(request: SpaceRequest) -> HttpResponse | None:
    return throttled(request, action="invite_firm", rate=MAILS_AT_MOST, key=str(request.space.pk))


def _already_invited() -> str:
    return _("This address is already invited. Send the invitation again from the list below “My firm”.")


def _invited(request: SpaceRequest, invitation: Invitation) -> dict[str, Any]:
    return menus.in_space(
        request,
        invitation,
        resend="invitations:resend_to_firm",
        correct="invitations:correct_firm",
        revoke="invitations:revoke_firm",
    )
