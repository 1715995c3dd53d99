"""What leaves by mail: to whom, once, and what it says."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Membership, Role, User
from activity import composing
from activity.actions import record
from activity.composing import compose_due
from activity.digest import net_changes
from activity.events import REGISTRY
from activity.models import Event, Notification, OutgoingEmail
from portfolios.actions import create_portfolio, grant_portfolio, rename_portfolio, withdraw_portfolio
from portfolios.events import PortfolioRenamed
from portfolios.models import Portfolio
from tenancy import scopes
from tests.outbox import Outbox
from tests.worlds import World, make_member, make_portfolio


def opened_to(world: World, *members: Membership, name: str = "Sarah") -> Portfolio:
    portfolio = make_portfolio(name)
    for member in members:
        grant_portfolio(actor=world.admin, portfolio=portfolio, member=member)
    return portfolio


def test_a_change_tells_the_others_by_mail(firm: World, outbox: Outbox) -> None:
    portfolio = opened_to(firm, firm.collaborator)
    outbox.clear()
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Léa & fils")
    assert outbox.recipients() == [firm.collaborator.email]
    (mail,) = outbox.mails()
    assert mail.subject == f"[Cabinet Lemoine] {PortfolioRenamed.summary}"
    assert "Sarah → Léa & fils" in mail.body
    html = str(mail.alternatives[0][0])
    assert "<strong>Léa &amp; fils</strong>" in html
    assert 'href="http://localhost:8000/cabinets/cabinet-lemoine/' in html
    assert "Alice Martin" in mail.body


def test_a_mail_of_several_changes_leads_to_where_all_of_them_stand(firm: World, outbox: Outbox) -> None:
    portfolios = [opened_to(firm, firm.collaborator, name=name) for name in ("Sarah", "Noé")]
    outbox.clear()
    for portfolio in portfolios:
        rename_portfolio(actor=firm.admin, portfolio=portfolio, name=f"{portfolio.name} & fils")
    assert f"{firm.firm.url('bell')}?voir=tout\n" in str(outbox.mails()[0].body)


def test_one_mail_gathers_all_with_complete_counts(firm: World, outbox: Outbox) -> None:
    partner = make_member(firm.firm, "Zoé", role=Role.ADMIN)
    for number in range(35):
        create_portfolio(actor=firm.admin, name=f"Portefeuille {number}")
    assert outbox.recipients() == [partner.email]
    mail = outbox.to(partner.email)
    assert "35 changements" in mail.subject
    assert "15 autres changements" in mail.body
    assert mail.body.count("le portefeuille Portefeuille ") == 20


def test_no_subject_names_a_client(firm: World, outbox: Outbox) -> None:
    portfolio = opened_to(firm, firm.collaborator, name="Boulangerie Martin")
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Pâtisserie Martin")
    assert not any("Martin" in mail.subject for mail in outbox.mails())


def test_what_was_taken_back_within_the_hold_is_not_told(firm: World, outbox: Outbox) -> None:
    portfolio = opened_to(firm, firm.collaborator)
    outbox.clear()
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Léa")
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Sarah")
    assert outbox.mails() == []
    assert not Notification.objects.filter(composed_at=None).exists()


def test_nobody_is_told_before_the_hold_is_over(firm: World, settings) -> None:
    settings.NOTIFICATION_HOLD_SECONDS = 60
    opened_to(firm, firm.collaborator)
    assert composed() == 0
    Notification.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert composed() == 1


def test_what_gathered_while_the_first_was_held_goes_along(firm: World, settings) -> None:
    settings.NOTIFICATION_HOLD_SECONDS = 60
    portfolio = opened_to(firm, firm.collaborator)
    Notification.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    rename_portfolio(actor=firm.admin, portfolio=portfolio, name="Léa")
    assert composed() == 1
    assert not Notification.objects.filter(composed_at=None).exists()


def test_security_waits_for_nothing_and_hurries_nothing(firm: World, settings, monkeypatch) -> None:
    settings.NOTIFICATION_HOLD_SECONDS = 60
    portfolio = opened_to(firm, firm.collaborator)
    monkeypatch.setattr(PortfolioRenamed, "security", True)
    record(PortfolioRenamed, actor=firm.admin, subject=portfolio, changes={"name": ("a", "b")})
    assert composed() == 1
    (still_held,) = Notification.objects.filter(composed_at=None).select_related("event")
    assert still_held.event.type == "portfolios.portfolio.granted"


def test_a_person_of_two_firms_gets_a_mail_from_each(lemoine: World, bertrand: World, outbox: Outbox) -> None:
    with scopes.scope(firm=bertrand.firm):
        also_there = make_member(bertrand.firm, "Chloé", user=lemoine.collaborator.user)
        opened_to(bertrand, also_there)
    with scopes.scope(firm=lemoine.firm):
        opened_to(lemoine, lemoine.collaborator)
    assert outbox.recipients() == [lemoine.collaborator.email] * 2
    assert {mail.from_email.partition(" <")[0] for mail in outbox.mails()} == {
        "Cabinet Lemoine",
        "Bertrand Conseil",
    }


def test_a_mail_is_in_the_language_of_its_recipient(firm: World, outbox: Outbox) -> None:
    User.objects.filter(email=firm.collaborator.email).update(language="en")
    firm.collaborator.refresh_from_db()
    opened_to(firm, firm.collaborator)
    assert "You receive this e-mail" in outbox.to(firm.collaborator.email).body


def test_a_fault_keeps_that_persons_waiting_and_nobody_elses(
    firm: World, outbox: Outbox, monkeypatch
) -> None:
    opened_to(firm, firm.collaborator, firm.colleague)
    real = composing._mail_to

    def faulty(held: list[Notification]) -> OutgoingEmail:
        if held[-1].address == firm.collaborator.email:
            raise RuntimeError
        return real(held)

    monkeypatch.setattr(composing, "_mail_to", faulty)
    assert outbox.recipients() == [firm.colleague.email]
    waiting = Notification.objects.filter(composed_at=None)
    assert {one.address for one in waiting} == {firm.collaborator.email}
    assert all(one.due_at > timezone.now() for one in waiting)


def test_an_event_type_that_is_no_more_is_still_told(firm: World, outbox: Outbox, monkeypatch) -> None:
    opened_to(firm, firm.collaborator)
    monkeypatch.delitem(REGISTRY, "portfolios.portfolio.granted")
    assert outbox.recipients() == [firm.collaborator.email]


def test_composers_side_by_side_never_tell_twice(
    transactional_db, lemoine: World, bertrand: World, settings
) -> None:
    settings.NOTIFICATION_HOLD_SECONDS = 0

    def compose(start: Barrier) -> int:
        try:
            start.wait()
            return compose_due()
        finally:
            connection.close()

    for round_ in range(1, 11):
        for world in (lemoine, bertrand):
            with scopes.scope(firm=world.firm):
                for number in range(8):
                    opened_to(
                        world, world.collaborator, world.colleague, name=f"Portefeuille {round_}.{number}"
                    )
        start = Barrier(6)
        with ThreadPoolExecutor(6) as pool:
            made = sum(pool.map(compose, [start] * 6))
        mails = 0
        for world in (lemoine, bertrand):
            with scopes.scope(firm=world.firm):
                assert not Notification.objects.filter(mail=None).exists()
                assert Notification.objects.filter(composed_at=None).count() == 0
                mails += OutgoingEmail.objects.count()
        assert made == 4
        assert mails == 4 * round_


def test_who_is_held_by_another_composer_keeps_nobody_behind_them_waiting(
    transactional_db, lemoine: World, monkeypatch
) -> None:
    monkeypatch.setattr(composing, "_PEOPLE_AT_ONCE", 1)
    people = [lemoine.collaborator, lemoine.colleague, make_member_of(lemoine, "Zoé")]
    with scopes.scope(firm=lemoine.firm):
        opened_to(lemoine, *people)
        for minutes, member in enumerate(people):
            due = timezone.now() - timedelta(minutes=10 - minutes)
            Notification.objects.filter(recipient_id=member.user_id).update(due_at=due)

    def told_meanwhile() -> int:
        try:
            return compose_due()
        finally:
            connection.close()

    with scopes.scope(firm=lemoine.firm):
        for member in people[:2]:
            assert member.user_id and composing._alone_with(member.user_id)
        with ThreadPoolExecutor(1) as other:
            assert other.submit(told_meanwhile).result() == 1
    assert compose_due() == 2


def make_member_of(world: World, first_name: str) -> Membership:
    with scopes.scope(firm=world.firm):
        return make_member(world.firm, first_name)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["rename", "grant", "withdraw", "compose"]),
        st.sampled_from(["collaborator", "colleague"]),
        st.sampled_from(["Sarah", "Léa", "Paul"]),
    ),
    max_size=12,
)


@given(STEPS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_person_gets_exactly_what_the_rules_say_once(firm: World, outbox: Outbox, steps: Any) -> None:
    with transaction.atomic():
        _live_through(firm, outbox, steps)
        transaction.set_rollback(True)


def _live_through(firm: World, outbox: Outbox, steps: Any) -> None:
    """Against a plain model of the rules: subscribers and the one who loses it, never the actor, net of each hold; to
    whoever has lost it by then, their own coming and going alone."""
    portfolio = Portfolio.objects.create(name="Sarah")
    told: list[tuple[str, Event]] = []
    subscribers: set[str] = set()
    seen: set[UUID] = set()
    for verb, who, name in [*steps, ("compose", "collaborator", "")]:
        if verb == "compose":
            still = [(one, event) for one, event in told if one in subscribers or _is_about(firm, one, event)]
            assert _sent(outbox) == _mails_of(still)
            told.clear()
            continue
        member = getattr(firm, who)
        if verb == "rename":
            rename_portfolio(actor=firm.admin, portfolio=portfolio, name=name)
        elif verb == "grant":
            grant_portfolio(actor=firm.admin, portfolio=portfolio, member=member)
            subscribers.add(who)
        else:
            withdraw_portfolio(actor=firm.admin, portfolio=portfolio, member=member)
        for event in Event.objects.exclude(pk__in=seen):
            seen.add(event.pk)
            told += [(one, event) for one in sorted(subscribers)]
        if verb == "withdraw":
            subscribers.discard(who)


def _is_about(firm: World, who: str, event: Event) -> bool:
    return bool(event.details.get("member_id") == str(getattr(firm, who).pk))


def _mails_of(told: list[tuple[str, Event]]) -> list[str]:
    """Whom the rules give a mail, each with how many lines."""
    lines = {who: net_changes(event for person, event in told if person == who) for who, _event in told}
    return sorted(f"{who} {len(changes)}" for who, changes in lines.items() if changes)


def _sent(outbox: Outbox) -> list[str]:
    """The same of what left since the last time."""
    addresses = {"chloe": "collaborator", "paul": "colleague"}
    before = set(OutgoingEmail.objects.values_list("pk", flat=True))
    outbox.flush()
    fresh = OutgoingEmail.objects.exclude(pk__in=before)
    return sorted(
        f"{addresses[mail.to.partition('@')[0]]} {len(net_changes(_events(mail)))}" for mail in fresh
    )


def _events(mail: OutgoingEmail) -> list[Event]:
    return list(Event.objects.filter(notifications__mail=mail))


def composed() -> int:
    with scopes._standing_in(scopes.NOWHERE, "default"):
        return compose_due()
