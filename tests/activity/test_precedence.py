"""Which mail leaves first: a password's link before ten thousand invitations, no firm's few behind another's many."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.models import User
from activity import delivery
from activity.actions import Letter, queue_mail, queue_mails, record
from activity.composing import compose_for
from activity.mails import REGISTRY
from activity.models import Notification, OutgoingEmail
from activity.precedence import MANY, PORTION, SINGLE, URGENT
from portfolios.events import PortfolioRenamed
from tenancy import scopes
from tenancy.keys import uuid7
from tests.activity.test_delivery import Note
from tests.worlds import World, make_portfolio

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REGISTRY, Note.name, Note())


def many(world: World, count: int, batch: UUID | None = None) -> None:
    with scopes.scope(firm=world.firm):
        letters = [Letter(Note.name, to=f"p{number}@{world.firm.slug}.test") for number in range(count)]
        queue_mails(letters, batch=batch)


def single(world: World, name: str) -> OutgoingEmail:
    with scopes.scope(firm=world.firm):
        return queue_mail(Note.name, to=f"{name}@client.test")


def reset_for(person: User) -> OutgoingEmail:
    with scopes.scope(person=person):
        return queue_mail("accounts.password_reset", to=person.email)


def claimed() -> list[delivery.Claim]:
    return delivery._claimed()


def of(world: World, claims: list[delivery.Claim]) -> int:
    return sum(claim.owner[0] == world.firm.pk for claim in claims)


def test_a_password_reset_and_single_mails_leave_before_two_thousand_that_wait(lemoine: World) -> None:
    assert lemoine.admin.user is not None
    many(lemoine, 2_000, batch=uuid7())
    letter, reset = single(lemoine, "claire"), reset_for(lemoine.admin.user)
    first, second, *others = claimed()
    assert (first.id, second.id) == (reset.pk, letter.pk)
    assert len(others) == PORTION - 2, "what else there is room for goes along"


def test_what_is_urgent_is_what_somebody_waits_for() -> None:
    urgent = {name for name, kind in REGISTRY.items() if kind.urgent}
    for_nobody_in_particular = {"accounts.journal_head"}  # each day's proof
    assert urgent == {name for name in REGISTRY if name.startswith("accounts.")} - for_nobody_in_particular
    assert "accounts.password_reset" in urgent


def test_a_mail_that_warns_leaves_first_and_one_that_tells_of_changes_does_not(
    firm: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    portfolio, person = make_portfolio("Sarah"), firm.collaborator
    for is_security, precedence in ((False, SINGLE), (True, URGENT)):
        monkeypatch.setattr(PortfolioRenamed, "security", is_security)
        changes = {"name": ("a", "b")}
        record(PortfolioRenamed, actor=firm.admin, subject=portfolio, changes=changes, also_tell=[person])
        Notification.objects.filter(composed_at=None).update(due_at=timezone.now())
        assert person.user_id is not None
        mail = compose_for(person.user_id)
        assert mail is not None
        assert mail.precedence == precedence


def test_a_firms_few_do_not_wait_for_another_firms_many(lemoine: World, bertrand: World) -> None:
    many(lemoine, 2_000, batch=uuid7())
    many(bertrand, 80, batch=uuid7())
    taken = [claimed() for _claim in range(6)]
    assert sum(of(bertrand, claims) for claims in taken) == 80
    assert all(of(lemoine, claims) for claims in taken), "and take no more than their turn"


def test_an_order_in_portions_goes_on_counting_its_places(lemoine: World, bertrand: World) -> None:
    """Its worker queues 250 at a time: the second portion has no better turn than its place in the whole."""
    batch = uuid7()
    for _portion in range(4):
        many(lemoine, 250, batch=batch)
    with scopes.scope(firm=lemoine.firm):
        turns = set(OutgoingEmail.objects.values_list("precedence", flat=True))
        assert turns == set(range(MANY, MANY + 1_000 // PORTION))
    many(bertrand, 50, batch=uuid7())
    assert of(bertrand, [*claimed(), *claimed(), *claimed()]) == 50


def test_what_is_overtaken_again_and_again_leaves_all_the_same(lemoine: World) -> None:
    many(lemoine, 300, batch=uuid7())
    with scopes.scope(firm=lemoine.firm):
        old = OutgoingEmail.objects.order_by("-precedence").values_list("pk", flat=True)[:20]
        OutgoingEmail.objects.filter(pk__in=list(old)).update(
            next_attempt_at=timezone.now() - timedelta(minutes=5)
        )
        last = set(OutgoingEmail.objects.filter(next_attempt_at__lt=timezone.now() - timedelta(minutes=4)))
    for number in range(120):
        single(lemoine, f"s{number}")
    keys = {mail.pk for mail in last}
    for _claim in range(2):
        claims = claimed()
        assert sum(claim.id in keys for claim in claims) == PORTION // 5
        assert sum(claim.precedence == SINGLE for claim in claims) == PORTION - PORTION // 5


def test_workers_side_by_side_claim_no_mail_twice_however_they_are_chosen(lemoine: World) -> None:
    many(lemoine, 130)
    single(lemoine, "claire")
    keys: list[Any] = []
    while claims := claimed():
        keys += [claim.id for claim in claims]
    assert len(keys) == len(set(keys)) == 131
