"""From the outbox to the mail server: claim, build, send, mark, each mail by itself.

Built in a short scope (tokens are stored, hashed, before the mail that holds them leaves), sent outside of any
transaction, marked at once. So whoever is killed, whenever, loses no mail and repeats one at most, under the same
Message-ID.
"""

import random
import time
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr, quote
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.db import InterfaceError, OperationalError
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from activity import mails
from activity.connection import KeptConnection, Unreachable, permanent_refusal
from activity.lookups import LEASE, claim_mails
from activity.mails import Message, Obsolete
from activity.models import MailState, OutgoingEmail
from tenancy.scopes import scope

log = structlog.get_logger(__name__)

BATCH = 50
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=3)
FEWEST_ATTEMPTS = 10
# A claim older than this is renewed before its mail is sent, so that no other worker takes it meanwhile.
_RENEW_AFTER = LEASE.total_seconds() / 6


DATABASE_AWAY = (OperationalError, InterfaceError)


class Unbuildable(Exception):
    """A fault of ours, which a later version may have mended."""


@dataclass(frozen=True)
class Claim:
    """A mail that this worker holds; `attempts` is the number of its claim, `at` a monotonic second."""

    id: UUID
    owner: dict[str, Any]
    attempts: int
    at: float

    def row(self) -> Any:
        """The row, in its owner's scope, as long as nobody else has claimed it since."""
        waiting = OutgoingEmail.objects.of_scope().filter(pk=self.id, state=MailState.WAITING)
        return waiting.filter(attempts=self.attempts)


def deliver_due(*, for_seconds: float = 240.0) -> int:
    """Send what waits, until nothing does, the time is over, or the mail server cannot be reached.

    Returns how many were sent.
    """
    sent, until = 0, time.monotonic() + for_seconds
    with KeptConnection() as connection:
        while time.monotonic() < until and (claims := _claimed()):
            try:
                while claims:
                    sent += _deliver(claims[0], connection)
                    claims.pop(0)
            except Unreachable as error:
                log.warning("mail_server_unreachable", error=str(error), left=len(claims))
                break
            finally:
                for claim in claims:
                    _release(claim)
    return sent


def _claimed() -> list[Claim]:
    at = time.monotonic()
    return [
        Claim(
            id=row["id"],
            owner={"firm": row["firm_id"], "space": row["space_id"], "person": row["person_id"]},
            attempts=row["attempts"],
            at=at,
        )
        for row in claim_mails(BATCH)
    ]


def _deliver(claim: Claim, connection: KeptConnection) -> bool:
    """Send one mail if it is still to be sent. Raises Unreachable, and what says that the database is away."""
    connection.open()
    try:
        message = _built(claim)
        if message is None:
            return False
        connection.send(message)
    except (*DATABASE_AWAY, Unreachable):
        raise
    except Exception as error:
        _not_sent(claim, error)
        return False
    _mark_sent(claim)
    return True


def _built(claim: Claim) -> EmailMessage | None:
    """The message, with whatever its kind stores for it committed; None if it is not to be sent."""
    with scope(**claim.owner):
        mail = claim.row().first()
        if mail is None or not _still_ours(claim):
            return None
        try:
            with translation.override(mail.language):
                message = mails.REGISTRY[mail.kind].build(mail)
        except Obsolete:
            claim.row().update(state=MailState.DROPPED, lease_until=None)
            return None
        except DATABASE_AWAY:
            raise
        except Exception as error:
            raise Unbuildable(mail.kind) from error
        return envelope(mail, message)


def _still_ours(claim: Claim) -> bool:
    """Renew the lease where much of it is spent."""
    if time.monotonic() - claim.at < _RENEW_AFTER:
        return True
    return bool(claim.row().update(lease_until=timezone.now() + LEASE))


def envelope(mail: OutgoingEmail, message: Message) -> EmailMessage:
    """The message as it goes to the server: from the firm's name at our address, answers to the firm.

    Raises ValueError for an address that only servers with SMTPUTF8 take: Django would send to another one.
    """
    mail.to.rpartition("@")[0].encode("ascii")
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    email = EmailMultiAlternatives(
        subject=" ".join(message.subject.split()),
        body=message.text,
        from_email=_named(message.sender_name or name, address),
        to=[_named(mail.to_name, mail.to)],
        reply_to=[_named(message.sender_name, message.reply_to)] if message.reply_to else None,
        headers={
            "Message-ID": mail.message_id(address.rpartition("@")[2]),
            "Auto-Submitted": "auto-generated",
            **message.headers,
        },
    )
    email.attach_alternative(message.html, "text/html")
    return email


def _named(name: str, address: str) -> str:
    """An address with its name; Django encodes both for the wire."""
    return f'"{quote(" ".join(name.split()))}" <{address}>' if name else address


def _mark_sent(claim: Claim) -> None:
    """Sent is sent, whoever claimed it since."""
    with scope(**claim.owner):
        OutgoingEmail.objects.of_scope().filter(pk=claim.id).update(
            state=MailState.SENT, sent_at=timezone.now(), lease_until=None, failure=""
        )


def _not_sent(claim: Claim, error: Exception) -> None:
    """Wait and try again, or give the mail up with a reason that the firm can read."""
    with scope(**claim.owner):
        if (mail := claim.row().first()) is None:
            return
        reason = _why_never(mail, error)
        log.warning("mail_not_sent", kind=mail.kind, attempts=mail.attempts, final=bool(reason), exc_info=error)
        if reason:
            claim.row().update(state=MailState.FAILED, failure=reason, lease_until=None)
        else:
            claim.row().update(next_attempt_at=timezone.now() + pause_after(mail.attempts), lease_until=None)
    if reason:
        _tell_its_kind(claim, mail, reason)


def _why_never(mail: OutgoingEmail, error: Exception) -> str:
    """Empty if the mail is to be tried again."""
    with translation.override(settings.LANGUAGE_CODE):
        if reason := permanent_refusal(error):
            return reason[:500]
        if mail.attempts >= FEWEST_ATTEMPTS and timezone.now() - mail.created_at > GIVE_UP_AFTER:
            return _("The mail could not be delivered for three days.")
        return ""


def _tell_its_kind(claim: Claim, mail: OutgoingEmail, reason: str) -> None:
    try:
        with scope(**claim.owner):
            mails.REGISTRY[mail.kind].failed(mail, reason)
    except DATABASE_AWAY:
        raise
    except Exception:
        log.exception("failure_not_told", kind=mail.kind)


def pause_after(attempts: int) -> timedelta:
    """How long to wait after that many attempts: doubling, an hour at most, and no two mails in step."""
    doubled = FIRST_PAUSE * 2 ** min(attempts - 1, 10)
    return min(doubled, LONGEST_PAUSE) * random.uniform(0.75, 1.0)  # noqa: S311 - spreads load, keeps no secret


def _release(claim: Claim) -> None:
    """Give a claimed mail back untried."""
    with scope(**claim.owner):
        claim.row().update(attempts=claim.attempts - 1, lease_until=None)
