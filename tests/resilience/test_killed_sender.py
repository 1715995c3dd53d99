"""Senders killed by the kernel while they make invitations and deliver their mails: none is lost, and each death
doubles one mail at most, under the same Message-ID.

The worker is Celery's own and the mail server a real one (`benchmarks._sink`); `kill -9` comes at a random moment.
"""

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.utils import timezone

from activity.models import OutgoingEmail
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

    def kill_at(self, step: int) -> str:
        """Start the sender, let it come so far, and kill it a moment later; at what it was."""
        self.worker.start()
        self._wait(lambda: self.done() >= step)
        time.sleep(random.uniform(0, 0.2))
        self.worker.kill()
        self.let_the_leases_run_out()
        with scope(firm=self.world.firm):
            return f"{Sending.objects.get().step} made, {self.sink.count} arrived"

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

    def _wait(self, condition) -> None:
        """What beat does, until it is so."""
        until = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < until, f"It hangs at {self.done()}"
            resume()
            tasks._publish("activity.deliver_mails", [])
            time.sleep(0.3)

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


def test_a_sender_killed_in_the_middle_loses_nothing_and_doubles_one_mail_at_most(
    lemoine: World, worker: Worker, sink: Sink
) -> None:
    post = Post(lemoine, worker, sink, clients=150)
    sink.clear(delay=0.005)
    post.order()
    post.kill_at(150 + 40)
    assert not post.is_over(), "it died too late to tell anything"
    post.finish()
    post.check(deaths=1)


@pytest.mark.long
def test_ten_thousand_invitations_and_twenty_deaths_of_their_sender(
    lemoine: World, worker: Worker, sink: Sink
) -> None:
    """Half of the deaths fall into the making, half into the delivery."""
    deaths = 20
    post = Post(lemoine, worker, sink, clients=int(os.environ.get("KILLED_MAILS", "10000")))
    post.order()
    for number in range(1, deaths + 1):
        began = time.monotonic()
        where = post.kill_at(2 * post.clients * number // (deaths + 1))
        print(f"{number}: killed at {where}, {time.monotonic() - began:.1f} s", flush=True)
    assert not post.is_over(), "the last deaths came too late to tell anything"
    post.finish()
    print(f"{post.check(deaths)} of {post.clients} mails came twice after {deaths} deaths", flush=True)
