"""What a verification found, in words for people."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

# What was altered, by the part of the event that no longer fits.
_PARTS: dict[str, Callable[[], str]] = {
    "frame": lambda: _("its kind, its date or what it is about"),
    "who": lambda: _("the person or their address"),
    "what": lambda: _("what was done"),
}
_SENTENCES: dict[str, Callable[[], str]] = {
    "changed": lambda: _("The event of %(at)s, no. %(number)s, was altered: %(parts)s."),
    "unproven": lambda: _(
        "Of the event of %(at)s, no. %(number)s, a part can no longer be proven, and no erasure says why: %(parts)s."
    ),
    "missing": lambda: _("The event of %(at)s, no. %(number)s, is missing, and no removal says why."),
    "gap": lambda: _("The seals of events no. %(number)s to %(until)s are missing."),
    "gap_one": lambda: _("The seal of event no. %(number)s is missing."),
    "broken": lambda: _(
        "The seal of the event of %(at)s, no. %(number)s, does not follow from the one before: it was altered, put "
        "in another place or put in later."
    ),
    "unsealed": lambda: _(
        "The event of %(at)s stands in the log without a seal: it was put in beside the product."
    ),
    "cut": lambda: _(
        "The end is missing: the log ends at no. %(until)s, and on %(at)s proof was given of it up to no. %(number)s."
    ),
    "head": lambda: _(
        "Up to no. %(number)s, the log is no longer the one of which proof was given on %(at)s: it was written anew, "
        "or its end was removed before it went on."
    ),
    "forged": lambda: _(
        "The proof of %(at)s, up to no. %(number)s, does not bear this installation's signature."
    ),
    "purge": lambda: _(
        "%(until)s events, the first of them no. %(number)s, were removed, and what the log says of it does not fit."
    ),
    "erasure": lambda: _(
        "%(until)s parts of events, the first of them in no. %(number)s, were made unknown, and what the log says of "
        "it does not fit."
    ),
}


@dataclass(frozen=True)
class Fault:
    """One place where the journal is not what it was. `until`: a second number, where the sentence names two."""

    kind: str
    number: int = 0
    until: int = 0
    at: datetime | None = None
    parts: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """In the reader's language and time."""
        kind = "gap_one" if self.kind == "gap" and self.number == self.until else self.kind
        at = date_format(timezone.localtime(self.at), "SHORT_DATETIME_FORMAT") if self.at else "–"
        words = {
            "number": number_format(self.number, force_grouping=True),
            "until": number_format(self.until, force_grouping=True),
            "at": at,
            "parts": ", ".join(_PARTS[part]() for part in self.parts),
        }
        return _SENTENCES[kind]() % words

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {**asdict(self), "parts": list(self.parts), "at": self.at.isoformat() if self.at else None}

    @classmethod
    def of_plain(cls, told: dict[str, Any]) -> "Fault":
        at = datetime.fromisoformat(told["at"]) if told["at"] else None
        return cls(told["kind"], told["number"], told["until"], at, tuple(told["parts"]))


def moment_of(event: UUID) -> datetime | None:
    """When an event happened, by its key: to the millisecond, also of one that is gone. None of a key that is none of
    ours and tells of no moment."""
    try:
        return datetime.fromtimestamp((event.int >> 80) / 1000, tz=UTC)
    except (ValueError, OverflowError):
        return None
