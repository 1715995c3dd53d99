"""A mail server in a process of its own that refuses, hangs, and loses its answers: the same ones for the same seed."""

import asyncio
import hashlib
import multiprocessing
import re
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from multiprocessing.connection import Connection
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

_MESSAGE_ID = re.compile(rb"^message-id:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
# Longer than anybody waits.
_FOR_EVER = 3600.0


class Fate(Enum):
    TAKEN = "taken"
    REFUSED = "refused for good"
    PUT_OFF = "refused for now"
    HUNG = "never answered"
    UNACKNOWLEDGED = "taken, and the connection dropped before the answer"


@dataclass(frozen=True)
class Moods:
    """How likely each fate is. An address is refused for good at each attempt; the others are drawn anew."""

    refused: float = 0.02
    put_off: float = 0.15
    hung: float = 0.05
    unacknowledged: float = 0.05
    seed: int = 6

    def is_refused(self, address: str) -> bool:
        return self._drawn(address) < self.refused

    def fate(self, address: str, attempt: int, *, is_well: bool = False) -> Fate:
        """`is_well`: of the faults, only refusals for good are left."""
        if self.is_refused(address):
            return Fate.REFUSED
        drawn = 1.0 if is_well else self._drawn(address, attempt)
        for fate, share in (
            (Fate.PUT_OFF, self.put_off),
            (Fate.HUNG, self.hung),
            (Fate.UNACKNOWLEDGED, self.unacknowledged),
        ):
            if drawn < share:
                return fate
            drawn -= share
        return Fate.TAKEN

    def _drawn(self, *what: object) -> float:
        digest = hashlib.blake2b(repr((self.seed, *what)).encode(), digest_size=8).digest()
        return float(int.from_bytes(digest, "big") / 2**64)


@dataclass(frozen=True)
class Book:
    """What the server has seen: `taken` holds address and Message-ID of each mail it kept, second copies included;
    `unacknowledged`, of how many of an address it dropped the answer."""

    taken: list[tuple[str, str]] = field(default_factory=list)
    fates: Counter[Fate] = field(default_factory=Counter)
    unacknowledged: Counter[str] = field(default_factory=Counter)


class PostOffice:
    """`with PostOffice(moods) as office`: mails for `office.port` on this machine meet its moods."""

    def __init__(self, moods: Moods) -> None:
        context = multiprocessing.get_context("spawn")
        self._count = context.Value("i", 0)
        self._is_well = context.Value("b", 0)
        self._pipe, theirs = context.Pipe()
        arguments = (moods, self._count, self._is_well, theirs)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)

    def __enter__(self) -> "PostOffice":
        self._process.start()
        self.port: int = self._pipe.recv()
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.join()

    @property
    def count(self) -> int:
        """How many mails it has taken."""
        return int(self._count.value)

    def recover(self) -> None:
        """From now on, only what is refused for good is refused."""
        self._is_well.value = 1

    def book(self) -> Book:
        self._pipe.send("tell")
        told: Book = self._pipe.recv()
        return told


class _Taker:
    """aiosmtpd calls these by their names."""

    def __init__(self, moods: Moods, count: Any, is_well: Any) -> None:
        self.moods, self.count, self.is_well = moods, count, is_well
        self.book = Book()
        self.attempts = Counter[str]()
        self.fates: dict[tuple[Any, str], Fate] = {}

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.attempts[address] += 1
        fate = self.moods.fate(address, self.attempts[address], is_well=bool(self.is_well.value))
        self.book.fates[fate] += 1
        if self.attempts[address] % 2:  # at the other attempts, it says so once it has read the mail
            if fate is Fate.REFUSED:
                return "550 5.1.1 No such person here"
            if fate is Fate.PUT_OFF:
                return "451 4.7.1 Come again later"
            if fate is Fate.HUNG:
                await asyncio.sleep(_FOR_EVER)
        self.fates[session.peer, address] = fate
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        (address,) = envelope.rcpt_tos
        fate = self.fates.pop((session.peer, address))
        if fate is Fate.REFUSED:
            return "554 5.7.1 Nobody wants this"
        if fate is Fate.PUT_OFF:
            return "452 4.2.2 The mailbox is full"
        if fate is Fate.HUNG:
            await asyncio.sleep(_FOR_EVER)
        content = envelope.content
        found = _MESSAGE_ID.search(content if isinstance(content, bytes) else b"")
        self.book.taken.append((address, found[1].decode() if found else ""))
        self.count.value += 1
        if fate is Fate.UNACKNOWLEDGED:
            self.book.unacknowledged[address] += 1
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            await asyncio.sleep(_FOR_EVER)
        return "250 OK"


def _serve(moods: Moods, count: Any, is_well: Any, pipe: Connection) -> None:
    taker = _Taker(moods, count, is_well)

    def command() -> None:
        pipe.recv()
        pipe.send(taker.book)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(taker, hostname="post-office"), "127.0.0.1", 0, backlog=512
        )
        loop.add_reader(pipe.fileno(), command)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())
