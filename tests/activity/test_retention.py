"""What is over is removed, by its family, and no more than that; the chain explains each gap, or does not hold."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import PermissionDenied
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from accounts.actions import journal
from activity import names, retention
from activity.lookups import purge_events
from activity.models import Event, Notification, Seal
from activity.retention import NotAChoice, purge_due, purge_journal
from activity.sealing import seal_due
from activity.verifying import Owner, verify
from exports.events import ExportAsked
from portfolios.actions import create_portfolio
from portfolios.events import PortfolioRenamed
from tenancy.keys import uuid7
from tenancy.scopes import scope
from tests.database import as_owner
from tests.worlds import World

pytestmark = pytest.mark.django_db(transaction=True)

MONTH = timedelta(days=31)


def happened(kind: Any, ago: timedelta) -> UUID:
    """An event of that age, in the scope's journal; returns its key."""
    at: datetime = timezone.now() - ago
    key = UUID(int=(int(at.timestamp() * 1000) << 80) + (uuid7().int & ((1 << 80) - 1)))
    Event.objects.create(**Event.ownership(), id=key, type=kind.name, at=at, actor_name="Alice Martin")
    return key


@pytest.fixture
def old(lemoine: World) -> dict[str, UUID]:
    """Changes and accesses of several ages, sealed."""
    with scope(firm=lemoine.firm):
        keys = {
            "change of 11 years": happened(PortfolioRenamed, 133 * MONTH),
            "change of 7 years": happened(PortfolioRenamed, 85 * MONTH),
            "access of 7 years": happened(ExportAsked, 85 * MONTH),
            "access of 2 years": happened(ExportAsked, 25 * MONTH),
            "access of 7 months": happened(ExportAsked, 7 * MONTH),
            "access of 5 months": happened(ExportAsked, 5 * MONTH),
        }
        create_portfolio(actor=lemoine.admin, name="Sarah")
    seal_due()
    return keys


def left(world: World, keys: dict[str, UUID]) -> set[str]:
    with scope(firm=world.firm):
        there = set(Event.objects.values_list("pk", flat=True))
    return {name for name, key in keys.items() if key in there}


def kinds_of_faults(world: World) -> list[str]:
    return [fault.kind for fault in verify(Owner(firm=world.firm.pk)).faults]


def test_what_is_over_goes_by_its_family_and_the_rest_stays(lemoine: World, old: dict[str, UUID]) -> None:
    assert purge_due() == 3
    assert left(lemoine, old) == {"change of 7 years", "access of 7 months", "access of 5 months"}


def test_a_removal_is_an_event_and_the_chain_holds_without_what_was_removed(
    lemoine: World, old: dict[str, UUID]
) -> None:
    purge_due()
    with scope(firm=lemoine.firm):
        (event,) = Event.objects.filter(type="activity.journal.purged")
        assert event.details["count"] == 3
        assert event.details["kinds"] == ["exports.export.asked", "portfolios.portfolio.renamed"]
        assert event.actor_name == ""
        gone = Seal.objects.filter(purge=event.group)
        assert gone.count() == 3
        assert not gone.exclude(frame_salt=None, who_salt=None, what_salt=None).exists()
    report = verify(Owner(firm=lemoine.firm.pk))
    assert report.is_intact and report.purged == 3


def test_what_was_told_of_it_goes_along(lemoine: World, old: dict[str, UUID]) -> None:
    with scope(firm=lemoine.firm):
        Notification.objects.create(
            **Notification.ownership(),
            event_id=old["change of 11 years"],
            recipient_id=lemoine.admin.user_id or UUID(int=0),
            address="a@b.test",
            name="A",
            due_at=timezone.now(),
            composed_at=timezone.now(),
        )
    purge_due()
    with scope(firm=lemoine.firm):
        assert not Notification.objects.filter(event_id=old["change of 11 years"]).exists()


def test_a_removal_in_portions_tells_of_each(
    lemoine: World, old: dict[str, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    assert purge_due() == 3
    with scope(firm=lemoine.firm):
        assert Event.objects.filter(type="activity.journal.purged").count() == 2
    assert kinds_of_faults(lemoine) == []


def test_a_second_one_on_the_same_day_finds_nothing_to_do(lemoine: World, old: dict[str, UUID]) -> None:
    assert [purge_due(), purge_due()] == [3, 0]


def test_a_firm_may_keep_less_or_more(lemoine: World, old: dict[str, UUID]) -> None:
    with scope(firm=lemoine.firm):
        assert journal.change_retention(actor=lemoine.admin, months={"changes": 60, "accesses": 36})
        assert not journal.change_retention(actor=lemoine.admin, months={"changes": 60, "accesses": 36})
        (event,) = Event.objects.filter(type="accounts.journal.retention_changed")
        assert event.changes == {"changes": [120, 60], "accesses": [12, 36]}
    purge_due()
    assert left(lemoine, old) == {"access of 2 years", "access of 7 months", "access of 5 months"}


@pytest.mark.parametrize("months", [{"changes": 12}, {"accesses": 0}, {"accesses": 5}, {"changes": 61}])
def test_less_than_the_least_is_no_choice(lemoine: World, months: dict[str, int]) -> None:
    with scope(firm=lemoine.firm), pytest.raises(NotAChoice):
        journal.change_retention(actor=lemoine.admin, months=months)


def test_nor_does_the_database_go_below_it_whatever_a_row_says(lemoine: World, old: dict[str, UUID]) -> None:
    """As somebody would who has taken over the application."""
    with scope(firm=lemoine.firm):
        retention.rules()
        from activity.models import Journal

        Journal.objects.update(months={"changes": 0, "accesses": 0})
        purge_events(uuid7(), 10_000)
    assert left(lemoine, old) == {"access of 5 months"}


def test_a_removal_that_nobody_recorded_is_a_fault(lemoine: World, old: dict[str, UUID]) -> None:
    with scope(firm=lemoine.firm):
        purge_events(uuid7(), 10_000)
    assert kinds_of_faults(lemoine) == ["purge"]


def test_a_removal_of_more_than_was_recorded_is_a_fault(lemoine: World, old: dict[str, UUID]) -> None:
    purge_due()
    with as_owner() as owner:
        owner.execute("DELETE FROM activity_event WHERE id = %s", [old["change of 7 years"]])
        owner.execute(
            "UPDATE activity_seal SET purge = (SELECT max(purge::text)::uuid FROM activity_seal) WHERE event = %s",
            [old["change of 7 years"]],
        )
    assert kinds_of_faults(lemoine) == ["purge"]


def test_under_legal_hold_nothing_goes_until_it_is_lifted(lemoine: World, old: dict[str, UUID]) -> None:
    with scope(firm=lemoine.firm):
        assert journal.hold_journal(actor=lemoine.admin, reason="Contrôle fiscal")
        assert not journal.hold_journal(actor=lemoine.admin, reason="Encore")
    assert purge_due() == 0
    assert purge_journal(firm=lemoine.firm.pk) == 0
    assert left(lemoine, old) == set(old)
    with scope(firm=lemoine.firm):
        assert journal.release_journal(actor=lemoine.admin)
        assert not journal.release_journal(actor=lemoine.admin)
    assert purge_journal(firm=lemoine.firm.pk) == 3


def test_what_the_journal_tells_of_itself_stays_for_good(lemoine: World) -> None:
    from accounts.events.journal import JournalHeld
    from activity.proofs import JournalPurged

    with scope(firm=lemoine.firm):
        keys = {kind.name: happened(kind, 300 * MONTH) for kind in (JournalHeld, JournalPurged)}
    seal_due()
    assert purge_due() == 0
    assert left(lemoine, keys) == set(keys)


def test_what_is_not_sealed_yet_is_not_removed(lemoine: World) -> None:
    with scope(firm=lemoine.firm):
        create_portfolio(actor=lemoine.admin, name="Sarah")
    seal_due()
    with scope(firm=lemoine.firm):
        keys = {"late": happened(PortfolioRenamed, 200 * MONTH)}
    assert purge_due() == 0
    assert left(lemoine, keys) == {"late"}


def test_nothing_is_sealed_while_names_are_forgotten(
    lemoine: World, old: dict[str, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that a sealer finds noted might be gone a moment later, by a statement that began before the event."""
    sealed: list[int] = []
    forget = names.forget_left_over

    def by_another() -> int:
        try:
            return seal_due()
        finally:
            connection.close()

    def sealed_meanwhile() -> None:
        with ThreadPoolExecutor(1) as other:
            sealed.append(other.submit(by_another).result())
        forget()

    monkeypatch.setattr(names, "forget_left_over", sealed_meanwhile)
    assert purge_due() == 3
    assert sealed == [0]
    assert seal_due() == 1, "the event that tells of the removal"


def test_another_firms_events_are_out_of_reach(lemoine: World, bertrand: World, old: dict[str, UUID]) -> None:
    with scope(firm=bertrand.firm):
        create_portfolio(actor=bertrand.admin, name="Chez Bertrand")
    seal_due()
    with scope(firm=bertrand.firm):
        assert purge_events(uuid7(), 10_000) == []
    with pytest.raises(ProgrammingError, match="in scope"), transaction.atomic():
        purge_events(uuid7(), 10_000)
    assert left(lemoine, old) == set(old)


@pytest.mark.parametrize("act", ["order_check", "hold_journal", "release_journal", "change_retention"])
def test_a_collaborator_may_do_none_of_it(lemoine: World, act: str) -> None:
    given: dict[str, dict[str, Any]] = {"hold_journal": {"reason": "x"}, "change_retention": {"months": {}}}
    with scope(firm=lemoine.firm), pytest.raises(PermissionDenied):
        getattr(journal, act)(actor=lemoine.collaborator, **given.get(act, {}))


def test_every_event_belongs_to_a_family_that_is_known() -> None:
    from activity.events import PROOFS, REGISTRY

    assert {kind.family for kind in REGISTRY.values()} == {*retention.FAMILIES, PROOFS}
