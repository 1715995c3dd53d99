"""What happens around each request: the person's language, and the scope of the place where they stand."""

from collections.abc import Callable
from http import HTTPStatus
from time import time
from typing import Any

import structlog
from allauth.account.adapter import get_adapter
from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.middleware import UserSessionsMiddleware
from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils import translation
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from accounts.holding import held_answer
from accounts.models import User
from accounts.places import KINDS, Place, places_of, record_visit
from activity.origin import Origin, coming_from
from tenancy.patience import be_patient, was_held

SEEN, SEEN_EVERY = "seen_at", 300
_SAFE = ("GET", "HEAD", "OPTIONS")
GetResponse = Callable[[HttpRequest], HttpResponse]


class SessionActivity(UserSessionsMiddleware):  # type: ignore[misc]  # allauth has no types
    """Keeps when and from where each session was last used: every five minutes, for it costs queries and a write."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        now = time()
        if not isinstance(_person(request), User) or now - request.session.get(SEEN, 0) < SEEN_EVERY:
            return self.get_response(request)  # type: ignore[no-any-return]
        request.session[SEEN] = int(now)
        return super().__call__(request)  # type: ignore[no-any-return]


class PersonLanguage:
    """A signed-in person reads in the language of their profile."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not isinstance(person := _person(request), User):
            return self.get_response(request)
        request.LANGUAGE_CODE = person.language
        with translation.override(person.language):
            return self.get_response(request)


class SignInFirst(LoginRequiredMiddleware):
    """Leads anonymous people to log in, the whole page even where htmx asked for a fragment (a session has ended)."""

    def handle_no_permission(  # type: ignore[override]  # htmx is redirected by a header of its own
        self, request: HttpRequest, view_func: Any
    ) -> HttpResponseBase:
        response = super().handle_no_permission(request, view_func)
        page = request.htmx.current_url_abs_path if request.htmx else None  # type: ignore[attr-defined]
        if page and isinstance(response, HttpResponseRedirect):
            response["Location"] = redirect_to_login(page, resolve_url(self.get_login_url(view_func)))[
                "Location"
            ]
            return _whole_page(request, response)
        return response


class PlaceScope:
    """Opens the scope of the firm or space named in the URL, for the view and the rendering of its answer.

    A place that the person may not enter answers as one that does not exist. What was written is taken back when the
    view raised, or answers with a status of 500 or more. (`ATOMIC_REQUESTS` would close the transaction before a lazy
    template is rendered.)

    What would change something waits for others' locks a moment only: then it says who holds what it needs.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.places = SimpleLazyObject(lambda: _places(request))  # type: ignore[attr-defined]
        with coming_from(_origin(request)):
            place = self._place(request)
            return self._inside(request, place) if place else self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: list[object], kwargs: dict[str, object]
    ) -> None:
        """Views read their place from the request, so its part of the URL is not handed to them."""
        if hasattr(request, "place"):
            kwargs.pop("firm_slug", None)
            kwargs.pop("space_id", None)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        request.take_back = True  # type: ignore[attr-defined]
        if not was_held(exception):
            return None
        if begun := getattr(request, "begun", None):  # the transaction answers to nothing else by now
            transaction.savepoint_rollback(begun)
            transaction.set_rollback(False)
        return held_answer(request)

    def _place(self, request: HttpRequest) -> Place | None:
        """The place that the URL names; None outside of places and for anonymous people (who are sent to log in)."""
        for kind in KINDS:
            match = kind.pattern.match(request.path_info)
            if match and isinstance(_person(request), User):
                # All of the person's places: the page's switcher shows them anyway.
                places: list[Place] = request.places  # type: ignore[attr-defined]  # set above
                for place in places:
                    if place.kind is kind and place.token == match["token"]:
                        return place
                raise Http404
        return None

    def _inside(self, request: HttpRequest, place: Place) -> HttpResponse:
        record_visit(place)
        with place.kind.scope(place):
            try:
                place.kind.enter(request, place)
            except ObjectDoesNotExist:
                raise Http404 from None
            request.place = place  # type: ignore[attr-defined]
            if request.method not in _SAFE:
                request.begun = transaction.savepoint()  # type: ignore[attr-defined]
                be_patient()
            response = _second_factor_first(request) or self.get_response(request)
            if getattr(request, "take_back", False) or response.status_code >= 500:
                transaction.set_rollback(True)
            return response


def _second_factor_first(request: HttpRequest) -> HttpResponse | None:
    """Send a member whose firm requires a second factor, and who has none, to set it up."""
    firm = getattr(request, "firm", None)
    if firm is None or not firm.second_factor_required or is_mfa_enabled(_person(request)):
        return None
    messages.warning(
        request, _("%(firm)s requires a second factor: set it up to go on.") % {"firm": firm.name}
    )
    return _whole_page(request, redirect("mfa_activate_totp"))


def _whole_page(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Let a redirect reach the page, not the fragment that htmx asked for."""
    if getattr(request, "htmx", False) and response.status_code == HTTPStatus.FOUND:
        return HttpResponseClientRedirect(response["Location"])
    return response


def _person(request: HttpRequest) -> User | AnonymousUser:
    return request.user


def _places(request: HttpRequest) -> list[Place]:
    person = _person(request)
    return places_of(person.pk) if isinstance(person, User) else []


def _origin(request: HttpRequest) -> Origin:
    """The client's address (behind TRUSTED_PROXIES, as allauth's limits see it), and the request's id in the logs."""
    try:
        address = get_adapter().get_client_ip(request)
    except PermissionDenied:  # a server on a unix socket tells none
        address = None
    return Origin(ip=address, request_id=structlog.contextvars.get_contextvars().get("request_id", ""))
