"""Ends what a killed supervisor leaves behind.

Each program is told by the kernel when the supervisor dies, and ends by itself. A worker that is waiting for a server
which died in the same moment may not, so this process, told in the same way, gives them a while and then ends them.
"""

from __future__ import annotations

import signal
import subprocess
import sys

from devtools import children, instance
from devtools.paths import ROOT

SUPERVISOR_DIED = signal.SIGUSR1


def hire() -> subprocess.Popen[bytes]:
    """Start watching over this process; it is let go by SIGTERM."""
    command = [sys.executable, "-m", "devtools.undertaker"]
    return children.spawn(command, cwd=ROOT, on_orphaned=SUPERVISOR_DIED)


def main() -> None:
    """Wait for either end of the supervisor."""
    awaited = {SUPERVISOR_DIED, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    if signal.sigwait(awaited) == SUPERVISOR_DIED:
        left = instance.Running.read()
        if left is not None and not children.started_at(left.pid):  # else the next start is at work already
            instance.end_what_is_left(left)


if __name__ == "__main__":
    main()
