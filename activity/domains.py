"""A domain that refuses for now is left alone, for longer each time, while the mails of all others go on.

What it knows stands in the database: it outlives a worker, and holds for all of them. One mail that it takes, and the
domain is as any other.
"""

import re
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPResponseException, SMTPServerDisconnected
from time import monotonic
from typing import Any

import structlog
from django.db import connection

from activity.models import MailDomain

log = structlog.get_logger(__name__)

# So many refusals without a mail that it took in between; one that goes silent costs a sender most, and counts more.
MOST_REFUSALS = 6
_SILENCE = 3
# How long it is left alone: doubling, up to an hour.
FIRST_REST_SECONDS = 15
LONGEST_REST_SECONDS = 3600
_ENHANCED = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")

_TABLE = MailDomain._meta.db_table
# Several senders may be refused at once: while it is left alone already, that is no news.
_REFUSED = f"""
INSERT INTO {_TABLE} AS known (domain, refused_since, refusals, rests, answer)
VALUES (%(domain)s, statement_timestamp(), %(weight)s, 0, %(answer)s)
ON CONFLICT (domain) DO UPDATE SET
    answer = excluded.answer,
    refusals = known.refusals + excluded.refusals,
    rests = known.rests + (known.refusals + excluded.refusals >= %(most)s)::integer,
    rests_until = CASE WHEN known.refusals + excluded.refusals >= %(most)s
        THEN statement_timestamp() + make_interval(secs => (0.75 + random() / 4)
            * least(%(first)s * 2 ^ least(known.rests, 20), %(longest)s))
        ELSE known.rests_until END
WHERE known.rests_until IS NULL OR known.rests_until < statement_timestamp()
RETURNING rests_until > statement_timestamp()
"""


class Domains:
    """What one sender learns of them as it goes."""

    def __init__(self) -> None:
        # They refused something since they last took a mail.
        self._refusing: set[str] = set()
        self._resting: set[str] = set()
        # When each took a mail last.
        self._took: dict[str, float] = {}

    def now_claimed(self, refusing: set[str]) -> None:
        """These, of the mails just claimed, have refused before; none of the others is left alone any more."""
        self._refusing |= refusing
        self._resting.clear()

    def rests(self, domain: str) -> bool:
        return domain in self._resting

    def took_one(self, domain: str) -> None:
        self._took[domain] = monotonic()
        if domain in self._refusing:
            self._refusing.discard(domain)
            MailDomain.objects.filter(domain=domain).delete()

    def refused(self, domain: str, error: Exception, *, asked_at: float) -> None:
        """For now; what is refused for good says nothing of the domain, nor what it took a mail beside."""
        if (weight := _weight(error)) == 0 or self._took.get(domain, 0.0) > asked_at:
            return
        self._refusing.add(domain)
        told: dict[str, Any] = {
            "domain": domain,
            "weight": weight,
            "answer": answer_of(error),
            "most": MOST_REFUSALS,
        }
        with connection.cursor() as cursor:
            cursor.execute(_REFUSED, {**told, "first": FIRST_REST_SECONDS, "longest": LONGEST_REST_SECONDS})
            row = cursor.fetchone()
        if row is None or row[0]:
            self._resting.add(domain)
            log.warning("mail_domain_left_alone", answer=told["answer"])


def _weight(error: Exception) -> int:
    if isinstance(error, SMTPServerDisconnected):
        return _SILENCE if isinstance(error.__context__, TimeoutError) else 0
    if isinstance(error, SMTPRecipientsRefused):
        return int(_said(error)[0] < 500)
    return int(isinstance(error, SMTPDataError) and error.smtp_code < 500)


def answer_of(error: Exception) -> str:
    """Its codes alone: the words may quote an address. Empty of a server that said nothing."""
    code, words = _said(error)
    found = _ENHANCED.search(words)
    return f"{code or ''} {found[0] if found else ''}".strip()


def _said(error: Exception) -> tuple[int, str]:
    code: int
    words: bytes | str
    if isinstance(error, SMTPRecipientsRefused):
        code, words = next(iter(error.recipients.values()))
    elif isinstance(error, SMTPResponseException):
        code, words = error.smtp_code, error.smtp_error
    else:
        return 0, ""
    return code, words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
