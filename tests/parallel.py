"""Two test processes at a time: which tests stay together, and that each process has a database of its own."""

import os

import pytest

# What keeps a browser, or starts the whole product, stays in one process: it waits most of the time, and two would not.
BROWSING = ("tests/browser/", "tests/interface/")


def keep_together(items: list[pytest.Item]) -> None:
    """Put the tests of one file, and all those that drive a browser, into one group; the longest group begins."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: not item.nodeid.startswith(BROWSING))


def suffix() -> str:
    """What this process adds to the name of its database; nothing where it is the only one."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return f"_{worker}" if worker else ""


def _group(item: pytest.Item) -> str:
    return "browsing" if item.nodeid.startswith(BROWSING) else item.nodeid.split("::")[0]
