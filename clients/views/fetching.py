"""Fetching a client list from another platform: which platforms there are, their tokens, and a fetch from its start to
its import."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts.answers import done
from accounts.places import FirmRequest
from clients import fetching as jobs
from clients.actions.connections import connect as keep_token
from clients.actions.connections import forget_connection
from clients.connectors.platforms import Platform, platforms
from clients.connectors.troubles import Trouble, told, wait_told
from clients.forms.fetching import SignInForm, TokenForm
from clients.imports.words import refusal
from clients.models import Connection, ConnectionKind, Fetch, FetchState
from clients.views.imports import for_importers
from spreadsheets.refusals import Refused

_LATEST = 10


# --- Platforms and their tokens -------------------------------------------------------------------------------------


@require_safe
@for_importers
def index(request: FirmRequest) -> HttpResponse:
    """From where a list can be fetched, and what was fetched lately."""
    kept = {one.kind: one for one in Connection.objects.select_related("made_by")}
    with_tokens = [
        {
            "name": kind.label,
            "connection": kept.get(kind),
            "connect_url": request.firm.url(f"clients:connect_{kind.value}"),
        }
        for kind in ConnectionKind
    ]
    context = {
        "with_tokens": with_tokens,
        "with_sign_in": list(platforms().values()),
        "latest": Fetch.objects.select_related("asked_by")[:_LATEST],
    }
    return render(request, "clients/connections.html", context)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@for_importers
def connect(request: FirmRequest, kind: ConnectionKind) -> HttpResponse:
    """Enter a platform's token, or another one in its place."""
    form = TokenForm(kind, request.POST if request.method == "POST" else None)
    if form.is_valid():
        keep_token(actor=request.member, kind=kind, opened=form.opened())
        messages.success(
            request, _("The token of %(platform)s is kept, encrypted.") % {"platform": kind.label}
        )
        return done(request, request.firm.url("clients:connections"))
    is_there = Connection.objects.filter(kind=kind).exists()
    context = {"form": form, "platform": kind.label, "is_there": is_there}
    return render(request, "clients/connect.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_importers
def forget(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Delete the token, after a question."""
    connection = get_object_or_404(Connection, pk=pk)
    if request.method == "POST":
        forget_connection(actor=request.member, connection=connection)
        messages.success(request, _("The token of %(platform)s is deleted.") % {"platform": connection})
        return done(request, request.firm.url("clients:connections"))
    is_fetching = Fetch.objects.at_work().filter(kind=connection.kind).exists()
    context = {"connection": connection, "is_fetching": is_fetching}
    return render(request, "clients/forget_connection.html", context)


# --- A fetch --------------------------------------------------------------------------------------------------------


@require_POST
@for_importers
def fetch(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Have the list fetched, and go to the page that shows how far it is."""
    connection = get_object_or_404(Connection, pk=pk)
    try:
        started = jobs.start_fetch(actor=request.member, connection=connection)
    except jobs.NotConnected:
        messages.info(request, told("forgotten", str(connection)))
        return done(request, request.firm.url("clients:connections"))
    return done(request, request.firm.url("clients:fetching", pk=started.pk))


@require_safe
@for_importers
def detail(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Where the fetch stands; once it is an import, that one."""
    shown = get_object_or_404(Fetch.objects.select_related("asked_by"), pk=pk)
    if shown.source_id is not None:
        return redirect(request.firm.url("clients:import", pk=shown.source_id))
    return render(request, "clients/fetching.html", {"fetch": shown, **_progress(request, shown)})


@require_safe
@for_importers
def progress(request: FirmRequest, pk: UUID) -> HttpResponse:
    """The fragment that the page asks for each second; once the work is over, the whole page anew."""
    shown = get_object_or_404(Fetch, pk=pk)
    if not shown.is_at_work:
        if request.htmx:  # type: ignore[attr-defined]  # set by django-htmx's middleware
            return HttpResponseClientRefresh()
        return redirect(request.firm.url("clients:fetching", pk=pk))
    return render(request, "clients/_fetch_progress.html", {"fetch": shown, **_progress(request, shown)})


@require_POST
@for_importers
def cancel(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Stop it; nothing of it is kept."""
    shown = get_object_or_404(Fetch, pk=pk)
    if jobs.cancel_fetch(actor=request.member, fetch=shown):
        messages.success(request, _("Nothing is fetched any more, and nothing was kept."))
    return done(request, request.firm.url("clients:fetching", pk=pk))


def _progress(request: FirmRequest, shown: Fetch) -> dict[str, Any]:
    platform = str(shown)
    return {
        "label": _label(shown, platform),
        "reason": told(shown.trouble, platform) if shown.state == FetchState.FAILED else "",
        "poll_url": request.firm.url("clients:fetch_progress", pk=shown.pk),
    }


def _label(shown: Fetch, platform: str) -> str:
    if shown.waiting_until is not None:
        at = time_format(timezone.localtime(shown.waiting_until), "H:i")
        return wait_told(shown.trouble, platform, at)
    if shown.state == FetchState.QUEUED:
        return _("Waiting for its turn…")
    return _("Fetching the clients from %(platform)s, page by page…") % {"platform": platform}


# --- A platform with a sign-in page ----------------------------------------------------------------------------------


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@for_importers
def download(request: FirmRequest) -> HttpResponse:
    """Sign in to that platform for this one download: in this very request, so that the password goes nowhere else."""
    platform = platforms().get(request.GET.get("plateforme", ""))
    if platform is None:
        messages.info(request, _("This platform cannot be reached from here (any more)."))
        return done(request, request.firm.url("clients:connections"))
    form = SignInForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and (made := _downloaded(request, platform, form)):
        return done(request, request.firm.url("clients:import", pk=made))
    context = {"form": form, "platform": platform}
    return render(request, "clients/download_list.html", context, status=422 if form.is_bound else 200)


def _downloaded(request: FirmRequest, platform: Platform, form: SignInForm) -> UUID | None:
    """The import's key; None with what went wrong said in the form."""
    try:
        made = jobs.download_list(actor=request.member, platform=platform, **form.cleaned_data)
    except Trouble as trouble:
        form.add_error(None, told(trouble.code, platform.name))
    except Refused as refused:
        form.add_error(None, refusal(refused.code, refused.params))
    except jobs.TooManyTries:
        form.add_error(
            None,
            _(
                "%(platform)s has refused the password five times. To protect your account there, wait ten minutes "
                "before the next try."
            )
            % {"platform": platform.name},
        )
    except jobs.Busy:
        form.add_error(None, _("Another download is going on. Try again in a moment."))
    else:
        return made.pk
    return None
