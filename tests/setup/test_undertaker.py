import signal
import subprocess
import sys
from pathlib import Path

from devtools import children
from devtools.paths import ROOT

# A supervisor with one program that does not end when it is asked to, and which has started another.
SUPERVISOR = """
import sys, time
from devtools import children, instance, undertaker
deaf = "import signal, subprocess, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
deaf += "print(subprocess.Popen(['sleep', '1000']).pid, flush=True); time.sleep(1000)"
with instance.held() as running:
    program = children.spawn([sys.executable, "-c", deaf])
    running.children["worker"] = (program.pid, children.started_at(program.pid))
    running.write()
    undertaker.hire()
    time.sleep(0.5)
    print(program.pid, flush=True)
    sys.stdin.read()
"""


def test_a_program_that_hangs_when_the_supervisor_is_killed_is_ended_all_the_same(var: Path) -> None:
    impatient = SUPERVISOR.replace(
        "import sys, time", "import sys, time, os; os.environ['PORTAL_PATIENCE'] = '0.5'"
    )
    with subprocess.Popen(
        [sys.executable, "-c", impatient], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as supervisor:
        assert supervisor.stdout is not None
        pids = {int(supervisor.stdout.readline()), int(supervisor.stdout.readline())}
        supervisor.send_signal(signal.SIGKILL)
        supervisor.wait()
    assert children.wait_until(lambda: not any(map(children.started_at, pids)), seconds=30)
