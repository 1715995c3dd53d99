"""The registry of mails. A `MailKind` makes the message while it is sent, from keys: so secrets exist in mails only."""

import re
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.template.loader import render_to_string

from activity.models import OutgoingEmail
from tenancy import scopes

_MANY_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")

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
    headers: dict[str, str] = field(default_factory=dict)


class MailKind(ABC):
    """One kind of mail. Declare a subclass with a `name` in an app's `mails.py`, loaded by its AppConfig."""

    name: ClassVar[str]
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
    sender = _sender()
    rest = {"sender_name": sender["sender_name"], "reply_to": sender["reply_to"], **rest}
    full = {**sender, "base_url": settings.BASE_URL, "subject": subject, **rest, **context}
    text = render_to_string(f"mails/{template}.txt", full)
    return Message(
        subject=subject,
        text=_MANY_BLANK_LINES.sub("\n\n", text).strip() + "\n",
        html=render_to_string(f"mails/{template}.html", full),
        **rest,
    )


_letterhead: ContextVar[dict[UUID, dict[str, str]] | None] = ContextVar("letterhead", default=None)


@contextmanager
def one_letterhead() -> Generator[None]:
    """Many mails of a firm in a row: how it presents itself is read once."""
    token = _letterhead.set({})
    try:
        yield
    finally:
        _letterhead.reset(token)


def _sender() -> dict[str, str]:
    """How the firm in scope presents itself; empty outside of firms."""
    if (firm_id := scopes.current().firm_id) is None:
        return {"sender_name": "", "reply_to": "", "sender_phone": ""}
    known = _letterhead.get()
    if known is not None and firm_id in known:
        return known[firm_id]
    firms: Any = OutgoingEmail._meta.get_field("firm").related_model
    name, email, phone = firms.objects.values_list("name", "email", "phone").get(pk=firm_id)
    sender = {"sender_name": name, "reply_to": email, "sender_phone": phone}
    if known is not None:
        known[firm_id] = sender
    return sender


# The kinds of the other apps need its type; its table is ours.
__all__ = ["REGISTRY", "MailKind", "Message", "Obsolete", "OutgoingEmail", "one_letterhead", "rendered"]
