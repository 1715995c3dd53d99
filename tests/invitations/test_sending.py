"""Many invitations by a worker: ordered once, done portion by portion, gone on with after a death, counted."""

import re
from collections.abc import Callable
from datetime import timedelta
from itertools import count as counted
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, Role
from activity.models import Event, MailState, OutgoingEmail
from activity.queries import mail_counts
from clients.models import Dossier
from invitations import working
from invitations.actions.drafting import prepare_clients
from invitations.actions.inviting import invite_clients, invite_some
from invitations.jobs import order_sending
from invitations.models import Invitation, Sending, SendingKind, SendingState
from invitations.sweeping import resume
from invitations.working import MOST_FRUITLESS, carry_out
from tenancy.scopes import scope
from tests.clients.test_import_workers import Killed, at_the_same_time
from tests.outbox import Outbox
from tests.worlds import World, make_dossier

pytestmark = pytest.mark.django_db(transaction=True)

Browse = Callable[..., Client]
CLIENTS = 7


@pytest.fixture(autouse=True)
def _small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "PORTION", 3)


def clients(world: World) -> list[UUID]:
    """So many with an address, and one without; their keys."""
    with scope(firm=world.firm):
        for number in range(CLIENTS):
            make_dossier(f"Client {number}", email=f"c{number}@client.test")
        make_dossier("Sans adresse")
        return list(Dossier.objects.order_by("pk").values_list("pk", flat=True))


def ordered(world: World, keys: list[UUID], kind: SendingKind = SendingKind.INVITE) -> Sending:
    with scope(firm=world.firm):
        return order_sending(actor=world.admin, kind=kind, keys=keys, language="en")


def stands(world: World) -> Sending:
    with scope(firm=world.firm):
        return Sending.objects.get()


def addresses(outbox: Outbox) -> list[str]:
    return [address for address in outbox.recipients() if address.endswith("@client.test")]


def let_the_lease_run_out(world: World) -> None:
    with scope(firm=world.firm):
        Sending.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def test_all_are_invited_in_the_language_and_their_mails_are_counted(lemoine: World, outbox: Outbox) -> None:
    sending = ordered(lemoine, clients(lemoine))
    carry_out(lemoine.firm.pk, sending.pk)
    done = stands(lemoine)
    assert (done.state, done.count, done.left_out) == (SendingState.DONE, CLIENTS, {"no_address": 1})
    assert bytes(done.chosen) == b""
    with scope(firm=lemoine.firm):
        assert mail_counts(sending.pk) == {"waiting": CLIENTS, "sent": 0, "failed": 0, "dropped": 0}
        assert set(Invitation.objects.values_list("language", flat=True)) == {"en"}
        events = Event.objects.filter(group=sending.pk)
        assert events.filter(type="invitations.client.invited", is_detail=True).count() == CLIENTS
        assert events.get(type="invitations.clients.invited").details == {"count": CLIENTS}
    assert addresses(outbox) == [f"c{number}@client.test" for number in range(CLIENTS)]
    with scope(firm=lemoine.firm):
        assert mail_counts(sending.pk)["sent"] == CLIENTS


@pytest.mark.parametrize("step", ["invite_some", "_finish", "tell_of_invited"])
def test_a_worker_killed_loses_nothing_and_doubles_nothing(
    lemoine: World, outbox: Outbox, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    sending, calls, real = ordered(lemoine, clients(lemoine)), [], getattr(working, step)

    def die_the_second_time(*args: Any, **kwargs: Any) -> Any:
        calls.append(step)
        if len(calls) == 2 or step != "invite_some":
            raise Killed
        return real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(working, step, die_the_second_time)
        with pytest.raises(Killed):
            carry_out(lemoine.firm.pk, sending.pk)
    assert stands(lemoine).step == (3 if step == "invite_some" else CLIENTS + 1)
    carry_out(lemoine.firm.pk, sending.pk)
    assert stands(lemoine).state == SendingState.RUNNING, "the lease still holds"
    assert resume() == 0
    let_the_lease_run_out(lemoine)
    assert resume() == 1
    carry_out(lemoine.firm.pk, sending.pk)
    assert stands(lemoine).count == CLIENTS
    assert addresses(outbox) == [f"c{number}@client.test" for number in range(CLIENTS)]
    with scope(firm=lemoine.firm):
        assert Event.objects.filter(type="invitations.clients.invited").count() == 1


def test_the_bar_goes_from_what_is_made_to_what_has_left_and_never_back(
    lemoine: World, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending, admin, real = ordered(lemoine, clients(lemoine)), browse(lemoine.admin), invite_some
    portions = counted(1)

    def die_the_second_time(*args: Any, **kwargs: Any) -> Any:
        if next(portions) == 2:
            raise Killed
        return real(*args, **kwargs)

    def share() -> int:
        page = admin.get(lemoine.firm.url("invitations:sending_progress", pk=sending.pk)).content.decode()
        found = re.search(r'value="(\d+)" max="100"', page)
        assert found and f"{found[1]}\u00a0%" in page
        return int(found[1])

    shares = [share()]
    monkeypatch.setattr(working, "invite_some", die_the_second_time)
    with pytest.raises(Killed):
        carry_out(lemoine.firm.pk, sending.pk)
    shares.append(share())
    let_the_lease_run_out(lemoine)
    carry_out(lemoine.firm.pk, sending.pk)
    shares.append(share())
    with scope(firm=lemoine.firm):
        some = OutgoingEmail.objects.filter(batch=sending.pk).values("pk")[:3]
        OutgoingEmail.objects.filter(pk__in=some).update(state=MailState.SENT, sent_at=timezone.now())
    assert [*shares, share()] == [0, 18, 53, 73]


def test_a_worker_taken_for_dead_writes_nothing_more(
    lemoine: World, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending, real = ordered(lemoine, clients(lemoine)), working._hold_on

    def overtaken(held: Sending) -> None:
        monkeypatch.setattr(working, "_hold_on", real)

        def other() -> None:
            let_the_lease_run_out(lemoine)
            carry_out(lemoine.firm.pk, sending.pk)

        assert at_the_same_time(other) == [None]
        real(held)

    monkeypatch.setattr(working, "_hold_on", overtaken)
    carry_out(lemoine.firm.pk, sending.pk)
    assert len(addresses(outbox)) == CLIENTS


def test_after_a_while_whatever_else_waits_for_a_worker_has_its_turn(
    lemoine: World, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password's link, for one: where all workers make invitations, nobody would deliver it."""
    sending, nudged = ordered(lemoine, clients(lemoine)), list[tuple[Any, ...]]()
    monkeypatch.setattr(working, "TURN", 0.0)
    monkeypatch.setattr(working, "nudge", lambda *asked: nudged.append(asked))
    steps = []
    while stands(lemoine).is_at_work:
        carry_out(lemoine.firm.pk, sending.pk)
        steps.append(stands(lemoine).step)
    assert steps == [3, 6, 8, 8]
    assert nudged == [("invitations.carry_out", lemoine.firm.pk, sending.pk)] * 3
    assert len(addresses(outbox)) == CLIENTS


def test_two_workers_at_once_invite_everybody_once(lemoine: World, outbox: Outbox) -> None:
    sending = ordered(lemoine, clients(lemoine))
    at_the_same_time(*[lambda: carry_out(lemoine.firm.pk, sending.pk)] * 3)
    assert stands(lemoine).state == SendingState.DONE
    assert len(addresses(outbox)) == CLIENTS


def test_ordered_in_two_tabs_it_is_one(lemoine: World) -> None:
    keys = clients(lemoine)
    came = at_the_same_time(*[lambda: ordered(lemoine, keys)] * 4)
    assert len({one.pk for one in came}) == 1  # type: ignore[attr-defined]
    with scope(firm=lemoine.firm):
        assert Event.objects.filter(type="invitations.sending.ordered").count() == 1


def test_an_order_that_kills_every_worker_ends_and_says_so(
    lemoine: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending = ordered(lemoine, clients(lemoine))

    def die(*args: object, **kwargs: object) -> None:
        raise Killed

    monkeypatch.setattr(working, "invite_some", die)
    for _ in range(MOST_FRUITLESS):
        with pytest.raises(Killed):
            carry_out(lemoine.firm.pk, sending.pk)
        let_the_lease_run_out(lemoine)
    carry_out(lemoine.firm.pk, sending.pk)
    assert (stands(lemoine).state, stands(lemoine).trouble) == (SendingState.FAILED, "gave_up")


def test_who_loses_the_right_meanwhile_invites_no_more(
    lemoine: World, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending, real = ordered(lemoine, clients(lemoine)), invite_some

    def then_demoted(**kwargs: Any) -> Any:
        plan = real(**kwargs)
        Membership.objects.filter(pk=lemoine.admin.pk).update(role=Role.COLLABORATOR)
        return plan

    monkeypatch.setattr(working, "invite_some", then_demoted)
    carry_out(lemoine.firm.pk, sending.pk)
    over = stands(lemoine)
    assert (over.state, over.trouble, over.count) == (SendingState.FAILED, "not_allowed", 3)
    with scope(firm=lemoine.firm):
        assert Event.objects.get(type="invitations.clients.invited").details == {"count": 3}


def test_sent_again_drafts_and_preparing_go_the_same_way(lemoine: World, outbox: Outbox) -> None:
    keys = clients(lemoine)
    with scope(firm=lemoine.firm):
        invite_clients(actor=lemoine.admin, dossiers=Dossier.objects.filter(pk__in=keys[:4]))
    carry_out(lemoine.firm.pk, ordered(lemoine, keys, SendingKind.PREPARE).pk)
    with scope(firm=lemoine.firm):
        made = Sending.objects.get()
        assert (made.count, made.left_out) == (3, {"pending": 4, "no_address": 1})
        invitations = list(Invitation.objects.values_list("pk", flat=True))
    outbox.clear()
    for kind, count in ((SendingKind.DRAFTS, 3), (SendingKind.RESEND, 7)):
        sending = ordered(lemoine, invitations, kind)
        carry_out(lemoine.firm.pk, sending.pk)
        with scope(firm=lemoine.firm):
            sending.refresh_from_db()
            assert (sending.state, sending.count) == (SendingState.DONE, count), kind
            assert sending.left_out_count == 7 - count
            assert OutgoingEmail.objects.filter(batch=sending.pk).count() == count
        outbox.flush()


def test_who_may_not_invite_orders_nothing(lemoine: World) -> None:
    keys = clients(lemoine)
    with scope(firm=lemoine.firm), pytest.raises(PermissionDenied):
        order_sending(actor=lemoine.collaborator, kind=SendingKind.INVITE, keys=keys)


def test_another_firms_clients_are_left_out(lemoine: World, bertrand: World, outbox: Outbox) -> None:
    foreign = clients(bertrand)
    sending = ordered(lemoine, [*clients(lemoine), *foreign])
    carry_out(lemoine.firm.pk, sending.pk)
    done = stands(lemoine)
    assert (done.count, done.left_out) == (CLIENTS, {"no_address": 1, "gone": CLIENTS + 1})
    with scope(firm=bertrand.firm):
        assert not Invitation.objects.exists()


def test_prepared_in_hand_and_prepared_by_a_worker_are_alike(lemoine: World) -> None:
    keys = clients(lemoine)
    with scope(firm=lemoine.firm):
        by_hand = prepare_clients(actor=lemoine.admin, dossiers=Dossier.objects.filter(pk__in=keys[:3]))
        assert by_hand.mail_count == 3
    carry_out(lemoine.firm.pk, ordered(lemoine, keys[3:], SendingKind.PREPARE).pk)
    with scope(firm=lemoine.firm):
        assert Invitation.objects.drafts().count() == CLIENTS
