"""Where the mail service tells what became of the mails that it took: `/courriels/<service>/`, for the one in use.

What a service tells in one call is heard piece by piece: one that cannot be read, or at which something of ours fails,
keeps none of the others from being noted. Where something could not be noted yet, the answer is 503, and the service
tells it all again later; what is noted already stays as it is.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache
from typing import Any

import structlog
from anymail.signals import tracking
from anymail.webhooks.base import AnymailCoreWebhookView
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from activity import sns
from activity.bounces import NotKnownYet

log = structlog.get_logger(__name__)

VIEWS = {
    "amazon_ses": "amazon_ses.AmazonSESTrackingWebhookView",
    "brevo": "brevo.BrevoTrackingWebhookView",
    "mailgun": "mailgun.MailgunTrackingWebhookView",
    "mailjet": "mailjet.MailjetTrackingWebhookView",
    "postmark": "postmark.PostmarkTrackingWebhookView",
    "resend": "resend.ResendTrackingWebhookView",
    "sendgrid": "sendgrid.SendGridTrackingWebhookView",
    "sparkpost": "sparkpost.SparkPostTrackingWebhookView",
}
# By what name each of anymail's views turns one told thing into one of its events.
_READERS = ("unwrap_event", "esp_to_anymail_event")
_AGAIN_AFTER_SECONDS = 60


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
    ours = (_OfTopic, _Discreet) if service == "amazon_ses" else (_Discreet,)
    readers = {name: _one_by_one(getattr(its_own, name)) for name in _READERS if hasattr(its_own, name)}
    discreet: Any = type("Hearing", (*ours, its_own), readers)
    view: Callable[[HttpRequest], HttpResponseBase] = discreet.as_view()
    return view


class _Each:
    """Stands for anymail's signal, which would end at the first receiver that fails."""

    def __init__(self) -> None:
        self.is_complete = True

    def send(self, *, event: Any, **others: Any) -> None:
        try:
            tracking.send(event=event, **others)
        except NotKnownYet:
            log.info("mail_told_of_too_early", told=event.event_type)
            self.is_complete = False
        except Exception:
            log.exception("mail_told_of_in_vain", told=event.event_type)
            self.is_complete = False


class _Discreet(AnymailCoreWebhookView):  # type: ignore[misc]  # anymail has no types
    """Refuses what cannot be read, in words of our own: those of an error would quote it, addresses too."""

    def post(self, request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
        self.unread, each = 0, _Each()
        self.signal = each
        try:
            answer: HttpResponseBase = super().post(request, *arguments, **named)
        except sns.CertificateAway:
            log.warning("sns_certificate_away")
            return _again()
        return answer if each.is_complete else _again()

    def run_validators(self, request: HttpRequest) -> None:
        with _refused():
            super().run_validators(request)

    def parse_events(self, request: HttpRequest) -> Any:
        """Those that can be read. Raises SuspiciousOperation if there are others alone."""
        with _refused():
            read = [event for event in super().parse_events(request) if event is not None]
        if self.unread and not read:
            raise SuspiciousOperation("A mail service told what cannot be read.")
        return read


def _again() -> HttpResponse:
    """Tell it again later."""
    return HttpResponse(status=503, headers={"Retry-After": str(_AGAIN_AFTER_SECONDS)})


def _one_by_one(reader: Callable[..., Any]) -> Callable[..., Any]:
    """The reader, giving None in place of what it can't read: a second attempt would read no more of it."""

    def read(view: Any, told: Any, *others: Any) -> Any:
        try:
            return reader(view, told, *others)
        except Exception as error:
            log.warning("mail_told_of_unreadably", error=type(error).__name__)
            view.unread += 1
            return (None, None, told) if reader.__name__ == "unwrap_event" else None

    return read


class _OfTopic(AnymailCoreWebhookView):  # type: ignore[misc]  # anymail has no types
    """Hears one topic of Amazon SNS alone, which the settings name, and joins no other one, whoever knows the secret.

    The secret, which SNS shows to us alone and over TLS, is asked for first; then what SNS signs must be what arrived.
    """

    def run_validators(self, request: HttpRequest) -> None:
        super().run_validators(request)
        with _refused():
            sns.verify(self._parse_sns_message(request), topic=settings.ANYMAIL["AMAZON_SES_TOPIC"])

    def validate_request(self, request: HttpRequest) -> None:
        told: Any = self._parse_sns_message(request)
        topic = str(told.get("TopicArn", ""))
        if not constant_time_compare(topic, settings.ANYMAIL["AMAZON_SES_TOPIC"]):
            raise SuspiciousOperation(
                "Amazon SNS told of another topic than the one of MAIL_SERVICE_OPTIONS."
            )

    def auto_confirm_sns_subscription(self, told: Any) -> None:
        """By a call of ours to SNS, in the region of the settings' topic: no address of the message is followed."""
        try:
            super().auto_confirm_sns_subscription(told)
        except Exception as error:
            log.error("sns_topic_not_joined", error=type(error).__name__)  # it would quote the token
            raise


@contextmanager
def _refused() -> Generator[None]:
    try:
        yield
    except (SuspiciousOperation, sns.CertificateAway):
        raise
    except Exception as error:
        raise SuspiciousOperation(
            f"A mail service told what cannot be read: {type(error).__name__}"
        ) from None
