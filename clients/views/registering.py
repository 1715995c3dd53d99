"""A client opens a space of their own: with a new account, or signed in."""

from allauth.account import views as account
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.views.entrance import our_way
from clients.actions.following import register_space
from clients.forms.registering import ClientSignupForm, NewSpaceForm
from clients.frame import FIRMS


class ClientSignup(account.SignupView):  # type: ignore[misc]  # allauth has no types
    """As for a firm; what is registered with the account is a client's space."""

    template_name = "clients/signup.html"
    template_name_signup_closed = "clients/signup_closed.html"

    def get_form_class(self) -> type[ClientSignupForm]:
        return ClientSignupForm

    def is_open(self) -> bool:
        return bool(settings.CLIENT_REGISTRATION_OPEN)


signup = our_way(ClientSignup.as_view())


@require_http_methods(["GET", "HEAD", "POST"])
def new_space(request: HttpRequest) -> HttpResponse:
    """Open a space with the account that one has."""
    if not settings.CLIENT_REGISTRATION_OPEN:
        return render(request, "clients/signup_closed.html", status=403)
    form = NewSpaceForm(request.POST or None)
    if not form.is_valid():
        return render(request, "clients/new_space.html", {"form": form}, status=422 if form.is_bound else 200)
    person = request.user
    assert isinstance(person, User)
    member = register_space(user=person, details=form.details(person.first_name, person.last_name))
    messages.success(request, _("Your space is open. The next step: invite your accounting firm."))
    return redirect(member.space.url(FIRMS))
