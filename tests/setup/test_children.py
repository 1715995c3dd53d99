import signal
import subprocess
import sys
from pathlib import Path

from devtools import children
from devtools.paths import ROOT

PARENT = """
import sys
from devtools import children
print(children.spawn(["sleep", "1000"]).pid, flush=True)
sys.stdin.read()
"""


def test_a_child_does_not_outlive_a_parent_that_was_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        born = children.started_at(child)
        parent.kill()
    assert born
    assert children.wait_until(lambda: children.started_at(child) != born, seconds=30)


def test_a_program_that_does_not_listen_is_ended_with_what_it_started() -> None:
    deaf = "import signal, subprocess, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    deaf += "print(subprocess.Popen(['sleep', '1000']).pid, flush=True); signal.pause()"
    process = children.spawn([sys.executable, "-c", deaf], output=subprocess.PIPE)
    assert process.stdout is not None
    grandchild = int(process.stdout.readline())
    children.stop(process, signal.SIGTERM, patience=0.2)
    assert children.wait_until(lambda: not children.started_at(grandchild), seconds=30)


def test_a_closed_folder_on_the_way_keeps_others_out(tmp_path: Path) -> None:
    stranger = children.Person(uid=65500, gid=65500)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "open").mkdir(mode=0o755)
    assert stranger.can_reach(Path("/usr/bin"))
    assert not stranger.can_reach(closed / "open")
