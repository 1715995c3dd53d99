"""Showing a mail on a page: HTML and text side by side, in a frame that can do nothing but be looked at."""

from base64 import b64encode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from activity.composing import compose_for
from activity.mails import REGISTRY, Message
from activity.models import Notification
from activity.wire import Inline

# Of a mail's HTML: its own style and pictures, and nothing of anywhere else.
MAIL_MAY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
THEMES = {"clair": _("Light"), "sombre": _("Dark")}
_AS_DEVICE = "(prefers-color-scheme: dark)"
_AS_CHOSEN = {"clair": "not all", "sombre": "all"}


def standalone(message: Message, theme: str = "") -> str:
    """The HTML with its pictures in it; with a theme, as on a device that is set so."""
    html = message.html
    if message.logo is not None:
        html = html.replace(f"cid:{message.logo.cid}", _as_data(message.logo))
    if theme in _AS_CHOSEN:
        html = html.replace(f"@media {_AS_DEVICE}", f"@media {_AS_CHOSEN[theme]}")
    return html


def confined(html: str, status: int = 200) -> HttpResponse:
    """For a frame of one of our pages."""
    headers = {"Content-Security-Policy": MAIL_MAY, "X-Frame-Options": "SAMEORIGIN"}
    return HttpResponse(html, status=status, headers=headers)


def side_by_side(request: HttpRequest, message: Message) -> HttpResponse:
    """Who it is from, its subject, its HTML and its text, for a frame. `?theme=` of the address: as it asks."""
    theme = request.GET.get("theme", "")
    context = {
        "message": message,
        "html": standalone(message, theme),
        "theme": theme if theme in THEMES else "",
    }
    return confined(render_to_string("mails/side_by_side.html", context))


def told_now(recipient: UUID) -> Message:
    """What the person would be told by mail of the owner in scope, were no hold; for a preview, which takes it back."""
    Notification.objects.of_scope().filter(recipient_id=recipient).update(due_at=timezone.now())
    mail = compose_for(recipient)
    assert mail is not None  # something happened that concerns them
    return REGISTRY[mail.kind].build(mail)


def _as_data(picture: Inline) -> str:
    return f"data:image/png;base64,{b64encode(picture.content).decode()}"
