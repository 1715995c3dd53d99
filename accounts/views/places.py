"""“My spaces”, a further firm, and the language of the pages."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actions.firms import register_firm
from accounts.actions.people import change_language
from accounts.forms import FirmForm
from accounts.models import User
from accounts.waiting import waiting_for

_YEAR = 365 * 24 * 3600


@require_safe
def places(request: HttpRequest) -> HttpResponse:
    """A card for each place, and for each invitation that waits; straight into the only one, unless `?tous=1` asks
    for the page."""
    mine = list(request.places)  # type: ignore[attr-defined]  # set by the middleware
    assert isinstance(request.user, User)
    waiting = waiting_for(request.user.pk)
    if len(mine) == 1 and not waiting and "tous" not in request.GET:
        return redirect(mine[0].url)
    return render(request, "accounts/places.html", {"places": mine, "waiting": waiting})


@require_http_methods(["GET", "HEAD", "POST"])
def new_firm(request: HttpRequest) -> HttpResponse:
    """Register a further firm."""
    if not settings.REGISTRATION_OPEN:
        return render(request, "account/signup_closed.html", status=403)
    form = FirmForm(request.POST or None)
    if not form.is_valid():
        return render(request, "accounts/new_firm.html", {"form": form}, status=422 if form.is_bound else 200)
    assert isinstance(request.user, User)
    member = register_firm(user=request.user, **form.firm())
    messages.success(
        request, _("%(firm)s is registered. You are its administrator.") % {"firm": member.firm.name}
    )
    return redirect(member.firm.url("dashboard"))


@login_not_required
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Read on in another language: kept in the profile of a signed-in person, and on this device."""
    following = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(following, {request.get_host()}, request.is_secure()):
        following = "/"
    response = redirect(following)
    chosen = request.POST.get("language", "")
    if chosen in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            chosen,
            max_age=_YEAR,
            secure=settings.SECURE,
            httponly=True,
            samesite="Lax",
        )
        if isinstance(request.user, User):
            change_language(person=request.user, language=chosen)
    return response
