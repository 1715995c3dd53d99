import subprocess
import sys
import time
from pathlib import Path

from devtools import children
from devtools.paths import ROOT
from devtools.supervisor import Program, code_watcher

INTERRUPTED_WHILE_SPEAKING = """
import os, signal
from devtools import console
from devtools.instance import Running
from devtools.supervisor import Supervisor
supervisor = Supervisor(Running(1))
with console._lock:
    os.kill(os.getpid(), signal.SIGINT)
supervisor.watch()
"""


def test_a_signal_in_the_midst_of_a_line_ends_the_run() -> None:
    subprocess.run([sys.executable, "-c", INTERRUPTED_WHILE_SPEAKING], cwd=ROOT, check=True, timeout=20)


def test_the_pause_before_a_restart_doubles_while_a_program_keeps_failing() -> None:
    program = Program("web", lambda: children.spawn(["false"]))
    pauses = []
    for _ in range(7):
        program.start()
        pauses.append(program.plan_restart())
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_changed_code_is_noticed_once(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("A = 1\n")
    changed = code_watcher([tmp_path], every=0)
    assert not changed()
    (tmp_path / "new.html").write_text("<p>")
    assert changed()
    assert not changed()


def test_other_files_are_no_code(tmp_path: Path) -> None:
    changed = code_watcher([tmp_path], every=0)
    (tmp_path / "notes.md").write_text("…")
    assert not changed()


STARTS_ONE_THAT_ENDS = """
from devtools import children
from devtools.instance import Running
from devtools.supervisor import Program, Supervisor
Supervisor(Running(1)).start(Program("web", lambda: children.spawn(["false"]), ready=lambda: False))
"""


def test_a_program_that_ends_while_it_starts_is_told_at_once(var: Path) -> None:
    began = time.monotonic()
    told = subprocess.run(
        [sys.executable, "-c", STARTS_ONE_THAT_ENDS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "web ended while starting" in told.stderr
    assert time.monotonic() - began < 30
