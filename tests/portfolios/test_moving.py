"""Dossiers that move: many at once, all of a portfolio that is terminated, and back when it is restored."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.permissions import ObjectRole, Perm, can, give, pairs_of
from activity.models import Event, Notification
from clients.actions.archiving import archive_dossiers
from clients.actions.dossiers import create_dossier, move_dossier
from clients.actions.portfolios import (
    TooLate,
    move_dossiers,
    restore_portfolio,
    terminate_portfolio,
)
from clients.models import Assignment, Dossier, FormerPlace
from clients.results import Skip
from portfolios.actions import NameTaken, Terminated, create_portfolio, grant_portfolio, rename_portfolio
from portfolios.models import Portfolio
from tests.worlds import World, make_dossier, make_portfolio

EVERY = Dossier.objects.order_by("pk")


def told() -> list[str]:
    return sorted(Notification.objects.values_list("address", flat=True))


def forget() -> None:
    Notification.objects.all().delete()


def types() -> list[str]:
    return list(Event.objects.order_by("id").values_list("type", flat=True))


def subscribe(firm: World, portfolio: Portfolio, *members: object) -> None:
    for member in members:
        grant_portfolio(actor=firm.admin, portfolio=portfolio, member=member)  # type: ignore[arg-type]
    forget()
    Event.objects.all()


# --- Moving many --------------------------------------------------------------------------------------------------


def test_many_move_as_a_line_each_and_one_mail_each_to_who_had_them_and_who_has_them(firm: World) -> None:
    old, new = make_portfolio("Sarah"), make_portfolio("Léa")
    for name in "ABC":
        make_dossier(name, portfolio=old)
    subscribe(firm, old, firm.collaborator)
    subscribe(firm, new, firm.colleague)
    result = move_dossiers(actor=firm.admin, dossiers=EVERY, portfolio=new)
    assert result.count == Dossier.objects.in_portfolio(new).count() == 3
    assert types()[2:] == ["clients.dossier.moved"] * 3 + ["clients.dossiers.moved"]
    event = Event.objects.filter(type="clients.dossier.moved").latest("id")
    assert event.changes == {"portfolio": ["Sarah", "Léa"]}
    assert told() == sorted([firm.collaborator.email, firm.colleague.email])


def test_one_moves_as_one_event_about_it(firm: World) -> None:
    dossier, new = make_dossier(), make_portfolio("Léa")
    move_dossiers(actor=firm.admin, dossiers=EVERY, portfolio=new)
    assert types() == ["clients.dossier.moved"]
    assert Event.objects.get().subject_id == dossier.pk


def test_what_does_not_move_is_left_out_with_its_reason(firm: World) -> None:
    new = make_portfolio("Léa")
    there = make_dossier("A", portfolio=new)
    archived = make_dossier("B", archived_at=timezone.now())
    own, moved = make_dossier("C", is_own=True), make_dossier("D")
    result = move_dossiers(actor=firm.admin, dossiers=EVERY, portfolio=new)
    assert result.done == [moved]
    assert result.skipped == {Skip.ALREADY_THERE: [there], Skip.ARCHIVED: [archived], Skip.OWN: [own]}
    before = len(types())
    assert not move_dossiers(actor=firm.admin, dossiers=EVERY, portfolio=new).done
    assert len(types()) == before


def test_a_collaborator_moves_what_they_may_change_into_what_they_may_fill(firm: World) -> None:
    mine, read, foreign = make_portfolio("Mien"), make_portfolio("Lu"), make_portfolio("Autre")
    grant_portfolio(actor=firm.admin, portfolio=mine, member=firm.collaborator)
    grant_portfolio(actor=firm.admin, portfolio=read, member=firm.collaborator, role=ObjectRole.READER)
    changeable, readable, unseen = make_dossier("A"), make_dossier("B", portfolio=read), make_dossier("C")
    give(Assignment, pairs_of([changeable], [firm.collaborator]), role=ObjectRole.ACCOUNTANT, by=None)
    result = move_dossiers(actor=firm.collaborator, dossiers=EVERY, portfolio=mine)
    assert (result.done, result.skipped) == ([changeable], {Skip.NOT_ALLOWED: [readable]})
    unseen.refresh_from_db()
    assert unseen.portfolio is None
    for target in (read, foreign):
        with pytest.raises(PermissionDenied):
            move_dossiers(actor=firm.collaborator, dossiers=EVERY, portfolio=target)
    assert not move_dossiers(actor=firm.collaborator, dossiers=EVERY, portfolio=None).done


# --- Terminating --------------------------------------------------------------------------------------------------


def test_terminating_moves_every_dossier_and_tells_who_had_them_and_who_gets_them(firm: World) -> None:
    old, new = make_portfolio("Sarah"), make_portfolio("Léa")
    first, second = make_dossier("A", portfolio=old), make_dossier("B", portfolio=old)
    archive_dossiers(actor=firm.admin, dossiers=EVERY.filter(pk=second.pk))
    subscribe(firm, old, firm.collaborator)
    subscribe(firm, new, firm.colleague)
    terminate_portfolio(actor=firm.admin, portfolio=old, successor=new)
    assert set(Dossier.objects.in_portfolio(new)) == {first, second}
    assert not can(firm.collaborator, Perm.VIEW_PORTFOLIO, old)
    assert can(firm.admin, Perm.VIEW_PORTFOLIO, old)
    assert can(firm.colleague, Perm.VIEW_DOSSIER, first)
    assert told() == sorted([firm.collaborator.email, firm.colleague.email])
    event = Event.objects.latest("id")
    assert (event.type, event.details["count"]) == ("portfolios.portfolio.terminated", 2)


def test_a_terminated_portfolio_takes_nothing_and_goes_to_nobody(firm: World) -> None:
    portfolio, dossier = make_portfolio(), make_dossier("A")
    stale = Portfolio.objects.get(pk=portfolio.pk)
    terminate_portfolio(actor=firm.admin, portfolio=portfolio)
    for act in (
        lambda: create_dossier(actor=firm.admin, values={"legal_name": "B"}, portfolio=stale),
        lambda: move_dossier(actor=firm.admin, dossier=dossier, portfolio=stale),
        lambda: move_dossiers(actor=firm.admin, dossiers=EVERY, portfolio=stale),
        lambda: grant_portfolio(actor=firm.admin, portfolio=stale, member=firm.collaborator),
        lambda: rename_portfolio(actor=firm.admin, portfolio=stale, name="Autre"),
        lambda: terminate_portfolio(actor=firm.admin, portfolio=stale),
    ):
        with pytest.raises(PermissionDenied):
            act()
    assert not Dossier.objects.in_portfolio(portfolio).exists()


def test_a_terminated_successor_is_refused(firm: World) -> None:
    portfolio, successor = make_portfolio("Sarah"), make_portfolio("Léa")
    terminate_portfolio(actor=firm.admin, portfolio=successor)
    with pytest.raises(PermissionDenied):
        terminate_portfolio(actor=firm.admin, portfolio=portfolio, successor=successor)


def test_the_name_of_a_terminated_portfolio_is_free(firm: World) -> None:
    terminate_portfolio(actor=firm.admin, portfolio=make_portfolio("Sarah"))
    assert create_portfolio(actor=firm.admin, name="Sarah").name == "Sarah"


# --- Restoring ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("somewhere", [True, False])
def test_restoring_takes_back_what_is_still_where_termination_put_it(firm: World, somewhere: bool) -> None:
    old, other = make_portfolio("Sarah"), make_portfolio("Paul")
    new = make_portfolio("Léa") if somewhere else None
    stays, moved = make_dossier("A", portfolio=old), make_dossier("B", portfolio=old)
    newcomer = make_dossier("C", portfolio=new)
    subscribe(firm, old, firm.collaborator)
    terminate_portfolio(actor=firm.admin, portfolio=old, successor=new)
    move_dossier(actor=firm.admin, dossier=moved, portfolio=other)
    forget()
    restored = restore_portfolio(actor=firm.admin, portfolio=old)
    assert (restored.back, restored.kept) == ([stays], [moved])
    assert list(Dossier.objects.in_portfolio(old)) == [stays]
    newcomer.refresh_from_db()
    assert newcomer.portfolio == new
    assert can(firm.collaborator, Perm.VIEW_DOSSIER, stays)
    assert told() == [firm.collaborator.email]
    assert not FormerPlace.objects.exists()
    event = Event.objects.latest("id")
    assert (event.details["count"], event.details["kept"]) == (1, 1)


def test_a_name_taken_meanwhile_is_told_and_another_one_serves(firm: World) -> None:
    old = make_portfolio("Sarah")
    terminate_portfolio(actor=firm.admin, portfolio=old)
    make_portfolio("SÀRAH")
    with pytest.raises(NameTaken):
        restore_portfolio(actor=firm.admin, portfolio=old)
    restored = restore_portfolio(actor=firm.admin, portfolio=old, name="Sarah (ancien)")
    assert restored.portfolio.name == "Sarah (ancien)"
    assert Event.objects.latest("id").changes == {"name": ["Sarah", "Sarah (ancien)"]}


def test_after_thirty_days_it_stays_terminated(firm: World) -> None:
    old = make_portfolio("Sarah")
    terminate_portfolio(actor=firm.admin, portfolio=old)
    Portfolio.objects.filter(pk=old.pk).update(terminated_at=timezone.now() - timedelta(days=30, minutes=1))
    with pytest.raises(TooLate):
        restore_portfolio(actor=firm.admin, portfolio=old)


def test_one_that_runs_is_restored_without_a_trace(firm: World) -> None:
    restore_portfolio(actor=firm.admin, portfolio=make_portfolio())
    assert types() == []


def test_a_collaborator_neither_terminates_nor_restores(firm: World) -> None:
    portfolio = make_portfolio()
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    with pytest.raises(PermissionDenied):
        terminate_portfolio(actor=firm.collaborator, portfolio=portfolio)
    terminate_portfolio(actor=firm.admin, portfolio=portfolio)
    with pytest.raises(PermissionDenied):
        restore_portfolio(actor=firm.collaborator, portfolio=portfolio)


def test_a_termination_within_a_transaction_that_fails_leaves_all_as_it_was(firm: World) -> None:
    old, new = make_portfolio("Sarah"), make_portfolio("Léa")
    terminate_portfolio(actor=firm.admin, portfolio=new)
    with pytest.raises((Terminated, PermissionDenied)):
        terminate_portfolio(actor=firm.admin, portfolio=old, successor=new)
    old.refresh_from_db()
    assert old.terminated_at is None
