"""What the invited person sees, without being signed in to anything.

The link's token leaves the address at once: its hash moves into a signed cookie of these pages alone, so neither the
address bar, nor a log, nor the table of sessions holds a usable link, and looking at a link writes nothing at all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any
from uuid import UUID

from allauth.account.adapter import get_adapter
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.browsers import browser_name
from accounts.models import FirmLogo, Terms, User
from accounts.newcomers import AddressTaken, Newcomer, owns, person_at, unproven_at
from accounts.passkeys import ANSWER, NotProven, ask_to_make, handle_for, made_key
from accounts.terms import current_terms, has_accepted, text_for
from accounts.throttling import throttled
from clients.actions.space import NotTheirSpace
from clients.lookups import spaces_of
from clients.models import SpaceProfile
from clients.models.profiles import allowed_to
from invitations.actions.answering import (
    InviterMayNoLonger,
    Link,
    NotAnswerable,
    NothingLeftToOpen,
    ShownOtherwise,
    WrongAccount,
    accept_as_client,
    accept_as_member,
    accept_as_person,
    ask_for_link,
    fingerprint,
    inviter_may,
    open_invitation,
    refuse_invitation,
)
from invitations.forms import NewcomerForm, PersonForm
from invitations.lookups import invitation_of, invitations_to
from invitations.models import Invitation, InvitationKind, InvitationState, hashed
from invitations.offers import offers_of
from invitations.standing import settled_as
from invitations.views.following import answer_for_firm
from tenancy.patience import be_patient
from tenancy.scopes import scope

COOKIE = "invitation"
COOKIE_SALT = "invitations.link"
# What stands in the cookie before the key of an invitation that a person opened on their own page: no hash begins so.
MINE = "mine:"
COOKIE_SECONDS = 2 * 3600
ANSWERS_AT_MOST = "30/5m/ip"
UNKNOWN_AT_MOST = "60/5m/ip"
LINKS_AT_MOST = "3/h/key,20/h/ip"

# One status for every link that opens nothing, whatever the cause: unknown, used, expired, revoked, replaced.
CLOSED = HTTPStatus.NOT_FOUND

NOT_ACCEPTED = (
    AddressTaken,
    InviterMayNoLonger,
    NotAnswerable,
    NotTheirSpace,
    NothingLeftToOpen,
    NotProven,
    ShownOtherwise,
    WrongAccount,
)

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Visit:
    """Somebody with a link, in the scope of the firm or the client that sent it."""

    link: Link
    invitation: Invitation

    @property
    def closed_because(self) -> str:
        """Why the link opens nothing; empty if it does."""
        invitation = self.invitation
        if not invitation.is_pending:
            return str(invitation.state)
        if invitation.generation != self.link.generation:
            return "replaced"
        if invitation.has_expired:
            return str(InvitationState.EXPIRED)
        return settled_as(invitation) or ("" if inviter_may(invitation) else "inviter")


def kept_by_nobody(view: View) -> View:
    """No cache keeps these pages. Their own address holds no secret, and a form needs to tell where it comes from."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        response.setdefault("Referrer-Policy", "same-origin")
        return response

    return wrapped


def with_visit(view: Callable[[HttpRequest, Visit], HttpResponse]) -> View:
    """Find the invitation of the request's link and stand in its sender's scope; or say that the link opens nothing."""

    @login_not_required
    @kept_by_nobody
    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        if request.method == "POST" and (
            refusal := throttled(request, action="answer", rate=ANSWERS_AT_MOST)
        ):
            return refusal
        value = request.get_signed_cookie(COOKIE, default="", salt=COOKIE_SALT, max_age=COOKIE_SECONDS)
        found = _led_to(request, value or "")
        if not found:
            return throttled(request, action="unknown_link", rate=UNKNOWN_AT_MOST) or _closed(
                request, "unknown"
            )
        row = found[0]
        with scope(firm=row["firm_id"], space=row["space_id"]):
            found_here = Invitation.objects.with_names()
            found_here = found_here.select_related("firm") if row["firm_id"] else found_here
            invitation = found_here.get(pk=row["invitation_id"])
            if request.method == "POST":
                be_patient()
            return view(request, Visit(Link(invitation.pk, row["generation"]), invitation))

    return wrapped


@login_not_required
@kept_by_nobody
@require_safe
def open_link(request: HttpRequest, token: str, then: str = "invitations:answer") -> HttpResponse:
    """Take the token out of the address. The same answer for every token, and nothing is looked up."""
    return _keep(redirect(then), hashed(token))


@kept_by_nobody
@require_safe
def open_mine(request: HttpRequest, pk: UUID) -> HttpResponse:
    """An invitation that waits at a proven address of the signed-in person, who needs no mail to find it."""
    if not any(row["invitation_id"] == pk for row in invitations_to(request.user.pk)):
        raise Http404
    return _keep(redirect("invitations:answer"), f"{MINE}{pk}")


def _keep(response: HttpResponse, value: str) -> HttpResponse:
    """Let the browser keep what leads to the invitation, for these pages alone."""
    response.set_signed_cookie(
        COOKIE,
        value,
        salt=COOKIE_SALT,
        max_age=COOKIE_SECONDS,
        path=reverse("invitations:answer"),
        secure=settings.SECURE,
        httponly=True,
        samesite="Lax",
    )
    response["Referrer-Policy"] = "no-referrer"
    return response


@with_visit
@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Who invites, for what, what they will see; and one button."""
    if because := visit.closed_because:
        return _closed(request, because, visit)
    if visit.invitation.kind == InvitationKind.FIRM:
        return answer_for_firm(request, link=visit.link, invitation=visit.invitation)
    page = Page(request, visit)
    if request.method != "POST":
        return page.render()
    open_invitation(link=visit.link)
    if page.form is None or not page.form.is_valid():
        return page.render(HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        return _accept(request, visit, page.form)
    except NOT_ACCEPTED as error:
        return _not_accepted(page, page.form, error)


@with_visit
@require_POST
def ask_for_key(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The question by which the device of somebody without an account makes them a passkey, good for this link only."""
    address = visit.invitation.email
    if visit.closed_because or Page(request, visit).case != "new":
        return _closed(request, visit.closed_because or "active", visit)
    open_invitation(link=visit.link)
    handle = handle_for(unproven_at(address), visit.invitation.pk)
    return JsonResponse(ask_to_make(request.session, _purpose(visit), handle=handle, name=address))


@with_visit
@require_POST
def opened(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The page tells that a person has begun to fill it in. Mail scanners look; they don't type."""
    open_invitation(link=visit.link)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


@with_visit
@require_http_methods(["GET", "HEAD", "POST"])
def refuse(request: HttpRequest, visit: Visit) -> HttpResponse:
    """“This is not for me.”"""
    if not visit.invitation.is_pending:
        return _closed(request, visit.closed_because, visit)
    if request.method != "POST":
        return render(request, "invitations/refuse.html", {"invitation": visit.invitation})
    try:
        refuse_invitation(link=visit.link)
    except NotAnswerable:  # a second click
        visit.invitation.refresh_from_db()
        return _closed(request, visit.closed_because, visit)
    return _forgotten(render(request, "invitations/refused.html", {"invitation": visit.invitation}))


@with_visit
@require_POST
def new_link(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Send the newest link to the address that was invited."""
    key = str(visit.invitation.pk)
    if refusal := throttled(request, action="new_link", rate=LINKS_AT_MOST, key=key):
        return refusal
    try:
        ask_for_link(link=visit.link)
    except (NotAnswerable, InviterMayNoLonger):
        return _closed(request, visit.closed_because or "unknown", visit)
    return render(request, "invitations/link_sent.html", {"invitation": visit.invitation})


@with_visit
@require_POST
def switch(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Sign out of an account that is not the invited one, and go on."""
    get_adapter(request).logout(request)
    return redirect("invitations:answer")


class Page:
    """The one page of acceptance, for whoever looks at it: `case` is theirs, `form` what they fill in."""

    def __init__(self, request: HttpRequest, visit: Visit) -> None:
        self.request, self.visit = request, visit
        self.terms = current_terms()
        self.case = self._case()
        self.form = self._form()

    def render(self, status: int = HTTPStatus.OK) -> HttpResponse:
        invitation = self.visit.invitation
        spoken = (get_language() or settings.LANGUAGE_CODE)[:2]
        context = {
            "invitation": invitation,
            "firm": invitation.firm,
            "sender": invitation.sender_name,
            "inviter": invitation.invited_by or invitation.asked_by,
            "logo": FirmLogo.objects.defer("content").first() if invitation.firm else None,
            "offers": offers_of(invitation),
            "allowed": [perm.label for perm in allowed_to(SpaceProfile(invitation.profile))],
            "case": self.case,
            "form": self.form,
            "terms": self.terms,
            "terms_paragraphs": text_for(self.terms, spoken).strip().split("\n\n"),
            "asks_terms": self.form is not None and "terms" in self.form.fields,
        }
        return render(self.request, "invitations/answer.html", context, status=status)

    def _case(self) -> str:
        """`person`: signed in as the one invited; `other`: as somebody else; `login`: has an account; `new`."""
        address = self.visit.invitation.email
        if isinstance(self.request.user, User):
            return "person" if owns(self.request.user, address) else "other"
        return "login" if person_at(address) else "new"

    def _form(self) -> forms.Form | None:
        data = self.request.POST if self.request.method == "POST" else None
        invitation = self.visit.invitation
        initial = {"shown": fingerprint(invitation, self.terms)}
        if self.case == "new":
            place = invitation.membership
            names = {"first_name": place.first_name, "last_name": place.last_name} if place else {}
            by_key = bool(self.request.POST.get(ANSWER))
            return NewcomerForm(data, initial={**initial, **names}, address=invitation.email, by_key=by_key)
        if self.case == "person":
            return self._person_form(data, initial, self.terms)
        return None

    def _person_form(self, data: Any, initial: dict[str, str], terms: Terms) -> PersonForm:
        invitation, person = self.visit.invitation, self.request.user
        assert isinstance(person, User)
        is_client = invitation.kind == InvitationKind.CLIENT
        return PersonForm(
            data,
            initial=initial,
            spaces=_managed_spaces(person) if is_client else [],
            accepted=has_accepted(person, terms),
            dossier_name=invitation.target_name,
        )


def _accept(request: HttpRequest, visit: Visit, form: forms.Form) -> HttpResponse:
    """Accept for the signed-in person or for a new one, who is then signed in, and lead them to their place.

    Raises what NOT_ACCEPTED lists.
    """
    newcomer = isinstance(form, NewcomerForm)
    person: Any = _newcomer(request, visit, form) if isinstance(form, NewcomerForm) else request.user
    shown = form.cleaned_data["shown"]
    if visit.invitation.kind == InvitationKind.MEMBER:
        member = accept_as_member(link=visit.link, shown=shown, person=person)
        user, url = member.user, member.firm.url("dashboard")
        messages.success(request, _("Welcome to %(firm)s.") % {"firm": member.firm.name})
    elif visit.invitation.kind == InvitationKind.PERSON:
        arrived = accept_as_person(link=visit.link, shown=shown, person=person)
        user, url = arrived.user, arrived.space.url("clients:space_welcome")
    else:
        chosen = form.cleaned_data.get("space")
        space_id = UUID(chosen) if chosen else None
        user, link = accept_as_client(link=visit.link, shown=shown, person=person, space_id=space_id)
        url = "" if link.waiting else reverse("clients:space_welcome", kwargs={"space_id": link.space_id})
    if newcomer:
        get_adapter(request).login(request, user)
    if not url:
        context = {"invitation": visit.invitation, "firm": visit.invitation.firm}
        return _forgotten(render(request, "invitations/waits.html", context))
    return _forgotten(redirect(url))


def _newcomer(request: HttpRequest, visit: Visit, form: NewcomerForm) -> Newcomer:
    language = (get_language() or settings.LANGUAGE_CODE)[:2]
    answer, key = request.POST.get(ANSWER, ""), None
    if answer:
        key = made_key(request.session, _purpose(visit), answer)
    return form.newcomer(language, key, browser_name(request.headers.get("User-Agent", "")))


def _purpose(visit: Visit) -> str:
    """What a passkey is made for: this invitation, by the link that leads to it now."""
    return f"invitation {visit.link.invitation_id} {visit.link.generation}"


def _not_accepted(page: Page, form: forms.Form, error: Exception) -> HttpResponse:
    """Say what stood in the way; where the page itself is out of date, show it anew."""
    request, visit = page.request, page.visit
    if isinstance(error, NotProven):
        form.add_error(None, _("The passkey could not be checked. Make it again, or choose a password."))
        return page.render(HTTPStatus.UNPROCESSABLE_ENTITY)
    if isinstance(error, ShownOtherwise | NotTheirSpace):
        messages.warning(
            request, _("Something has changed meanwhile. Please read again what is offered to you.")
        )
    if isinstance(error, AddressTaken | WrongAccount | ShownOtherwise | NotTheirSpace):
        return redirect("invitations:answer")
    visit.invitation.refresh_from_db()
    return _closed(request, visit.closed_because or "active", visit)


def _managed_spaces(person: User) -> list[tuple[str, str]]:
    return [
        (str(row["space_id"]), row["name"])
        for row in spaces_of(person.pk)
        if row["profile"] == SpaceProfile.MANAGER
    ]


def _led_to(request: HttpRequest, value: str) -> list[dict[str, Any]]:
    """What a cookie leads to: by the hash of a link, or, for whoever is signed in, by the key of one of their own."""
    if not value.startswith(MINE):
        return invitation_of(value) if value else []
    if not isinstance(request.user, User):
        return []
    mine = invitations_to(request.user.pk)
    return [row for row in mine if f"{MINE}{row['invitation_id']}" == value]


def _closed(request: HttpRequest, because: str, visit: Visit | None = None) -> HttpResponse:
    """What is said of a link that opens nothing. Whoever accepted it is led on to their places."""
    invitation = visit.invitation if visit else None
    if invitation and invitation.accepted_by_id and invitation.accepted_by_id == request.user.pk:
        return redirect("accounts:places")
    context = {
        "because": because,
        "invitation": invitation,
        "firm": invitation.firm if invitation else None,
        "sender": invitation.sender_name if invitation else "",
    }
    return render(request, "invitations/closed.html", context, status=CLOSED)


def _forgotten(response: HttpResponse) -> HttpResponse:
    """The link has done its work: the browser forgets it."""
    response.delete_cookie(COOKIE, path=reverse("invitations:answer"))
    return response
