"""Background work that knows its firm, and the nudge that starts it."""

import time
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import structlog
from celery import Task, current_app
from django.conf import settings
from django.db import transaction
from kombu import Connection
from kombu.pools import producers

from tenancy.scopes import NoScope, scope

log = structlog.get_logger(__name__)

_BROKER_REST_SECONDS = 10.0
# A worker that was away finds its work in the tables, so it need not read all that was called out meanwhile.
_NUDGE_LIVES_SECONDS = 60
_IMPATIENT = {
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
    "max_retries": 0,
    "interval_start": 0,
    "connect_retries_timeout": 1,
}


@dataclass
class _Rest:
    """Until when (on the monotonic clock) an unreachable broker is left alone."""

    until: float = 0.0


_rest = _Rest()


class FirmTask(Task):
    """A task of one firm: takes `firm_id` first and refuses without.

    It runs in that firm's scope, unless it declares `scoped = False` (work that must not hold a transaction open)
    and opens its own.
    """

    abstract = True
    scoped = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        arguments = list(args)
        firm = kwargs.pop("firm_id", None) or (arguments.pop(0) if arguments else None)
        try:
            firm_id = UUID(str(firm))
        except ValueError as error:
            raise NoScope(f"{self.name} was called without its firm.") from error
        if not self.scoped:
            return self.run(firm_id, *arguments, **kwargs)
        with scope(firm=firm_id):
            return self.run(firm_id, *arguments, **kwargs)


def nudge(task: str, *args: object) -> None:
    """Ask a worker, after the commit, to run the task of this name soon.

    Only a nudge: the work stands in a table, and a beat sweep finds what no nudge announced. So a dead broker is
    logged and left alone for ten seconds, and no page waits for it.
    """
    transaction.on_commit(lambda: _publish(task, [str(argument) for argument in args]))


def _publish(task: str, args: list[str]) -> None:
    """One attempt, of a second at worst: what is committed is committed, so no error leaves here."""
    if time.monotonic() < _rest.until:
        return
    try:
        with producers[_broker()].acquire(block=True, timeout=1) as producer:
            current_app.send_task(
                task, args=args, retry=False, expires=_NUDGE_LIVES_SECONDS, producer=producer
            )
    except Exception as error:
        _rest.until = time.monotonic() + _BROKER_REST_SECONDS
        log.warning("broker_unreachable", task=task, error=type(error).__name__)


def broker_answers() -> bool:
    """Is the broker there? A second at worst."""
    try:
        with producers[_broker()].acquire(block=True, timeout=1) as producer:
            producer.channel.client.ping()
    except Exception as error:
        log.info("broker_unreachable", task="", error=type(error).__name__)
        return False
    return True


@cache
def _broker() -> Connection:
    """A connection of its own for nudges, less patient than the worker's."""
    return Connection(settings.CELERY_BROKER_URL, transport_options=_IMPATIENT)
