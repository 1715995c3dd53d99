"""When each person wants to be told by mail of what happens in a place: at once, once a day, or never.

The choice is kept in the place (docs/decisions/0028): whoever records an event there reads it, and so does the
composer. What is about security leaves at once whatever was chosen.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from activity.events import REGISTRY, EventType
from activity.models import DAILY_HOUR, Notification, Preference
from activity.topics import Timing
from tenancy.prepared import Place, Prepared, among_those_of

# French time runs from Saint-Pierre to Wallis. A zone that is not here is nobody's choice.
ZONES = {
    "Europe/Paris": _("time in metropolitan France"),
    "America/Guadeloupe": _("time in Guadeloupe"),
    "America/Cayenne": _("time in French Guiana"),
    "Indian/Reunion": _("time in Réunion"),
    "America/Martinique": _("time in Martinique"),
    "Indian/Mayotte": _("time in Mayotte"),
    "Pacific/Noumea": _("time in New Caledonia"),
    "Pacific/Tahiti": _("time in Tahiti"),
    "America/Miquelon": _("time in Saint-Pierre-et-Miquelon"),
    "Pacific/Wallis": _("time in Wallis and Futuna"),
}


@dataclass(frozen=True)
class Chosen:
    """What one person chose in one place: topics that are not in `timings` are told at once.

    `hour` of the clock in `zone`: when the daily mail leaves.
    """

    timings: Mapping[str, Timing] = field(default_factory=dict)
    hour: int = DAILY_HOUR
    zone: str = settings.TIME_ZONE

    def of_topic(self, topic: str) -> Timing:
        return self.timings.get(topic, Timing.AT_ONCE)

    def of_type(self, kind: type[EventType]) -> Timing:
        """When they are told of events of this type: of security at once, always."""
        return Timing.AT_ONCE if kind.security else self.of_topic(kind.topic)

    def next_daily(self, now: datetime) -> datetime:
        """When their next daily mail leaves, after `now`."""
        return next_at(self.hour, self.zone, now)

    def without(self, topics: Iterable[str]) -> "Chosen":
        """The same, with mails of these topics switched off."""
        return Chosen({**self.timings, **dict.fromkeys(topics, Timing.NEVER)}, self.hour, self.zone)


@dataclass(frozen=True)
class Leaving:
    """What a new notification is born with. `composed_at`: at once, of what no mail is to tell."""

    due_at: datetime
    daily: bool = False
    composed_at: datetime | None = None


def next_at(hour: int, zone: str, now: datetime) -> datetime:
    """The next moment after `now` at which clocks there show this hour, in UTC.

    Each day has one: of an hour that clocks show twice the first, and for one that they leave out the moment after.
    """
    today = now.astimezone(ZoneInfo(zone)).date()
    days = (
        datetime.combine(today + timedelta(days=ahead), time(hour), ZoneInfo(zone)) for ahead in (0, 1, 2)
    )
    return next(moment for day in days if (moment := day.astimezone(UTC)) > now)


def chosen_by(recipient: UUID) -> Chosen:
    """What the person chose in the place in scope."""
    return chosen_by_each([recipient]).get(recipient, Chosen())


def chosen_by_each(recipients: Collection[UUID]) -> dict[UUID, Chosen]:
    """The same of several; those who have chosen nothing are left out. One query."""
    kept = _KEPT.rows(owner=Preference.ownership()["owner"], recipients=recipients)
    return {recipient: _chosen(*chosen) for recipient, *chosen in kept}


def _kept() -> QuerySet[Preference, Any]:
    mine = Preference.objects.filter(among_those_of("recipients", "recipient_id"), owner=Place("owner"))
    found: QuerySet[Preference, Any] = mine.values_list("recipient_id", "hour", "zone", "daily", "never")
    return found


_KEPT = Prepared(_kept)


def leaving(kind: type[EventType], recipients: Collection[UUID], now: datetime) -> dict[UUID, Leaving]:
    """When each of these people is told by mail of an event of this type."""
    hold = timedelta(seconds=0 if kind.security else settings.NOTIFICATION_HOLD_SECONDS)
    chosen = {} if kind.security or not recipients else chosen_by_each(recipients)
    found = {}
    for recipient in recipients:
        mine = chosen.get(recipient, Chosen())
        timing = mine.of_type(kind)
        if timing == Timing.DAILY:
            found[recipient] = Leaving(mine.next_daily(now), daily=True)
        else:
            found[recipient] = Leaving(now + hold, composed_at=now if timing == Timing.NEVER else None)
    return found


def keep(recipient: UUID, chosen: Chosen) -> None:
    """Keep what the person chose in the place in scope; what waits to be told follows it."""
    by_timing: dict[Timing, list[str]] = {timing: [] for timing in Timing}
    for topic, timing in sorted(chosen.timings.items()):
        by_timing[timing].append(topic)
    values = {
        "hour": chosen.hour,
        "zone": chosen.zone,
        "daily": by_timing[Timing.DAILY],
        "never": by_timing[Timing.NEVER],
    }
    owner = Preference.ownership()
    Preference.objects.update_or_create(
        owner=owner["owner"], recipient_id=recipient, defaults=values, create_defaults={**owner, **values}
    )
    _replan(recipient, chosen, timezone.now())


def _replan(recipient: UUID, chosen: Chosen, now: datetime) -> None:
    """What waits leaves as if it had been chosen before: what is daily no more leaves now, what is never is not mailed.

    What was never to be mailed stays so: it is not news any more, and the bell has it.
    """
    types: dict[Timing, list[str]] = {timing: [] for timing in Timing}
    for name, kind in REGISTRY.items():
        if not kind.security:
            types[chosen.of_type(kind)].append(name)
    waiting = Notification.objects.of_scope().filter(recipient_id=recipient, composed_at=None)
    waiting.filter(event__type__in=types[Timing.NEVER]).update(composed_at=now)
    waiting.filter(event__type__in=types[Timing.AT_ONCE], daily=True).update(due_at=now, daily=False)
    # The hour of what was daily already may have come, while the composer was away: that is not put off for a day.
    daily = waiting.filter(event__type__in=types[Timing.DAILY]).exclude(daily=True, due_at__lte=now)
    daily.update(due_at=chosen.next_daily(now), daily=True)


def readdress(recipient: UUID, *, address: str, name: str, language: str) -> None:
    """What waits to be told to the person, of the owner in scope, goes to the address that they have now."""
    waiting: Any = Notification.objects.of_scope().filter(recipient_id=recipient, composed_at=None)
    waiting.update(address=address, name=name, language=language)


def _chosen(hour: int, zone: str, daily: list[str], never: list[str]) -> Chosen:
    return Chosen({**dict.fromkeys(daily, Timing.DAILY), **dict.fromkeys(never, Timing.NEVER)}, hour, zone)
