"""What every template may use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def portal(request: HttpRequest) -> dict[str, Any]:
    """The installation's marks: `catcher`, is the mail catcher there; who may register themselves."""
    return {
        "catcher": bool(settings.MAIL_CATCHER_DIR),
        "registration_open": settings.REGISTRATION_OPEN,
        "client_registration_open": settings.CLIENT_REGISTRATION_OPEN,
    }
