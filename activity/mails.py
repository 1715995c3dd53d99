"""The registry of mails. A `MailKind` makes the message while it is sent, from keys: so secrets exist in mails only."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from activity.letterhead import letterhead, one_letterhead
from activity.models import OutgoingEmail
from activity.wire import Inline

_MANY_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")
# Of NULs, which PostgreSQL stores in no text: so nobody's own words look like one.
_MARK = re.compile("\x00(\\w+)\x00")

REGISTRY: dict[str, "MailKind"] = {}


class Obsolete(Exception):
    """The mail has lost its reason since it was queued (a revoked invitation): it is not sent."""


@dataclass(frozen=True)
class Message:
    """What leaves: a subject without client names, plain text and HTML."""

    subject: str
    text: str
    html: str
    sender_name: str = ""
    reply_to: str = ""
    # What the HTML shows by `cid:`; it travels with the mail, so nothing is fetched when somebody opens it.
    logo: Inline | None = None
    headers: dict[str, str] = field(default_factory=dict)


class MailKind(ABC):
    """One kind of mail. Declare a subclass with a `name` in an app's `mails.py`, loaded by its AppConfig."""

    name: ClassVar[str]
    # What people call it, where they read that it did not arrive.
    what: ClassVar[str | Promise] = _("E-mail")
    # Somebody waits for it, or is to be warned: it leaves before all others.
    urgent: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            REGISTRY[cls.name] = cls()

    @abstractmethod
    def build(self, mail: OutgoingEmail) -> Message:
        """The message, in the recipient's language and the mail's scope. May mint and store (hashed) tokens.

        Called once for each attempt. Raises Obsolete if it must not be sent any more.
        """

    def build_all(self, mails: Sequence[OutgoingEmail]) -> dict[UUID, Message]:
        """The messages of several mails of one owner and language, by key; those that lost their reason are left out.

        Override it where a kind can load for many at once. A fault here is no harm: each is then built by itself.
        """
        built = {}
        for mail in mails:
            try:
                built[mail.pk] = self.build(mail)
            except Obsolete:
                continue
        return built

    def failed(self, mail: OutgoingEmail, reason: str) -> None:  # noqa: B027 - most kinds have nothing to do
        """The mail will never arrive; `reason` says so in words for people. Runs in the mail's scope."""


def rendered(template: str, subject: str, context: Mapping[str, Any], **rest: Any) -> Message:
    """A message of the two templates `mails/<template>.txt` and `.html` (see the head of mails/base.html).

    The sender's name and reply-to are those of the firm in scope unless `rest` names others.
    """
    head = letterhead()
    rest = {"sender_name": head.sender_name, "reply_to": head.reply_to, "logo": head.logo, **rest}
    ours = {"house": head.house or rest["sender_name"], "sender_phone": head.phone}
    full = {**ours, "base_url": settings.BASE_URL, "subject": subject, **rest, **context}
    text = render_to_string(f"mails/{template}.txt", full)
    return Message(
        subject=subject,
        text=_MANY_BLANK_LINES.sub("\n\n", text).strip() + "\n",
        html=render_to_string(f"mails/{template}.html", full),
        **rest,
    )


def mark(name: str) -> str:
    """Stands in a stencil's context for a text that each mail has of its own."""
    return f"\x00{name}\x00"


@dataclass(frozen=True)
class Stencil:
    """What many mails say alike, rendered once, in pieces: between them the names of what each says of its own."""

    subject: tuple[str, ...]
    text: tuple[str, ...]
    html: tuple[str, ...]
    rest: dict[str, Any]

    def message(self, texts: Mapping[str, str]) -> Message:
        """That of one mail; `texts` by the names of the marks, as plain text."""
        as_html = {name: escape(text) for name, text in texts.items()}
        return Message(
            subject=_filled(self.subject, texts),
            text=_filled(self.text, texts),
            html=_filled(self.html, as_html),
            **self.rest,
        )


def stencil(template: str, subject: str, context: Mapping[str, Any], **rest: Any) -> Stencil:
    """As `rendered`, of mails that differ in nothing but short texts, for which the context holds marks.

    The templates may put such a text anywhere, and must not ask what it says.
    """
    alike = rendered(template, subject, context, **rest)
    rest = {"sender_name": alike.sender_name, "reply_to": alike.reply_to, "logo": alike.logo, **rest}
    return Stencil(_pieces(alike.subject), _pieces(alike.text), _pieces(alike.html), rest)


def _pieces(text: str) -> tuple[str, ...]:
    return tuple(_MARK.split(text))


def _filled(pieces: tuple[str, ...], texts: Mapping[str, str]) -> str:
    whole = list(pieces)
    whole[1::2] = [texts[name] for name in pieces[1::2]]
    return "".join(whole)


def choices_url() -> str:
    """Where a person chooses which mails they get: linked at the foot of all mails to those who have an account."""
    return f"{settings.BASE_URL}{reverse('accounts:notifications')}"


# The kinds of the other apps need its type; its table is ours.
__all__ = [
    "REGISTRY",
    "MailKind",
    "Message",
    "Obsolete",
    "OutgoingEmail",
    "Stencil",
    "choices_url",
    "mark",
    "one_letterhead",
    "rendered",
    "stencil",
]
