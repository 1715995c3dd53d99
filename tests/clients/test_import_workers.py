"""Killed, doubled and late workers: all rows or none, and no import that hangs."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from activity.models import Event
from clients.imports import applying, planning
from clients.imports.sweeping import sweep
from clients.jobs import NotNow, cancel_import, confirm_import, start_import
from clients.models import Dossier, Import, ImportRow, ImportState
from portfolios.models import Portfolio
from tenancy.scopes import scope
from tests.clients.lists import HEADERS, apply, plan, read, workbook
from tests.worlds import World

ROWS = [(f"R{number}", f"Client {number}", "", "", "Sarah") for number in range(30)]


class Killed(BaseException):
    """As a worker's death: nothing after it runs, not even the handlers of errors."""


def at_the_same_time(*works) -> list[object]:
    """Each in a thread with a connection of its own; what each returned or raised."""
    came: list[object] = []

    def run(work) -> None:
        try:
            came.append(work())
        except Exception as error:
            came.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return came


def let_the_lease_run_out(world: World) -> None:
    with scope(firm=world.firm):
        Import.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def planned(world: World) -> Import:
    with scope(firm=world.firm):
        return plan(world.admin, ROWS)


def confirmed(world: World) -> Import:
    made = planned(world)
    with scope(firm=world.firm):
        confirm_import(actor=world.admin, source=made)
    return made


def state(world: World) -> str:
    with scope(firm=world.firm):
        return Import.objects.get().state


def dossiers(world: World) -> int:
    with scope(firm=world.firm):
        return Dossier.objects.count()


@pytest.mark.django_db(transaction=True)
class TestWorkers:
    def test_of_many_confirmations_at_once_one_counts(self, lemoine: World) -> None:
        made = planned(lemoine)

        def confirm() -> bool:
            with scope(firm=lemoine.firm):
                confirm_import(actor=lemoine.admin, source=made)
            return True

        came = at_the_same_time(*[confirm] * 5)
        assert came.count(True) == 1
        assert sum(isinstance(one, NotNow) for one in came) == 4

    def test_two_workers_apply_once(self, lemoine: World) -> None:
        made = confirmed(lemoine)
        at_the_same_time(*[lambda: apply(made)] * 3)
        assert (dossiers(lemoine), state(lemoine)) == (30, ImportState.DONE)

    @pytest.mark.parametrize("step", ["_make_portfolios", "_assign", "record_rows_of", "_finish"])
    def test_a_worker_killed_while_writing_leaves_nothing_and_the_next_one_all(
        self, lemoine: World, monkeypatch, step: str
    ) -> None:
        made = confirmed(lemoine)

        def die(*args: object) -> None:
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(applying, step, die)
            with pytest.raises(Killed):
                apply(made)
        assert (dossiers(lemoine), state(lemoine)) == (0, ImportState.APPLYING)
        with scope(firm=lemoine.firm):
            assert not Portfolio.objects.exists()
        apply(made)
        assert dossiers(lemoine) == 0  # the lease still holds
        let_the_lease_run_out(lemoine)
        apply(made)
        assert (dossiers(lemoine), state(lemoine)) == (30, ImportState.DONE)

    def test_a_worker_killed_while_reading_is_followed_by_another(self, lemoine: World, monkeypatch) -> None:
        with scope(firm=lemoine.firm):
            made = start_import(actor=lemoine.admin, file_name="a.xlsx", content=workbook([HEADERS, *ROWS]))

        def die(*args: object) -> None:
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(planning, "_keep_plan", die)
            with pytest.raises(Killed):
                read(made)
        with scope(firm=lemoine.firm):
            assert not ImportRow.objects.exists()
        let_the_lease_run_out(lemoine)
        read(made)
        with scope(firm=lemoine.firm):
            assert (Import.objects.get().state, ImportRow.objects.count()) == (ImportState.READY, 30)

    def test_an_import_that_kills_every_worker_ends_with_a_sentence(
        self, lemoine: World, monkeypatch
    ) -> None:
        made = confirmed(lemoine)

        def die(*args: object) -> None:
            raise Killed

        monkeypatch.setattr(applying, "_finish", die)
        for _ in range(4):
            with pytest.raises(Killed):
                apply(made)
            let_the_lease_run_out(lemoine)
        apply(made)
        with scope(firm=lemoine.firm):
            assert (Import.objects.get().state, Import.objects.get().refusal_code) == (
                ImportState.FAILED,
                "gave_up",
            )
            failed = Event.objects.get(type="clients.import.failed")
            assert failed.notifications.get().recipient_id == lemoine.admin.user_id
        assert dossiers(lemoine) == 0

    def test_the_sweep_finds_what_nobody_holds_and_nothing_else(
        self, lemoine: World, bertrand: World
    ) -> None:
        confirmed(lemoine)
        assert sweep() == 1
        with scope(firm=lemoine.firm):
            Import.objects.update(lease_until=timezone.now() + timedelta(seconds=20))
        assert sweep() == 0

    def test_a_plan_that_nobody_confirms_is_dropped_after_a_month(self, lemoine: World) -> None:
        planned(lemoine)
        assert sweep() == 0
        with scope(firm=lemoine.firm):
            Import.objects.update(created_at=timezone.now() - timedelta(days=31))
        sweep()
        assert state(lemoine) == ImportState.CANCELLED
        with scope(firm=lemoine.firm):
            assert Event.objects.get(type="clients.import.cancelled").actor_name == "", "by nobody's hand"

    def test_a_reader_that_was_cancelled_meanwhile_keeps_nothing(self, lemoine: World, monkeypatch) -> None:
        with scope(firm=lemoine.firm):
            made = start_import(actor=lemoine.admin, file_name="a.xlsx", content=workbook([HEADERS, *ROWS]))
        keep_plan = planning._keep_plan

        def cancelled_first(*args: Any) -> None:
            def cancel() -> None:
                with scope(firm=lemoine.firm):
                    cancel_import(actor=lemoine.admin, source=made)

            assert at_the_same_time(cancel) == [None]
            keep_plan(*args)

        monkeypatch.setattr(planning, "_keep_plan", cancelled_first)
        read(made)
        with scope(firm=lemoine.firm):
            assert not ImportRow.objects.exists()
        assert state(lemoine) == ImportState.CANCELLED
