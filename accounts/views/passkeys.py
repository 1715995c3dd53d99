"""Passkeys: sign in with one, show again that it is oneself, and the person's own list of them."""

from functools import wraps
from http import HTTPStatus

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.account.utils import get_login_redirect_url, get_next_redirect_url
from allauth.account.views import BaseReauthenticateView
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actions.passkeys import AlreadyKept, LastWayIn, keep_passkey, remove_passkey, use_passkey
from accounts.browsers import browser_name
from accounts.models import Passkey, User
from accounts.passkeys import (
    ANSWER,
    NotProven,
    ask_to_make,
    ask_to_show,
    handle_for,
    made_key,
    shown_key,
)
from accounts.throttling import throttled
from accounts.views.entrance import View, our_way

SIGN_IN = "sign in"
_AT_MOST = "30/m/ip"


def few(view: View) -> View:
    """Keys are neither guessed nor asked for in masses."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.method == "POST" and (refusal := throttled(request, action="passkey", rate=_AT_MOST)):
            return refusal
        return view(request, *args, **kwargs)

    return wrapped


def surely(view: View) -> View:
    """What touches the account's security asks once more that it is the person."""
    guarded: View = reauthentication_required(view, app="allauth.mfa")
    return guarded


def posed(question: object) -> JsonResponse:
    """A challenge, as the page's script hands it to the browser."""
    response = JsonResponse(question)
    response["Cache-Control"] = "no-store"
    return response


# --- the way in


@login_not_required
@few
@require_POST
def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """Let any key that the device keeps for us be shown: nobody has said yet who they are."""
    return posed(ask_to_show(request.session, SIGN_IN))


@login_not_required
@few
@require_POST
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """Come in with a key. It is kept by a device and asks for its owner, so no second factor is asked for after it."""
    following = get_next_redirect_url(request)
    if request.user.is_authenticated:
        return redirect(following or get_login_redirect_url(request))
    try:
        key = shown_key(request.session, SIGN_IN, request.POST.get(ANSWER, ""))
    except NotProven:
        messages.error(request, _("This passkey opens no account. Try again, or use your password."))
        query = f"?{urlencode({'next': following})}" if following else ""
        return redirect(reverse("account_login") + query)
    use_passkey(key=key)
    record_authentication(request, key.user, "mfa", type="webauthn", id=str(key.pk), passwordless=True)
    answer: HttpResponseBase = perform_login(request, Login(user=key.user, redirect_url=following))
    # As after a password without “stay signed in”: the device may be somebody else's, and a key is shown in a moment.
    request.session.set_expiry(0)
    return answer


# --- again, before what touches the account's security


@few
@require_POST
def ask_again(request: HttpRequest) -> HttpResponse:
    person = _person(request)
    return posed(ask_to_show(request.session, f"again {person.pk}", known=person.passkeys.all()))


class ShowAgain(BaseReauthenticateView):  # type: ignore[misc]  # allauth has no types
    """Show with a key that it is still them."""

    form_class = forms.Form
    template_name = "accounts/passkey_again.html"

    def form_valid(self, form: forms.Form) -> HttpResponseBase:
        person = _person(self.request)
        try:
            key = shown_key(self.request.session, f"again {person.pk}", self.request.POST.get(ANSWER, ""))
            if key.user_id != person.pk:
                raise NotProven
        except NotProven:
            form.add_error(None, _("This is not one of your passkeys. Try again."))
            refused: HttpResponseBase = self.form_invalid(form)
            return refused
        use_passkey(key=key)
        record_authentication(
            self.request, person, "mfa", type="webauthn", id=str(key.pk), reauthenticated=True
        )
        answer: HttpResponseBase = super().form_valid(form)
        return answer


show_again = few(our_way(ShowAgain.as_view()))


# --- a person's own


@require_safe
def passkeys(request: HttpRequest) -> HttpResponse:
    """The keys that open the person's account."""
    person = _person(request)
    return render(request, "accounts/passkeys.html", {"keys": person.passkeys.all()})


@few
@surely
@require_POST
def ask_to_add(request: HttpRequest) -> HttpResponse:
    person = _person(request)
    question = ask_to_make(
        request.session,
        f"add {person.pk}",
        handle=handle_for(person, person.pk),
        name=person.email,
        known=person.passkeys.all(),
    )
    return posed(question)


@few
@surely
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Let one more key open the account."""
    person = _person(request)
    if request.method != "POST":
        return render(request, "accounts/add_passkey.html")
    try:
        made = made_key(request.session, f"add {person.pk}", request.POST.get(ANSWER, ""))
        keep_passkey(person=person, made=made, browser=_browser(request))
    except (NotProven, AlreadyKept):
        messages.error(request, _("No passkey was added. Try again."))
        return render(request, "accounts/add_passkey.html", status=HTTPStatus.UNPROCESSABLE_ENTITY)
    messages.success(request, _("The passkey is added: sign in with it from now on."))
    return redirect("accounts:passkeys")


@surely
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, pk: object) -> HttpResponse:
    """Let a key open nothing any more."""
    person = _person(request)
    key = get_object_or_404(Passkey, user=person, pk=pk)
    if request.method != "POST":
        return render(request, "accounts/remove_passkey.html", {"key": key})
    try:
        remove_passkey(person=person, key=key, browser=_browser(request))
    except LastWayIn:
        messages.error(request, _("Nothing else opens your account: choose a password first."))
    else:
        messages.success(request, _("The passkey is removed: it opens nothing any more."))
    return redirect("accounts:passkeys")


def _browser(request: HttpRequest) -> str:
    return browser_name(request.headers.get("User-Agent", ""))


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
