"""A way to the broker that can fall silent: it still accepts, and never answers."""

import asyncio
import threading
from pathlib import Path


class Way:
    """A port of this machine that leads to a unix socket. Runs in a thread of its own."""

    def __init__(self, leads_to: Path) -> None:
        self._leads_to = leads_to
        self._is_silent = False
        self._clients: set[asyncio.StreamWriter] = set()
        # Connections that a silence has met are never answered again: whoever stood between has forgotten them.
        self._forgotten: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> "Way":
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    def fall_silent(self) -> None:
        self._loop.call_soon_threadsafe(self._fall_silent)

    def speak(self, *, closing: bool) -> None:
        """Lead on again. `closing`: whom a silence has met is told that the connection has ended, else nothing."""
        self._loop.call_soon_threadsafe(self._speak, closing)

    def _fall_silent(self) -> None:
        self._is_silent = True
        self._forgotten |= self._clients

    def _speak(self, closing: bool) -> None:
        self._is_silent = False
        if closing:
            for client in self._forgotten:
                client.transport.abort()

    async def _run(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._lead, "127.0.0.1", 0)
        self.port: int = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()
        for client in self._clients:
            client.transport.abort()
        if leading := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(leading, timeout=5)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        if self._is_silent:
            self._forgotten.add(writer)
        try:
            server_reader, server_writer = await asyncio.open_unix_connection(self._leads_to)
        except OSError:  # the broker is dead: what a closed port says at once
            if writer not in self._forgotten:
                writer.transport.abort()
            return
        there = asyncio.create_task(self._carry(reader, server_writer, writer))
        back = asyncio.create_task(self._carry(server_reader, writer, writer))
        await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
        there.cancel()
        back.cancel()
        server_writer.transport.abort()
        if writer not in self._forgotten:
            writer.transport.abort()
            self._clients.discard(writer)

    async def _carry(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> None:
        while said := await _said(source):
            if client not in self._forgotten:
                target.write(said)


async def _said(source: asyncio.StreamReader) -> bytes:
    try:
        return await source.read(65536)
    except OSError:
        return b""
