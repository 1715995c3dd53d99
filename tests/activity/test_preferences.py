"""When a person is told by mail: at once, at their hour once a day, or never; and of what is about security always."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.actions.mails import choose_mails, switch_off_mails
from accounts.actions.members import change_role
from accounts.actions.people import change_profile, follow_confirmed_address
from accounts.models import Membership, Role, User
from accounts.places import Place, places_of
from activity import composing
from activity.actions import overheard
from activity.events import REGISTRY
from activity.models import Event, Notification, Preference
from activity.preferences import ZONES, Chosen, chosen_by, keep, next_at
from activity.topics import TOPICS, Timing
from activity.unsubscribing import MOST_PLACES, Switch, headers, link, read, token
from portfolios.actions import grant_portfolio, rename_portfolio
from portfolios.models import Portfolio
from tenancy.keys import uuid7
from tenancy.scopes import scope
from tests.outbox import Outbox
from tests.worlds import World, make_portfolio

PARIS = "Europe/Paris"
DAILY = Chosen({"access": Timing.DAILY}, 18)
NEVER = Chosen({"access": Timing.NEVER})


def at(text: str) -> datetime:
    """A moment of Paris."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(PARIS))


class Clock:
    """What time it is for the product."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = at("2026-06-10T10:00")
        monkeypatch.setattr(timezone, "now", lambda: self.now)

    def go(self, text: str) -> None:
        self.now = at(text)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Clock:
    settings.NOTIFICATION_HOLD_SECONDS = 60
    return Clock(monkeypatch)


@pytest.fixture
def portfolio(firm: World) -> Portfolio:
    """Open to Chloé, who was told of it long ago."""
    opened = make_portfolio()
    grant_portfolio(actor=firm.admin, portfolio=opened, member=firm.collaborator)
    Notification.objects.update(composed_at=timezone.now(), read_at=timezone.now())
    return opened


def choose(member: Membership, chosen: Chosen) -> bool:
    person, place = person_and_place(member)
    return choose_mails(person=person, place=place, chosen=chosen)


def person_and_place(member: Membership) -> tuple[User, Place]:
    assert member.user_id is not None
    person = User.objects.get(pk=member.user_id)
    (place,) = places_of(person.pk)
    return person, place


def composed(member: Membership) -> list[str]:
    """What the mail that leaves to them now tells, by type."""
    assert member.user_id is not None
    mail = composing.compose_for(member.user_id)
    events = Event.objects.filter(notifications__mail=mail) if mail else Event.objects.none()
    return list(events.order_by("pk").values_list("type", flat=True))


RENAMED = "portfolios.portfolio.renamed"


# --- the hour --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hour", "now", "then"),
    [
        (8, "2026-06-10T07:59", "2026-06-10T08:00+02:00"),
        (8, "2026-06-10T08:00", "2026-06-11T08:00+02:00"),
        (8, "2026-03-28T09:00", "2026-03-29T08:00+02:00"),  # a day of 23 hours
        (8, "2026-10-24T09:00", "2026-10-25T08:00+01:00"),  # a day of 25 hours
        (2, "2026-03-28T12:00", "2026-03-29T03:00+02:00"),  # clocks leave two o'clock out
        (2, "2026-10-24T12:00", "2026-10-25T02:00+02:00"),  # and show it twice: the first
        (2, "2026-10-25T02:30", "2026-10-26T02:00+01:00"),
        (0, "2026-12-31T23:59", "2027-01-01T00:00+01:00"),
    ],
)
def test_the_hour_is_that_of_the_clock_when_clocks_are_put_forward_and_back(
    hour: int, now: str, then: str
) -> None:
    assert next_at(hour, PARIS, at(now)) == datetime.fromisoformat(then)


@given(
    st.integers(0, 23),
    st.sampled_from(sorted(ZONES)),
    st.integers(0, 2 * 365 * 24 * 60),
)
def test_each_day_has_one_such_moment(hour: int, zone: str, minutes: int) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    first = next_at(hour, zone, now)
    second = next_at(hour, zone, first)
    assert now < first <= now + timedelta(hours=25)
    days = [moment.astimezone(ZoneInfo(zone)).date() for moment in (first, second)]
    assert days[1] - days[0] == timedelta(days=1)


def test_an_hour_is_that_of_the_persons_own_zone() -> None:
    assert next_at(8, "Indian/Reunion", at("2026-06-10T10:00")).isoformat() == "2026-06-11T04:00:00+00:00"


# --- what is chosen is what leaves ------------------------------------------------------------------------------


def test_what_is_daily_gathers_and_leaves_at_the_hour(
    firm: World, portfolio: Portfolio, clock: Clock
) -> None:
    choose(firm.collaborator, DAILY)
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Léa")
    clock.go("2026-06-10T15:00")
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.colleague)
    clock.go("2026-06-10T17:59")
    assert composed(firm.collaborator) == []
    clock.go("2026-06-10T18:00")
    assert composed(firm.collaborator) == [RENAMED, "portfolios.portfolio.granted"]
    assert composed(firm.collaborator) == []


def test_what_is_taken_back_within_the_day_is_not_told(
    firm: World, portfolio: Portfolio, clock: Clock
) -> None:
    choose(firm.collaborator, DAILY)
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Léa")
    clock.go("2026-06-10T16:00")
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Sarah")
    clock.go("2026-06-10T18:00")
    assert composed(firm.collaborator) == []


def test_what_leaves_at_once_takes_along_nothing_that_waits_for_its_hour(
    firm: World, portfolio: Portfolio, clock: Clock
) -> None:
    partner = firm.admin
    choose(firm.collaborator, DAILY)
    change_role(actor=partner, member=firm.collaborator, role=Role.ADMIN)
    rename_portfolio(actor=partner, portfolio=portfolio, name="Léa")
    assert composed(firm.collaborator) == ["accounts.member.role_changed"]
    clock.go("2026-06-10T17:59:30")
    assert composed(firm.collaborator) == []


def test_what_is_switched_off_is_not_mailed_and_stands_under_the_bell(
    firm: World, portfolio: Portfolio, clock: Clock
) -> None:
    choose(firm.collaborator, NEVER)
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Léa")
    clock.go("2026-06-12T10:00")
    assert composed(firm.collaborator) == []
    assert Notification.objects.filter(recipient=firm.collaborator.user, read_at=None).count() == 1


def test_security_is_told_at_once_whatever_was_chosen(
    firm: World, portfolio: Portfolio, outbox: Outbox
) -> None:
    choose(firm.collaborator, Chosen(dict.fromkeys(TOPICS, Timing.NEVER)))
    outbox.clear()
    change_role(actor=firm.admin, member=firm.collaborator, role=Role.ADMIN)
    assert outbox.recipients() == [firm.collaborator.email]


def test_before_a_change_it_is_not_said_that_a_mail_would_leave_which_does_not(
    firm: World, portfolio: Portfolio
) -> None:
    choose(firm.collaborator, NEVER)
    with overheard() as told:
        rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Léa")
    assert told == []


def test_one_firms_choice_says_nothing_about_another(lemoine: World, bertrand: World) -> None:
    with scope(firm=lemoine.firm):
        choose(lemoine.collaborator, NEVER)
        user = lemoine.collaborator.user_id
        assert user is not None and chosen_by(user) == NEVER
    with scope(firm=bertrand.firm):
        assert chosen_by(user) == Chosen()
        assert not Preference.objects.exists()


# --- a choice holds for what waits ------------------------------------------------------------------------------


def test_what_waits_for_its_hour_leaves_now_if_that_is_chosen(
    firm: World, portfolio: Portfolio, clock: Clock
) -> None:
    choose(firm.collaborator, DAILY)
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Léa")
    choose(firm.collaborator, Chosen())
    assert composed(firm.collaborator) == [RENAMED]


def test_what_waits_at_once_waits_for_the_hour_if_that_is_chosen(
    firm: World, portfolio: Portfolio, clock: Clock
) -> None:
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Léa")
    choose(firm.collaborator, DAILY)
    clock.go("2026-06-10T10:05")
    assert composed(firm.collaborator) == []
    clock.go("2026-06-10T18:00")
    assert composed(firm.collaborator) == [RENAMED]


def test_what_waits_is_not_mailed_once_it_is_switched_off(
    firm: World, portfolio: Portfolio, clock: Clock
) -> None:
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Léa")
    choose(firm.collaborator, NEVER)
    choose(firm.collaborator, Chosen())
    clock.go("2026-06-10T10:05")
    assert composed(firm.collaborator) == []


def test_another_hour_holds_for_what_waits_but_puts_off_nothing_that_is_due(
    firm: World, portfolio: Portfolio, clock: Clock
) -> None:
    choose(firm.collaborator, DAILY)
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Léa")
    choose(firm.collaborator, Chosen(DAILY.timings, 12))
    clock.go("2026-06-10T12:01")  # no worker was there at twelve
    choose(firm.collaborator, Chosen(DAILY.timings, 20))
    assert composed(firm.collaborator) == [RENAMED]


def test_a_choice_made_while_the_event_was_recorded_counts(
    firm: World, portfolio: Portfolio, clock: Clock
) -> None:
    """The event's transaction read the former choice; the new one did not see what it had not committed."""
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Léa")
    assert firm.collaborator.user_id is not None
    missed = Notification.objects.filter(composed_at=None)
    keys = list(missed.values_list("pk", flat=True))
    keep(firm.collaborator.user_id, NEVER)
    Notification.objects.filter(pk__in=keys).update(composed_at=None)
    clock.go("2026-06-10T10:05")
    assert composed(firm.collaborator) == []
    Notification.objects.filter(pk__in=keys).update(composed_at=None)
    keep(firm.collaborator.user_id, DAILY)
    Notification.objects.filter(pk__in=keys).update(daily=False, due_at=clock.now)
    assert composed(firm.collaborator) == []
    clock.go("2026-06-10T18:00")
    assert composed(firm.collaborator) == [RENAMED]


def test_a_mail_that_waited_for_the_server_does_not_leave_once_it_is_switched_off(
    firm: World, portfolio: Portfolio, outbox: Outbox
) -> None:
    outbox.clear()
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Léa")
    assert composed(firm.collaborator) == [RENAMED]
    choose(firm.collaborator, NEVER)
    assert outbox.recipients() == []


def test_what_waits_goes_to_the_address_that_the_person_has_by_then(
    firm: World, portfolio: Portfolio, outbox: Outbox
) -> None:
    choose(firm.collaborator, DAILY)
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Léa")
    person, _place = person_and_place(firm.collaborator)
    former, person.email = person.email, "chloe@ailleurs.test"
    person.save()
    follow_confirmed_address(person=person, previous=former, browser="")
    change_profile(person=person, first_name="Chloé", last_name="Petit", language="en")
    (waiting,) = Notification.objects.filter(composed_at=None)
    assert (waiting.address, waiting.name, waiting.language) == (person.email, "Chloé Petit", "en")


# --- what is recorded -------------------------------------------------------------------------------------------


def test_a_choice_is_one_event_of_the_person_alone(firm: World) -> None:
    assert choose(firm.collaborator, DAILY)
    assert not choose(firm.collaborator, DAILY)
    with scope(person=firm.collaborator.user_id):
        (event,) = Event.objects.filter(type="accounts.person.mails_chosen")
    assert event.changes == {"access": ["at_once", "daily"], "hour": [8, 18]}
    assert event.details == {"place": "Cabinet Lemoine"}
    assert not Event.objects.filter(type__startswith="accounts.person").exists()


def test_switching_off_twice_is_one_event(firm: World) -> None:
    person, place = person_and_place(firm.collaborator)
    assert switch_off_mails(person=person, place=place, topics=["access"])
    assert not switch_off_mails(person=person, place=place, topics=["access"])
    with scope(person=person):
        (event,) = Event.objects.filter(type="accounts.person.mails_switched_off")
    assert event.changes == {"access": ["at_once", "never"]}


@pytest.mark.parametrize("fault", [{"hour": 24}, {"daily": ["access"], "never": ["access"]}])
def test_the_database_keeps_no_choice_that_means_nothing(firm: World, fault: dict[str, Any]) -> None:
    user = firm.collaborator.user
    assert user is not None
    with pytest.raises(IntegrityError), transaction.atomic():
        Preference.objects.create(**Preference.ownership(), recipient=user, **fault)


# --- every kind of event has its topic --------------------------------------------------------------------------

NOBODY = "Nobody"


def test_whatever_somebody_is_told_of_they_can_choose_about() -> None:
    """Security aside, which nobody chooses; a type that tells nobody needs no topic."""
    silent = {"accounts.person"}
    for name, kind in REGISTRY.items():
        tells = not str(getattr(kind.concerns, "_args", [kind.concerns])[0]).startswith(NOBODY)
        if tells and not kind.security and name.rpartition(".")[0] not in silent:
            assert kind.topic in TOPICS, name
        assert not kind.topic or kind.topic in TOPICS, name


def test_what_takes_each_other_back_is_one_topic() -> None:
    """Else one would be told, and the other not."""
    for kind in REGISTRY.values():
        if kind.opposite:
            assert REGISTRY[kind.opposite].topic == kind.topic, kind.name


# --- the link of a mail -----------------------------------------------------------------------------------------


def test_a_mail_of_what_may_be_switched_off_bears_its_link(
    firm: World, portfolio: Portfolio, outbox: Outbox
) -> None:
    outbox.clear()
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Léa")
    mail = outbox.to(firm.collaborator.email)
    sent = message_from_bytes(mail.message().as_bytes())
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = sent["List-Unsubscribe"]
    assert url.startswith("<http://localhost:8000/profil/courriels/arreter/") and url.endswith(">")
    switch = read(url.strip("<>").rstrip("/").rpartition("/")[2])
    assert switch == Switch(firm.collaborator.user.pk, ("access",), (firm.firm.pk,))  # type: ignore[union-attr]
    html = str(mail.alternatives[0][0])
    assert url.strip("<>") in html and "/profil/courriels/" in html
    assert url.strip("<>") in mail.body


def test_a_mail_with_anything_about_security_bears_none(
    firm: World, portfolio: Portfolio, outbox: Outbox
) -> None:
    outbox.clear()
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Léa")
    change_role(actor=firm.admin, member=firm.collaborator, role=Role.ADMIN)
    mail = outbox.to(firm.collaborator.email)
    assert "Léa" in mail.body and "rôle" in mail.body
    assert not {"List-Unsubscribe", "List-Unsubscribe-Post"} & set(mail.extra_headers)
    assert "/arreter/" not in mail.body


def test_a_link_that_somebody_changed_switches_nothing_off() -> None:
    switch = Switch(uuid7(), ("access", "firm"), (uuid7(), uuid7()))
    signed = token(switch)
    assert read(signed) == switch
    assert read(signed.replace("access", "orders")) is None
    assert read(signed[:-1]) is None and read("") is None and read("a.b:c") is None


def test_a_header_is_never_longer_than_a_line_may_be() -> None:
    everything = Switch(uuid7(), tuple(TOPICS), tuple(uuid7() for _ in range(MOST_PLACES)))
    named = headers(link(everything))["List-Unsubscribe"]
    assert len(f"List-Unsubscribe: {named}") < 900
    assert link(Switch(uuid7(), ("firm",), tuple(uuid7() for _ in range(MOST_PLACES + 1)))) == ""
    assert headers("") == {}
