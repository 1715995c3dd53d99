"""Celery's own worker in a process of its own, on the test's database: it can be killed as the kernel kills."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connections

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Worker:
    """Listens to this broker. `settings`: what else its environment says."""

    broker: str
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        database = urlsplit(os.environ["DATABASE_URL"])
        name = connections["default"].settings_dict["NAME"]
        variables = {
            **os.environ,
            "DATABASE_URL": database._replace(path=f"/{name}").geturl(),
            "REDIS_URL": self.broker,
            **self.settings,
        }
        variables.pop("OWNER_DATABASE_URL", None)
        celery = ("-W", "ignore", "-m", "celery", "--quiet", "-A", "firm_portal", "worker", "--pool", "solo")
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR")
        self.process = subprocess.Popen([sys.executable, *celery, *quiet], cwd=ROOT, env=variables)

    def kill(self) -> None:
        """As `kill -9` does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=30)
        self.process = None
