"""`make run` as a whole: the second start, the kill, the start after it, the clean end."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools import children
from devtools.paths import ROOT

pytestmark = pytest.mark.long

READY = re.compile(r"Ready after .*: (http://\S+)")


class Run:
    """`dev.py run` in the background, on a folder of its own."""

    def __init__(self, log: Path) -> None:
        self.log = log
        command = [sys.executable, "dev.py", "run"]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=log.open("w"),
            stderr=subprocess.STDOUT,
            env=os.environ | {"PORT": "8700"},
        )

    def address(self) -> str:
        """Wait until it is ready; raises with its lines if it never is."""

        def settled() -> bool:
            return self.process.poll() is not None or bool(READY.search(self.log.read_text()))

        children.wait_until(settled, seconds=180, every=0.2)
        found = READY.search(self.log.read_text())
        assert found, self.log.read_text()
        return found[1]


def processes_of(folder: Path) -> list[str]:
    """The command lines of processes that have this folder in their environment or arguments."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            name = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(folder).encode() in told and name:
            found.append(name)
    return found


@pytest.fixture
def first(var: Path) -> Iterator[Run]:
    run = Run(var / "first.txt")
    yield run
    run.process.terminate()
    run.process.wait(60)


def test_a_second_start_is_refused_with_the_address_of_the_first(first: Run) -> None:
    address = first.address()
    second = subprocess.run(
        [sys.executable, "dev.py", "run"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert f"already running at {address}" in second.stderr


def test_what_serves_people_does_not_know_the_owner(first: Run, var: Path) -> None:
    first.address()
    programs = json.loads((var / "running.json").read_text())["children"]
    for name in ("web", "worker", "beat"):
        environment = Path(f"/proc/{programs[name][0]}/environ").read_bytes()
        assert b"\0DATABASE_URL=" in environment
        assert b"portal_owner" not in environment


def test_a_kill_leaves_no_orphan_and_the_next_start_works(first: Run, var: Path) -> None:
    first.address()
    assert len(processes_of(var)) > 5
    first.process.kill()
    assert children.wait_until(lambda: not processes_of(var), seconds=20), processes_of(var)

    again = Run(var / "again.txt")
    with urllib.request.urlopen(f"{again.address()}/healthz", timeout=5) as answer:
        assert answer.status == 200
    again.process.send_signal(signal.SIGINT)
    assert again.process.wait(60) == 0
    assert not processes_of(var)


def test_a_server_that_dies_is_started_again(first: Run, var: Path) -> None:
    address = first.address()
    postmaster = int((var / "postgres/data/postmaster.pid").read_text().split("\n")[0])
    os.kill(postmaster, signal.SIGKILL)

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    assert children.wait_until(lambda: "starting it again" in first.log.read_text(), seconds=10)
    assert children.wait_until(answers, seconds=20)
