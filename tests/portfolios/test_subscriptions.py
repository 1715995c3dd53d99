"""A member's portfolios, many at once: what is added and what is taken, and nothing else."""

import pytest

from accounts.actions.members import suspend_member, terminate_member
from accounts.models import Membership
from accounts.permissions import ObjectRole, Perm, permitted
from activity.models import Event, Notification
from portfolios.actions import (
    NotAMember,
    Subscriptions,
    change_subscriptions,
    grant_portfolio,
    withdraw_portfolio,
)
from portfolios.models import Portfolio, PortfolioGrant
from tests.outbox import Outbox
from tests.web.pages import plain
from tests.worlds import World, make_portfolio

pytestmark = pytest.mark.django_db


def held_by(member: Membership) -> set[str]:
    return {one.name for one in permitted(Portfolio.objects.all(), member, Perm.VIEW_PORTFOLIO)}


@pytest.fixture
def four(firm: World) -> list[Portfolio]:
    """Chloé has the first two."""
    found = [make_portfolio(name) for name in ("A", "B", "C", "D")]
    for portfolio in found[:2]:
        grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    return found


def test_what_is_neither_added_nor_taken_stays(firm: World, four: list[Portfolio]) -> None:
    a, _b, c, _d = four
    done = change_subscriptions(actor=firm.admin, member=firm.collaborator, add=[c.pk], remove=[a.pk])
    assert held_by(firm.collaborator) == {"B", "C"}
    assert done == Subscriptions(given=1, changed=0, taken=1, left_out=0)


def test_many_at_once_are_one_mail_and_a_line_each(
    firm: World, four: list[Portfolio], outbox: Outbox
) -> None:
    outbox.clear()
    done = change_subscriptions(
        actor=firm.admin, member=firm.colleague, add=[one.pk for one in four], role=ObjectRole.READER
    )
    assert done.given == 4
    assert outbox.recipients() == sorted([firm.collaborator.email, firm.colleague.email])
    assert "ouverts : 4" in plain(str(outbox.to(firm.colleague.email).body))
    lines = Event.objects.filter(type="portfolios.portfolio.granted", details__member="Paul Martin")
    assert {line.subject_id for line in lines} == {one.pk for one in four}
    assert {line.details["role"] for line in lines} == {"reader"}
    told = Event.objects.get(type="portfolios.subscriptions.changed")
    assert {line.group for line in lines} == {told.group}
    assert not Notification.objects.filter(event__in=lines).exists()


def test_a_single_one_is_told_by_its_name_and_cancels_out_with_its_return(
    firm: World, four: list[Portfolio], outbox: Outbox
) -> None:
    """As on the portfolio's own page; whoever loses it reads which."""
    outbox.clear()
    change_subscriptions(actor=firm.admin, member=firm.collaborator, remove=[four[0].pk])
    assert "a retiré le portefeuille A à Chloé" in plain(str(outbox.to(firm.collaborator.email).body))
    outbox.clear()
    change_subscriptions(actor=firm.admin, member=firm.collaborator, remove=[four[1].pk])
    change_subscriptions(actor=firm.admin, member=firm.collaborator, add=[four[1].pk])
    assert outbox.recipients() == []
    change_subscriptions(actor=firm.admin, member=firm.collaborator, add=[four[1].pk], role=ObjectRole.READER)
    assert "portefeuille B" in plain(str(outbox.to(firm.collaborator.email).body))
    assert not Event.objects.filter(type="portfolios.subscriptions.changed").exists()


def test_another_role_is_a_change(firm: World, four: list[Portfolio]) -> None:
    done = change_subscriptions(
        actor=firm.admin, member=firm.collaborator, add=[four[0].pk], role=ObjectRole.READER
    )
    assert done == Subscriptions(given=0, changed=1, taken=0, left_out=0)
    (line,) = Event.objects.filter(type="portfolios.portfolio.subscriber_changed")
    assert line.changes == {"role": ["accountant", "reader"]}


def test_nothing_changed_is_no_event(firm: World, four: list[Portfolio]) -> None:
    before = Event.objects.count()
    done = change_subscriptions(
        actor=firm.admin, member=firm.collaborator, add=[four[0].pk], remove=[four[3].pk]
    )
    assert done.count == 0
    assert Event.objects.count() == before


def test_a_portfolio_that_ended_meanwhile_is_left_out_and_counted(firm: World, four: list[Portfolio]) -> None:
    Portfolio.objects.filter(pk=four[2].pk).update(terminated_at="2026-01-01T00:00Z")
    done = change_subscriptions(actor=firm.admin, member=firm.colleague, add=[four[2].pk, four[3].pk])
    assert (done.given, done.left_out) == (1, 1)


def test_a_collaborator_gives_nobody_anything(firm: World, four: list[Portfolio]) -> None:
    done = change_subscriptions(actor=firm.collaborator, member=firm.colleague, add=[four[0].pk])
    assert done == Subscriptions(given=0, changed=0, taken=0, left_out=1)


def test_who_is_suspended_finds_the_change_at_their_return(firm: World, four: list[Portfolio]) -> None:
    suspend_member(actor=firm.admin, member=firm.collaborator)
    change_subscriptions(actor=firm.admin, member=firm.collaborator, remove=[four[0].pk])
    Membership.objects.filter(pk=firm.collaborator.pk).update(state="active")
    assert held_by(firm.collaborator) == {"B"}


def test_who_has_not_come_yet_gets_theirs_with_the_invitation(firm: World, four: list[Portfolio]) -> None:
    nina = Membership.objects.create(email="nina@lemoine.test")
    with pytest.raises(NotAMember):
        change_subscriptions(actor=firm.admin, member=nina, add=[four[0].pk])


def test_who_has_left_is_granted_nothing(firm: World, four: list[Portfolio]) -> None:
    """A stale page, or a grant that waited for the end of their place: nothing stands for their return."""
    terminate_member(actor=firm.admin, member=firm.collaborator)
    with pytest.raises(NotAMember):
        grant_portfolio(actor=firm.admin, portfolio=four[2], member=firm.collaborator)
    assert not PortfolioGrant.objects.exists()


def test_withdrawing_one_leaves_the_rest(firm: World, four: list[Portfolio]) -> None:
    withdraw_portfolio(actor=firm.admin, portfolio=four[0], member=firm.collaborator)
    assert held_by(firm.collaborator) == {"B"}
