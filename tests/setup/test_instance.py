import os
import subprocess
import sys
from pathlib import Path

import pytest

from devtools import children, instance
from devtools.console import Stop
from devtools.paths import ROOT

HOLDER = """
from devtools import instance
with instance.held() as running:
    running.url = "http://localhost:8123"
    running.write()
    print("held", flush=True)
    import sys; sys.stdin.read()
"""


def hold() -> subprocess.Popen[bytes]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


def test_a_second_start_is_refused_with_the_address_of_the_first(var: Path) -> None:
    with hold() as holder:
        with pytest.raises(Stop, match="already running at http://localhost:8123"), instance.held():
            pass
        holder.kill()


def test_a_start_after_a_kill_takes_the_lock_over(var: Path) -> None:
    with hold() as holder:
        holder.kill()
    with instance.held() as running:
        assert running.pid == os.getpid()
        assert instance.current() is not None
    assert instance.current() is None


def test_a_start_after_a_kill_ends_what_still_hangs(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance, "PATIENCE", 0.2)
    orphan = children.spawn(["sleep", "1000"])
    left = instance.Running(pid=1, children={"worker": (orphan.pid, children.started_at(orphan.pid))})
    left.write()
    with instance.held():
        assert children.wait_until(lambda: orphan.poll() is not None, seconds=30)


def test_a_number_that_another_process_bears_now_is_left_alone(var: Path) -> None:
    bystander = children.spawn(["sleep", "1000"])
    instance.Running(pid=1, children={"worker": (bystander.pid, "1")}).write()
    with instance.held():
        assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
