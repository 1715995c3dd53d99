"""The connections over which one sender's mails leave: one, and others beside it while that one waits for an answer.

A server may think about a mail for as long as it likes; the others need not wait for it.
"""

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from time import monotonic
from typing import Generic, TypeVar

from django.conf import settings
from django.core.mail import EmailMessage

from activity.connection import KeptConnection

# More than that of one sender, and a server takes us for a flood. The last one is for what somebody waits for.
MOST_LINES = 6
_PATIENCE_SHARE = 10

T = TypeVar("T")


class _Line:
    """A connection with a thread of its own, which uses nothing else."""

    def __init__(self) -> None:
        self.connection = KeptConnection()
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="mail-line")

    def end(self, *, now: bool) -> None:
        """`now`: it waits for an answer, and is left to it."""
        self.thread.submit(self.connection.close)
        self.thread.shutdown(wait=not now)


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What became of the mail that was handed over as `of` at that moment: by what name it is known, or the error."""

    of: T
    asked_at: float
    future: Future[str]
    is_only_line: bool

    def known_as(self) -> str:
        """Raises what `KeptConnection.send` raises."""
        return self.future.result()


class Lines(Generic[T]):
    """`with Lines() as lines`: each mail is handed over under a name of the caller's choice."""

    def __init__(self) -> None:
        self._idle: list[_Line] = []
        self._waiting: dict[Future[str], tuple[T, float, _Line]] = {}
        self._most = MOST_LINES

    def __enter__(self) -> "Lines[T]":
        return self

    def __exit__(self, *error: object) -> None:
        for line in self._idle:
            line.end(now=False)
        for _of, _asked_at, line in self._waiting.values():
            line.end(now=True)

    @property
    def waiting(self) -> int:
        """How many mails were handed over without an answer yet."""
        return len(self._waiting)

    def have_room(self, *, is_urgent: bool) -> bool:
        return self.waiting < (self._most if is_urgent else max(1, self._most - 1))

    def open(self) -> None:
        """Reach the server, unless a line is in use. Raises Unreachable."""
        if not self._idle and not self._waiting:
            self._idle.append(_Line())
        if self._idle:
            self._idle[-1].connection.open()

    def hand_over(self, of: T, message: EmailMessage) -> Iterator[Answer[T]]:
        """The answers that are there when the server has said something, or a moment has passed. There is room."""
        line = self._idle.pop() if self._idle else _Line()
        future = line.thread.submit(line.connection.send, message)
        self._waiting[future] = (of, monotonic(), line)
        wait((future,), timeout=settings.EMAIL_TIMEOUT / _PATIENCE_SHARE)
        return self.answers()

    def answers(self, *, seconds: float = 0) -> Iterator[Answer[T]]:
        """Those that are there, waited for that long if none is."""
        if self._waiting:
            done, _not_done = wait(self._waiting, timeout=seconds, return_when=FIRST_COMPLETED)
            for future in done:
                yield self._answer(future)

    def _answer(self, future: Future[str]) -> Answer[T]:
        of, asked_at, line = self._waiting.pop(future)
        self._idle.append(line)
        return Answer(of, asked_at, future, is_only_line=len(self._idle) + self.waiting == 1)

    def fewer(self) -> None:
        """The server wants no more lines than it has let in."""
        line = self._idle.pop()
        line.end(now=False)
        self._most = max(1, len(self._idle) + self.waiting)
