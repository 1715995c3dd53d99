"""The pages of a firm, and of another one, while a worker reads, applies and undoes an import of 100,000 rows.

`python dev.py bench meanwhile [--rows 100000]`. gunicorn and Celery run as in production. Two people,
one of each firm, open the same pages one after the other, before anything is brought in and then all the time: the same
pages on the same machine, at rest and meanwhile. What the worker holds of memory is watched.
"""

import argparse
import os
import statistics
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from benchmarks._runner import report
from benchmarks._servers import browser_of, web_server, worker
from benchmarks._web_client import Browser

if TYPE_CHECKING:
    from accounts.models import Firm, Membership
    from clients.models import Import, ImportState

_AT_REST = 20.0  # seconds
_PATIENCE = 600.0
_LOOK_EVERY = 0.05
_SWEEP_EVERY = 10.0  # as beat does: a busy broker may lose a nudge
_PAGES = ("dashboard", "clients:list", "portfolios:list", "clients:members", "clients:journal")
THEIRS, OTHERS = "the same firm", "another firm"
REST = "at rest"


class Visitors:
    """Two people who never stop to open pages; `seconds` by firm and by what the worker does at that time."""

    def __init__(self) -> None:
        self.seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.phase = ""
        self._stopped = threading.Event()

    @contextmanager
    def visiting(self, browsers: dict[str, tuple[Browser, list[str]]]) -> Iterator[None]:
        threads = [
            threading.Thread(target=self._visit, args=(whose, *seen)) for whose, seen in browsers.items()
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join()

    def _visit(self, whose: str, browser: Browser, paths: list[str]) -> None:
        while not self._stopped.is_set():
            for path in paths:
                phase, began = self.phase, time.perf_counter()
                browser.get(path)
                if phase:  # what begins in a phase belongs to it
                    self.seconds[whose, phase].append(time.perf_counter() - began)
                time.sleep(_LOOK_EVERY)


class Watch:
    """The most that the worker's processes have held at a time, in bytes."""

    def __init__(self, process: int) -> None:
        self.process, self.peak = process, 0

    def look(self) -> None:
        from benchmarks._import_race import resident

        self.peak = max(self.peak, resident(self.process))


def main() -> None:
    options = argparse.ArgumentParser(prog="bench meanwhile")
    options.add_argument("--rows", type=int, default=100_000)
    chosen = options.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "firm_portal.settings")
    import django

    django.setup()
    from benchmarks import _import_world as world
    from benchmarks._access_world import make_office

    firm_id, admin_id = world.make()
    other = make_office(1_000, portfolios=40, members=20, singles=20)
    firm, admin = _found(firm_id, admin_id)
    content, visitors = world.list_of(chosen.rows), Visitors()
    with web_server("firm_portal.settings") as port, worker("firm_portal", 2) as process:
        seen = {
            THEIRS: (browser_of(port, admin), [firm.url(name) for name in _PAGES]),
            OTHERS: (browser_of(port, other.admin), [other.firm.url(name) for name in _PAGES]),
        }
        for browser, paths in seen.values():
            for path in paths:
                browser.get_many(path, 8)  # every worker has loaded what it needs
        watch = Watch(process)
        with visitors.visiting(seen):
            took = _bring_in(firm_id, admin, content, visitors, watch)
    _show(visitors, took, watch)


def _found(firm_id: UUID, admin_id: UUID) -> tuple["Firm", "Membership"]:
    from accounts.models import Firm, Membership
    from tenancy.scopes import scope

    with scope(firm=firm_id):
        return Firm.objects.get(pk=firm_id), Membership.objects.select_related("user").get(pk=admin_id)


def _bring_in(
    firm_id: UUID, admin: "Membership", content: bytes, visitors: Visitors, watch: Watch
) -> dict[str, float]:
    """The seconds that each phase takes, from the click to what the page says."""
    from clients.jobs import confirm_import, start_import, undo_import
    from clients.models import ImportState
    from tenancy.scopes import scope

    took: dict[str, float] = {}
    visitors.phase = REST
    time.sleep(_AT_REST)

    def phase(name: str, act: "Callable[[], Import]", ends: "ImportState") -> "Import":
        began = time.monotonic()
        with scope(firm=firm_id):
            made = act()
        visitors.phase = name
        _wait_for(firm_id, made.pk, ends, watch)
        visitors.phase, took[name] = "", time.monotonic() - began
        print(f"  {name}: {took[name]:.1f} s", file=sys.stderr)
        with scope(firm=firm_id):
            made.refresh_from_db()
        return made

    made = phase(
        "read and planned",
        lambda: start_import(actor=admin, file_name="clients.xlsx", content=content),
        ImportState.READY,
    )
    phase("applied", lambda: confirm_import(actor=admin, source=made), ImportState.DONE)
    phase("undone", lambda: undo_import(actor=admin, source=made), ImportState.UNDONE)
    return took


def _wait_for(firm_id: UUID, key: UUID, ends: "ImportState", watch: Watch) -> None:
    """Until it is so far. Raises TimeoutError."""
    from clients.imports.sweeping import sweep

    began = swept = time.monotonic()
    while (state := _state(firm_id, key)) != ends:
        watch.look()
        if time.monotonic() > swept + _SWEEP_EVERY:
            sweep()
            swept = time.monotonic()
        if time.monotonic() > began + _PATIENCE:
            raise TimeoutError(f"Still {state} after {_PATIENCE:.0f} s.")
        time.sleep(_LOOK_EVERY)


def _state(firm_id: UUID, key: UUID) -> str:
    from clients.models import Import
    from tenancy.scopes import scope

    with scope(firm=firm_id):
        return str(Import.objects.values_list("state", flat=True).get(pk=key))


def _show(visitors: Visitors, took: dict[str, float], watch: Watch) -> None:
    print(f"\n  {'pages of':<14} {'meanwhile':<18} {'opened':>6} {'median':>10} {'95 %':>10} {'slowest':>10}")
    for (whose, phase), seconds in sorted(visitors.seconds.items()):
        ordered = sorted(seconds)
        shown = (statistics.median(ordered), ordered[int(0.95 * (len(ordered) - 1))], ordered[-1])
        figures = " ".join(f"{one * 1000:7.0f} ms" for one in shown)
        print(f"  {whose:<14} {phase:<18} {len(ordered):>6} {figures}")
    print(f"  the worker held at most {watch.peak / 2**20:.0f} MB")
    report(
        "meanwhile",
        {
            f"{whose}, {phase}": statistics.median(visitors.seconds[whose, phase])
            / statistics.median(visitors.seconds[whose, REST])
            for whose in (THEIRS, OTHERS)
            for phase in took
            if visitors.seconds[whose, phase]
        },
        {"peak_mb": watch.peak / 2**20, "slowest_page_s": max(map(max, visitors.seconds.values()))},
    )


if __name__ == "__main__":
    main()
