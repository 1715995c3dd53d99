"""For who runs the installation: probes, figures, and the queue of mails."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from activity import outbox
from firm_portal import operators


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process answers and its database does; says when mails are late, which no restart would mend."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    wait, words = operators.waiting_since(), "ok"
    if wait is not None and outbox.is_late(wait):
        words = f"ok\nlate: the oldest mail has been waiting for {wait.total_seconds() / 60:.0f} minutes"
    return HttpResponse(words, content_type="text/plain")


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when requests can be served, else 503; and in either case what is away, and whether mails are late."""
    found = operators.readiness()
    return JsonResponse(found.plain(), status=200 if found.is_ready else 503)


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For a monitoring that shows METRICS_TOKEN as its bearer token."""
    if not settings.METRICS_TOKEN:
        raise Http404
    shown = request.headers.get("Authorization", "").encode()
    if not constant_time_compare(shown, f"Bearer {settings.METRICS_TOKEN}".encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(operators.metrics(), content_type="text/plain; version=0.0.4; charset=utf-8")


@never_cache
@require_safe
def mail_queue(request: HttpRequest) -> HttpResponse:
    """What waits to leave, how fast it goes, and where it does not. To anybody else it is not there."""
    if not operators.is_operator(request.user):
        raise Http404
    return render(request, "operators/mails.html", {"queue": outbox.queue(), "domains": outbox.domains()})
