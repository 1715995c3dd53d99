"""The way in: allauth's views under our rules, and the confirmation of an address."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from allauth.account import views as account
from allauth.account.internal.flows.email_verification import verify_email_and_resume
from allauth.account.models import EmailConfirmationHMAC
from allauth.mfa.base import views as second_factor
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actions.passkeys import forget_passkeys
from accounts.terms import current_terms, text_for
from accounts.throttling import throttled
from activity.actions import in_one_go

View = Callable[..., HttpResponseBase]

# What stands in the URL once the key is in the session.
MOVED = "adresse"
_CONFIRMATION_KEY = "confirmation_key"
_LINKS_AT_MOST = "30/m/ip"


def our_way(view: View) -> View:
    """allauth answers 200 to a form with errors; our pages answer 422."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if request.method == "POST" and response.status_code == HTTPStatus.OK:
            response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        return response

    return wrapped


def token_page(view: View) -> View:
    """For pages whose address holds a key: guessing is throttled, nothing keeps the page, no link tells the address."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = throttled(request, action="link", rate=_LINKS_AT_MOST) or view(request, *args, **kwargs)
        # Once the key is out of the URL, the browser must tell the form's origin, or its POST is refused as forged.
        moving = response.status_code == HTTPStatus.FOUND
        response["Referrer-Policy"] = "no-referrer" if moving else "same-origin"
        response["Cache-Control"] = "no-store"
        return response

    return wrapped


class ResetPassword(account.PasswordResetFromKeyView):  # type: ignore[misc]  # allauth has no types
    """Choose a new password, the one way in from then on. Looking at the page ends no other person's session; choosing
    does."""

    success_url = reverse_lazy("account_login")

    def logout(self) -> None:
        if self.request.method == "POST":
            super().logout()

    @transaction.atomic
    @in_one_go()
    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        forget_passkeys(person=self.reset_user)
        return answer


login = our_way(account.login)
logout = account.logout
inactive = account.account_inactive
signup = our_way(account.signup)
confirmation_sent = account.email_verification_sent
ask_for_reset = our_way(account.password_reset)
reset_sent = account.password_reset_done
reset_password = token_page(our_way(ResetPassword.as_view()))
reauthenticate = our_way(account.reauthenticate)
second_factor_at_login = our_way(in_one_go()(second_factor.authenticate))
second_factor_again = our_way(second_factor.reauthenticate)


@login_not_required
@token_page
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_address(request: HttpRequest, key: str) -> HttpResponse:
    """A link's key moves into the session; the page then asks, and only its button confirms."""
    if key != MOVED:
        request.session[_CONFIRMATION_KEY] = key
        return redirect("account_confirm_email", key=MOVED)
    confirmation = EmailConfirmationHMAC.from_key(request.session.get(_CONFIRMATION_KEY, ""))
    address = confirmation.email_address if confirmation else None
    if address is None or not address.can_set_verified():
        return render(request, "account/email_confirm.html", {"address": None}, status=HTTPStatus.GONE)
    if request.method != "POST":
        return render(request, "account/email_confirm.html", {"address": address})
    verify_email_and_resume(request, confirmation)
    request.session.pop(_CONFIRMATION_KEY, None)
    return redirect("accounts:profile" if request.user.pk == address.user_id else "account_login")


@login_not_required
@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    """The terms of use in force."""
    current = current_terms()
    text = text_for(current, getattr(request, "LANGUAGE_CODE", "fr")[:2])
    return render(
        request, "accounts/terms.html", {"terms": current, "paragraphs": text.strip().split("\n\n")}
    )
