"""Where the mail service tells what became of the mails that it took: `/courriels/<service>/`, for the one in use."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache
from typing import Any

from anymail.webhooks.base import AnymailCoreWebhookView
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

VIEWS = {
    "brevo": "brevo.BrevoTrackingWebhookView",
    "mailgun": "mailgun.MailgunTrackingWebhookView",
    "mailjet": "mailjet.MailjetTrackingWebhookView",
    "postmark": "postmark.PostmarkTrackingWebhookView",
    "resend": "resend.ResendTrackingWebhookView",
    "sendgrid": "sendgrid.SendGridTrackingWebhookView",
    "sparkpost": "sparkpost.SparkPostTrackingWebhookView",
}


@csrf_exempt
@login_not_required
@require_http_methods(["POST", "HEAD"])
def mail_service(request: HttpRequest, service: str) -> HttpResponseBase:
    """Hear what the service tells: anymail checks its secret and reads it, `activity.bounces` acts on it."""
    if not service or service != settings.MAIL_SERVICE:
        raise Http404
    return _view(service)(request)


@cache
def _view(service: str) -> Callable[[HttpRequest], HttpResponseBase]:
    its_own = import_string(f"anymail.webhooks.{VIEWS[service]}")
    discreet: Any = type("Hearing", (_Discreet, its_own), {})
    view: Callable[[HttpRequest], HttpResponseBase] = discreet.as_view()
    return view


class _Discreet(AnymailCoreWebhookView):  # type: ignore[misc]  # anymail has no types
    """Refuses what cannot be read, in words of our own: those of an error would quote it, addresses too."""

    def run_validators(self, request: HttpRequest) -> None:
        with _refused():
            super().run_validators(request)

    def parse_events(self, request: HttpRequest) -> Any:
        with _refused():
            return super().parse_events(request)


@contextmanager
def _refused() -> Generator[None]:
    try:
        yield
    except SuspiciousOperation:
        raise
    except Exception as error:
        raise SuspiciousOperation(
            f"A mail service told what cannot be read: {type(error).__name__}"
        ) from None
