"""When a person gets mails: their own page of choices, and the link by which a mail switches off more of its kind.

That link needs no login. Mail programs send it a POST by themselves, for a button of their own (RFC 8058); a GET
changes nothing, for mail scanners open links. Opened by a person, its token moves out of the address into a cookie of
this page alone, as an invitation's does.
"""

from dataclasses import dataclass
from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.actions.mails import choose_mails, switch_off_mails
from accounts.forms import MailsForm
from accounts.models import User
from accounts.places import Place, places_of
from activity.preferences import Chosen, chosen_by
from activity.topics import TOPICS, Topic
from activity.unsubscribing import Switch, read

COOKIE, COOKIE_SALT, COOKIE_SECONDS = "switch-off", "accounts.switch_off", 3600


@dataclass(frozen=True)
class Section:
    """One place on the page of choices."""

    place: Place
    form: MailsForm


@require_http_methods(["GET", "HEAD", "POST"])
def mails(request: HttpRequest) -> HttpResponse:
    """Of each of the person's places: which mails, at once, once a day or never."""
    person = _person(request)
    saved = _place_named(request, request.POST.get("place", "")) if request.method == "POST" else None
    sections = [_section(request, person, place, place == saved) for place in _places(request)]
    changed = next((section for section in sections if section.place == saved), None)
    if changed is None:
        return render(request, "accounts/mails.html", {"sections": sections})
    if not changed.form.is_valid():
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return render(request, "accounts/mails.html", {"sections": sections}, status=status)
    if choose_mails(person=person, place=changed.place, chosen=changed.form.chosen()):
        text = _("Your choice is saved: %(place)s. It holds for what waits to be sent, too.")
    else:
        text = _("Nothing has changed: %(place)s.")
    messages.success(request, text % {"place": changed.place.name})
    return redirect(f"{reverse('accounts:notifications')}#{changed.place.key}")


@csrf_exempt
@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """The link itself. POST: switch off at once, for a mail program's button. GET: lead to the page with a button."""
    if read(token) is None:
        return _unknown(request)
    if request.method == "POST":
        return _done(request, token)
    response = redirect("accounts:switch_off")
    response.set_signed_cookie(
        COOKIE,
        token,
        salt=COOKIE_SALT,
        max_age=COOKIE_SECONDS,
        path=reverse("accounts:switch_off"),
        secure=settings.SECURE,
        httponly=True,
        samesite="Lax",
    )
    response["Referrer-Policy"] = "no-referrer"
    return response


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def switch_off(request: HttpRequest) -> HttpResponse:
    """Of what no more mails would come, and one button."""
    kept = request.get_signed_cookie(COOKIE, default="", salt=COOKIE_SALT, max_age=COOKIE_SECONDS)
    if (switch := read(kept or "")) is None:
        return _unknown(request)
    if request.method == "POST":
        return _done(request, kept or "")
    return render(request, "accounts/switch_off.html", _told(switch))


def _done(request: HttpRequest, token: str) -> HttpResponse:
    """Switched off; a second time changes nothing and says the same."""
    switch = read(token)
    if switch is None:
        return _unknown(request)
    person = User.objects.filter(pk=switch.person, is_active=True).first()
    if person is not None:
        for place in _switched(switch):
            switch_off_mails(person=person, place=place, topics=switch.topics)
    return render(request, "accounts/switched_off.html", _told(switch))


def _told(switch: Switch) -> dict[str, object]:
    """A place that the person has lost since is not named: nothing comes from there."""
    topics: list[Topic] = [topic for name, topic in TOPICS.items() if name in switch.topics]
    return {"topics": topics, "places": [place.name for place in _switched(switch)]}


def _switched(switch: Switch) -> list[Place]:
    return [place for place in places_of(switch.person) if place.key in switch.places]


def _unknown(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/switch_off_unknown.html", status=HTTPStatus.NOT_FOUND)


def _section(request: HttpRequest, person: User, place: Place, is_saved: bool) -> Section:
    with place.kind.scope(place):
        chosen: Chosen = chosen_by(person.pk)
    data = request.POST if is_saved else None
    return Section(place, MailsForm(data, side=place.kind.name, chosen=chosen, prefix=place.key.hex))


def _place_named(request: HttpRequest, key: str) -> Place:
    """Raises Http404: not one of theirs."""
    for place in _places(request):
        if str(place.key) == key:
            return place
    raise Http404


def _places(request: HttpRequest) -> list[Place]:
    found: list[Place] = request.places  # type: ignore[attr-defined]  # by PlaceScope
    return found


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
