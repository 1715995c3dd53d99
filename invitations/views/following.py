"""A client asks a firm to follow them: the page of whoever holds the link, then the firm's own pages."""

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.answers import done
from accounts.lookups import firms_of
from accounts.models import Role, User
from accounts.newcomers import person_at
from accounts.places import FirmRequest
from clients.actions.following import AlreadyFollowing, NotLinkable, linkable, siren_of
from clients.models import SpaceLink
from invitations.actions.answering import (
    InviterMayNoLonger,
    Link,
    NotAnswerable,
    ShownOtherwise,
    WrongAccount,
    open_invitation,
)
from invitations.actions.following import (
    NotTheirFirm,
    TakenUpElsewhere,
    asked,
    decline_client,
    follow_client,
    hand_back,
    may_answer,
    take_up,
)
from invitations.choosing import ChooseFirmForm, FollowForm
from invitations.lookups import invitations_to
from invitations.models import Invitation

SHOWN = 200


def answer_for_firm(request: HttpRequest, *, link: Link, invitation: Invitation) -> HttpResponse:
    """The link's page, in the client's scope: who asks, and for which of their firms the person answers.

    It says nothing of other firms, nor of what becomes of them.
    """
    case = _case(request, invitation)
    form = _firms_form(request, invitation) if case == "choose" else None
    status = HTTPStatus.OK
    if request.method == "POST" and case in ("choose", "no_firm"):
        open_invitation(link=link)
        if form is not None and form.is_valid():
            return _taken_up(request, link, form.chosen)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    context = {
        "invitation": invitation,
        "sender": invitation.sender_name,
        "inviter": invitation.asked_by,
        "case": case,
        "form": form,
        "is_proven": person_at(invitation.email) is not None,
    }
    return render(request, "invitations/answer_firm.html", context, status=status)


@require_safe
def requests(request: FirmRequest) -> HttpResponse:
    """What clients ask of the firm: all of it for who answers clients, else what one has received oneself."""
    found = Invitation.objects.requests_to(request.member)[:SHOWN]
    return render(request, "invitations/requests.html", {"requests": found})


@require_http_methods(["GET", "HEAD", "POST"])
def request_page(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Who asks, what that means, by which client file; and one button."""
    invitation = _request(request, pk)
    if not invitation.is_active:
        return render(request, "invitations/request.html", {"invitation": invitation})
    client = asked(invitation)
    dossiers = list(linkable(request.member, siren_of(client.details)))
    form = FollowForm(request.POST or None, dossiers=dossiers, initial={"shown": client.mark})
    if request.method == "POST" and form.is_valid():
        return _followed(request, invitation, form)
    context = {
        "invitation": invitation,
        "client": client,
        "form": form,
        "follows": SpaceLink.objects.running().filter(space=invitation.space_id).exists(),
    }
    return render(request, "invitations/request.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def decline(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Answer no, after a look at what that means."""
    invitation = _request(request, pk)
    if request.method != "POST":
        return render(request, "invitations/decline_request.html", {"invitation": invitation})
    try:
        decline_client(actor=request.member, invitation=invitation)
    except NotAnswerable:
        messages.info(request, _answered_meanwhile())
    else:
        text = _("%(client)s is told that the firm declines.")
        messages.success(request, text % {"client": invitation.space_name})
    return done(request, request.firm.url("invitations:requests"))


@require_http_methods(["GET", "HEAD", "POST"])
def give_back(request: FirmRequest, pk: UUID) -> HttpResponse:
    """It was received for the wrong firm: back to where a firm is chosen, after a look at what that means."""
    invitation = _request(request, pk)
    if request.method != "POST":
        return render(request, "invitations/hand_back_request.html", {"invitation": invitation})
    try:
        hand_back(actor=request.member, invitation=invitation)
    except NotAnswerable:
        messages.info(request, _answered_meanwhile())
        return done(request, request.firm.url("invitations:requests"))
    text = _("The invitation is handed back, and %(client)s is told.")
    messages.success(request, text % {"client": invitation.space_name})
    if any(row["invitation_id"] == pk for row in invitations_to(request.user.pk)):
        return done(request, reverse("invitations:open_mine", kwargs={"pk": pk}))
    return done(request, request.firm.url("invitations:requests"))


def _case(request: HttpRequest, invitation: Invitation) -> str:
    """`login`: the address has an account; `enter`: it has none; `other`: signed in as somebody whom it does not
    concern; `no_firm`: of no firm; `taken`: received for a firm that is not theirs; `choose`: they may go on."""
    person = request.user
    if not isinstance(person, User):
        return "login" if person_at(invitation.email) else "enter"
    if not may_answer(person, invitation):
        return "other"
    mine = {row["firm_id"] for row in firms_of(person.pk)}
    if invitation.to_firm_id is not None:
        return "choose" if invitation.to_firm_id in mine else "taken"
    return "choose" if mine else "no_firm"


def _firms_form(request: HttpRequest, invitation: Invitation) -> ChooseFirmForm:
    firms = [
        (row["firm_id"], row["name"], str(Role(row["role"]).label))
        for row in firms_of(request.user.pk)
        if invitation.to_firm_id in (None, row["firm_id"])
    ]
    return ChooseFirmForm(request.POST if request.method == "POST" else None, firms=firms)


def _taken_up(request: HttpRequest, link: Link, firm_id: UUID) -> HttpResponse:
    """Received: on to the firm's own page."""
    person = request.user
    assert isinstance(person, User)
    try:
        invitation = take_up(link=link, person=person, firm_id=firm_id)
    except (NotAnswerable, InviterMayNoLonger, WrongAccount, NotTheirFirm, TakenUpElsewhere):
        messages.warning(
            request, _("Something has changed meanwhile. Please read again what is offered to you.")
        )
        return redirect("invitations:answer")
    slug = next(row["slug"] for row in firms_of(person.pk) if row["firm_id"] == firm_id)
    return redirect("invitations:request", firm_slug=slug, pk=invitation.pk)


def _request(request: FirmRequest, pk: UUID) -> Invitation:
    return get_object_or_404(Invitation.objects.requests_to(request.member), pk=pk)


def _followed(request: FirmRequest, invitation: Invitation, form: FollowForm) -> HttpResponse:
    """Do it, or say what stood in the way."""
    here = request.firm.url("invitations:request", pk=invitation.pk)
    try:
        link = follow_client(
            actor=request.member,
            invitation=invitation,
            shown=form.cleaned_data["shown"],
            dossier=form.chosen,
        )
    except (ShownOtherwise, NotLinkable):
        messages.warning(
            request, _("Something has changed meanwhile. Please read again what is offered to you.")
        )
    except AlreadyFollowing:
        messages.info(request, _("The firm follows this client already."))
    except (NotAnswerable, InviterMayNoLonger):
        messages.info(request, _answered_meanwhile())
    else:
        text = _("The firm now follows %(client)s, who is told.")
        messages.success(request, text % {"client": invitation.space_name})
        return done(request, request.firm.url("clients:dossier", pk=link.dossier_id))
    return done(request, here)


def _answered_meanwhile() -> str:
    return _("This invitation has been answered, revoked or sent again meanwhile.")
