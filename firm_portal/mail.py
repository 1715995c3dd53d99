"""Which mail services the product knows, and what anymail's settings call their keys. Imported by the settings."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured

AMAZON = "amazon_ses"
# Those that tell of a mail that came back.
SERVICES = {
    AMAZON: "AMAZON_SES_CLIENT_PARAMS",
    "brevo": "BREVO_API_KEY",
    "mailgun": "MAILGUN_API_KEY",
    "mailjet": "MAILJET_API_KEY",
    "postmark": "POSTMARK_SERVER_TOKEN",
    "resend": "RESEND_API_KEY",
    "sendgrid": "SENDGRID_API_KEY",
    "sparkpost": "SPARKPOST_API_KEY",
}
_SHORTEST = 20


def mail_service(
    name: str, key: str, secret: str, options: Mapping[str, Any], *, timeout: float = 20
) -> dict[str, Any]:
    """anymail's settings of one service. Raises ImproperlyConfigured.

    Without a secret, anybody could tell us that mails have come back.
    """
    if name not in SERVICES:
        raise ImproperlyConfigured(
            f"MAIL_SERVICE is one of {', '.join(SERVICES)}; for any other, use EMAIL_URL."
        )
    user, colon, password = secret.partition(":")
    if not (user and colon and len(password) >= _SHORTEST):
        raise ImproperlyConfigured(
            f"MAIL_SERVICE_SECRET is user:password, the password of {_SHORTEST} characters at least."
        )
    common = {**options, "WEBHOOK_SECRET": secret}
    return {**common, **_amazon(key, options, timeout)} if name == AMAZON else {SERVICES[name]: key, **common}


def _amazon(key: str, options: Mapping[str, Any], timeout: float) -> dict[str, Any]:
    """`key` is `key-id:secret@region`, or `@region` where the machine itself may send.

    A call is made once: tried again in silence, a mail whose answer was lost would leave twice.
    """
    access, at, region = key.rpartition("@")
    key_id, _colon, secret = access.partition(":")
    if not (at and region) or bool(key_id and secret) != bool(access):
        raise ImproperlyConfigured("MAIL_SERVICE_KEY of amazon_ses is key-id:secret@region, or @region.")
    if not str(options.get("AMAZON_SES_TOPIC", "")).startswith("arn:"):
        raise ImproperlyConfigured(
            "With amazon_ses, MAIL_SERVICE_OPTIONS names AMAZON_SES_TOPIC, the ARN of the topic of Amazon SNS to which "
            "it tells of bounces."
        )
    once = {"connect_timeout": timeout, "read_timeout": timeout, "retries": {"total_max_attempts": 1}}
    known = {"aws_access_key_id": key_id, "aws_secret_access_key": secret} if access else {}
    more = options.get(SERVICES[AMAZON], {})
    return {SERVICES[AMAZON]: {"region_name": region, "config": once, **known, **more}}
