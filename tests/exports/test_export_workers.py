"""Killed, doubled and late workers: the whole file or none, and no export that is prepared for ever."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from activity.models import Event
from exports import making
from exports.actions import take_away
from exports.making import make_export
from exports.models import Export, ExportPart, ExportState
from exports.sweeping import sweep
from tenancy.scopes import scope
from tests.clients.test_import_workers import Killed, at_the_same_time
from tests.exports.test_exports import order
from tests.worlds import World

pytestmark = pytest.mark.django_db(transaction=True)


def ordered(world: World) -> Export:
    with scope(firm=world.firm):
        return order(world.admin)


def stands(world: World) -> tuple[str, int]:
    """The state, and how many pieces of the file are kept."""
    with scope(firm=world.firm):
        return Export.objects.get().state, ExportPart.objects.count()


def let_the_lease_run_out(world: World) -> None:
    with scope(firm=world.firm):
        Export.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def die(*args: object, **kwargs: object) -> None:
    raise Killed


@pytest.mark.parametrize("step", ["_make", "_keep", "record"])
def test_a_worker_killed_leaves_nothing_and_the_next_one_the_whole_file(
    lemoine: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    export = ordered(lemoine)
    with monkeypatch.context() as patch:
        patch.setattr(making, step, die)
        with pytest.raises(Killed):
            make_export(lemoine.firm.pk, export.pk)
    assert stands(lemoine) == (ExportState.RUNNING, 0)
    make_export(lemoine.firm.pk, export.pk)
    assert stands(lemoine) == (ExportState.RUNNING, 0)  # the lease still holds
    assert sweep() == 0
    let_the_lease_run_out(lemoine)
    assert sweep() == 1
    make_export(lemoine.firm.pk, export.pk)
    assert stands(lemoine) == (ExportState.READY, 1)
    with scope(firm=lemoine.firm):
        assert Event.objects.filter(type="exports.export.ready").count() == 1


def test_an_export_that_kills_every_worker_ends_with_a_sentence(
    lemoine: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = ordered(lemoine)
    monkeypatch.setattr(making, "_make", die)
    for _ in range(4):
        with pytest.raises(Killed):
            make_export(lemoine.firm.pk, export.pk)
        let_the_lease_run_out(lemoine)
    make_export(lemoine.firm.pk, export.pk)
    assert stands(lemoine) == (ExportState.FAILED, 0)
    with scope(firm=lemoine.firm):
        assert Export.objects.get().reason == "gave_up"
        assert Event.objects.filter(type="exports.export.failed").count() == 1


def test_after_an_unforeseen_error_it_is_tried_again(lemoine: World, monkeypatch: pytest.MonkeyPatch) -> None:
    export = ordered(lemoine)

    def fall(*args: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(making, "_make", fall)
        with pytest.raises(OSError, match="no space"):
            make_export(lemoine.firm.pk, export.pk)
    make_export(lemoine.firm.pk, export.pk)
    assert stands(lemoine) == (ExportState.READY, 1)


def test_two_workers_make_it_once(lemoine: World) -> None:
    export = ordered(lemoine)
    at_the_same_time(*[lambda: make_export(lemoine.firm.pk, export.pk)] * 3)
    assert stands(lemoine) == (ExportState.READY, 1)


def test_a_worker_taken_for_dead_keeps_nothing(lemoine: World, monkeypatch: pytest.MonkeyPatch) -> None:
    export, keep = ordered(lemoine), making._keep

    def overtaken(*args: Any) -> None:
        monkeypatch.setattr(making, "_keep", keep)
        let_the_lease_run_out_elsewhere()
        keep(*args)

    def let_the_lease_run_out_elsewhere() -> None:
        def other() -> None:
            let_the_lease_run_out(lemoine)
            make_export(lemoine.firm.pk, export.pk)

        assert at_the_same_time(other) == [None]

    monkeypatch.setattr(making, "_keep", overtaken)
    make_export(lemoine.firm.pk, export.pk)
    assert stands(lemoine) == (ExportState.READY, 1)
    with scope(firm=lemoine.firm):
        assert Event.objects.filter(type="exports.export.ready").count() == 1


def test_asked_for_in_two_tabs_at_once_it_is_one(lemoine: World) -> None:
    came = at_the_same_time(*[lambda: ordered(lemoine)] * 4)
    assert len({export.pk for export in came}) == 1  # type: ignore[attr-defined]
    with scope(firm=lemoine.firm):
        assert Event.objects.filter(type="exports.export.asked").count() == 1


def test_what_is_taken_away_is_not_deleted_meanwhile(lemoine: World) -> None:
    export = ordered(lemoine)
    make_export(lemoine.firm.pk, export.pk)

    class Slow(io.BytesIO):
        def write(self, content: Any) -> int:
            with scope(firm=lemoine.firm):
                Export.objects.filter(pk=export.pk).update(expires_at=timezone.now())
            return super().write(content)

    target = Slow()
    with scope(firm=lemoine.firm):
        take_away(actor=lemoine.admin, export=export, target=target)
    assert len(target.getvalue()) > 1000
    sweep()
    assert stands(lemoine) == (ExportState.EXPIRED, 0)
