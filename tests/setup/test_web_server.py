"""What gunicorn's configuration says of each worker."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from devtools.paths import ROOT

_ASK = """
import gc, runpy
runpy.run_path("gunicorn.conf.py")["post_worker_init"](None)
print(gc.get_freeze_count() > 1000, gc.get_threshold()[0])
"""


def test_what_a_worker_has_loaded_is_never_looked_through_for_garbage_again() -> None:
    told = subprocess.run([sys.executable, "-c", _ASK], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True", "10000"]


TOKEN, CODE = "hc0JXw2mT9b7yQnLrV5eKzA1sD3fG6hJ8kM0pRtYuIo", "0A1B2C3D4E5F6G7V"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a web server of ours that somebody has told to log each request, and where it does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    log = tmp_path / "access.log"
    everything = "%(r)s | %(U)s | %(q)s | %(f)s | %({referer}i)s | %({raw_uri}e)s"
    options = ["--bind", address, "--access-logfile", str(log), "--access-logformat", everything]
    command = [sys.executable, "-m", "gunicorn", *options]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "WEB_CONCURRENCY": "1"}) as process:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with suppress(httpx.TransportError):
                httpx.get(f"http://{address}/healthz", timeout=10)
                break
            time.sleep(0.1)
        yield f"http://{address}", log
        process.terminate()


def test_an_access_log_names_no_link_and_nothing_that_was_searched_for(server: tuple[str, Path]) -> None:
    url, log = server
    for path in (
        f"/invitation/{TOKEN}/",
        f"/invitation/{TOKEN}/refuser/",
        f"/lettre/{CODE}/",
        f"/lettre/confirmer/{TOKEN}/",
    ):
        httpx.get(f"{url}{path}?q=Martin", headers={"Referer": f"{url}{path}?q=Martin"}, timeout=30)
    written = _once_all_is_there(log, "GET /lettre/confirmer/")
    assert written.count("GET /invitation/[…]/") == 2
    assert "GET /lettre/[…]/" in written and "GET /lettre/confirmer/[…]/" in written
    for secret in (TOKEN, CODE, "Martin"):
        assert secret not in written


def _once_all_is_there(log: Path, last: str) -> str:
    """A request is written down after its answer has left."""
    until = time.monotonic() + 30
    while last not in log.read_text() and time.monotonic() < until:
        time.sleep(0.1)
    return log.read_text()
