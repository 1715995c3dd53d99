"""Two test processes at a time: which tests stay together, and that each process has a database of its own."""

import os

from xdist.scheduler import LoadScopeScheduling

# What keeps a browser, or starts the whole product, stays in one process: it waits most of the time, and two would not.
BROWSING = ("tests/browser/", "tests/interface/")


class Together(LoadScopeScheduling):
    """One file is one piece of work; all files that drive a browser are one, and begin.

    Not xdist's own `loadgroup`: its marks reach no test since pytest 9.2 keeps a test's name elsewhere.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "browsing" if nodeid.startswith(BROWSING) else nodeid.split("::", maxsplit=1)[0]


def suffix() -> str:
    """What this process adds to the name of its database; nothing where it is the only one."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return f"_{worker}" if worker else ""
