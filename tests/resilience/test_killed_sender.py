"""Senders killed by the kernel while they make invitations and deliver their mails: none is lost, and each death
doubles one mail at most, under the same Message-ID.

The worker is Celery's own and the mail server a real one (`benchmarks._sink`); `kill -9` comes at a random moment.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.utils import timezone

from activity.models import MailState, OutgoingEmail
from activity.queries import mail_counts
from benchmarks._sink import Sink
from clients.models import Dossier
from invitations.jobs import order_sending
from invitations.models import Invitation, Sending, SendingKind, SendingState
from invitations.sweeping import resume
from tenancy import tasks
from tenancy.scopes import scope
from tests.resilience.workers import Worker
from tests.worlds import World

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 300.0


@pytest.fixture
def sink(worker: Worker) -> Iterator[Sink]:
    """The mail server to which the worker's mails go."""
    with Sink() as one:
        worker.settings |= {"MAIL_CATCHER_DIR": "", "EMAIL_URL": f"smtp://127.0.0.1:{one.port}"}
        yield one


@dataclass
class Post:
    """So many clients, invited in one order."""

    world: World
    worker: Worker
    sink: Sink
    clients: int

    def order(self) -> None:
        with scope(firm=self.world.firm):
            made = [
                Dossier(legal_name=f"Client {number}", email=f"c{number}@client.test")
                for number in range(self.clients)
            ]
            for dossier in made:
                dossier.derive_keys()
            Dossier.objects.bulk_create(made, batch_size=1_000)
            keys = [dossier.pk for dossier in made]
            order_sending(actor=self.world.admin, kind=SendingKind.INVITE, keys=keys)

    def done(self) -> int:
        """Of two steps for each: the invitation made, the mail arrived."""
        with scope(firm=self.world.firm):
            return Sending.objects.get().step + min(self.sink.count, self.clients)

    def kill_at(self, step: int) -> None:
        """Start the sender, let it come so far, and kill it a moment later."""
        self.worker.start()
        self._wait(lambda: self.done() >= step, pause=0.005)
        time.sleep(random.uniform(0, 0.2))
        self.worker.kill()
        self.let_the_leases_run_out()

    def make(self) -> None:
        """Let a worker make all the invitations; whatever of their mails it delivers meanwhile is delivered."""
        self.worker.start()
        self._wait(self._is_made, resume)
        self.worker.kill()
        self.let_the_leases_run_out()

    def kill_in_delivery(self, more: int) -> bool:
        """Start the sender, let this many more mails arrive, and kill it at whatever it does a moment later.

        True if it died in the delivery: it had sent something, and held mails that it had still to send.
        """
        before = self.sink.count
        self.worker.start()
        self._wait(lambda: self.sink.count >= before + more, pause=0.005)
        time.sleep(random.uniform(0, 0.05))
        self.worker.kill()
        in_it = self.sink.count > before and self._held() > 0
        self.let_the_leases_run_out()
        return in_it

    def _is_made(self) -> bool:
        with scope(firm=self.world.firm):
            return not Sending.objects.get().is_at_work

    def _held(self) -> int:
        """Of how many mails the dead one had the lease."""
        with scope(firm=self.world.firm):
            waiting = OutgoingEmail.objects.filter(state=MailState.WAITING)
            return waiting.filter(lease_until__gt=timezone.now()).count()

    def let_the_leases_run_out(self) -> None:
        past = timezone.now() - timedelta(seconds=1)
        with scope(firm=self.world.firm):
            Sending.objects.filter(lease_until__isnull=False).update(lease_until=past)
            OutgoingEmail.objects.filter(lease_until__isnull=False).update(lease_until=past)

    def finish(self) -> None:
        self.worker.start()
        self._wait(self.is_over)
        self.worker.kill()

    def is_over(self) -> bool:
        with scope(firm=self.world.firm):
            sending = Sending.objects.get()
            assert sending.state != SendingState.FAILED, sending.trouble
            return not sending.is_at_work and not mail_counts(sending.pk)["waiting"]

    def _wait(self, condition: Callable[[], bool], *nudges: Callable[[], object], pause: float = 0.3) -> None:
        """What beat does, until it is so."""
        until, again = time.monotonic() + PATIENCE, 0.0
        while not condition():
            assert time.monotonic() < until, f"It hangs at {self.done()}"
            if time.monotonic() >= again:
                again = time.monotonic() + 0.3
                for nudge in nudges or (resume, _deliver):
                    nudge()
            time.sleep(pause)

    def check(self, deaths: int) -> int:
        """None lost, one more at most for each death; returns how many came twice."""
        arrived = self.sink.taken()
        expected = {f"c{number}@client.test" for number in range(self.clients)}
        assert {address for address, _key in arrived} == expected
        assert len({key for _address, key in arrived}) == self.clients, (
            "the second copy bears the same Message-ID"
        )
        twice = len(arrived) - self.clients
        assert twice <= deaths
        with scope(firm=self.world.firm):
            sending = Sending.objects.get()
            assert (sending.state, sending.count) == (SendingState.DONE, self.clients)
            assert Invitation.objects.count() == self.clients
            counts = {"waiting": 0, "sent": self.clients, "failed": 0, "dropped": 0}
            assert mail_counts(sending.pk) == counts
        return twice


def _deliver() -> None:
    tasks._publish("activity.deliver_mails", [])


def test_a_sender_killed_in_the_middle_loses_nothing_and_doubles_one_mail_at_most(
    lemoine: World, worker: Worker, sink: Sink
) -> None:
    post = Post(lemoine, worker, sink, clients=150)
    # Slow enough for this process to stand still a while and yet come before the last mail.
    sink.clear(delay=0.02)
    post.order()
    post.kill_at(150 + 40)
    assert not post.is_over(), "it died too late to tell anything"
    sink.slow(0.0)
    post.finish()
    post.check(deaths=1)


@pytest.mark.long
def test_ten_thousand_invitations_and_twenty_deaths_of_their_sender(
    lemoine: World, worker: Worker, sink: Sink
) -> None:
    """All deaths fall into the delivery: those in the making double nothing, for a portion is made whole or not at all
    (the test above, and `tests/invitations/test_sending.py`, kill there)."""
    deaths, in_delivery = 20, 0
    post = Post(lemoine, worker, sink, clients=int(os.environ.get("KILLED_MAILS", "10000")))
    post.order()
    post.make()
    apart = (post.clients - sink.count) // (deaths + 2)
    for number in range(1, deaths + 1):
        began, before = time.monotonic(), sink.count
        in_delivery += post.kill_in_delivery(random.randint(apart // 2, apart))
        took = time.monotonic() - began
        print(f"{number}: killed after {before} and {sink.count - before} mails, {took:.1f} s", flush=True)
    assert in_delivery >= 15, f"only {in_delivery} of {deaths} deaths fell into the delivery"
    assert not post.is_over(), "the last deaths came too late to tell anything"
    post.finish()
    twice = post.check(deaths)
    print(
        f"{twice} of {post.clients} came twice after {deaths} deaths, {in_delivery} in the delivery",
        flush=True,
    )
