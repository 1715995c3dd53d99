"""From the outbox to the mail server: claim, build, send, mark.

Built in a short scope of their owner (tokens are stored, hashed, before the mail that holds them leaves), then one by
one sent outside of any transaction and marked at once. So whoever is killed, whenever, loses no mail and repeats one
at most, under the same Message-ID; of a server that keeps silent, those too of which it still owed the answer
(`activity.lines`).
"""

import random
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from functools import lru_cache
from itertools import groupby
from time import monotonic
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import DatabaseError, InterfaceError, OperationalError, connections, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from activity import mails
from activity.connection import Unreachable, permanent_refusal
from activity.domains import Domains
from activity.lines import Answer, Lines
from activity.lookups import LEASE, claim_mails, hold_mails
from activity.mails import Message
from activity.models import MailState, OutgoingEmail
from activity.precedence import ANY, MANY, PORTION, URGENT
from activity.wire import LetterToOne
from tenancy.scopes import Scope, execute_in, scope
from tenancy.tasks import nudge

log = structlog.get_logger(__name__)

BATCH = PORTION
# What is claimed first, and doubled from claim to claim: who dies at once keeps little back from the others.
FIRST_CLAIM = 10
# What was built is sent within this time, or built anew: a revocation counts. Longer than a server may be silent once.
FRESH_SECONDS = 45.0
# How often who waits for late answers alone looks for what somebody waits for.
_LOOK_SECONDS = 0.5
_BEAT_SECONDS = LEASE.total_seconds() / 4
# So long after a lease was last renewed nobody else has taken the mail, with time left to hand it over.
SURE_SECONDS = LEASE.total_seconds() * 2 / 3
FIRST_PAUSE = timedelta(seconds=30)
# So often first: most that refuse for now take a mail within minutes. Then it doubles.
QUICK_REFUSALS = 6
LONGEST_PAUSE = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=3)
FEWEST_REFUSALS = 10
DATABASE_AWAY = (OperationalError, InterfaceError)


class Unbuildable(Exception):
    """A fault of ours, which a later version may have mended."""


def scope_of(owner: "Owner") -> Any:
    firm, space, person = owner
    return scope(firm=firm, space=space, person=person)


Owner = tuple[UUID | None, UUID | None, UUID | None]


@dataclass(frozen=True)
class Claim:
    """A mail that this worker holds; `attempts` is the number of its claim."""

    id: UUID
    owner: Owner
    attempts: int
    precedence: int
    # No later than when it was claimed.
    claimed_at: float
    domain: str = ""
    # Since when the domain has been refusing for now, if it does.
    refused_since: datetime | None = None

    def scope(self) -> Any:
        return scope_of(self.owner)

    def row(self) -> Any:
        """The row, in its owner's scope, as long as nobody else has claimed it since."""
        waiting = OutgoingEmail.objects.of_scope().filter(pk=self.id, state=MailState.WAITING)
        return waiting.filter(attempts=self.attempts)


# What was to leave: the message, or why there is none (a fault; or None: it lost its reason, or its claim).
Built = EmailMessage | Exception | None


def deliver_due(*, for_seconds: float = 240.0) -> int:
    """Send what waits, until nothing does, the time is over, or the mail server cannot be reached.

    Returns how many were sent. Where there is much, another worker is asked to help, and after `for_seconds` to go on.
    Whoever has to wait for a late answer then goes on for as long again, and after that sends what somebody waits for,
    and nothing else.
    """
    sent, until, helped, most = 0, monotonic() + for_seconds, False, FIRST_CLAIM
    with Hold() as hold, Lines[Claim]() as lines:
        sender = Sender(lines, hold)
        try:
            while (claims := _claimed(most)) or lines.waiting:
                if len(claims) == most and (not helped or monotonic() > until):
                    helped = True
                    nudge("activity.deliver_mails")
                most = min(2 * most, BATCH)
                sent += sender.deliver(claims) if claims else sender.settle(seconds=_LOOK_SECONDS)
                if monotonic() > (until + for_seconds if lines.waiting else until):
                    break
            while lines.waiting:
                sent += sender.deliver_urgent() or sender.settle(seconds=_LOOK_SECONDS)
        except Unreachable as error:
            log.warning("mail_server_unreachable", error=str(error))
            sent += sender.settle_all()
    return sent


def _claimed(most: int = BATCH, *, up_to: int = ANY) -> list[Claim]:
    """Those that leave before the many come first; of either, those of one owner stand together."""
    now = monotonic()
    claims = [
        Claim(
            id=row["id"],
            owner=(row["firm_id"], row["space_id"], row["person_id"]),
            attempts=row["attempts"],
            precedence=row["precedence"],
            claimed_at=now,
            domain=row["domain"],
            refused_since=row["refused_since"],
        )
        for row in claim_mails(most, up_to)
    ]
    return sorted(claims, key=lambda claim: (min(claim.precedence, MANY), str(claim.owner), claim.id))


class Hold:
    """Renews the leases of what is being sent, from a connection of its own: those of the dead end soon.

    The claims are changed by the sender while this reads them: a dictionary is copied in one piece.
    """

    def __init__(self) -> None:
        self.claims: dict[UUID, int] = {}
        # No later than when each of them was claimed or its lease last renewed.
        self.renewed_at: dict[UUID, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> "Hold":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._stop.wait(_BEAT_SECONDS):
                self.renew()
        finally:
            connections.close_all()

    def renew(self) -> None:
        if not (claims := dict(self.claims)):
            return
        now = monotonic()
        try:
            held = hold_mails(list(claims), list(claims.values()))
            self.renewed_at |= {row["id"]: now for row in held}
        except DatabaseError as error:  # the next beat tries again; a lease outlasts some
            log.warning("beat_missed", error=type(error).__name__)

    def add(self, claims: Iterable[Claim]) -> None:
        for claim in claims:
            self.renewed_at[claim.id] = claim.claimed_at
            self.claims[claim.id] = claim.attempts

    def drop(self, claim: Claim) -> None:
        self.claims.pop(claim.id, None)
        self.renewed_at.pop(claim.id, None)

    def is_sure_of(self, claim: Claim) -> bool:
        """Not of what another worker may have by now: this one stood still, or could not renew its leases."""
        if self.claims.get(claim.id) != claim.attempts:
            return False
        return monotonic() - self.renewed_at.get(claim.id, claim.claimed_at) < SURE_SECONDS


class Sender:
    """One run: its connections, its claims, and what it learns of the domains."""

    def __init__(self, lines: Lines[Claim], hold: "Hold | None" = None) -> None:
        self.lines, self.hold, self.domains = lines, hold or Hold(), Domains()

    def deliver(self, claims: list[Claim]) -> int:
        """Hand over the mails that are still to be sent; those that it does not come to are given back untried.

        Returns how many the server has taken meanwhile. Raises Unreachable, and what says that the database is away.
        """
        left = {claim.id: claim for claim in claims}
        self.hold.add(claims)
        self.domains.now_claimed({claim.domain for claim in claims if claim.refused_since})
        try:
            return self._deliver(deque(claims), left, monotonic() + FRESH_SECONDS)
        finally:
            for claim in left.values():
                self._give_back(claim)

    def _deliver(self, claims: deque[Claim], left: dict[UUID, Claim], fresh_until: float) -> int:
        """`left`: what is to be given back, if nothing comes of it any more."""
        sent = 0
        self.lines.open()
        while claims and monotonic() < fresh_until:
            for claim, built in _built(_of_one_owner(claims)):
                sent += self._wait_for_room(is_urgent=claim.precedence == URGENT)
                if monotonic() > fresh_until:
                    break
                claims.popleft()
                if not self.hold.is_sure_of(claim):
                    continue
                if self.domains.rests(claim.domain) and not _is_hopeless(claim):
                    continue
                # Whatever becomes of it now, it is not given back: it may have left.
                del left[claim.id]
                sent += self._send(claim, built)
        return sent

    def _wait_for_room(self, *, is_urgent: bool) -> int:
        """What somebody waits for has a line of its own, and is sent meanwhile."""
        sent = 0
        while not self.lines.have_room(is_urgent=is_urgent):
            sent += self.settle(seconds=_LOOK_SECONDS)
            if not is_urgent:
                sent += self.deliver_urgent()
        return sent

    def deliver_urgent(self) -> int:
        """As `deliver`, of what somebody waits for."""
        urgent = _claimed(FIRST_CLAIM, up_to=URGENT)
        return self.deliver(urgent) if urgent else 0

    def settle(self, *, seconds: float = 0) -> int:
        """Write down what became of the mails to which the server has said something by now; it is given so long."""
        return self._written_down(self.lines.answers(seconds=seconds))

    def settle_all(self) -> int:
        """The same of all mails that were handed over, in their own time."""
        sent = 0
        while self.lines.waiting:
            try:
                sent += self.settle(seconds=_LOOK_SECONDS)
            except Unreachable:  # which its caller knows
                continue
        return sent

    def _send(self, claim: Claim, built: Built) -> int:
        """Hand one mail over; returns how many were taken meanwhile, it or others."""
        if isinstance(built, EmailMessage):
            return self._written_down(self.lines.hand_over(claim, built))
        if built is not None:
            _not_sent(claim, built)
        self.hold.drop(claim)
        return 0

    def _written_down(self, answers: Iterable[Answer[Claim]]) -> int:
        return sum(self._write_down(answer) for answer in answers)

    def _write_down(self, answer: Answer[Claim]) -> bool:
        """True if the mail was taken."""
        claim = answer.of
        try:
            known_as = answer.known_as()
        except Unreachable:
            self._give_back(claim)
            if answer.is_only_line:
                raise
            self.lines.fewer()
            return False
        except Exception as error:
            _not_sent(claim, error)
            self.domains.refused(claim.domain, error, asked_at=answer.asked_at)
            return False
        else:
            _mark_sent(claim, known_as)
            self.domains.took_one(claim.domain)
            return True
        finally:
            self.hold.drop(claim)

    def _give_back(self, claim: Claim) -> None:
        self.hold.drop(claim)
        _release(claim)


def _of_one_owner(claims: Iterable[Claim]) -> list[Claim]:
    _owner, of_one = next(groupby(claims, key=lambda claim: claim.owner))
    return list(of_one)


def _is_hopeless(claim: Claim) -> bool:
    """Its domain has refused everything for as long as a mail is tried: it is tried once more, and given up."""
    return claim.refused_since is not None and timezone.now() - claim.refused_since > GIVE_UP_AFTER


def _built(claims: list[Claim]) -> list[tuple[Claim, Built]]:
    """The messages of one owner's mails, in the order of the claims, with whatever their kinds store committed."""
    try:
        built = _built_together(claims)
    except DATABASE_AWAY:
        raise
    except Exception:
        log.warning("mails_built_one_by_one", exc_info=True)
        built = {claim.id: _built_alone(claim) for claim in claims}
    return [(claim, built.get(claim.id)) for claim in claims]


def _built_together(claims: list[Claim]) -> dict[UUID, Built]:
    """In one short scope. Raises whatever goes wrong with any of them."""
    built: dict[UUID, Built] = {}
    numbers = {claim.id: claim.attempts for claim in claims}
    with scope_of(claims[0].owner), mails.one_letterhead():
        waiting = OutgoingEmail.objects.of_scope().filter(pk__in=numbers, state=MailState.WAITING)
        ours = [mail for mail in waiting if mail.attempts == numbers[mail.pk]]
        for mail in ours[1:]:
            mail.firm = ours[0].firm  # one query for all of them
        ours.sort(key=lambda mail: (mail.kind, mail.language))
        for (kind, language), alike in groupby(ours, key=lambda mail: (mail.kind, mail.language)):
            of_kind = list(alike)
            with translation.override(language):
                messages = mails.REGISTRY[kind].build_all(of_kind)
            built |= {mail.pk: _enveloped(mail, messages.get(mail.pk)) for mail in of_kind}
    return built


def _built_alone(claim: Claim) -> Built:
    try:
        return _built_together([claim]).get(claim.id)
    except DATABASE_AWAY:
        raise
    except Exception as error:
        return Unbuildable(error)


def _enveloped(mail: OutgoingEmail, message: Message | None) -> Built:
    """The message in its envelope; the error of an address that can't be written on one.

    Without a message the mail has lost its reason, and is dropped.
    """
    if message is None:
        OutgoingEmail.objects.of_scope().filter(pk=mail.pk).update(state=MailState.DROPPED, lease_until=None)
        return None
    try:
        return envelope(mail, message)
    except ValueError as error:
        return error


def envelope(mail: OutgoingEmail, message: Message) -> EmailMessage:
    """The message as it goes to the server: from the firm's name at our address, answers to the firm.

    Raises ValueError for an address that only servers with SMTPUTF8 take.
    """
    name, address = _parsed(settings.DEFAULT_FROM_EMAIL)
    return LetterToOne(
        subject=" ".join(message.subject.split()),
        text=message.text,
        html=message.html,
        picture=message.logo,
        sender=(message.sender_name or name, address),
        recipient=(mail.to_name, mail.to),
        reply_to=(message.sender_name, message.reply_to) if message.reply_to else None,
        headers={
            "Message-ID": mail.message_id(address.rpartition("@")[2]),
            "Auto-Submitted": "auto-generated",
            **message.headers,
        },
    )


_parsed = lru_cache(maxsize=8)(parseaddr)

_MARK_SENT = f"""
UPDATE {OutgoingEmail._meta.db_table}
SET state = %s, sent_at = %s, lease_until = NULL, failure = '', provider_id = %s WHERE id = %s
"""


_RELEASE = f"""
UPDATE {OutgoingEmail._meta.db_table} SET attempts = %s, lease_until = NULL
WHERE id = %s AND state = %s AND attempts = %s
"""


def _mark_sent(claim: Claim, known_as: str) -> None:
    """Sent is sent, whoever claimed it since.

    One for each mail, so that a death repeats one at most: therefore in a single exchange with the database.
    """
    execute_in(Scope(*claim.owner), _MARK_SENT, [MailState.SENT, timezone.now(), known_as, claim.id])


def _not_sent(claim: Claim, error: Exception) -> None:
    """Wait and try again, or give the mail up with a reason that the firm can read."""
    with claim.scope():
        if (mail := claim.row().first()) is None:
            return
        mail.refusals += 1
        reason = _why_never(mail, error, is_hopeless=_is_hopeless(claim))
        log.warning(
            "mail_not_sent",
            kind=mail.kind,
            refusals=mail.refusals,
            final=bool(reason),
            error=type(error).__name__,
            exc_info=isinstance(error, Unbuildable) and error,  # a server's answer quotes the address
        )
        if not reason:
            again = timezone.now() + pause_after(mail.refusals)
            claim.row().update(next_attempt_at=again, refusals=mail.refusals, lease_until=None)
        elif claim.row().update(state=MailState.FAILED, failure=reason, lease_until=None):
            # Together: a death in between would leave a failure of which nobody is told.
            _tell_its_kind(mail, reason)


def _why_never(mail: OutgoingEmail, error: Exception, *, is_hopeless: bool = False) -> str:
    """Empty if the mail is to be tried again."""
    with translation.override(settings.LANGUAGE_CODE):
        if reason := permanent_refusal(error):
            return reason[:500]
        was_tried = mail.refusals >= FEWEST_REFUSALS or is_hopeless
        if was_tried and timezone.now() - mail.created_at > GIVE_UP_AFTER:
            return _("The mail could not be delivered for three days.")
        return ""


def _tell_its_kind(mail: OutgoingEmail, reason: str) -> None:
    """A fault of the kind's takes back what the kind wrote, and nothing else."""
    try:
        with transaction.atomic():
            mails.REGISTRY[mail.kind].failed(mail, reason)
    except DATABASE_AWAY:
        raise
    except Exception:
        log.exception("failure_not_told", kind=mail.kind)


def pause_after(refusals: int) -> timedelta:
    """How long to wait after that many refusals: at first the same, then doubling, an hour at most; no two in step.

    A claim that died with its worker is none: the server never spoke.
    """
    doubled: timedelta = FIRST_PAUSE * 2 ** min(max(refusals - QUICK_REFUSALS, 0), 10)
    return min(doubled, LONGEST_PAUSE) * random.uniform(0.75, 1.0)  # noqa: S311 - spreads load, keeps no secret


def _release(claim: Claim) -> None:
    """Give a claimed mail back untried, unless somebody else has claimed it since."""
    execute_in(
        Scope(*claim.owner), _RELEASE, [claim.attempts - 1, claim.id, MailState.WAITING, claim.attempts]
    )
