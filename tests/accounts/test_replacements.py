"""A member covers another one from a day to a day. Decided by the database's clock, so tests move the dates."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actions.members import suspend_member
from accounts.actions.replacements import (
    AlreadyOver,
    NotOpen,
    Overlaps,
    SamePerson,
    WrongDates,
    arrange_replacement,
    change_replacement,
    end_replacement,
    tell_replacement,
)
from accounts.models import Replacement
from accounts.permissions import ObjectRole, Perm, can, give, holders, pairs_of, permitted, reach
from accounts.tasks import tell_replacements
from activity.models import Event, Notification
from clients.actions.dossiers import move_dossier, update_dossier
from clients.actions.portfolios import move_dossiers
from clients.models import Assignment, Dossier
from portfolios.models import PortfolioGrant
from tenancy.scopes import scope
from tests.calendars import PARIS, days_of, far_from_midnight, zone_far_from_midnight
from tests.outbox import Outbox
from tests.worlds import World, make_dossier, make_member, make_portfolio

pytestmark = pytest.mark.usefixtures("one_day")

TODAY = timezone.localdate
DAY = timedelta(days=1)


def arranged(firm: World, **given: Any) -> Replacement:
    """Chloé replaces Paul, today and for a week unless told otherwise."""
    with far_from_midnight():
        return _arranged(firm, **given)


def _arranged(firm: World, **given: Any) -> Replacement:
    values: dict[str, Any] = {
        "actor": firm.admin,
        "absent": firm.colleague,
        "cover": firm.collaborator,
        "starts_on": TODAY(),
        "ends_on": TODAY() + 7 * DAY,
        "includes_assignments": True,
    }
    return arrange_replacement(**(values | given))


def move(replacement: Replacement, by: timedelta) -> None:
    """As if so much time had passed before (a negative one) or had to pass still: by the calendar, from midnight to
    midnight, also where a day has 23 or 25 hours."""
    found = Replacement.objects.get(pk=replacement.pk)
    starts_at, ends_at = (
        timezone.make_aware(timezone.make_naive(moment) + by) for moment in (found.starts_at, found.ends_at)
    )
    Replacement.objects.filter(pk=found.pk).update(starts_at=starts_at, ends_at=ends_at)


@pytest.fixture
def covered(firm: World) -> Dossier:
    """A dossier of Paul's portfolio."""
    portfolio = make_portfolio("Paul")
    give(PortfolioGrant, pairs_of([portfolio], [firm.colleague]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    return make_dossier(portfolio=portfolio)


@pytest.fixture
def single(firm: World) -> Dossier:
    """A dossier that is assigned to Paul alone."""
    dossier = make_dossier("Garage Petit")
    give(Assignment, pairs_of([dossier], [firm.colleague]), role=ObjectRole.READER, by=firm.admin)
    return dossier


def types() -> list[str]:
    return list(Event.objects.order_by("id").values_list("type", flat=True))


def told() -> set[str]:
    """First names of those who were told of the newest event."""
    newest = Event.objects.latest("id")
    return {one.name.partition(" ")[0] for one in Notification.objects.filter(event=newest)}


def sweep() -> int:
    """As the worker does it: from outside of any scope."""
    return int(tell_replacements())


def test_no_midnight_comes_while_one_of_these_tests_runs() -> None:
    """At whatever moment of a year, clocks that change included."""
    half_hours = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=30 * n) for n in range(48 * 366))
    with days_of(PARIS):
        for now in half_hours:
            there = now.astimezone(zone_far_from_midnight(now))
            assert (there + timedelta(hours=1)).date() == there.date(), now


# --- what it opens, and when


def test_it_opens_what_the_absent_person_holds_from_its_first_day(firm, covered, single) -> None:
    replacement = arranged(firm, starts_on=TODAY() + DAY, ends_on=TODAY() + 2 * DAY)
    chloe = firm.collaborator
    assert not can(chloe, Perm.VIEW_DOSSIER, covered)
    move(replacement, -DAY)
    assert can(chloe, Perm.CHANGE_DOSSIER, covered)
    assert can(chloe, Perm.VIEW_DOSSIER, single) and not can(chloe, Perm.CHANGE_DOSSIER, single)
    assert set(permitted(Dossier.objects.all(), chloe, Perm.VIEW_DOSSIER)) == {covered, single}
    assert chloe in holders(Perm.VIEW_DOSSIER, covered)
    assert reach(Dossier.objects.all(), Perm.VIEW_DOSSIER)[chloe.user_id] == {covered.pk, single.pk}


def test_its_last_day_belongs_to_it_and_the_next_does_not(firm, covered) -> None:
    replacement = arranged(firm, ends_on=TODAY())
    assert replacement.ends_on == TODAY()
    assert timezone.localtime(replacement.ends_at).strftime("%H:%M:%S") == "00:00:00"
    assert can(firm.collaborator, Perm.VIEW_DOSSIER, covered)
    move(replacement, -DAY)
    assert not can(firm.collaborator, Perm.VIEW_DOSSIER, covered)
    assert firm.collaborator not in holders(Perm.VIEW_DOSSIER, covered)


def test_single_client_files_go_along_only_where_it_says_so(firm, covered, single) -> None:
    arranged(firm, includes_assignments=False)
    assert can(firm.collaborator, Perm.VIEW_DOSSIER, covered)
    assert not can(firm.collaborator, Perm.VIEW_DOSSIER, single)


def test_technical_support_never_goes_along(firm, single) -> None:
    pairs = pairs_of([single], [firm.colleague])
    give(Assignment, pairs, role=ObjectRole.SUPPORT, by=firm.admin, until=timezone.now() + DAY)
    arranged(firm)
    assert can(firm.colleague, Perm.VIEW_DOSSIER, single)
    assert not can(firm.collaborator, Perm.VIEW_DOSSIER, single)


def test_a_suspended_cover_sees_nothing(firm, covered) -> None:
    arranged(firm)
    suspend_member(actor=firm.admin, member=firm.collaborator)
    assert not can(firm.collaborator, Perm.VIEW_DOSSIER, covered)


def test_midnights_are_those_of_paris_also_when_the_clock_changes(firm) -> None:
    year = TODAY().year + 1
    with days_of(PARIS):
        replacement = _arranged(firm, starts_on=date(year, 3, 1), ends_on=date(year, 3, 31))
        assert (replacement.starts_at.utcoffset(), replacement.ends_at.utcoffset()) == (
            timedelta(hours=1),
            timedelta(hours=2),
        )
        assert (replacement.starts_on, replacement.ends_on) == (date(year, 3, 1), date(year, 3, 31))


# --- what is refused


def test_a_collaborator_arranges_none(firm) -> None:
    with pytest.raises(PermissionDenied):
        arranged(firm, actor=firm.collaborator)


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        (lambda firm: {"cover": firm.colleague}, SamePerson),
        (lambda firm: {"starts_on": TODAY() - DAY}, WrongDates),
        (lambda firm: {"ends_on": TODAY() - DAY}, WrongDates),
        (lambda firm: {"starts_on": TODAY() + 2 * DAY, "ends_on": TODAY() + DAY}, WrongDates),
    ],
)
def test_what_makes_no_sense_is_refused(
    firm: World, given: Callable[[World], dict[str, Any]], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        arranged(firm, **given(firm))
    assert not Replacement.objects.exists() and not Event.objects.exists()


@pytest.mark.parametrize("who", ["collaborator", "colleague"])
def test_both_need_an_open_place(firm: World, who: str) -> None:
    suspend_member(actor=firm.admin, member=getattr(firm, who))
    with pytest.raises(NotOpen):
        arranged(firm)


@pytest.mark.parametrize(
    ("first", "last", "clashes"), [(0, 3, True), (7, 9, True), (8, 9, False), (2, 4, True)]
)
def test_the_same_pair_has_one_at_a_time(firm: World, first: int, last: int, clashes: bool) -> None:
    arranged(firm)
    again = {"starts_on": TODAY() + first * DAY, "ends_on": TODAY() + last * DAY}
    if clashes:
        with pytest.raises(Overlaps):
            arranged(firm, **again)
    else:
        arranged(firm, **again)


def test_two_covers_may_share_an_absence(firm) -> None:
    arranged(firm)
    arranged(firm, cover=firm.admin)
    assert Replacement.objects.running().count() == 2


# --- changing and ending it


def test_it_is_made_longer_and_tells_from_what_to_what(firm) -> None:
    replacement = arranged(firm)
    later = TODAY() + 9 * DAY
    change_replacement(
        actor=firm.admin, replacement=replacement, starts_on=TODAY(), ends_on=later, includes_assignments=True
    )
    event = Event.objects.latest("id")
    assert event.type == "accounts.replacement.changed"
    assert event.changes == {"ends_on": [f"{TODAY() + 7 * DAY:%d/%m/%Y}", f"{later:%d/%m/%Y}"]}
    assert told() == {"Chloé", "Paul"}


def test_the_same_again_records_nothing(firm) -> None:
    replacement = arranged(firm)
    change_replacement(
        actor=firm.admin,
        replacement=replacement,
        starts_on=replacement.starts_on,
        ends_on=replacement.ends_on,
        includes_assignments=True,
    )
    assert types() == ["accounts.replacement.arranged"]


@pytest.mark.parametrize(("starts", "ends"), [(1, 7), (0, -1), (-1, 7)])
def test_one_that_has_begun_keeps_its_first_day_and_does_not_end_in_the_past(
    firm: World, starts: int, ends: int
) -> None:
    replacement = arranged(firm)
    with pytest.raises(WrongDates):
        change_replacement(
            actor=firm.admin,
            replacement=replacement,
            starts_on=TODAY() + starts * DAY,
            ends_on=TODAY() + ends * DAY,
            includes_assignments=True,
        )


def test_one_that_runs_for_days_is_still_changed(firm) -> None:
    replacement = arranged(firm)
    move(replacement, -3 * DAY)
    replacement.refresh_from_db()
    change_replacement(
        actor=firm.admin,
        replacement=replacement,
        starts_on=replacement.starts_on,
        ends_on=TODAY(),
        includes_assignments=False,
    )
    replacement.refresh_from_db()
    assert (replacement.ends_on, replacement.includes_assignments) == (TODAY(), False)


def test_ending_it_takes_effect_at_once(firm, covered) -> None:
    replacement = arranged(firm)
    end_replacement(actor=firm.admin, replacement=replacement)
    assert not can(firm.collaborator, Perm.VIEW_DOSSIER, covered)
    assert types()[-1] == "accounts.replacement.cancelled"
    assert told() == {"Chloé", "Paul"}
    with pytest.raises(AlreadyOver):
        end_replacement(actor=firm.admin, replacement=replacement)
    assert sweep() == 0  # what was ended is not told as over


@pytest.mark.parametrize("who", ["collaborator", "colleague"])
def test_it_can_be_ended_whoever_of_the_two_is_suspended(firm: World, covered: Dossier, who: str) -> None:
    replacement = arranged(firm)
    suspend_member(actor=firm.admin, member=getattr(firm, who))
    end_replacement(actor=firm.admin, replacement=replacement)
    assert not Replacement.objects.unended().exists()
    assert not can(firm.collaborator, Perm.VIEW_DOSSIER, covered)


def test_one_to_come_that_is_cancelled_never_begins(firm, covered) -> None:
    replacement = arranged(firm, starts_on=TODAY() + DAY)
    end_replacement(actor=firm.admin, replacement=replacement)
    assert not Replacement.objects.unended().exists()
    assert not can(firm.collaborator, Perm.VIEW_DOSSIER, covered)
    assert sweep() == 0


def test_arranged_and_cancelled_within_one_hold_tells_nobody(firm, outbox: Outbox) -> None:
    end_replacement(actor=firm.admin, replacement=arranged(firm))
    outbox.flush()
    assert outbox.recipients() == []


# --- telling what the calendar did


def test_its_beginning_and_its_end_are_told_once_each_by_nobody(firm) -> None:
    replacement = arranged(firm, starts_on=TODAY() + DAY, ends_on=TODAY() + DAY)
    assert sweep() == 0
    move(replacement, -DAY)
    assert (sweep(), sweep()) == (1, 0)
    event = Event.objects.latest("id")
    assert (event.type, event.actor_id) == ("accounts.replacement.started", None)
    assert told() == {"Alice", "Chloé", "Paul"}
    move(replacement, -DAY)
    assert (sweep(), sweep()) == (1, 0)
    assert types()[-2:] == ["accounts.replacement.started", "accounts.replacement.ended"]
    assert told() == {"Alice", "Chloé", "Paul"}


def test_one_that_begins_today_was_told_by_its_arrangement(firm) -> None:
    arranged(firm)
    assert sweep() == 0


def test_the_sweep_tells_each_firm_its_own(lemoine, bertrand) -> None:
    for world in (lemoine, bertrand):
        with scope(firm=world.firm):
            move(arranged(world, starts_on=TODAY() + DAY), -DAY)
    assert sweep() == 2
    for world in (lemoine, bertrand):
        with scope(firm=world.firm):
            assert types() == ["accounts.replacement.arranged", "accounts.replacement.started"]


def test_one_that_fails_keeps_no_other_from_being_told(firm, monkeypatch: Any) -> None:
    first, second = (
        arranged(firm, starts_on=TODAY() + DAY),
        arranged(firm, cover=firm.admin, starts_on=TODAY() + DAY),
    )
    for one in (first, second):
        move(one, -DAY)

    def tell(*, replacement_id: Any) -> None:
        if replacement_id == first.pk:
            raise RuntimeError
        tell_replacement(replacement_id=replacement_id)

    monkeypatch.setattr("accounts.tasks.tell_replacement", tell)
    sweep()
    told_of = Replacement.objects.filter(start_told_at__isnull=False)
    assert [one.pk for one in told_of] == [second.pk]


# --- on whose behalf


def test_what_the_cover_changes_says_for_whom(firm, covered, outbox: Outbox) -> None:
    arranged(firm)
    update_dossier(actor=firm.collaborator, dossier=covered, values={"phone": "0102030405"})
    event = Event.objects.latest("id")
    assert event.behalf_id == firm.colleague.user_id
    assert event.who == "Chloé Martin, pour le compte de Paul Martin"
    outbox.flush()
    mail = outbox.to(firm.admin.email)
    assert "Chloé Martin, pour le compte de Paul Martin" in str(mail.body)


def test_it_is_on_behalf_of_the_one_whose_access_is_used(firm, single) -> None:
    """Chloé replaces two: Paul without his single files, and Léa, in whose portfolio the file stands."""
    lea = make_member(firm.firm, "Léa")
    single.portfolio = make_portfolio("Léa")
    single.save()
    give(PortfolioGrant, pairs_of([single.portfolio], [lea]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    arranged(firm, includes_assignments=False)
    arranged(firm, absent=lea)
    update_dossier(actor=firm.collaborator, dossier=single, values={"phone": "0102030405"})
    assert Event.objects.latest("id").behalf_name == "Léa Martin"


def test_what_is_the_covers_own_does_not(firm, covered) -> None:
    own = make_dossier("Menuiserie Béranger", portfolio=covered.portfolio)
    give(Assignment, pairs_of([own], [firm.collaborator]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    arranged(firm)
    update_dossier(actor=firm.collaborator, dossier=own, values={"phone": "0102030405"})
    assert Event.objects.latest("id").behalf_id is None


def test_what_a_reader_may_change_only_in_anothers_stead_says_for_whom(firm, covered) -> None:
    give(Assignment, pairs_of([covered], [firm.collaborator]), role=ObjectRole.READER, by=firm.admin)
    arranged(firm)
    update_dossier(actor=firm.collaborator, dossier=covered, values={"phone": "0102030405"})
    assert Event.objects.latest("id").behalf_name == "Paul Martin"


def test_each_of_many_moved_says_for_whom(firm, covered, outbox: Outbox) -> None:
    """Chloé may add to her own portfolio; what is in Paul's she takes from there in his stead."""
    own = make_portfolio("Chloé")
    give(PortfolioGrant, pairs_of([own], [firm.collaborator]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    hers = [make_dossier(f"Fleurs {number}", portfolio=make_portfolio(f"Lot {number}")) for number in "12"]
    give(Assignment, pairs_of(hers, [firm.collaborator]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    pauls = [covered, make_dossier("Garage Petit", portfolio=covered.portfolio)]
    arranged(firm)
    dossiers = Dossier.objects.filter(pk__in=[one.pk for one in (*hers, *pauls)])
    move_dossiers(actor=firm.collaborator, dossiers=dossiers, portfolio=own)
    assert behalf_of("clients.dossier.moved") == {
        **{one.pk: "" for one in hers},
        **{one.pk: "Paul Martin" for one in pauls},
    }
    line = Event.objects.get(type="clients.dossier.moved", subject_id=covered.pk)
    assert line.behalf_id == firm.colleague.user_id
    assert Event.objects.latest("id").behalf_id is None  # two of the four were her own


def test_many_moved_all_in_anothers_stead_are_told_so(firm, covered) -> None:
    own = make_portfolio("Chloé")
    give(PortfolioGrant, pairs_of([own], [firm.collaborator]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    make_dossier("Garage Petit", portfolio=covered.portfolio)
    arranged(firm)
    move_dossiers(actor=firm.collaborator, dossiers=Dossier.objects.clients(), portfolio=own)
    assert set(behalf_of("clients.dossier.moved").values()) == {"Paul Martin"}
    assert Event.objects.latest("id").behalf_name == "Paul Martin"


def test_what_is_added_to_a_covered_portfolio_is_done_for_its_subscriber(firm, covered) -> None:
    hers = [make_dossier(f"Fleurs {number}") for number in "12"]
    give(Assignment, pairs_of(hers, [firm.collaborator]), role=ObjectRole.READER, by=firm.admin)
    give(Assignment, pairs_of(hers, [firm.colleague]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    arranged(firm)
    dossiers = Dossier.objects.filter(pk__in=[one.pk for one in hers])
    move_dossiers(actor=firm.collaborator, dossiers=dossiers, portfolio=covered.portfolio)
    assert set(behalf_of("clients.dossier.moved").values()) == {"Paul Martin"}


def test_one_taken_from_a_covered_portfolio_into_ones_own_says_for_whom(firm, covered) -> None:
    own = make_portfolio("Chloé")
    give(PortfolioGrant, pairs_of([own], [firm.collaborator]), role=ObjectRole.ACCOUNTANT, by=firm.admin)
    arranged(firm)
    move_dossier(actor=firm.collaborator, dossier=covered, portfolio=own)
    assert Event.objects.latest("id").behalf_name == "Paul Martin"


def test_saying_for_whom_costs_the_same_for_two_and_for_twenty(firm, covered) -> None:
    def move(count: int) -> int:
        own = make_portfolio(f"Chloé {count}")
        grants = pairs_of([own], [firm.collaborator])
        give(PortfolioGrant, grants, role=ObjectRole.ACCOUNTANT, by=firm.admin)
        some = [make_dossier(f"F {count} {n}", portfolio=covered.portfolio).pk for n in range(count)]
        with CaptureQueriesContext(connection) as asked:
            move_dossiers(
                actor=firm.collaborator, dossiers=Dossier.objects.filter(pk__in=some), portfolio=own
            )
        return len(asked)

    arranged(firm)
    assert move(2) == move(20)


def behalf_of(kind: str) -> dict[Any, str]:
    """Subject → for whom, of the events of this kind."""
    return dict(Event.objects.filter(type=kind).values_list("subject_id", "behalf_name"))


def test_once_it_is_over_nothing_is_done_for_anybody(firm, covered) -> None:
    replacement = arranged(firm)
    move(replacement, -30 * DAY)
    update_dossier(actor=firm.admin, dossier=covered, values={"phone": "0102030405"})
    assert Event.objects.latest("id").behalf_id is None
