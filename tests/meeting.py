"""Two actions that meet: one is stopped where it has just locked something, the other comes, then both go on.

PostgreSQL itself says whether the second one waits. Nothing of the product is replaced: the first action is stopped
between two of its own statements.
"""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from threading import Event
from typing import Any

from django.db import DatabaseError, connection

from clients.models import SpaceMember
from tenancy.scopes import scope
from tests.worlds import World

Act = Callable[[], object]
Pair = tuple[Act, Act]
# What locks a row that others see: asked for, or by writing it.
_LOCKS = re.compile(r"\bFOR (NO KEY UPDATE|UPDATE|KEY SHARE)\b|^\s*(UPDATE|DELETE)\b")
_AT_MOST = 20.0


@dataclass
class Halt:
    """Stops whoever runs under it after so many statements that lock something, until `go_on`."""

    after: int
    count: int = 0
    reached: Event = field(default_factory=Event)
    go_on: Event = field(default_factory=Event)

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if _LOCKS.search(str(sql)):
            self.count += 1
            if self.count == self.after:
                self.reached.set()
                assert self.go_on.wait(_AT_MOST), "nobody let it go on"
        return result


@dataclass(frozen=True)
class Met:
    """What each of the two raised, or None; `stopped`: did the first one lock so many things at all?"""

    first: Exception | None
    second: Exception | None
    stopped: bool


def _meet(here: ThreadPoolExecutor, there: ThreadPoolExecutor, first: Act, second: Act, after: int) -> Met:
    """Stop the first after so many statements that lock; let the second come until it waits or is through; go on."""
    halt, pid = Halt(after), Future[int]()
    one = here.submit(_halted, first, halt)
    assert halt.reached.wait(_AT_MOST)
    stopped = halt.count == after
    other = there.submit(_told, second, pid)
    _until_it_waits(pid.result(_AT_MOST), other)
    halt.go_on.set()
    return Met(one.result(_AT_MOST), other.result(_AT_MOST), stopped)


@contextmanager
def _threads(count: int) -> Iterator[list[ThreadPoolExecutor]]:
    """Each keeps its connection from one meeting to the next: to connect takes longer than most actions."""
    with ExitStack() as stack:
        threads = [stack.enter_context(ThreadPoolExecutor(1)) for _number in range(count)]
        try:
            yield threads
        finally:
            for thread in threads:
                thread.submit(connection.close)


def come_through(pair: Callable[[], Pair], *, turned: bool = False) -> None:
    """Let the two of such pairs meet, each made anew, at each of the points where the first one holds something: one
    comes after the other, what the second finds changed it says in words, and there is no deadlock."""
    with _threads(2) as (one, other):
        for after in count(1):
            first, second = reversed(pair()) if turned else pair()
            met = _meet(one, other, first, second, after)
            for error in (met.first, met.second):
                assert not isinstance(error, DatabaseError), f"after {after}: {error!r}"
            assert met.first is None or met.second is None, f"after {after}: {met.first!r}, {met.second!r}"
            if not met.stopped:
                break


def come_meanwhile(holding: AbstractContextManager[object], act: Act, *, then: Act) -> Exception | None:
    """What the action raises that comes while something is held, has to wait, and goes on after `then` has happened."""
    pid = Future[int]()
    with _threads(1) as (thread,):
        with holding:
            other = thread.submit(_told, act, pid)
            _until_it_waits(pid.result(_AT_MOST), other)
            assert not other.done(), "it did not wait"
            then()
        return other.result(_AT_MOST)


def come_past(holding: AbstractContextManager[object], act: Act) -> Exception | None:
    """What the action raises that comes while something is held, for which it must not have to wait."""
    pid = Future[int]()
    with _threads(1) as (thread,):
        with holding:
            other = thread.submit(_told, act, pid)
            _until_it_waits(pid.result(_AT_MOST), other)
            waited = not other.done()
        assert not waited, "it had to wait"
        return other.result(_AT_MOST)


def come_in_turn(holding: AbstractContextManager[object], *acts: Act) -> list[Exception | None]:
    """What actions raise that come one behind the other while something is held for which the first one has to wait."""
    with _threads(len(acts)) as threads:
        with holding:
            coming = []
            for thread, act in zip(threads, acts, strict=True):
                pid = Future[int]()
                coming.append(thread.submit(_told, act, pid))
                _until_it_waits(pid.result(_AT_MOST), coming[-1])
            assert not coming[0].done(), "it did not wait"
        return [one.result(_AT_MOST) for one in coming]


def within(owner: dict[str, Any], act: Callable[..., object], **arguments: Any) -> Act:
    """The action on its side of the wall."""

    def run() -> object:
        with scope(**owner):
            return act(**arguments)

    return run


def in_firm(world: World, act: Callable[..., object], **arguments: Any) -> Act:
    return within({"firm": world.firm}, act, **arguments)


def in_space(by: SpaceMember, act: Callable[..., object], **arguments: Any) -> Act:
    return within({"space": by.space_id}, act, actor=by, **arguments)


def _halted(act: Act, halt: Halt) -> Exception | None:
    try:
        with connection.execute_wrapper(halt):
            return _outcome(act)
    finally:
        halt.reached.set()


def _told(act: Act, pid: Future[int]) -> Exception | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid.set_result(cursor.fetchone()[0])
    return _outcome(act)


def _outcome(act: Act) -> Exception | None:
    try:
        act()
    except Exception as error:
        return error
    return None


def _until_it_waits(pid: int, other: Future[Exception | None]) -> None:
    deadline = time.monotonic() + _AT_MOST
    while not other.done() and not _waits(pid):
        assert time.monotonic() < deadline, "it neither waits nor ends"
        time.sleep(0.005)


def _waits(pid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE pid = %s AND NOT granted)", [pid])
        return bool(cursor.fetchone()[0])
