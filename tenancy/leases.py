"""A worker's hold on a row of work: claimed with a lease, kept alive while the work lasts, given back at the end.

A worker that was killed renews nothing, so its lease runs out and a sweep hands the work to another one. `attempts`
counts the claims and fences them: whoever finds another number at the end has lost its hold, and takes back its work.
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, connections, models
from django.db.models import Q
from django.utils import timezone

from tenancy.scopes import scope

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
MOST_ATTEMPTS = 4
_BEAT_SECONDS = 1.0


class LostHold(Exception):
    """Another worker has taken the work over, or a person has ended it."""


class Leased(models.Model):
    """A row of work. `step` of `total` is how far it is, for the page that shows it."""

    step = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True

    @property
    def is_worn_out(self) -> bool:
        """Have several workers died of it?"""
        return self.attempts >= MOST_ATTEMPTS


@dataclass
class Progress:
    """Where the work stands; the beat writes it down. Set by plain assignment."""

    step: int = 0
    total: int = 0


def free() -> Q:
    """The rows that nobody holds."""
    return Q(lease_until=None) | Q(lease_until__lt=timezone.now())


def take(work: Leased, **fields: Any) -> None:
    """Hold this row, which was locked before, and store these fields with it."""
    work.attempts += 1
    work.lease_until = timezone.now() + LEASE
    for name, value in fields.items():
        setattr(work, name, value)
    work.save(update_fields=["attempts", "lease_until", *fields])


def let_go(firm_id: UUID, held: Leased) -> None:
    """After an unforeseen error: the sweep tries again, some times."""
    with scope(firm=firm_id):
        _same_hold(held).update(lease_until=timezone.now())


@contextmanager
def beating(firm_id: UUID, held: Leased) -> Generator[Progress]:
    """Renew the lease and show the progress, from a connection of its own, while the block runs."""
    progress, stop = Progress(held.step, held.total), threading.Event()
    thread = threading.Thread(target=_beat, args=(firm_id, held, progress, stop), daemon=True)
    thread.start()
    try:
        yield progress
    finally:
        stop.set()
        thread.join()


def _beat(firm_id: UUID, held: Leased, progress: Progress, stop: threading.Event) -> None:
    try:
        while not stop.wait(_BEAT_SECONDS):
            _renew(firm_id, held, progress)
    finally:
        connections.close_all()


def _renew(firm_id: UUID, held: Leased, progress: Progress) -> None:
    try:
        with scope(firm=firm_id):
            with connections["default"].cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '1s'")
            _same_hold(held).update(
                lease_until=timezone.now() + LEASE, step=progress.step, total=progress.total
            )
    except DatabaseError as error:  # the next beat tries again; a lease outlasts many
        log.warning("beat_missed", error=type(error).__name__)


def _same_hold(held: Leased) -> models.QuerySet[Any]:
    return type(held)._default_manager.filter(pk=held.pk, attempts=held.attempts)
