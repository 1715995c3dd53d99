"""The mail catcher of a development run: mails are files in `MAIL_CATCHER_DIR`, shown under /dev/courriels/."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage as Parsed
from email.parser import BytesHeaderParser
from functools import cached_property
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from tenancy.keys import uuid7


class CatcherBackend(BaseEmailBackend):
    """Writes each mail as `<key>.eml`; keys sort by time."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            _write(message.message().as_bytes())
        return len(email_messages)


@dataclass(frozen=True)
class Caught:
    """One mail of the catcher."""

    key: UUID
    message: Parsed

    @property
    def subject(self) -> str:
        return str(self.message["subject"] or "")

    @property
    def sender(self) -> str:
        return str(self.message["from"] or "")

    @property
    def recipient(self) -> str:
        return str(self.message["to"] or "")

    @property
    def reply_to(self) -> str:
        return str(self.message["reply-to"] or "")

    @property
    def at(self) -> datetime:
        """When it was caught, as its key tells in milliseconds."""
        return datetime.fromtimestamp((self.key.int >> 80) / 1000, tz=timezone.get_default_timezone())

    @cached_property
    def text(self) -> str:
        return self._part("plain")

    @cached_property
    def html(self) -> str:
        """With the pictures that travel with it in their places."""
        html = self._part("html")
        for part in self.message.walk():
            if cid := str(part["Content-ID"] or "").strip("<>"):
                content = b64encode(bytes(part.get_content())).decode()
                html = html.replace(f"cid:{cid}", f"data:{part.get_content_type()};base64,{content}")
        return html

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return str(part.get_content()) if part is not None else ""


def caught(recipient: str = "") -> Iterator[Caught]:
    """The mails, newest first, with their headers alone; those to an address that holds the text."""
    wanted = recipient.strip().lower()
    parser = BytesHeaderParser(policy=policy.default)
    for path in sorted(_folder().glob("*.eml"), reverse=True):
        with path.open("rb") as file:
            mail = Caught(UUID(path.stem), parser.parse(file))
        if wanted in mail.recipient.lower():
            yield mail


def find(key: UUID) -> Caught | None:
    """One mail, whole; None if there is none of that key."""
    path = _folder() / f"{key}.eml"
    if not path.exists():
        return None
    return Caught(key, message_from_bytes(path.read_bytes(), policy=policy.default))


def _write(content: bytes) -> None:
    """In one step, so that nobody reads half a mail."""
    folder, key = _folder(), uuid7()
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{key}.part"
    unfinished.write_bytes(content)
    unfinished.rename(folder / f"{key}.eml")


def _folder() -> Path:
    return Path(settings.MAIL_CATCHER_DIR)
