"""The rules of who is told what and when, as plainly as they can be said: no database, no clock but its own."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
HOLD = timedelta(seconds=60)
TOPIC = {
    "renamed": "access",
    "granted": "access",
    "withdrawn": "access",
    "changed": "firm",
    "role_changed": "",
}
OPPOSITE = {"granted": "withdrawn", "withdrawn": "granted"}
# What happened (its verb), to whom or what, from what to what.
What = tuple[str, str, Any, Any]


@dataclass
class Waiting:
    what: What
    due: datetime
    daily: bool = False

    @property
    def is_security(self) -> bool:
        return not TOPIC[self.what[0]]


@dataclass
class Person:
    """One of the firm: what they chose, what waits for them, what of it they have not read."""

    timings: dict[str, str] = field(default_factory=dict)
    hour: int = 8
    waiting: list[Waiting] = field(default_factory=list)
    unread: int = 0
    kept_from: int = 0  # how much was theirs to know as it happened, and is not any more

    def timing(self, what: What) -> str:
        topic = TOPIC[what[0]]
        return self.timings.get(topic, "at_once") if topic else "at_once"

    def hear(self, what: What, now: datetime) -> None:
        self.unread += 1
        timing = self.timing(what)
        if timing == "daily":
            self.waiting.append(Waiting(what, next_daily(self.hour, now), daily=True))
        elif timing == "at_once":
            self.waiting.append(Waiting(what, now if not TOPIC[what[0]] else now + HOLD))

    def choose(self, now: datetime, timings: dict[str, str], hour: int | None = None) -> None:
        """What waits follows the choice, but for what is due already once a day."""
        self.timings |= timings
        self.hour = self.hour if hour is None else hour
        kept = []
        for one in self.waiting:
            timing = self.timing(one.what)
            if one.is_security:
                kept.append(one)
            elif timing == "at_once":
                kept.append(Waiting(one.what, now if one.daily else one.due))
            elif timing == "daily":
                overdue = one.daily and one.due <= now
                kept.append(one if overdue else Waiting(one.what, next_daily(self.hour, now), daily=True))
        self.waiting = kept

    def mail(self, now: datetime, reads: Callable[[What], bool]) -> list[What]:
        """The lines of the mail that leaves now, of what they may read by now; none, no mail."""
        due = [one for one in self.waiting if one.due <= now]
        if not all(one.is_security for one in due):
            due = [one for one in self.waiting if one.due <= now or not one.daily]
        self.waiting = [one for one in self.waiting if one not in due]
        theirs = [one.what for one in due if reads(one.what)]
        self.kept_from += len(due) - len(theirs)
        return sorted(net(theirs), key=repr)


def reads(what: What, who: str, admins: Collection[str], subscribers: Collection[str]) -> bool:
    """As things are now: of the portfolio those who have it, of firm and roles the administrators; of what happened to
    themself everybody."""
    verb, whom, *_ = what
    has_it = verb in ("renamed", *OPPOSITE) and who in subscribers
    return who == whom or who in admins or has_it


def next_daily(hour: int, now: datetime) -> datetime:
    """Through the clocks of Paris: the first time at which they show that hour, or have just left it out."""
    today = now.astimezone(PARIS).date()
    for ahead in range(3):
        moment = datetime.combine(today + timedelta(days=ahead), time(0), PARIS).astimezone(UTC)
        while moment.astimezone(PARIS).hour < hour:
            moment += timedelta(minutes=30)
        if moment > now:
            return moment
    raise AssertionError


def net(told: list[What]) -> list[What]:
    """What is left: edits from the first before to the last after, and of what was taken back nothing."""
    lines: list[What] = []
    edits: dict[tuple[str, str], list[Any]] = {}
    turns: dict[str, list[str]] = {}
    for verb, who, before, after in told:
        if verb in ("renamed", "changed"):
            edits.setdefault((verb, who), [before, after])[1] = after
        elif verb == "role_changed":
            lines.append((verb, who, before, after))
        else:
            turn = turns.setdefault(who, [])
            if turn and turn[-1] == OPPOSITE[verb]:
                turn.pop()
            else:
                turn.append(verb)
    lines += [(verb, who, *pair) for (verb, who), pair in edits.items() if pair[0] != pair[1]]
    lines += [(verb, who, None, None) for who, turn in turns.items() for verb in turn]
    return lines
