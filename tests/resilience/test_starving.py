"""What a busy machine keeps from a page is told from what the page waits for by itself."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.resilience.starving import OWN_THREAD, Starving, ready
from tests.resilience.visitor import Visitor

_BUSY = "import os\nos.sched_setaffinity(0, {%d})\nprint(flush=True)\nwhile True: pass"


@pytest.fixture
def rivals() -> Iterator[tuple[list[subprocess.Popen[bytes]], float]]:
    """Two processes that each want the same processor, all of it; and when they were started."""
    began = time.monotonic()
    code = _BUSY % min(os.sched_getaffinity(0))
    started = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _number in range(2)]
    for rival in started:
        assert rival.stdout is not None
        rival.stdout.readline()
    yield started, began
    for rival in started:
        rival.kill()
        rival.communicate()


def test_who_shares_a_processor_starves_for_about_the_others_share(
    rivals: tuple[list[subprocess.Popen[bytes]], float],
) -> None:
    started, began = rivals
    own = ready(OWN_THREAD)
    starving = Starving([started[0].pid])
    # Less what this thread, which asks at the same time as they work, has stood in the queue itself. A wait is counted
    # as it ends, so it may have begun at any time since they were started.
    while (seconds := starving.seconds() - (ready(OWN_THREAD) - own)) < 0.05:
        assert time.monotonic() < began + 30
        time.sleep(0.01)
    assert seconds < time.monotonic() - began


class _Slow(BaseHTTPRequestHandler):
    """Waits for what does not come."""

    def do_GET(self) -> None:
        time.sleep(0.3)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_of: object) -> None:
        pass


def test_what_a_page_waits_for_by_itself_stays_its_own() -> None:
    with HTTPServer(("127.0.0.1", 0), _Slow) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        serving.start()
        # Not this process: its first thread is the one that asks, whose wait would be taken off twice.
        servers = [number for number in [serving.native_id] if number]
        visit = Visitor(f"http://127.0.0.1:{server.server_port}", "", [], 0, lambda: servers).get("/")
        server.shutdown()
    assert visit.status == 200
    assert 0.25 < visit.own_seconds <= visit.seconds


def test_a_process_that_is_gone_has_starved_for_nothing() -> None:
    assert ready(Path("/proc/4194305")) == 0
