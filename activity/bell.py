"""What stands under a person's bell: what happened in the place in scope and concerned them, the newest first.

It is what they were told of, by mail or not. Whether they may still see it is asked anew (`accounts.concern`, and
`clients.concern` on a client's side).
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.safestring import SafeString

from activity import sentences
from activity.models import Event, Notification
from activity.queries import Line
from tenancy import scopes

# Of some events: those that may still be shown, and of each whether its subject may be led to.
Allowing = Callable[[Sequence[Event]], dict[UUID, bool]]


@dataclass(frozen=True)
class News(Line):
    """One event. `leads`: whether the person may open its subject."""

    unread: bool = False
    leads: bool = True

    @cached_property
    def sentence(self) -> SafeString | str:  # type: ignore[override]  # without its link it is plain text
        return sentences.sentence(self.event) if self.leads else sentences.plain_sentence(self.event)


@dataclass(frozen=True)
class Entry:
    """What happened to one thing on one day, as far as nothing else stands between."""

    lines: list[News]

    @property
    def unread(self) -> list[UUID]:
        """The keys of those that were not read yet."""
        return [line.event.pk for line in self.lines if line.unread]


@dataclass(frozen=True)
class Day:
    at: date
    entries: list[Entry]


@dataclass(frozen=True)
class Under:
    """A page of it. `newer` and `older` are the keys from which the neighbouring pages are read; None at an end.

    `newest` is the key up to which “all” reaches for whoever sees this page: what comes later, they have not seen.
    `hidden`: how many of the unread ones of this page they may not see any more.
    """

    days: list[Day] = field(default_factory=list)
    newer: UUID | None = None
    older: UUID | None = None
    newest: UUID | None = None
    hidden: int = 0


def under_bell(
    recipient: UUID,
    allowing: Allowing,
    *,
    size: int,
    only_unread: bool = False,
    before: UUID | None = None,
    after: UUID | None = None,
) -> Under:
    """`size` of them older than the key `before`, or newer than the key `after`, or the newest of all."""
    mine = Notification.objects.of_scope().filter(recipient_id=recipient)
    # On a client's side the table of firms must not be asked.
    mine = mine.select_related("event__firm" if scopes.current().firm_id else "event")
    if only_unread:
        mine = mine.filter(read_at=None)
    told, newer, older = _slice(mine, size, before, after)
    allowed = allowing([one.told for one in told])
    news = [
        News(one.event, unread=one.read_at is None, leads=allowed[one.event_id])
        for one in told
        if one.event_id in allowed
    ]
    hidden = sum(one.read_at is None and one.event_id not in allowed for one in told)
    return Under(_by_day(news), newer, older, newest=_newest(recipient), hidden=hidden)


def mark_read(recipient: UUID, *, keys: Collection[UUID] = (), until: UUID | None = None) -> int:
    """Let the person have read these events, or all up to that one; returns how many they had not.

    No event: like a visit, it says what somebody looked at, and changes nothing that others see.
    """
    mine = Notification.objects.of_scope().filter(recipient_id=recipient, read_at=None)
    meant = mine.filter(event_id__lte=until) if until else mine.filter(event_id__in=list(keys))
    marked: int = meant.update(read_at=timezone.now())
    return marked


def _slice(mine: Any, size: int, before: UUID | None, after: UUID | None) -> Any:
    if after is not None:
        found = list(mine.filter(event_id__gt=after).order_by("event_id")[: size + 1])
        shown, more = found[:size][::-1], len(found) > size
        return shown, _key(shown, 0) if more else None, _key(shown, -1)
    found = list((mine.filter(event_id__lt=before) if before else mine).order_by("-event_id")[: size + 1])
    shown, more = found[:size], len(found) > size
    return shown, _key(shown, 0) if before else None, _key(shown, -1) if more else None


def _key(shown: list[Notification], place: int) -> UUID | None:
    return shown[place].event_id if shown else None


def _newest(recipient: UUID) -> UUID | None:
    mine = Notification.objects.of_scope().filter(recipient_id=recipient).order_by("-event_id")
    newest: UUID | None = mine.values_list("event_id", flat=True).first()
    return newest


def _by_day(news: Iterable[News]) -> list[Day]:
    days = groupby(news, key=lambda line: timezone.localtime(line.event.at).date())
    return [Day(at, [Entry(list(lines)) for _, lines in groupby(of_day, key=_thing)]) for at, of_day in days]


def _thing(line: News) -> Any:
    return line.event.subject_id or line.event.group or line.event.pk
