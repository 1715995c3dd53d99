"""Probes, figures and the queue of mails: what they tell, to whom, and that it is nobody's data."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from activity.actions import queue_mail
from activity.models import MailDomain, MailState, OutgoingEmail
from activity.outbox import SHOWN_FOR
from firm_portal import operators
from tenancy.scopes import scope
from tests.worlds import World

QUEUE = "/exploitation/courriels/"


@pytest.fixture(autouse=True)
def broker(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """As if it answered, or not."""
    state = {"up": True}
    monkeypatch.setattr(operators, "broker_answers", lambda: state["up"])
    return state


def a_mail(
    world: World, to: str = "claire@secret-client.test", waited: float = 0, **fields: Any
) -> OutgoingEmail:
    with scope(firm=world.firm):
        mail = queue_mail("activity.changes", to=to, name="Claire Secret")
        changed = {"created_at": timezone.now() - timedelta(minutes=waited), **fields}
        OutgoingEmail.objects.filter(pk=mail.pk).update(**changed)
    return mail


@pytest.mark.parametrize(("waited", "is_late"), [(0.5, False), (4.9, False), (5.1, True), (90, True)])
def test_each_probe_tells_when_the_oldest_waiting_mail_is_older_than_five_minutes(
    lemoine: World, client: Client, settings: Any, waited: float, is_late: bool
) -> None:
    settings.METRICS_TOKEN = "t0ken"
    a_mail(lemoine, waited=0)
    a_mail(lemoine, waited=waited)
    a_mail(lemoine, waited=600, state=MailState.SENT, sent_at=timezone.now())
    assert ("late" in client.get("/healthz").content.decode()) == is_late
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["mails"]["late"] == is_late
    assert ready.json()["mails"]["oldest_seconds"] == pytest.approx(waited * 60, abs=20)
    assert figures(client)["portal_mails_late"] == int(is_late)


def figures(client: Client, token: str = "t0ken") -> dict[str, float]:
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    lines = [line.split() for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_a_mail_that_a_server_has_put_off_counts_as_waiting_and_not_as_due(
    lemoine: World, client: Client, settings: Any
) -> None:
    """So a monitoring can tell a worker that is away from a recipient that is."""
    settings.METRICS_TOKEN = "t0ken"
    later = timezone.now() + timedelta(minutes=10)
    a_mail(lemoine, waited=30, next_attempt_at=later)
    a_mail(lemoine, "x@plein.test", waited=20)
    MailDomain.objects.create(domain="plein.test", rests_until=later)
    a_mail(lemoine, waited=2, precedence=0)
    told = figures(client)
    assert (told["portal_mails_waiting"], told["portal_mails_due"]) == (3, 1)
    assert told["portal_mail_oldest_seconds"] == pytest.approx(1800, abs=20)
    assert told["portal_mail_oldest_due_seconds"] == pytest.approx(120, abs=20)
    assert told["portal_mail_oldest_urgent_seconds"] == pytest.approx(120, abs=20)
    assert told["portal_mail_domains_resting"] == 1


def test_the_figures_are_for_who_shows_the_token(client: Client, db: None, settings: Any) -> None:
    assert client.get("/metrics").status_code == 404
    settings.METRICS_TOKEN = "t0ken"
    for shown in (
        {},
        {"Authorization": "Bearer other"},
        {"Authorization": "t0ken"},
        {"Authorization": "Bearer é"},
    ):
        assert client.get("/metrics", headers=shown).status_code == 401
    assert figures(client)["portal_mails_waiting"] == 0


def test_a_broker_that_is_away_is_told_and_keeps_no_request_away(
    client: Client, db: None, broker: dict[str, bool]
) -> None:
    assert client.get("/readyz").json()["broker"] == "ok"
    broker["up"] = False
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["broker"]) == (200, "away")


def test_without_its_database_or_its_migrations_it_is_not_ready(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(operators, "_is_migrated", lambda: False)
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["migrations"]) == (503, "away")

    def away(*_of: object) -> None:
        raise OperationalError("the connection is closed")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", away)
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "database": "away",
        "migrations": "away",
        "broker": "ok",
        "mails": {"oldest_seconds": None, "late": False},
    }


def test_the_queue_is_shown_to_operators_with_a_proven_address_alone(
    lemoine: World, browse: Any, settings: Any
) -> None:
    assert browse(lemoine.admin).get(QUEUE).status_code == 404
    settings.OPERATORS = [lemoine.collaborator.email]
    assert browse(lemoine.collaborator).get(QUEUE).status_code == 200
    assert browse(lemoine.admin).get(QUEUE).status_code == 404
    EmailAddress.objects.filter(user=lemoine.collaborator.user).update(verified=False)
    assert browse(lemoine.collaborator).get(QUEUE).status_code == 404


def test_the_queue_tells_counts_and_servers_and_nobodys_mails(
    lemoine: World, bertrand: World, browse: Any, settings: Any
) -> None:
    settings.OPERATORS = [lemoine.admin.email]
    now = timezone.now()
    for world in (lemoine, bertrand):
        a_mail(world, waited=7)
        for _mail in range(5):
            a_mail(world, "x@fini.test", state=MailState.SENT, sent_at=now - timedelta(minutes=2))
    a_mail(lemoine, "y@fini.test", state=MailState.SENT, sent_at=now - timedelta(hours=3))
    a_mail(lemoine, "y@fini.test", state=MailState.SENT, sent_at=now - timedelta(hours=30), waited=9_000)
    a_mail(bertrand, "perdu@fini.test", state=MailState.FAILED, failure="Chloé Martin a déménagé")
    a_mail(bertrand, "z@plein.test")
    MailDomain.objects.create(
        domain="plein.test", rests_until=now + timedelta(minutes=4), refused_since=now, answer="451 4.7.1"
    )
    page = browse(lemoine.admin).get(QUEUE)
    queue = page.context["queue"]
    assert (queue.waiting, queue.due, queue.put_off) == (3, 2, 1)
    assert (queue.sent_in_5_minutes, queue.sent_in_a_minute, queue.sent_in_a_day) == (10, 2.0, 11)
    assert (queue.failed_in_a_day, queue.is_late) == (1, True)
    rows = [(one.domain, one.waiting, one.sent, one.failed) for one in page.context["domains"]]
    assert rows == [("plein.test", 1, 0, 0), ("secret-client.test", 2, 0, 0), ("fini.test", 0, 11, 1)]
    text = page.content.decode()
    assert "Les courriels ont du retard" in text
    assert "Laissé en paix jusqu" in text and "451 4.7.1" in text
    for theirs in ("claire@", "Claire Secret", "perdu@", "déménagé", bertrand.firm.name):
        assert theirs not in text


def test_a_firm_sees_each_of_its_mails_that_did_not_arrive_and_why(
    lemoine: World, bertrand: World, browse: Any
) -> None:
    """Not invitations alone: what tells of changes, too."""
    a_mail(lemoine, "parti@client.test", state=MailState.FAILED, failure="550 5.1.1 inconnu", waited=3)
    old = SHOWN_FOR.total_seconds() / 60 + 9
    a_mail(lemoine, "ancien@client.test", state=MailState.FAILED, failure="x", waited=old)
    a_mail(lemoine, "attend@client.test")
    a_mail(bertrand, "autre@client.test", state=MailState.FAILED, failure="550 ailleurs")
    page = browse(lemoine.admin).get(lemoine.firm.url("invitations:undelivered"))
    (one,) = page.context["mails"]
    assert (one.to, one.reason, one.what) == (
        "parti@client.test",
        "550 5.1.1 inconnu",
        "Changements qui les concernent",
    )
    assert "550 5.1.1 inconnu" in page.content.decode()
    settings_page = browse(lemoine.admin).get(lemoine.firm.url("invitations:mail_settings"))
    assert "1 courriel n'a pas été remis" in settings_page.content.decode().replace("&#x27;", "'")
    assert browse(lemoine.collaborator).get(lemoine.firm.url("invitations:undelivered")).status_code == 403


def test_the_list_of_them_is_read_page_by_page(
    lemoine: World, browse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number above it is that of all, as on the page that leads there."""
    monkeypatch.setattr("invitations.views.mailing.PER_PAGE", 2)
    for number in range(3):
        a_mail(
            lemoine, f"parti{number}@client.test", state=MailState.FAILED, failure="550", waited=3 - number
        )
    url, client = lemoine.firm.url("invitations:undelivered"), browse(lemoine.admin)
    first, second = client.get(url), client.get(url, {"page": 2})
    assert [one.to for one in first.context["mails"]] == ["parti2@client.test", "parti1@client.test"]
    assert [one.to for one in second.context["mails"]] == ["parti0@client.test"]
    assert 'id="page-count" data-page-count>3<' in first.content.decode()
    assert "?page=2" in first.content.decode() and "?page=1" in second.content.decode()
    assert len(client.get(url, {"size": 20}).context["mails"]) == 3
