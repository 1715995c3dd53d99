"""The registry of mails. A `MailKind` makes the message while it is sent, from keys: so secrets exist in mails only."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.conf import settings
from django.template.loader import render_to_string

from activity.models import OutgoingEmail

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

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            REGISTRY[cls.name] = cls()

    @abstractmethod
    def build(self, mail: OutgoingEmail) -> Message:
        """The message, in the recipient's language and the mail's scope. May mint and store (hashed) tokens.

        Raises Obsolete if it must not be sent any more.
        """


def rendered(template: str, subject: str, context: Mapping[str, Any], **rest: Any) -> Message:
    """A message of the two templates `mails/<template>.txt` and `.html`; firm's name and reply-to in `rest`."""
    full = {"base_url": settings.BASE_URL, "subject": subject, **context}
    return Message(
        subject=subject,
        text=render_to_string(f"mails/{template}.txt", full),
        html=render_to_string(f"mails/{template}.html", full),
        **rest,
    )
