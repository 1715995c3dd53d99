"""What waits to leave, as operators and probes see it: counts, moments and mail servers, nobody's mails."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from activity.lookups import LATE_AFTER, mail_domains, mail_queue, oldest_mail
from activity.mails import REGISTRY, MailKind
from activity.models import MailState, OutgoingEmail

# A firm's mails that did not arrive are shown for as long.
SHOWN_FOR = timedelta(days=90)
PER_PAGE = 50
MOST_DOMAINS = 50


@dataclass(frozen=True)
class Queue:
    """All that waits, of every firm, and what left. `due`: what no mail server has put off."""

    waiting: int
    due: int
    oldest: datetime | None
    oldest_due: datetime | None
    oldest_urgent: datetime | None
    last_sent: datetime | None
    sent_in_5_minutes: int
    sent_in_a_day: int
    failed_in_a_day: int

    @property
    def is_late(self) -> bool:
        return is_late(age(self.oldest))

    @property
    def put_off(self) -> int:
        return self.waiting - self.due

    @property
    def sent_in_a_minute(self) -> float:
        return self.sent_in_5_minutes / 5


@dataclass(frozen=True)
class DomainState:
    """What goes to one mail server: what waits, and what became of the last day's."""

    domain: str
    waiting: int
    oldest: datetime | None
    sent: int
    failed: int
    refused_since: datetime | None
    rests_until: datetime | None
    answer: str

    @property
    def is_resting(self) -> bool:
        return self.rests_until is not None and self.rests_until > timezone.now()


@dataclass(frozen=True)
class Undelivered:
    """One mail of a firm's that will not arrive."""

    what: str
    to: str
    name: str
    at: datetime
    reason: str


def queue() -> Queue:
    (row,) = mail_queue()
    return Queue(**row)


def domains() -> list[DomainState]:
    """Those that refuse first, then those for which most waits."""
    return [DomainState(**row) for row in mail_domains(MOST_DOMAINS)]


def oldest_wait() -> timedelta:
    """How long the oldest mail of all has been waiting, whatever for; zero if none does."""
    found = oldest_mail()
    return age(found[0]["created_at"]) if found else timedelta(0)


def is_late(wait: timedelta) -> bool:
    return wait > LATE_AFTER


def age(since: datetime | None) -> timedelta:
    """Zero of what is not."""
    return max(timezone.now() - since, timedelta(0)) if since else timedelta(0)


def undelivered() -> Any:
    """The mails of the owner in scope that failed lately, newest first (a queryset)."""
    since = timezone.now() - SHOWN_FOR
    failed = OutgoingEmail.objects.of_scope().filter(state=MailState.FAILED, created_at__gte=since)
    return failed.order_by("-created_at", "-pk")


def told(failed: Iterable[OutgoingEmail]) -> list[Undelivered]:
    """In words for people."""
    return [
        Undelivered(_what(mail.kind), mail.to, mail.to_name, mail.created_at, mail.failure) for mail in failed
    ]


def unheard() -> Any:
    """Those of them whose address has taken no mail since. Not invitations and the like, which say so in their place.

    A queryset, with what `to` may be asked of.
    """
    in_their_place = [name for name, kind in REGISTRY.items() if type(kind).failed is not MailKind.failed]
    later = OutgoingEmail.objects.filter(owner=OuterRef("owner"), to=OuterRef("to"), pk__gt=OuterRef("pk"))
    arrived = Exists(later.filter(state=MailState.SENT))
    return undelivered().exclude(kind__in=in_their_place).exclude(arrived)


def _what(kind: str) -> str:
    """A kind that is gone was an e-mail."""
    return str(REGISTRY[kind].what) if kind in REGISTRY else _("E-mail")
