"""How long events are kept, by family; what is over is removed in small portions, each of which is an event itself.

The application may not delete events. `app.purge_events` does, for the owner in scope alone: what is sealed, whose time
by the owner's choice and by the least that is written into the function is over, and only while no legal hold stands.
"""

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from activity import names
from activity.actions import record
from activity.chain import Sum
from activity.events import ACCESSES, CHANGES
from activity.lookups import DEFAULT_MONTHS, LEAST_MONTHS, due_purges, purge_events
from activity.models import Journal
from activity.proofs import JournalPurged
from activity.sealing import keep_sealers_off, owner_key
from tenancy.keys import uuid7
from tenancy.scopes import scope

log = structlog.get_logger(__name__)

AT_ONCE = 1_000
MOST_PORTIONS = 200


@dataclass(frozen=True)
class Family:
    """Kinds of events that are kept equally long. `choices` in months, the least first."""

    key: str
    label: Promise
    help: Promise
    longer: tuple[int, ...]

    @property
    def default(self) -> int:
        return DEFAULT_MONTHS[self.key]

    @property
    def choices(self) -> tuple[int, ...]:
        return (LEAST_MONTHS[self.key], *self.longer)


# Kept 10 years as accounting documents are, 5 at least (anti-money-laundering); accesses as long as the CNIL advises.
FAMILIES = {
    family.key: family
    for family in (
        Family(
            CHANGES,
            _("Changes"),
            _("Who changed what, who was given access and who lost it, invitations, imports."),
            (72, 84, 96, 120, 180),
        ),
        Family(
            ACCESSES,
            _("Accesses"),
            _("Who looked at what or took it away: downloads and exports."),
            (12, 24, 36),
        ),
    )
}


# Other apps keep accesses beside the journal: each removes those of the firm in scope from before a moment.
ALSO_ACCESSES: list[Callable[[datetime], None]] = []


class NotAChoice(ValueError):
    """So many months cannot be chosen for that family."""


@dataclass(frozen=True)
class Rules:
    """How long the owner in scope keeps what, and since when and why a legal hold stands, if one does."""

    months: dict[str, int]
    held_since: datetime | None
    held_because: str


def rules() -> Rules:
    """Of the owner in scope."""
    return _rules(Journal.objects.filter(owner=owner_key()).first() or Journal())


def _rules(journal: Journal) -> Rules:
    months = {key: journal.months.get(key, family.default) for key, family in FAMILIES.items()}
    return Rules(months, journal.held_since, journal.held_because)


def choose_months(months: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Keep the families for so long; returns what changed. Raises NotAChoice."""
    if any(number not in FAMILIES[key].choices for key, number in months.items()):
        raise NotAChoice(months)
    journal = _held_row()
    before = _rules(journal).months
    changes = {key: (before[key], number) for key, number in months.items() if before[key] != number}
    journal.months |= months
    journal.save(update_fields=["months"])
    return changes


def hold(because: str) -> bool:
    """From now on nothing is removed; False if that was so already."""
    return _set_hold(timezone.now(), because)


def release() -> bool:
    """What is over may be removed again; False if that was so already."""
    return _set_hold(None, "")


def _set_hold(since: datetime | None, because: str) -> bool:
    journal = _held_row()
    if bool(journal.held_since) == bool(since):
        return False
    journal.held_since, journal.held_because = since, because
    journal.save(update_fields=["held_since", "held_because"])
    return True


def _held_row() -> Journal:
    """The owner's row, locked until the transaction ends."""
    Journal.objects.get_or_create(owner=owner_key(), defaults=Journal.ownership())
    row: Journal = Journal.objects.select_for_update(no_key=True).get(owner=owner_key())
    return row


def purge_due() -> int:
    """Of everybody whose journal nobody has gone through today; returns how many events. A fault is one owner's."""
    removed = 0
    for row in due_purges(midnight()):
        try:
            removed += purge_journal(row["firm_id"], row["space_id"], row["person_id"])
        except (OperationalError, InterfaceError):
            raise  # the database is away: for everyone
        except Exception:
            log.exception("journal_not_purged")
    return removed


def midnight() -> datetime:
    """When this day began, here."""
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def purge_journal(firm: UUID | None = None, space: UUID | None = None, person: UUID | None = None) -> int:
    """Remove what is over, in portions that are committed one by one; returns how many events."""
    removed = 0
    for _portion in range(MOST_PORTIONS):
        with scope(firm=firm, space=space, person=person):
            portion = purge_portion()
            removed += portion
            if not portion:
                if firm:
                    _finish_firm(had_events=removed > 0)
                Journal.objects.filter(owner=owner_key()).update(purged_at=timezone.now())
                break
    return removed


@transaction.atomic
def _finish_firm(*, had_events: bool) -> None:
    """What is kept beside the events, and as long as they are."""
    if had_events:
        keep_sealers_off(UUID(owner_key()))
        names.forget_left_over()
    journal = _held_row()
    if journal.held_since is None:
        for remove in ALSO_ACCESSES:
            remove(_months_ago(_rules(journal).months[ACCESSES]))


def _months_ago(months: int) -> datetime:
    """Today's midnight so many months ago; the last day of a shorter month."""
    today = midnight()
    years, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    day = min(today.day, calendar.monthrange(years, month + 1)[1])
    return today.replace(year=years, month=month + 1, day=day)


@transaction.atomic
def purge_portion() -> int:
    """One portion of the owner in scope, with the event that tells of it; returns how many events it removed."""
    # The legal hold is set on the same row: one of the two waits for the other.
    _held_row()
    group = uuid7()
    gone = purge_events(group, AT_ONCE)
    if gone:
        told = Sum()
        for one in gone:
            told.add(one["number"], one["event"].bytes)
        moments = [one["at"] for one in gone]
        record(
            JournalPurged,
            actor=None,
            subject=None,
            group=group,
            details={
                "count": told.count,
                "since": min(moments).isoformat(),
                "until": max(moments).isoformat(),
                "kinds": sorted({one["type"] for one in gone}),
                "sum": told.hexdigest(),
            },
        )
    return len(gone)


def duration(months: int) -> str:
    """In words: 18 months, 10 years."""
    if months % 12:
        return ngettext("%(count)d month", "%(count)d months", months) % {"count": months}
    return ngettext("%(count)d year", "%(count)d years", months // 12) % {"count": months // 12}
