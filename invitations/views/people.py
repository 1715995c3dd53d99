"""A client's own people: who is in the space, with which profile, who is invited; changing that."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.answers import done
from accounts.throttling import throttled
from activity.outbox import told, unheard
from clients.actions.people import (
    AlreadyHere,
    GoneMeanwhile,
    LastManager,
    change_person_profile,
    end_person,
)
from clients.forms.people import ProfileForm
from clients.frame import PEOPLE, framed
from clients.models import SpaceMember, SpacePerm, SpaceProfile
from clients.models.profiles import PROFILE_ALLOWS
from clients.places import SpaceRequest
from invitations.actions.handling import NotPending
from invitations.actions.inviting import AlreadyInvited
from invitations.actions.people import correct_person, invite_person, resend_to_person, revoke_person
from invitations.forms import AddressForm, InvitePersonForm
from invitations.models import Invitation, InvitationKind, InvitationQuerySet
from invitations.views import menus

# A space of one's own is opened by anybody: it is no way to write to the whole world.
MAILS_AT_MOST = "50/d/key,80/d/user"


@require_safe
def people(request: SpaceRequest) -> HttpResponse:
    """Everybody sees who is here and what each profile may do; who manages people, also who is invited."""
    manages = request.space_member.may(SpacePerm.MANAGE_PEOPLE)
    present = SpaceMember.objects.present().filter(space=request.space)
    latest = unheard().order_by("to", "-created_at").distinct("to") if manages else []
    troubles = {one.to: one.reason for one in told(latest)}
    context = {
        "manages": manages,
        "rows": [
            {
                "member": one,
                "menu": _menu(request, one) if manages else [],
                "trouble": troubles.get(one.email, ""),
            }
            for one in present
        ],
        "invited": [_invited(request, one) for one in _waiting(request).with_names()] if manages else [],
        "profiles": list(SpaceProfile),
        "table": [
            (perm.label, [perm in PROFILE_ALLOWS[profile] for profile in SpaceProfile]) for perm in SpacePerm
        ],
    }
    return render(request, "invitations/people.html", framed(request, PEOPLE, **context))


@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: SpaceRequest) -> HttpResponse:
    """Invite somebody by their address, with a profile."""
    _require_manager(request)
    form = InvitePersonForm(request.POST or None, initial={"profile": SpaceProfile.READER})
    if request.method == "POST" and form.is_valid():
        if refusal := _too_many(request):
            return refusal
        if made := _invited_by(request, form):
            return _sent(request, made)
    context = framed(request, PEOPLE, form=form)
    return render(request, "invitations/invite_person.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: SpaceRequest, pk: UUID) -> HttpResponse:
    """Give a person another profile."""
    person = _person(request, pk)
    form = ProfileForm(request.POST or None, initial={"profile": person.profile})
    if request.method == "POST" and form.is_valid():
        try:
            change_person_profile(actor=request.space_member, member=person, profile=form.chosen)
        except LastManager:
            form.add_error("profile", _last_manager())
        except GoneMeanwhile:
            return _gone(request)
        else:
            text = _("%(name)s now has the profile “%(profile)s”.")
            messages.success(request, text % {"name": person.name, "profile": form.chosen.label})
            return done(request, request.space.url(PEOPLE))
    context = framed(request, PEOPLE, form=form, person=person)
    return render(request, "invitations/person_profile.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def end(request: SpaceRequest, pk: UUID) -> HttpResponse:
    """End a person's access, after a look at what that means."""
    person = _person(request, pk)
    return _ended(request, person, "invitations/end_person.html", request.space.url(PEOPLE))


@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: SpaceRequest) -> HttpResponse:
    """Leave the space oneself."""
    return _ended(request, request.space_member, "invitations/leave_space.html", reverse("accounts:places"))


@require_POST
def resend(request: SpaceRequest, pk: UUID) -> HttpResponse:
    """Send a new link; the older ones become void."""
    _require_manager(request)
    invitation = get_object_or_404(_of_space(request), pk=pk)
    if refusal := _too_many(request):
        return refusal
    try:
        resend_to_person(actor=request.space_member, invitation=invitation)
    except NotPending:
        messages.info(request, _("This invitation has been answered meanwhile: nothing was sent."))
    else:
        text = _("A new link is on its way to %(email)s. The older ones no longer work.")
        messages.success(request, text % {"email": invitation.email})
    return done(request, request.space.url(PEOPLE))


@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: SpaceRequest, pk: UUID) -> HttpResponse:
    """Send the invitation to another address; whoever got a link before has nothing any more."""
    _require_manager(request)
    invitation = get_object_or_404(_of_space(request), pk=pk)
    form = AddressForm(request.POST or None, initial={"email": invitation.email})
    if request.method == "POST" and form.is_valid():
        if refusal := _too_many(request):
            return refusal
        try:
            corrected = correct_person(
                actor=request.space_member, invitation=invitation, email=form.cleaned_data["email"]
            )
        except (AlreadyHere, AlreadyInvited) as error:
            form.add_error("email", _why_not(error))
        except NotPending:
            messages.info(request, _("This invitation has been answered meanwhile: nothing was sent."))
            return done(request, request.space.url(PEOPLE))
        else:
            return _sent(request, corrected)
    context = framed(request, PEOPLE, form=form, invitation=invitation)
    return render(request, "invitations/correct_person.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: SpaceRequest, pk: UUID) -> HttpResponse:
    """Make an invitation's links void, after a look at what that means."""
    _require_manager(request)
    invitation = get_object_or_404(_of_space(request), pk=pk)
    if request.method != "POST":
        context = framed(request, PEOPLE, invitation=invitation)
        return render(request, "invitations/revoke_person.html", context)
    try:
        revoke_person(actor=request.space_member, invitation=invitation)
    except NotPending:
        messages.info(request, _("This invitation has been answered meanwhile: nothing was revoked."))
    else:
        messages.success(request, _("The invitation for %(email)s is revoked.") % {"email": invitation.email})
    return done(request, request.space.url(PEOPLE))


def _require_manager(request: SpaceRequest) -> None:
    if not request.space_member.may(SpacePerm.MANAGE_PEOPLE):
        raise PermissionDenied(SpacePerm.MANAGE_PEOPLE)


def _person(request: SpaceRequest, pk: UUID) -> SpaceMember:
    _require_manager(request)
    return get_object_or_404(SpaceMember.objects.present().filter(space=request.space), pk=pk)


def _of_space(request: SpaceRequest) -> InvitationQuerySet:
    return Invitation.objects.filter(space=request.space, kind=InvitationKind.PERSON)


def _waiting(request: SpaceRequest) -> InvitationQuerySet:
    return _of_space(request).pending().order_by("-sent_at", "-id")


def _invited_by(request: SpaceRequest, form: InvitePersonForm) -> Invitation | None:
    try:
        return invite_person(
            actor=request.space_member,
            email=form.cleaned_data["email"],
            profile=form.chosen,
            language=form.cleaned_data["language"],
        )
    except (AlreadyHere, AlreadyInvited) as error:
        form.add_error("email", _why_not(error))
    return None


def _why_not(error: AlreadyHere | AlreadyInvited) -> str:
    if isinstance(error, AlreadyHere):
        return _("This address already belongs to a person of this space.")
    return _("This address is already invited. Send the invitation again from the list of people.")


def _sent(request: SpaceRequest, invitation: Invitation) -> HttpResponse:
    text = _("The invitation for %(email)s is on its way.")
    messages.success(request, text % {"email": invitation.email})
    return done(request, request.space.url(PEOPLE))


def _too_many(request: SpaceRequest) -> HttpResponse | None:
    """The answer to somebody who writes to far more people than a company has."""
    return throttled(request, action="invite_person", rate=MAILS_AT_MOST, key=str(request.space.pk))


def _ended(request: SpaceRequest, person: SpaceMember, template: str, then: str) -> HttpResponse:
    """Ask first; then end the person's place, or say why it can't be."""
    refusal = ""
    if request.method == "POST":
        try:
            end_person(actor=request.space_member, member=person)
        except LastManager:
            refusal = _last_manager()
        except GoneMeanwhile:
            return _gone(request)
        else:
            text = _("%(name)s no longer has access to this space.")
            messages.success(request, text % {"name": person.name})
            return done(request, then)
    sent = Invitation.objects.pending().filter(space=request.space, asked_by=person).count()
    context = framed(request, PEOPLE, person=person, refusal=refusal, sent=sent)
    return render(request, template, context, status=422 if refusal else 200)


def _last_manager() -> str:
    return _(
        "The space keeps at least one manager. Give another person this profile first, or invite somebody with it."
    )


def _gone(request: SpaceRequest) -> HttpResponse:
    messages.info(request, _("This person has lost their access meanwhile."))
    return redirect(request.space.url(PEOPLE))


def _menu(request: SpaceRequest, member: SpaceMember) -> list[dict[str, Any]]:
    """What may be done about one of the people; one's own place is left from elsewhere."""
    url = request.space.url
    change = {
        "label": _("Change the profile"),
        "icon": "id-badge-2",
        "url": url("invitations:person_profile", pk=member.pk),
        "dialog": True,
    }
    if member.pk == request.space_member.pk:
        return [change]
    end = menus.danger(_("End the access"), url("invitations:end_person", pk=member.pk), "user-minus")
    return [change, end]


def _invited(request: SpaceRequest, invitation: Invitation) -> dict[str, Any]:
    return menus.in_space(
        request,
        invitation,
        resend="invitations:resend_person",
        correct="invitations:correct_person",
        revoke="invitations:revoke_person",
    )
