"""A person's own pages: name and language, address, password, second factor, sessions."""

from functools import wraps
from http import HTTPStatus
from typing import Any

from allauth.account import views as account
from allauth.account.decorators import reauthentication_required
from allauth.mfa.base import views as second_factor
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actions.entering import note_codes_shown
from accounts.actions.people import change_profile, end_sessions, note_security
from accounts.browsers import browser_name, is_mobile
from accounts.events.people import PersonEvent, RecoveryCodesMade, SecondFactorAdded
from accounts.forms import ProfileForm
from accounts.models import User
from accounts.views.entrance import View, our_way
from activity.outbox import told, unheard
from tenancy.scopes import scope

# What allauth writes and the event that we record of it stand, or fall, together.
address = our_way(transaction.atomic(account.email))
password = our_way(transaction.atomic(account.password_change))
choose_password = reauthentication_required(app="allauth.mfa")(
    our_way(transaction.atomic(account.password_set))
)


def told_within(form_view: Any, happened: type[PersonEvent]) -> View:
    """allauth tells of what its form has written after its commit: here it is told within."""

    class Telling(form_view):  # type: ignore[misc]  # allauth has no types
        @transaction.atomic
        def form_valid(self, form: Any) -> HttpResponse:
            answer: HttpResponse = super().form_valid(form)
            note_security(person=_person(self.request), happened=happened, browser=_browser(self.request))
            return answer

    view: View = our_way(Telling.as_view())
    return view


def noting(view: View) -> View:
    """For pages that show recovery codes: it is kept that they were shown, together with allauth's own mark."""

    @wraps(view)
    @transaction.atomic
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        answer = view(request, *args, **kwargs)
        if answer.status_code == HTTPStatus.OK:
            note_codes_shown(person=_person(request), browser=_browser(request))
        return answer

    return wrapped


second_factor_home = second_factor.index
activate_totp = never_cache(told_within(totp.ActivateTOTPView, SecondFactorAdded))
deactivate_totp = our_way(transaction.atomic(totp.deactivate_totp))
view_codes = never_cache(noting(recovery_codes.view_recovery_codes))
make_codes = told_within(recovery_codes.GenerateRecoveryCodesView, RecoveryCodesMade)
download_codes = noting(recovery_codes.download_recovery_codes)


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Name and language; and that mails to them come back, if they do."""
    person = _person(request)
    known = {"first_name": person.first_name, "last_name": person.last_name, "language": person.language}
    form = ProfileForm(request.POST or None, initial=known)
    if form.is_valid():
        change_profile(person=person, **form.cleaned_data)
        messages.success(request, _("Your profile is saved."))
        return redirect("accounts:profile")
    firms = [place for place in request.places if place.kind.name == "firm"]  # type: ignore[attr-defined]  # by PlaceScope
    with scope(person=person):  # their own mails, which they would not read of in a mail
        missed = next(iter(told(unheard().filter(to=person.email)[:1])), None)
    context = {
        "form": form,
        "person": person,
        "protected": is_mfa_enabled(person),
        "firms": firms,
        "missed": missed,
    }
    return render(request, "accounts/profile.html", context, status=422 if form.is_bound else 200)


@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    """Where the person is signed in, the present device first."""
    found = UserSession.objects.purge_and_list(_person(request))
    found.sort(key=lambda session: (not session.is_current(), -session.last_seen_at.timestamp()))
    rows = [
        {
            "session": session,
            "browser": browser_name(session.user_agent),
            "mobile": is_mobile(session.user_agent),
            "current": session.is_current(),
        }
        for session in found
    ]
    return render(request, "usersessions/usersession_list.html", {"rows": rows})


@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """End one session on another device."""
    session = get_object_or_404(_others(request), pk=pk)
    end_sessions(person=_person(request), sessions=[session])
    messages.success(request, _("The session is ended: that device is signed out."))
    return redirect("usersessions_list")


@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """End all sessions but this one."""
    count = end_sessions(person=_person(request), sessions=list(_others(request)))
    text = ngettext("%(count)s session is ended.", "%(count)s sessions are ended.", count)
    messages.success(request, text % {"count": count})
    return redirect("usersessions_list")


def _others(request: HttpRequest) -> QuerySet[UserSession]:
    mine: QuerySet[UserSession] = UserSession.objects.filter(user=_person(request))
    return mine.exclude(session_key=request.session.session_key)


def _browser(request: HttpRequest) -> str:
    return browser_name(request.headers.get("User-Agent", ""))


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
