"""Workers killed by the kernel while they read, plan, apply or undo an import: all rows or none, and another goes on.

The worker is Celery's own, with the test's database and a broker of its own; `kill -9` comes at a random moment of the
work, as long as that takes undisturbed.
"""

import hashlib
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import Role
from activity.models import Event, Notification
from clients.imports.sweeping import sweep
from clients.jobs import choose_sheet, confirm_import, start_import, undo_import
from clients.models import Assignment, Dossier, Import, ImportRow, ImportState
from portfolios.models import Portfolio
from tenancy.scopes import scope
from tests.clients.lists import workbook
from tests.resilience.workers import Worker
from tests.worlds import World, make_member

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
HEADERS = ("Code", "Raison sociale", "Ville", "Portefeuille", "Collaborateur")
PATIENCE = 120.0
READ, PLAN, APPLY, UNDO = "read", "plan", "apply", "undo"
BUSY = {
    READ: (ImportState.READING,),
    PLAN: (ImportState.PLANNING,),
    APPLY: (ImportState.APPLYING,),
    UNDO: (ImportState.UNDOING,),
}


@dataclass
class Journey:
    """One list, brought in and undone again and again. `seconds`: how long each phase takes undisturbed."""

    world: World
    worker: Worker
    rows: int
    content: bytes = b""
    before: str = ""
    after: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    # In which phase a worker died, and whether it was still at work.
    deaths: list[tuple[str, bool]] = field(default_factory=list)

    def prepare(self) -> None:
        """Half of the rows are about dossiers that are there."""
        half = self.rows // 2
        with scope(firm=self.world.firm):
            make_member(self.world.firm, "zoe@lemoine.fr", role=Role.ADMIN)
            former = [Dossier(legal_name=f"Ancien {n}", reference=f"R{n}", city="Lyon") for n in range(half)]
            for dossier in former:
                dossier.derive_keys()
            Dossier.objects.bulk_create(former, batch_size=5_000)
        name = self.world.collaborator.name
        listed = [(f"R{number}", f"Client {number}", "Nantes", "Neuf", name) for number in range(self.rows)]
        self.content = workbook([HEADERS, *listed])
        self.before = self.stands()

    def stands(self) -> str:
        """The same for the same dossiers, portfolios and assignments, keys and moments aside."""
        fields = ("reference", "legal_name", "city", "name_key", "search_key", "portfolio__name")
        with scope(firm=self.world.firm):
            found = [
                sorted(map(str, Dossier.objects.clients().values_list(*fields))),
                sorted(Portfolio.objects.values_list("name", flat=True)),
                sorted(map(str, Assignment.objects.values_list("content_object__reference", "user"))),
            ]
        return hashlib.sha256(repr(found).encode()).hexdigest()

    def go(self, killed: str = "", *, patient: bool = False) -> None:
        """The whole way, with a death in this phase. `patient`: wait for the lease, as the product does."""
        admin, firm = self.world.admin, self.world.firm
        made = self._do(
            READ,
            lambda: start_import(actor=admin, file_name="clients.xlsx", content=self.content),
            ImportState.READY,
            killed=killed,
            patient=patient,
        )
        if killed == PLAN or PLAN not in self.seconds:
            sheet = made.sheet or 0
            again = lambda: choose_sheet(actor=admin, source=made, sheet=sheet)  # noqa: E731 - as the others
            self._do(PLAN, again, ImportState.READY, killed=killed, patient=patient)
        confirm = lambda: confirm_import(actor=admin, source=made)  # noqa: E731
        self._do(APPLY, confirm, ImportState.DONE, killed=killed, patient=patient)
        self.after = self.after or self.stands()
        assert self.stands() == self.after
        undo = lambda: undo_import(actor=admin, source=made)  # noqa: E731
        self._do(UNDO, undo, ImportState.UNDONE, killed=killed, patient=patient)
        assert self.stands() == self.before
        with scope(firm=firm):
            self._told_once(made)

    def _do(
        self, phase: str, act: Callable[[], Import], ends: ImportState, *, killed: str, patient: bool
    ) -> Import:
        if self.worker.process is None:
            self.worker.start()
        with scope(firm=self.world.firm):
            made = act()
        self._until_busy(made, phase)
        began = time.monotonic()
        if killed == phase:
            self._kill_within(made, phase)
            self._whole_or_none(made)
            self.worker.start()
            self._until(made, ends, patient=patient)
        else:
            self._until(made, ends, patient=True)
            self.seconds[phase] = min(self.seconds.get(phase, PATIENCE), time.monotonic() - began)
        with scope(firm=self.world.firm):
            made.refresh_from_db()
            assert ImportRow.objects.filter(source=made).count() == self.rows
        return made

    def _until_busy(self, made: Import, phase: str) -> None:
        """A worker has taken it, or is through with it already. It may have lost the nudge, so beat's sweep is ours."""
        began = swept = time.monotonic()
        while not self.is_held(made) and self.state(made) in (*BUSY[phase], ImportState.UPLOADED):
            assert time.monotonic() < began + PATIENCE, f"Nobody takes it: {self.state(made)}"
            if time.monotonic() > swept + 0.5:
                sweep()
                swept = time.monotonic()
            time.sleep(0.002)

    def _kill_within(self, made: Import, phase: str) -> None:
        """At a random moment of the work; what the worker does in its transaction's last instant counts as done."""
        moment = time.monotonic() + random.uniform(0, 0.9 * self.seconds[phase])
        while time.monotonic() < moment and self.state(made) in BUSY[phase]:
            time.sleep(0.002)
        self.worker.kill()
        self.deaths.append((phase, self.state(made) in BUSY[phase]))

    def _whole_or_none(self, made: Import) -> None:
        with scope(firm=self.world.firm):
            assert ImportRow.objects.filter(source=made).count() in (0, self.rows)
        assert self.stands() in (self.before, self.after or self.before)

    def _until(self, made: Import, ends: ImportState, *, patient: bool) -> None:
        """What beat does, until the page says so. Without patience the lease runs out at once."""
        until = time.monotonic() + PATIENCE
        swept = 0.0
        while (state := self.state(made)) != ends:
            assert state not in (ImportState.FAILED, ImportState.CANCELLED), state
            assert time.monotonic() < until, f"It hangs: {state}"
            if not patient:
                with scope(firm=self.world.firm):
                    past = timezone.now() - timedelta(seconds=1)
                    patient = bool(
                        Import.objects.filter(pk=made.pk, lease_until__isnull=False).update(lease_until=past)
                    )
            if time.monotonic() > swept + 0.5:
                sweep()
                swept = time.monotonic()
            time.sleep(0.01)

    def state(self, made: Import) -> str:
        with scope(firm=self.world.firm):
            return Import.objects.values_list("state", flat=True).get(pk=made.pk)

    def is_held(self, made: Import) -> bool:
        with scope(firm=self.world.firm):
            return Import.objects.filter(pk=made.pk, lease_until__isnull=False).exists()

    def _told_once(self, made: Import) -> None:
        """One event of each kind, a line per dossier, and one notification per person: no death has doubled any."""
        events = Event.objects.filter(group=made.pk)
        for name in ("clients.import.applied", "clients.import.undone"):
            told = events.get(type=name)
            people = list(Notification.objects.filter(event=told).values_list("recipient", flat=True))
            assert len(people) == len(set(people)) == 2, name  # the other administrator and the collaborator
        half = self.rows // 2
        for name, count in (
            ("created", self.rows - half),
            ("taken_back", self.rows - half),
            ("changed", 2 * half),
        ):
            assert events.filter(type=f"clients.dossier.{name}").count() == count, name


@pytest.fixture
def journey(lemoine: World, worker: Worker) -> Callable[[int], Journey]:
    def prepared(rows: int) -> Journey:
        made = Journey(lemoine, worker, rows)
        made.prepare()
        return made

    return prepared


def test_a_worker_killed_while_it_writes_leaves_nothing_and_the_next_one_all(journey) -> None:
    made = journey(300)
    made.go()  # undisturbed: how long each phase takes, and how things stand after it
    made.go(APPLY)


@pytest.mark.long
def test_twenty_deaths_while_reading_planning_applying_and_undoing(journey) -> None:
    """Of each kind one waits for the lease to run out, as it does without a test."""
    made = journey(int(os.environ.get("KILLED_ROWS", "10000")))
    made.go()
    print({phase: round(seconds, 1) for phase, seconds in made.seconds.items()})
    for number in range(20):
        began = time.monotonic()
        made.go((READ, PLAN, APPLY, UNDO)[number % 4], patient=number < 4)
        print(f"{number + 1}: {made.deaths[-1]}, {time.monotonic() - began:.1f} s in all", flush=True)
    hits = [phase for phase, at_work in made.deaths if at_work]
    assert len(made.deaths) == 20
    assert len(hits) >= 15, f"Only {len(hits)} of 20 fell into the work."
    assert set(hits) == {READ, PLAN, APPLY, UNDO}
