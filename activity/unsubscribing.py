"""The link by which whoever holds a mail switches off more of the kind (RFC 8058): made while the mail is sent.

Signed and kept nowhere. It opens nothing and shows nothing but the place's name; all that it can do is to switch off
mails, which the person switches on again on their own page.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.urls import reverse

from activity.topics import TOPICS

_SALT = "activity.unsubscribing"
# A mail's header is one line, which no server breaks; with more places in it, the person's own page serves.
MOST_PLACES = 20


@dataclass(frozen=True)
class Switch:
    """Whose mails, about which topics, of which places (keys of firms and of clients' spaces)."""

    person: UUID
    topics: tuple[str, ...]
    places: tuple[UUID, ...]


def token(switch: Switch) -> str:
    keys = b"".join(key.bytes for key in (switch.person, *switch.places))
    named = ",".join(sorted(switch.topics))
    return signing.Signer(salt=_SALT).sign(f"{named}.{urlsafe_b64encode(keys).decode().rstrip('=')}")


def read(signed: str) -> Switch | None:
    """What the token switches off; None if it is none of ours, or names what is no more."""
    try:
        named, keys = signing.Signer(salt=_SALT).unsign(signed).split(".")
        raw = urlsafe_b64decode(keys + "=" * (-len(keys) % 4))
    except (signing.BadSignature, ValueError):
        return None
    person, *places = (UUID(bytes=raw[at : at + 16]) for at in range(0, len(raw), 16))
    return Switch(person, tuple(name for name in named.split(",") if name in TOPICS), tuple(places))


def link(switch: Switch) -> str:
    """The absolute address; empty where nothing may be switched off by one link."""
    if not switch.topics or not switch.places or len(switch.places) > MOST_PLACES:
        return ""
    path = reverse("accounts:unsubscribe", kwargs={"token": token(switch)})
    return f"{settings.BASE_URL}{path}"


def headers(url: str) -> dict[str, str]:
    """What mail programs show as their own button. Both must be under the DKIM signature (RFC 8058, 4)."""
    if not url:
        return {}
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def topics_in(kinds: Iterable[str]) -> tuple[str, ...]:
    """Each topic once, in the order of the page of choices."""
    told = set(kinds)
    return tuple(name for name in TOPICS if name in told)
