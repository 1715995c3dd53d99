"""The state machine: a firm changes, its people choose when they are told, time goes on, and after each step the mails
and the bell are what the plain rules say."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit
from uuid import UUID

from django.core import mail as django_mail
from django.db import transaction
from django.test import override_settings
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from accounts.actions.firms import change_firm
from accounts.actions.mails import choose_mails
from accounts.actions.members import change_role
from accounts.lookups import firms_of
from accounts.models import Firm, Membership, Role
from accounts.places import places_of
from activity import composing, delivery
from activity.bell import mark_read
from activity.digest import NetChange, net_changes
from activity.models import Event, Notification, OutgoingEmail
from activity.preferences import Chosen, chosen_by
from activity.topics import Timing
from portfolios.actions import grant_portfolio, rename_portfolio, withdraw_portfolio
from portfolios.models import Portfolio
from tenancy import scopes
from tests.activity.plain import TOPIC, Person, What, next_daily, reads
from tests.conftest import OutsideClient
from tests.worlds import make_firm, make_member

ACTORS, OTHERS = ("Alice", "Zoé"), ("Chloé", "Paul")
EVERYBODY = (*ACTORS, *OTHERS)
# Clocks go back, or forward, within two days of these.
BEGINNINGS = (datetime(2025, 10, 24, 6, tzinfo=UTC), datetime(2026, 3, 27, 6, tzinfo=UTC))
STEPS = st.sampled_from(
    [timedelta(seconds=20), timedelta(minutes=1), timedelta(hours=5), timedelta(hours=13)]
)

actors, others, people = st.sampled_from(ACTORS), st.sampled_from(OTHERS), st.sampled_from(EVERYBODY)
some, hours = st.sets(people, min_size=2), st.sampled_from([2, 8, 18])


class Telling(RuleBasedStateMachine):
    """`mails`, `lines` and `steps`: how many mails left, with how many lines, in how many steps; `kept`: how much was
    told nobody because they had lost it meanwhile. Set by the test."""

    mails: int
    lines: int
    steps: int
    kept: int

    def __init__(self) -> None:
        super().__init__()
        self.taken_back = transaction.atomic()
        self.taken_back.__enter__()
        self.settings = override_settings(NOTIFICATION_HOLD_SECONDS=60)
        self.settings.enable()
        self.now = BEGINNINGS[0]
        self.patches: list[Any] = [
            patch.object(timezone, "now", lambda: self.now),
            patch.object(composing, "due_notifications", self.due),
        ]
        for one in self.patches:
            one.start()
        self.plain = {name: Person() for name in EVERYBODY}
        self.admins = set(ACTORS)
        self.subscribers: set[str] = set()
        self.last: dict[str, list[What]] = {}
        django_mail.outbox = []

    def teardown(self) -> None:
        for one in self.patches:
            one.stop()
        self.settings.disable()
        transaction.set_rollback(True)
        self.taken_back.__exit__(None, None, None)

    @initialize(beginning=st.sampled_from(BEGINNINGS))
    def a_firm(self, beginning: datetime) -> None:
        self.now = beginning
        self.world = make_firm("Cabinet Lemoine", "732829320")
        with self.inside():
            make_member(self.world.firm, "Zoé", role=Role.ADMIN)
            self.portfolio = Portfolio.objects.create(name="Sarah").pk

    # --- what happens -------------------------------------------------------------------------------------

    @rule(actor=actors, name=st.sampled_from(["Sarah", "Léa", "Nord"]))
    def rename(self, actor: str, name: str) -> None:
        with self.inside():
            portfolio = Portfolio.objects.get(pk=self.portfolio)
            before = portfolio.name
            rename_portfolio(actor=self.member(actor), portfolio=portfolio, name=name)
        if before != name:
            self.hear(actor, self.admins | self.subscribers, ("renamed", "", before, name))

    @rule(actor=actors, who=others)
    def grant_or_withdraw(self, actor: str, who: str) -> None:
        change = withdraw_portfolio if who in self.subscribers else grant_portfolio
        with self.inside():
            portfolio = Portfolio.objects.get(pk=self.portfolio)
            change(actor=self.member(actor), portfolio=portfolio, member=self.member(who))
        verb = "withdrawn" if who in self.subscribers else "granted"
        self.hear(actor, self.admins | self.subscribers | {who}, (verb, who, None, None))
        self.subscribers ^= {who}

    @rule(actor=actors, phone=st.sampled_from(["", "01 44 00 00 00", "04 72 00 00 00"]))
    def change_phone(self, actor: str, phone: str) -> None:
        with self.inside():
            firm = Firm.objects.get(pk=self.world.firm.pk)
            change_firm(
                actor=self.member(actor),
                name=firm.name,
                phone=phone,
                email=firm.email,
                second_factor_required=False,
            )
        if firm.phone != phone:
            self.hear(actor, self.admins, ("changed", "", firm.phone, phone))

    @rule(actor=actors, who=others)
    def change_role(self, actor: str, who: str) -> None:
        before, after = ("admin", "collaborator") if who in self.admins else ("collaborator", "admin")
        with self.inside():
            change_role(actor=self.member(actor), member=self.member(who), role=Role(after))
        self.admins ^= {who}
        self.hear(actor, self.admins | {who}, ("role_changed", who, before, after))

    # --- what people choose -------------------------------------------------------------------------------

    @rule(who=some, topic=st.sampled_from(["access", "firm"]), timing=st.sampled_from(list(Timing)))
    def choose(self, who: set[str], topic: str, timing: Timing) -> None:
        for name in who:
            chosen = self.chosen(name)
            self.save(name, Chosen({**chosen.timings, topic: timing}, chosen.hour, chosen.zone))
            self.plain[name].choose(self.now, {topic: str(timing)})

    @rule(who=some, hour=hours)
    def choose_hour(self, who: set[str], hour: int) -> None:
        for name in who:
            chosen = self.chosen(name)
            self.save(name, Chosen(chosen.timings, hour, chosen.zone))
            if chosen.hour != hour:
                self.plain[name].choose(self.now, {}, hour)

    @rule(who=some, actor=actors, name=st.sampled_from(["Est", "Ouest"]), then=st.sampled_from(list(Timing)))
    def change_their_mind(self, who: set[str], actor: str, name: str, then: Timing) -> None:
        """Once a day; something happens; and then they want it otherwise."""
        self.choose(who, "access", Timing.DAILY)
        self.rename(actor, name)
        self.choose(who, "access", then)
        self.leave()

    @rule(who=people)
    def switch_off_by_the_last_mail(self, who: str) -> None:
        """The mail program's own button, pressed twice."""
        lines = self.last.get(who, [])
        mails = [one for one in django_mail.outbox if f"<{self.address(who)}>" in one.to[0]]
        if not mails:
            return
        named = mails[-1].extra_headers.get("List-Unsubscribe", "")
        topics = {TOPIC[verb] for verb, *_ in lines}
        assert bool(named) == ("" not in topics)
        if named:
            for _ in range(2):
                answer = OutsideClient().post(
                    urlsplit(named.strip("<>")).path, {"List-Unsubscribe": "One-Click"}
                )
                assert answer.status_code == 200
            self.plain[who].choose(self.now, dict.fromkeys(topics, "never"))

    @rule(who=people)
    def read_all(self, who: str) -> None:
        with self.inside():
            newest = Event.objects.order_by("-pk").values_list("pk", flat=True).first()
            mark_read(self.user(who), until=newest)
        self.plain[who].unread = 0

    # --- time goes on -------------------------------------------------------------------------------------

    @rule(step=STEPS)
    def wait(self, step: timedelta) -> None:
        """While no worker is there."""
        self.now += step

    @rule(step=STEPS)
    def compose_and_deliver(self, step: timedelta) -> None:
        self.now += step
        self.leave()

    @rule(hour=hours, early=st.booleans())
    def come_to_the_hour(self, hour: int, early: bool) -> None:
        """Or to a minute before it."""
        self.now = next_daily(hour, self.now) - timedelta(minutes=early)
        self.leave()

    @rule(actor=actors, name=st.sampled_from(["Est", "Ouest"]))
    def rename_and_deliver(self, actor: str, name: str) -> None:
        self.rename(actor, name)
        self.now += timedelta(minutes=1)
        self.leave()

    @rule(actor=actors, who=others, name=st.sampled_from(["Est", "Ouest"]), wait=STEPS)
    def rename_and_take_away(self, actor: str, who: str, name: str, wait: timedelta) -> None:
        """Before the mail leaves that would have told of it: the portfolio, or their role."""
        if who in self.admins | self.subscribers:
            self.rename(actor, name)
            self.now += wait
            self.change_role(actor, who) if who in self.admins else self.grant_or_withdraw(actor, who)
            self.leave()

    def leave(self) -> None:
        with self.inside():
            before = set(OutgoingEmail.objects.values_list("pk", flat=True))
        sent_before = len(django_mail.outbox)
        with scopes._standing_in(scopes.NOWHERE, "default"):
            composing.compose_due()
            delivery.deliver_due()
        with self.inside():
            fresh = OutgoingEmail.objects.exclude(pk__in=before)
            made = {mail.to: _lines(mail) for mail in fresh}
            assert len(made) == len(fresh) == len(django_mail.outbox) - sent_before
        wanted = {self.address(name): lines for name in EVERYBODY if (lines := self.mail_of(name))}
        assert made == wanted
        self.count(made)

    @invariant()
    def the_bell_counts_what_was_not_read(self) -> None:
        if not hasattr(self, "portfolio"):
            return
        type(self).steps += 1
        for name in EVERYBODY:
            (row,) = firms_of(self.user(name))
            assert row["unread"] == min(self.plain[name].unread, 100)

    # --- between the two ----------------------------------------------------------------------------------

    def hear(self, actor: str, audience: set[str], what: What) -> None:
        for name in audience - {actor}:
            self.plain[name].hear(what, self.now)

    def mail_of(self, name: str) -> list[What]:
        person, kept_before = self.plain[name], self.plain[name].kept_from
        lines = person.mail(self.now, lambda what: reads(what, name, self.admins, self.subscribers))
        type(self).kept += person.kept_from - kept_before
        if lines:
            self.last[name] = lines
        return lines

    @classmethod
    def count(cls, made: dict[str, list[What]]) -> None:
        cls.mails += len(made)
        cls.lines += sum(len(lines) for lines in made.values())

    def due(self, most: int) -> list[dict[str, Any]]:
        """The look-up goes by the database's clock, which does not go on as ours does."""
        with self.inside():
            waiting = Notification.objects.filter(composed_at=None, due_at__lte=self.now)
            people = list(waiting.order_by().values_list("recipient_id", flat=True).distinct())
        return [
            {"recipient_id": one, "firm_id": self.world.firm.pk, "space_id": None, "person_id": None}
            for one in people
        ]

    def save(self, who: str, chosen: Chosen) -> None:
        with scopes._standing_in(scopes.NOWHERE, "default"):
            (place,) = places_of(self.user(who))
            with self.inside():
                person = self.member(who).user
            assert person is not None
            choose_mails(person=person, place=place, chosen=chosen)

    def chosen(self, who: str) -> Chosen:
        with self.inside():
            return chosen_by(self.user(who))

    def user(self, who: str) -> UUID:
        with self.inside():
            user = self.member(who).user_id
        assert user is not None
        return user

    def address(self, who: str) -> str:
        with self.inside():
            return self.member(who).email

    def member(self, who: str) -> Membership:
        return Membership.objects.get(first_name=who)

    @contextmanager
    def inside(self) -> Iterator[None]:
        with scopes.scope(firm=self.world.firm):
            yield


def _lines(mail: OutgoingEmail) -> list[What]:
    events = Event.objects.filter(notifications__mail=mail)
    return sorted((_what(line) for line in net_changes(events)), key=repr)


def _what(line: NetChange) -> What:
    verb = line.event.type.rpartition(".")[2]
    named = str(line.event.details.get("member", "")) or (
        line.event.subject_name if verb == "role_changed" else ""
    )
    before, after = next(iter(line.changes.values()), (None, None))
    return verb, named.partition(" ")[0], before, after
