"""The product's own processes, as a benchmark needs them: the web server and the Celery worker."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks._web_client import Browser

if TYPE_CHECKING:
    from accounts.models import Membership


def browser_of(port: int, member: "Membership") -> Browser:
    """Signed in as this member of a firm."""
    from django.test import Client

    client = Client()
    assert member.user is not None
    client.force_login(member.user)
    return Browser(port, client.cookies["sessionid"].value)


@contextmanager
def web_server(settings: str) -> Iterator[int]:
    """gunicorn with our own configuration and two workers; yields its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"PORT": str(port), "WEB_CONCURRENCY": "2", "DJANGO_SETTINGS_MODULE": settings}
    command = (sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py")
    with _running(subprocess.Popen(command, env=environment)):
        _wait_for(port)
        yield port


@contextmanager
def worker(application: str, processes: int) -> Iterator[int]:
    """Celery's own, for the tasks of this module; yields its process id."""
    options = ("-c", str(processes), "--loglevel", "WARNING")
    command = (sys.executable, "-m", "celery", "-A", application, "worker", *options)
    with _running(subprocess.Popen(command)) as process:
        yield process.pid


@contextmanager
def _running(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait_for(port: int) -> None:
    for _attempt in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit("The web server did not start.")
