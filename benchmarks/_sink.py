"""A mail server in another process (aiosmtpd, as its manual says) that takes everything and says what it took."""

import asyncio
import multiprocessing
import re
import time
from multiprocessing.connection import Connection
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

_MESSAGE_ID = re.compile(rb"^message-id:\s*(\S+)", re.IGNORECASE | re.MULTILINE)


class Sink:
    """`with Sink() as sink`: mails for `sink.port` on this machine arrive in it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._count = context.Value("i", 0)
        self._delay = context.Value("d", 0.0)
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(self._count, self._delay, theirs), daemon=True)

    def __enter__(self) -> "Sink":
        self._process.start()
        self.port: int = self._pipe.recv()
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.join()

    def clear(self, *, delay: float = 0.0) -> None:
        """Forget what came; and `slow`."""
        self.slow(delay)
        self._pipe.send("clear")
        self._pipe.recv()

    def slow(self, delay: float) -> None:
        """From now on, so many seconds pass before the answer to each mail's recipient and data."""
        self._delay.value = delay

    def wait_for(self, count: int, *, at_most: float = 300.0) -> None:
        """Until so many mails have arrived. Raises TimeoutError."""
        until = time.monotonic() + at_most
        while self._count.value < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{self._count.value} of {count} mails arrived.")
            time.sleep(0.002)

    @property
    def count(self) -> int:
        """How many mails have arrived, second copies included."""
        return int(self._count.value)

    def taken(self) -> list[tuple[str, str]]:
        """Address and Message-ID of each mail that came."""
        self._pipe.send("tell")
        taken: list[tuple[str, str]] = self._pipe.recv()
        return taken

    def recipients(self) -> frozenset[str]:
        """To whom mails came; fails if one came twice."""
        taken = self.taken()
        if len({key for _address, key in taken}) != len(taken):
            raise AssertionError("A mail came twice.")
        return frozenset(address for address, _key in taken)


class _Taker:
    """aiosmtpd calls these by their names."""

    def __init__(self, count: Any, delay: Any) -> None:
        self.count, self.delay = count, delay
        self.taken: list[tuple[str, str]] = []

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        await self._pause()
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        found = _MESSAGE_ID.search(content if isinstance(content, bytes) else b"")
        self.taken += [(address, found[1].decode() if found else "") for address in envelope.rcpt_tos]
        self.count.value += 1
        await self._pause()
        return "250 OK"

    async def _pause(self) -> None:
        if self.delay.value:
            await asyncio.sleep(self.delay.value)


def _serve(count: Any, delay: Any, pipe: Connection) -> None:
    taker = _Taker(count, delay)

    def command() -> None:
        if pipe.recv() == "clear":
            taker.taken.clear()
            count.value = 0
            pipe.send("done")
        else:
            pipe.send(taker.taken)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(taker, hostname="sink"), "127.0.0.1", 0, backlog=512)
        loop.add_reader(pipe.fileno(), command)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())
