"""Several test processes at a time: which tests stay together, and that each process has a database of its own."""

import os
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import pytest
from xdist.scheduler import LoadScopeScheduling

# What looks at the demonstration in a browser is two pieces of about the same length; a process starts it once for all
# that it has of it. What looks at a product of its own, with nothing in it, is a piece as well.
BROWSING = "tests/browser/"
EVERY_PAGE = "tests/browser/test_every_page.py"
IN_ITS_OWN_PRODUCT = "tests/browser/test_main_job.py"
# They look at what was done once for both.
DONE_ONCE = ("tests/activity/test_audiences.py", "tests/activity/test_completeness.py")
# Each of their tests takes long enough to be a piece of work of its own.
DIVISIBLE = ("tests/web/test_matrix.py",)
# They begin, so that no process works alone at the end.
LONGEST = (
    EVERY_PAGE,
    BROWSING,
    *DIVISIBLE,
    "tests/interface/test_kit.py",
    "tests/invitations/test_order_of_locks.py",
    "tests/clients/test_order_of_locks_on_links.py",
    "tests/invitations/test_exactly_once.py",
    "tests/access/",
    "tests/activity/test_machine.py",
    "tests/web/test_first_pages.py",
    "tests/resilience/",
    "tests/setup/",
    "tests/exports/test_export_workers.py",
    "tests/isolation/",
)


class Together(LoadScopeScheduling):
    """One file is one piece of work; those of the demonstration in a browser are two, and begin.

    Not xdist's own `loadgroup`: its marks reach no test since pytest 9.2 keeps a test's name elsewhere.
    """

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = (
            False  # as `longest_first` has them, not by how many tests a file has
        )

    def _split_scope(self, nodeid: str) -> str:
        return piece(nodeid)


def piece(nodeid: str) -> str:
    """The piece of work that a test belongs to."""
    if nodeid.startswith(BROWSING) and not nodeid.startswith((EVERY_PAGE, IN_ITS_OWN_PRODUCT)):
        return "browsing"
    if nodeid.startswith(DONE_ONCE):
        return "done once"
    return nodeid if nodeid.startswith(DIVISIBLE) else nodeid.split("::", maxsplit=1)[0]


def longest_first(items: list[pytest.Item]) -> None:
    """Order the tests of a run by two processes: what takes longest begins, then the files with most tests."""
    sizes = Counter(piece(item.nodeid) for item in items)

    def place(item: pytest.Item) -> tuple[int, int]:
        rank = next((i for i, start in enumerate(LONGEST) if item.nodeid.startswith(start)), len(LONGEST))
        return rank, -sizes[piece(item.nodeid)]

    if suffix():
        items.sort(key=place)


def broker(address: str, place: int) -> str:
    """The broker at that address for what this process alone says and hears in it: `place` 0, 1 or 2.

    Its databases are 16; the first is for what all say and nobody hears.
    """
    number = int(suffix().removeprefix("_gw") or 0)
    database = 1 + (3 * number + place) % 15
    if address.startswith("redis+socket"):
        return f"{address.partition('?')[0]}?virtual_host={database}"
    return urlsplit(address)._replace(path=f"/{database}").geturl()


def suffix() -> str:
    """What this process adds to the name of its database; nothing where it is the only one."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return f"_{worker}" if worker else ""


def run() -> str:
    """What all processes of one run have in common; nothing where this process is the only one."""
    return os.environ.get("PYTEST_XDIST_TESTRUNUID", "")
