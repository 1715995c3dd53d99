"""From the outbox to the server: what is sent, tried again, given up; and that nothing is lost or sent twice."""

import asyncio
import os
import re
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta
from smtplib import SMTPServerDisconnected
from time import monotonic
from typing import Any, ClassVar

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.core import mail as django_mail
from django.db import connection
from django.utils import timezone

from activity import delivery, lines, mails
from activity.actions import Letter, queue_mail, queue_mails
from activity.connection import KeptConnection, Unreachable
from activity.delivery import GIVE_UP_AFTER, Hold, Sender, deliver_due, pause_after
from activity.domains import FIRST_REST_SECONDS, LONGEST_REST_SECONDS, MOST_REFUSALS, Domains
from activity.lookups import LEASE, claim_mails
from activity.mails import MailKind, Message, Obsolete
from activity.models import MailDomain, MailState, OutgoingEmail
from activity.precedence import ANY, URGENT
from activity.senders import MOST_SENDERS, place
from activity.tasks import deliver_mails
from devtools.paths import ROOT
from devtools.running import worker_command
from tenancy import scopes
from tests.outbox import Outbox
from tests.worlds import World


class Note(MailKind):
    """A mail of these tests: it says what its `params` say."""

    name = "tests.note"
    told: ClassVar[list[str]] = []

    def build(self, mail: OutgoingEmail) -> Message:
        if mail.params.get("obsolete"):
            raise Obsolete
        if mail.params.get("broken"):
            raise RuntimeError("a fault of ours")
        text = mail.params.get("text", "bonjour")
        return Message(
            "Une note", text, f"<p>{text}</p>", sender_name="Cabinet Lemoine", reply_to="accueil@lemoine.test"
        )

    def failed(self, mail: OutgoingEmail, reason: str) -> None:
        self.told.append(reason)


@pytest.fixture(autouse=True)
def _only_in_this_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(mails.REGISTRY, Note.name, Note())
    monkeypatch.setattr(Note, "told", [])


class Server:
    """A mail server that answers as its script says, and keeps what it accepted."""

    def __init__(self) -> None:
        self.accepted: list[tuple[str, bytes]] = []
        self.recipient_answers: dict[str, str] = {}
        self.domain_answers: dict[str, str] = {}
        self.asked: list[str] = []
        self.drops_at: set[int] = set()
        # To these addresses it says nothing until it has taken so many mails.
        self.silent_until: dict[str, int] = {}
        self.messages = self.connections = self.at_once = self.most_at_once = 0

    async def handle_EHLO(  # noqa: N802 - aiosmtpd calls it so
        self, server: SMTP, session: Session, envelope: Envelope, name: str, answers: Any
    ) -> Any:
        self.connections += 1
        session.host_name = name
        return answers

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        domain = address.rpartition("@")[2]
        self.asked.append(domain)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            while len(self.accepted) < self.silent_until.get(address, 0):
                await asyncio.sleep(0.01)
        finally:
            self.at_once -= 1
        if refusal := self.recipient_answers.get(address) or self.domain_answers.get(domain):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it so
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.messages += 1
        if self.messages in self.drops_at:
            assert server.transport is not None
            server.transport.close()
            return "421 bye"
        self.accepted.append((envelope.rcpt_tos[0], envelope.original_content or b""))
        return "250 OK"

    def recipients(self) -> list[str]:
        return [address for address, _content in self.accepted]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(settings) -> Iterator[Server]:
    script = Server()
    controller = Controller(script, hostname="127.0.0.1", port=_free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    settings.EMAIL_HOST_USER, settings.EMAIL_USE_TLS, settings.EMAIL_TIMEOUT = "", False, 60
    yield script
    controller.stop()


def queue(*names: str, **params: Any) -> None:
    for name in names:
        queue_mail(Note.name, to=f"{name}@client.test", name=name.title(), params=params)


def outside() -> AbstractContextManager[None]:
    """Where a worker stands: in no scope."""
    return scopes._standing_in(scopes.NOWHERE, "default")


def deliver() -> int:
    with outside():
        return deliver_due()


def state(name: str) -> OutgoingEmail:
    return OutgoingEmail.objects.get(to=f"{name}@client.test")


def test_a_mail_comes_from_the_firm_and_answers_go_to_it(firm: World, outbox: Outbox, settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Firm Portal <portail@portail.test>"
    queue("chloe")
    (mail,) = outbox.mails()
    assert mail.from_email == "Cabinet Lemoine <portail@portail.test>"
    assert mail.to == ["Chloe <chloe@client.test>"]
    assert mail.reply_to == ["Cabinet Lemoine <accueil@lemoine.test>"]
    assert mail.extra_headers["Message-ID"] == f"<{state('chloe').pk}@portail.test>"
    assert (state("chloe").state, state("chloe").failure) == (MailState.SENT, "")


def test_all_mails_leave_over_one_connection(firm: World, server: Server) -> None:
    queue(*(f"p{number}" for number in range(60)))
    assert deliver() == 60
    assert sorted(server.recipients()) == sorted(f"p{number}@client.test" for number in range(60))
    assert server.connections == 1


def test_a_temporary_refusal_waits_and_lets_the_others_go(firm: World, server: Server) -> None:
    server.recipient_answers["b@client.test"] = "451 greylisted"
    queue("a", "b", "c")
    before = timezone.now()
    assert deliver() == 2
    waiting = state("b")
    assert (waiting.state, waiting.attempts, waiting.lease_until) == (MailState.WAITING, 1, None)
    assert before + timedelta(seconds=20) < waiting.next_attempt_at <= timezone.now() + timedelta(seconds=30)
    assert deliver() == 0


def test_a_refused_address_fails_with_the_servers_words_and_its_kind_is_told(
    firm: World, server: Server
) -> None:
    server.recipient_answers["b@client.test"] = "550 5.1.1 User unknown"
    queue("a", "b", "c")
    assert deliver() == 2
    assert state("b").state == MailState.FAILED
    assert state("b").failure.endswith("550 5.1.1 User unknown")
    assert Note.told == [state("b").failure]


def test_an_address_that_no_server_can_take_fails(firm: World, server: Server) -> None:
    queue("a")
    OutgoingEmail.objects.update(to="é@client.test", to_name="")
    assert deliver() == 0
    assert OutgoingEmail.objects.get().state == MailState.FAILED


@pytest.mark.parametrize("drops_at", [{1}, {2}, {2, 3}, {10}])
def test_a_connection_that_broke_is_opened_anew_and_no_mail_is_lost(
    firm: World, server: Server, drops_at: set[int]
) -> None:
    names = [f"p{number}" for number in range(10)]
    queue(*names)
    server.drops_at = drops_at
    sent = deliver()
    # A new connection that breaks too is no idle one: then the mail waits.
    assert sent == (9 if 1 in drops_at or 3 in drops_at else 10)
    assert server.connections == 1 + len(drops_at)
    OutgoingEmail.objects.filter(state=MailState.WAITING).update(
        next_attempt_at=timezone.now() - timedelta(1)
    )
    assert sent + deliver() == 10
    assert sorted(server.recipients()) == sorted(f"{name}@client.test" for name in names)


def test_an_unreachable_server_costs_no_attempt(firm: World, settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    queue("a", "b")
    assert deliver() == 0
    rows = OutgoingEmail.objects.values_list("state", "attempts", "lease_until")
    assert set(rows) == {(MailState.WAITING, 0, None)}


def test_a_mail_that_lost_its_reason_is_dropped(firm: World, outbox: Outbox) -> None:
    queue("a", obsolete=True)
    assert outbox.mails() == []
    assert state("a").state == MailState.DROPPED


def test_a_mail_that_cannot_be_built_blocks_no_other(firm: World) -> None:
    queue("a", broken=True)
    queue("b")
    assert deliver() == 1
    assert (state("a").state, state("a").attempts) == (MailState.WAITING, 1)


def test_after_three_days_a_mail_is_given_up(firm: World, server: Server) -> None:
    server.recipient_answers["a@client.test"] = "451 later"
    queue("a")
    OutgoingEmail.objects.update(refusals=60, created_at=timezone.now() - GIVE_UP_AFTER)
    deliver()
    assert state("a").state == MailState.FAILED
    assert "trois jours" in state("a").failure
    assert Note.told == [state("a").failure]


def test_pauses_are_short_at_first_then_double_up_to_an_hour() -> None:
    for attempts in (1, 2, 6):
        assert timedelta(seconds=22) < pause_after(attempts) <= timedelta(seconds=30)
    assert timedelta(seconds=45) <= pause_after(7) <= timedelta(seconds=60)
    assert timedelta(seconds=180) <= pause_after(9) <= timedelta(seconds=240)
    assert all(
        timedelta(minutes=45) <= pause_after(attempts) <= timedelta(hours=1) for attempts in (13, 20, 60_000)
    )


class Killed(BaseException):
    """The process ends here: nothing below catches it."""


def test_a_sender_killed_between_sending_and_marking_repeats_one_mail_under_the_same_id(
    transactional_db, lemoine: World, monkeypatch
) -> None:
    with scopes.scope(firm=lemoine.firm):
        queue("a", "b", "c")
    with monkeypatch.context() as patch:
        patch.setattr(delivery, "_mark_sent", _killed)
        patch.setattr(delivery, "_release", lambda _claim: None)
        with pytest.raises(Killed):
            deliver_due()
    assert deliver_due() == 0  # the lease is still running
    with scopes.scope(firm=lemoine.firm):
        OutgoingEmail.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert deliver_due() == 3
    ids = [mail.extra_headers["Message-ID"] for mail in django_mail.outbox]
    assert len(ids) == 4
    assert len(set(ids)) == 3


def _killed(_claim: object, _known_as: str) -> None:
    raise Killed


def test_who_lost_the_claim_sends_nothing(firm: World) -> None:
    queue("a")
    with outside():
        late = delivery._claimed()
    OutgoingEmail.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    with outside(), lines.Lines[delivery.Claim]() as open_lines:
        assert delivery._claimed()
        assert Sender(open_lines).deliver(late) == 0
    assert django_mail.outbox == []
    assert state("a").attempts == 2


def test_what_a_slow_server_leaves_no_time_for_is_given_back_untried(firm: World, monkeypatch) -> None:
    queue("a", "b", "c")
    real, clock = KeptConnection.send, [0.0]

    def slow(kept: KeptConnection, message: Any) -> str:
        clock[0] += 0.6 * delivery.FRESH_SECONDS
        return real(kept, message)

    monkeypatch.setattr(KeptConnection, "send", slow)
    monkeypatch.setattr(delivery, "monotonic", lambda: clock[0])
    with outside(), lines.Lines[delivery.Claim]() as open_lines:
        sender = Sender(open_lines)
        write_down = sender._write_down

        def with_a_beat(answer: Any) -> bool:
            sender.hold.renew()
            return write_down(answer)

        monkeypatch.setattr(sender, "_write_down", with_a_beat)
        assert sender.deliver(delivery._claimed()) == 2
    (left,) = OutgoingEmail.objects.filter(state=MailState.WAITING)
    assert (left.attempts, left.lease_until) == (0, None)


def test_who_stood_still_hands_over_nothing_that_another_has_by_now(firm: World, monkeypatch) -> None:
    """A stopped process, a paused machine: what it had built is fresh still, and its lease is over."""
    queue("a", "b")
    clock, taken, real = [0.0], list[delivery.Claim](), delivery._built
    stood_still = (LEASE.total_seconds() + delivery.FRESH_SECONDS) / 2

    def built_before(claims: list[delivery.Claim]) -> Any:
        built = real(claims)
        clock[0] += stood_still
        with scopes.scope(firm=firm.firm):
            OutgoingEmail.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        taken.extend(delivery._claimed())
        return built

    monkeypatch.setattr(delivery, "_built", built_before)
    monkeypatch.setattr(delivery, "monotonic", lambda: clock[0])
    with outside(), lines.Lines[delivery.Claim]() as open_lines:
        assert Sender(open_lines).deliver(delivery._claimed()) == 0
    assert django_mail.outbox == []
    assert {one.attempts for one in taken} == {state("a").attempts, state("b").attempts} == {2}
    assert state("a").lease_until and state("b").lease_until, "the other's, who gives them back"


def test_one_of_many_that_cannot_be_built_blocks_none(firm: World) -> None:
    queue("a", "b")
    queue("c", broken=True)
    queue("d", obsolete=True)
    assert deliver() == 2
    assert [state(name).state for name in "abcd"] == ["sent", "sent", "waiting", "dropped"]


def test_six_workers_claim_each_mail_of_three_firms_once(
    transactional_db, lemoine: World, bertrand: World, third: World
) -> None:
    for world in (lemoine, bertrand, third):
        with scopes.scope(firm=world.firm):
            queue_mails(Letter(Note.name, to=f"p{number}@client.test") for number in range(200))

    def claim_all(_worker: int) -> list[Any]:
        claimed: list[Any] = []
        try:
            while rows := claim_mails(7, ANY):
                claimed += [row["id"] for row in rows]
        finally:
            connection.close()
        return claimed

    with ThreadPoolExecutor(6) as pool:
        claimed = [key for keys in pool.map(claim_all, range(6)) for key in keys]
    assert len(claimed) == len(set(claimed)) == 600


def test_workers_side_by_side_send_each_mail_once(transactional_db, lemoine: World, bertrand: World) -> None:
    for world in (lemoine, bertrand):
        with scopes.scope(firm=world.firm):
            queue_mails(Letter(Note.name, to=f"p{number}@{world.firm.slug}.test") for number in range(60))

    def work(_worker: int) -> int:
        try:
            return deliver_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 120
    assert len({mail.to[0] for mail in django_mail.outbox}) == len(django_mail.outbox) == 120


@pytest.fixture
def third(db: None) -> World:
    from tests.worlds import make_firm

    return make_firm("Troisième", "552081317")


# --- domains that refuse for now --------------------------------------------------------------------------


def queue_to(domain: str, count: int) -> None:
    for number in range(count):
        queue_mail(Note.name, to=f"p{number}@{domain}")


def due_again() -> None:
    """Time passes for the mails, not for the domains."""
    OutgoingEmail.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))


def rested(domain: str) -> None:
    past = timezone.now() - timedelta(seconds=1)
    assert MailDomain.objects.filter(domain=domain).update(rests_until=past) == 1
    due_again()


def rest_of(domain: str) -> float:
    until = MailDomain.objects.get(domain=domain).rests_until
    assert until is not None
    return (until - timezone.now()).total_seconds()


def test_a_domain_that_refuses_is_left_alone_and_the_others_go_on(firm: World, server: Server) -> None:
    server.domain_answers["plein.test"] = "451 4.7.1 <p0@plein.test> try later"
    queue_to("plein.test", 10)
    queue_to("client.test", 3)
    assert deliver() == 3
    assert server.asked.count("plein.test") == MOST_REFUSALS
    untried = OutgoingEmail.objects.filter(to__endswith="@plein.test", attempts=0, lease_until=None)
    assert untried.count() == 10 - MOST_REFUSALS
    assert 10 < rest_of("plein.test") <= FIRST_REST_SECONDS
    assert MailDomain.objects.get().answer == "451 4.7.1"
    # Another worker, or this one started anew, knows of it; what is queued meanwhile for others leaves.
    due_again()
    queue("d")
    assert deliver() == 1
    assert server.asked.count("plein.test") == MOST_REFUSALS


def test_after_each_rest_it_is_asked_once_and_left_alone_for_longer_up_to_an_hour(
    firm: World, server: Server
) -> None:
    server.domain_answers["plein.test"] = "451 try later"
    queue_to("plein.test", MOST_REFUSALS + 2)
    deliver()
    rests = [rest_of("plein.test")]
    for _night in range(10):
        rested("plein.test")
        server.asked.clear()
        assert deliver() == 0
        assert server.asked == ["plein.test"]
        rests.append(rest_of("plein.test"))
    for number, rest in enumerate(rests):
        longest = min(FIRST_REST_SECONDS * 2**number, LONGEST_REST_SECONDS)
        assert 0.7 * longest < rest <= longest


def test_a_domain_that_takes_a_mail_again_is_as_any_other(firm: World, server: Server) -> None:
    server.domain_answers["plein.test"] = "451 try later"
    queue_to("plein.test", 10)
    deliver()
    server.domain_answers.clear()
    rested("plein.test")
    assert deliver() == 10
    assert not MailDomain.objects.exists()


def test_refusals_between_mails_that_it_takes_are_no_reason_to_leave_it_alone(
    firm: World, server: Server
) -> None:
    refused = [number for number in range(20) if number % MOST_REFUSALS != MOST_REFUSALS - 1]
    server.recipient_answers = {f"p{number}@client.test": "451 try later" for number in refused}
    queue_to("client.test", 20)
    assert deliver() == 20 - len(refused)
    assert len(server.asked) == 20


def test_a_refusal_for_good_says_nothing_of_the_domain(firm: World, server: Server) -> None:
    server.domain_answers["client.test"] = "550 5.1.1 no such user"
    queue_to("client.test", 8)
    assert deliver() == 0
    assert OutgoingEmail.objects.filter(state=MailState.FAILED).count() == 8
    assert not MailDomain.objects.exists()


def test_a_domain_whose_server_falls_silent_is_left_alone_sooner(firm: World) -> None:
    silent = SMTPServerDisconnected("Connection unexpectedly closed: timed out")
    silent.__context__ = TimeoutError()
    known = Domains()
    for _time in range(2):
        assert not known.rests("client.test")
        known.refused("client.test", silent, asked_at=1.0)
    assert known.rests("client.test")
    known.refused(
        "autre.test", SMTPServerDisconnected("closed"), asked_at=1.0
    )  # nobody's fault in particular
    assert not MailDomain.objects.filter(domain="autre.test").exists()


def test_what_waits_for_a_domain_that_refused_for_days_is_given_up(firm: World, server: Server) -> None:
    server.domain_answers["plein.test"] = "451 try later"
    queue_to("plein.test", MOST_REFUSALS + 2)
    deliver()
    OutgoingEmail.objects.update(created_at=timezone.now() - GIVE_UP_AFTER * 1.1)
    MailDomain.objects.update(refused_since=timezone.now() - GIVE_UP_AFTER * 1.1)
    rested("plein.test")
    deliver()
    assert set(OutgoingEmail.objects.values_list("state", flat=True)) == {MailState.FAILED}


def test_who_begins_claims_little_and_then_more(
    firm: World, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender that is killed as it begins keeps few mails back until its leases are over."""
    asked: list[int] = []

    def counted(most: int, up_to: int) -> list[dict[str, Any]]:
        asked.append(most)
        return claim_mails(most, up_to)

    monkeypatch.setattr(delivery, "claim_mails", counted)
    queue(*(f"p{number}" for number in range(80)))
    assert deliver() == 80
    assert asked == [10, 20, 40, 50, 50]


# --- a server that keeps silent ---------------------------------------------------------------------------


@pytest.fixture
def patient(settings) -> None:
    """Enough for a slow machine; a tenth of it is waited before the others go on."""
    settings.EMAIL_TIMEOUT = 20


def test_a_silence_keeps_no_other_mail_waiting(firm: World, server: Server, patient: None) -> None:
    server.silent_until["p4@client.test"] = 9
    queue(*(f"p{number}" for number in range(10)))
    assert deliver() == 10
    assert server.recipients()[-1] == "p4@client.test"
    assert server.connections == 2


def test_silences_beside_which_the_domain_takes_mails_say_nothing_of_it(
    firm: World, server: Server, settings
) -> None:
    settings.EMAIL_TIMEOUT = 3
    server.silent_until = {f"p{number}@client.test": 100 for number in range(3)}
    queue_to("client.test", 6)
    assert deliver() == 3
    assert not MailDomain.objects.exists()


def test_silences_beyond_what_a_server_bears_are_waited_for(
    firm: World, server: Server, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MOST_LINES", 3)
    settings.EMAIL_TIMEOUT = 3
    for domain in ("a.test", "b.test", "c.test"):
        server.silent_until[f"p0@{domain}"] = 100
        queue_to(domain, 1)
    queue("d")
    assert deliver() == 1
    assert (server.most_at_once, server.connections) == (2, 4)
    waiting = OutgoingEmail.objects.filter(state=MailState.WAITING, refusals=1, lease_until=None)
    assert waiting.count() == 3


def test_a_server_that_lets_one_of_us_in_has_one_of_us(
    firm: World, server: Server, patient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a second connection was to take is given back untried, and leaves after the others."""
    server.silent_until["p0@client.test"] = 1
    reach, reached = KeptConnection.open, list[KeptConnection]()

    def open_one(kept: KeptConnection) -> None:
        if kept not in reached:
            if reached:
                server.silent_until.clear()
                raise Unreachable("421 one is enough")
            reached.append(kept)
        reach(kept)

    monkeypatch.setattr(KeptConnection, "open", open_one)
    queue(*(f"p{number}" for number in range(5)))
    assert deliver() == 5
    assert server.connections == 1
    assert set(OutgoingEmail.objects.values_list("attempts", "refusals")) <= {(1, 0)}


def test_who_waits_for_a_late_answer_alone_sends_what_somebody_waits_for(
    firm: World, server: Server, patient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.silent_until["a@client.test"] = 1
    queue("a")
    claim = delivery._claimed

    def queued_meanwhile(most: int, **which: int) -> list[delivery.Claim]:
        claims = claim(most, **which)
        if claims and claims[0].precedence != URGENT:
            with scopes.scope(firm=firm.firm):
                queue("urgent", "other")
                OutgoingEmail.objects.filter(to="urgent@client.test").update(precedence=URGENT)
        return claims

    monkeypatch.setattr(delivery, "_claimed", queued_meanwhile)
    with outside():
        assert deliver_due(for_seconds=0) == 2
    assert server.recipients() == ["urgent@client.test", "a@client.test"]
    assert (state("other").state, state("other").attempts) == (MailState.WAITING, 0)


def test_what_somebody_waits_for_has_a_line_of_its_own(
    firm: World, server: Server, patient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MOST_LINES", 2)
    server.silent_until["a@client.test"] = 1
    queue("a", "b")
    answers = lines.Lines.answers

    def queued_meanwhile(of: Any, *, seconds: float = 0) -> Any:
        """As soon as it waits for room."""
        with scopes.scope(firm=firm.firm):
            if seconds and not OutgoingEmail.objects.filter(to="urgent@client.test"):
                queue("urgent")
                OutgoingEmail.objects.filter(to="urgent@client.test").update(precedence=URGENT)
        return answers(of, seconds=seconds)

    monkeypatch.setattr(lines.Lines, "answers", queued_meanwhile)
    assert deliver() == 3
    assert server.recipients() == [f"{name}@client.test" for name in ("urgent", "a", "b")]


@pytest.fixture
def other_senders() -> Iterator[list[int]]:
    """Processes of the same worker that have taken all places, and keep them."""
    children = [_taking_a_place() for _number in range(MOST_SENDERS)]
    yield children
    for child in children:
        _die(child)


def _taking_a_place() -> int:
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        with place() as is_there:
            os.write(writing, b"1" if is_there else b"0")
            signal.pause()
    assert os.read(reading, 1) == b"1"
    os.close(reading)
    os.close(writing)
    return child


def _die(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_senders_leave_a_process_to_all_other_work_and_their_place_when_they_die(
    firm: World, outbox: Outbox, other_senders: list[int]
) -> None:
    queue("a")
    with outside():
        assert deliver_mails() == 0
        _die(other_senders.pop())
        assert deliver_mails() == 1


def test_wherever_workers_are_started_a_process_is_left_for_other_work() -> None:
    composed = (ROOT / "docker-compose.yml").read_text()
    for told in (" ".join(worker_command()), composed.replace('", "', " ")):
        (count,) = re.findall(r"worker --concurrency (\d+)", told)
        assert int(count) > MOST_SENDERS


# --- deaths -----------------------------------------------------------------------------------------------


def test_a_slow_sender_keeps_what_it_holds_and_takes_nothing_back(firm: World, monkeypatch) -> None:
    queue("mine", "lost", "sent")
    with outside():
        hold, claims = Hold(), delivery._claimed()
        hold.add(claims)
    assert all(hold.is_sure_of(claim) for claim in claims)
    later = monotonic() + delivery.SURE_SECONDS
    monkeypatch.setattr(delivery, "monotonic", lambda: later)
    assert not any(hold.is_sure_of(claim) for claim in claims)
    nearly_over = timezone.now() + timedelta(seconds=1)
    OutgoingEmail.objects.update(lease_until=nearly_over)
    OutgoingEmail.objects.filter(to="lost@client.test").update(attempts=2)
    OutgoingEmail.objects.filter(to="sent@client.test").update(state=MailState.SENT)
    with outside():
        hold.renew()
    kept = state("mine").lease_until
    assert kept is not None and kept > nearly_over + timedelta(seconds=20)
    assert (state("lost").lease_until, state("sent").lease_until) == (nearly_over, nearly_over)
    assert [claim.id for claim in claims if hold.is_sure_of(claim)] == [state("mine").pk]


def test_claims_of_dead_senders_lengthen_no_pause(firm: World, server: Server) -> None:
    server.recipient_answers["a@client.test"] = "451 greylisted"
    queue("a")
    OutgoingEmail.objects.update(attempts=12)
    deliver()
    assert (state("a").attempts, state("a").refusals) == (13, 1)
    assert state("a").next_attempt_at - timezone.now() <= timedelta(seconds=30)


def test_a_failure_of_which_nobody_could_be_told_is_none_yet(
    transactional_db, lemoine: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the two: the mail is tried again, and then its kind is told."""
    server.recipient_answers["a@client.test"] = "550 5.1.1 User unknown"
    with scopes.scope(firm=lemoine.firm):
        queue("a")
    with monkeypatch.context() as patch:
        patch.setattr(Note, "failed", lambda *_of: _killed(None, ""))
        with pytest.raises(Killed):
            deliver_due()
    with scopes.scope(firm=lemoine.firm):
        assert state("a").state == MailState.WAITING
        OutgoingEmail.objects.update(lease_until=None)
    deliver_due()
    with scopes.scope(firm=lemoine.firm):
        assert state("a").state == MailState.FAILED
        assert Note.told == [state("a").failure]


def test_a_kind_that_fails_at_being_told_keeps_the_mail_failed(
    firm: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_of: object) -> None:
        queue("b")
        raise RuntimeError("a fault of ours")

    server.recipient_answers["a@client.test"] = "550 5.1.1 User unknown"
    queue("a")
    monkeypatch.setattr(Note, "failed", broken)
    deliver()
    assert state("a").state == MailState.FAILED
    assert OutgoingEmail.objects.count() == 1
