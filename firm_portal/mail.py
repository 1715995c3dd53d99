"""Which mail services the product knows, and what anymail's settings call their keys. Imported by the settings."""

from django.core.exceptions import ImproperlyConfigured

# Those that tell of a mail that came back, and whose parts of anymail need no further package.
SERVICES = {
    "brevo": "BREVO_API_KEY",
    "mailgun": "MAILGUN_API_KEY",
    "mailjet": "MAILJET_API_KEY",
    "postmark": "POSTMARK_SERVER_TOKEN",
    "resend": "RESEND_API_KEY",
    "sendgrid": "SENDGRID_API_KEY",
    "sparkpost": "SPARKPOST_API_KEY",
}
_SHORTEST = 20


def mail_service(name: str, key: str, secret: str) -> dict[str, str]:
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
    return {SERVICES[name]: key, "WEBHOOK_SECRET": secret}
