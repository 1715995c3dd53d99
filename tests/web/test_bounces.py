"""A mail service tells over HTTP that a mail came back: the mail and its invitation fail, with the reason in words."""

import base64
import io
import json
import logging
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from structlog.stdlib import ProcessorFormatter

from activity.actions import queue_mail
from activity.models import Event, MailState, OutgoingEmail
from firm_portal.mail import mail_service
from invitations.actions.answering import Link, refuse_invitation
from invitations.actions.correcting import correct_address
from invitations.actions.handling import resend_invitation
from invitations.actions.inviting import invite_client
from invitations.models import Invitation, InvitationState
from tenancy.scopes import scope
from tests.activity.services import ANYMAIL, ENDS, GUID, IN_LISTS, SECRET, TO, brevo, postmark
from tests.outbox import Outbox
from tests.worlds import World, make_dossier

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailNotSupportedWarning"),
]
KNOWN_AS = "<202611221200.1@smtp-relay.mailin.fr>"


@pytest.fixture(autouse=True)
def _service(settings: Any) -> None:
    settings.MAIL_SERVICE, settings.ANYMAIL = "brevo", ANYMAIL


def authorised(secret: str = SECRET) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}


def invited(world: World, outbox: Outbox, known_as: str = KNOWN_AS) -> Invitation:
    """An invitation whose mail the service has taken, and knows by that name."""
    with scope(firm=world.firm):
        invitation = invite_client(actor=world.admin, dossier=make_dossier(email=TO))
    outbox.flush()
    with scope(firm=world.firm):
        assert OutgoingEmail.objects.filter(to=TO, state=MailState.SENT).update(provider_id=known_as) == 1
    return invitation


def told(told: Any, secret: str = SECRET, service: str = "brevo", **more: Any) -> int:
    """The status of the answer to what the service tells."""
    client = Client(enforce_csrf_checks=True)
    answer = client.post(
        f"/courriels/{service}/", told, content_type="application/json", headers=authorised(secret), **more
    )
    return int(answer.status_code)


def stands(world: World, invitation: Invitation) -> tuple[str, str, str, str]:
    """The states and reasons of the mail and of the invitation."""
    with scope(firm=world.firm):
        mail = OutgoingEmail.objects.get(to=TO, provider_id=KNOWN_AS)
        invitation = Invitation.objects.get(pk=invitation.pk)
    return mail.state, mail.failure, invitation.state, invitation.failure


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("service", "known_as", "payload", "reason"),
    ENDS,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_each_service_tells_is_understood_over_http(
    lemoine: World,
    outbox: Outbox,
    settings: Any,
    live_server: Any,
    service: str,
    known_as: str,
    payload: Any,
    reason: str,
) -> None:
    settings.MAIL_SERVICE = service
    invitation = invited(lemoine, outbox, known_as)
    content = json.dumps([payload] if service in IN_LISTS else payload)
    headers = {**authorised(), "Content-Type": "application/json"}
    answer = httpx.post(f"{live_server.url}/courriels/{service}/", content=content, headers=headers)
    assert answer.status_code == 200
    with scope(firm=lemoine.firm):
        mail, now = OutgoingEmail.objects.get(provider_id=known_as), Invitation.objects.get(pk=invitation.pk)
    if reason:
        assert (mail.state, now.state) == (MailState.FAILED, InvitationState.FAILED)
        assert mail.failure == now.failure
        assert mail.failure.startswith(reason)
    else:
        assert (mail.state, mail.failure) == (MailState.SENT, "")
        assert (now.state, now.failure) == (InvitationState.SENT, "")


def test_the_servers_answer_follows_the_words(lemoine: World, outbox: Outbox) -> None:
    invitation = invited(lemoine, outbox)
    assert told(brevo(KNOWN_AS, reason=" 550 5.1.1\n User unknown ")) == 200
    expected = (
        "Cette adresse n'existe pas\u00a0: son serveur de messagerie n'y connaît personne."
        " Réponse du serveur\u00a0: 550 5.1.1 User unknown"
    )
    assert stands(lemoine, invitation) == (MailState.FAILED, expected, InvitationState.FAILED, expected)


def test_the_dashboard_counts_it_and_one_step_corrects_and_sends_again(
    lemoine: World, outbox: Outbox, browse: Callable[..., Client]
) -> None:
    invitation = invited(lemoine, outbox)
    told(brevo(KNOWN_AS))
    page = browse(lemoine.admin).get(lemoine.firm.url("dashboard")).content.decode()
    assert "?state=failed" in page
    with scope(firm=lemoine.firm):
        correct_address(actor=lemoine.admin, invitation=invitation, email="juste@client.test")
    assert "juste@client.test" in outbox.recipients()
    assert stands(lemoine, invitation)[2:] == (InvitationState.SENT, "")
    page = browse(lemoine.admin).get(lemoine.firm.url("dashboard")).content.decode()
    assert "?state=failed" not in page


def test_what_is_told_twice_is_done_once(lemoine: World, outbox: Outbox) -> None:
    invitation = invited(lemoine, outbox)
    for again in (brevo(KNOWN_AS), brevo(KNOWN_AS), brevo(KNOWN_AS, "spam")):
        assert told(again) == 200
    with scope(firm=lemoine.firm):
        (event,) = Event.objects.filter(type="invitations.invitation.failed")
    assert (event.actor_id, event.ip) == (None, None)
    _mail, of_mail, _invitation, of_invitation = stands(lemoine, invitation)
    assert of_mail == of_invitation
    assert "renvoyé" in of_mail


def test_a_bounce_of_an_earlier_sending_leaves_the_newer_one_alone(lemoine: World, outbox: Outbox) -> None:
    invitation = invited(lemoine, outbox)
    with scope(firm=lemoine.firm):
        resend_invitation(actor=lemoine.admin, invitation=invitation)
    assert told(brevo(KNOWN_AS)) == 200
    assert stands(lemoine, invitation)[::2] == (MailState.FAILED, InvitationState.SENT)


@pytest.mark.parametrize(
    "answered", [InvitationState.ACCEPTED, InvitationState.REFUSED, InvitationState.REVOKED]
)
def test_a_bounce_after_the_answer_changes_nothing_of_the_invitation(
    lemoine: World, outbox: Outbox, answered: str
) -> None:
    invitation = invited(lemoine, outbox)
    with scope(firm=lemoine.firm):
        if answered == InvitationState.REFUSED:
            refuse_invitation(link=Link(invitation.pk, 1))
        Invitation.objects.filter(pk=invitation.pk).update(state=answered)
    assert told(brevo(KNOWN_AS)) == 200
    assert stands(lemoine, invitation)[2:] == (answered, "")


def test_whoever_followed_the_link_keeps_it_and_is_reminded_no_more(lemoine: World, outbox: Outbox) -> None:
    invitation = invited(lemoine, outbox)
    with scope(firm=lemoine.firm):
        Invitation.objects.filter(pk=invitation.pk).update(state=InvitationState.OPENED)
        assert Invitation.objects.get().remind_at
    told(brevo(KNOWN_AS, "spam"))
    with scope(firm=lemoine.firm):
        now = Invitation.objects.get()
    assert (now.state, now.remind_at) == (InvitationState.OPENED, None)


def test_a_mail_of_a_persons_own_fails_too(lemoine: World) -> None:
    user = lemoine.admin.user
    assert user is not None
    with scope(person=user):
        mail = queue_mail("accounts.security_notice", to=user.email)
        OutgoingEmail.objects.update(state=MailState.SENT, provider_id=KNOWN_AS)
    assert told(brevo(KNOWN_AS)) == 200
    with scope(person=user):
        mail.refresh_from_db()
    assert mail.state == MailState.FAILED


@pytest.mark.parametrize("known_as", ["<unknown@x>", "", None, "x" * 3000])
def test_what_is_unknown_is_taken_and_changes_nothing(
    lemoine: World, outbox: Outbox, known_as: str | None
) -> None:
    invitation = invited(lemoine, outbox)
    with scope(firm=lemoine.firm):
        OutgoingEmail.objects.exclude(to=TO).update(provider_id="")
    assert told({**brevo(KNOWN_AS), "message-id": known_as}) == 200
    assert stands(lemoine, invitation) == (MailState.SENT, "", InvitationState.SENT, "")


@pytest.mark.parametrize("secret", ["", "portail:autre", "autre:une-longue-suite-de-lettres", SECRET + "x"])
def test_without_the_secret_nobody_tells_anything(lemoine: World, outbox: Outbox, secret: str) -> None:
    invitation = invited(lemoine, outbox)
    assert told(brevo(KNOWN_AS), secret=secret) == 400
    assert stands(lemoine, invitation) == (MailState.SENT, "", InvitationState.SENT, "")


def test_mailguns_signature_is_asked_for_besides(settings: Any) -> None:
    settings.MAIL_SERVICE = "mailgun"
    payload = next(payload for service, _name, payload, _reason in ENDS if service == "mailgun")
    forged = {**payload, "signature": {**payload["signature"], "signature": "0" * 64}}
    assert told(payload, service="mailgun") == 200
    assert told(forged, service="mailgun") == 400


def test_only_the_service_in_use_is_listened_to(settings: Any) -> None:
    assert told(postmark(GUID), service="postmark") == 404
    assert told(postmark(GUID), service="nobody") == 404
    settings.MAIL_SERVICE = ""
    assert told(brevo(KNOWN_AS)) == 404
    assert Client().get("/courriels/brevo/").status_code == 405


@pytest.mark.parametrize(
    "body", ["", "no json claire@client.test", "[]", '"text"', '{"items": [{"To": "claire@client.test"}]}']
)
def test_what_cannot_be_read_is_refused_and_no_address_is_logged(
    lemoine: World, outbox: Outbox, body: str
) -> None:
    root, output = logging.getLogger(), io.StringIO()
    console = next(h for h in root.handlers if isinstance(h.formatter, ProcessorFormatter))
    ours, level = logging.StreamHandler(output), root.level
    ours.setFormatter(console.formatter)
    root.addHandler(ours)
    root.setLevel(logging.DEBUG)
    try:
        invited(lemoine, outbox)
        assert told(body) == 400
        assert told(brevo(KNOWN_AS, reason=f"550 5.1.1 <{TO}>: unknown")) == 200
    finally:
        root.removeHandler(ours)
        root.setLevel(level)
    assert "mail_came_back" in output.getvalue()
    assert "claire" not in output.getvalue()


class FakeBrevo(BaseHTTPRequestHandler):
    """Takes mails as Brevo's interface does."""

    status = 201
    taken: list[dict[str, Any]]

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        type(self).taken.append(json.loads(self.rfile.read(length)))
        self.send_response(type(self).status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"messageId": KNOWN_AS}).encode())

    def log_message(self, *_words: object) -> None:
        return


@pytest.fixture
def fake_brevo(settings: Any) -> Any:
    FakeBrevo.taken, FakeBrevo.status = [], 201
    server = HTTPServer(("127.0.0.1", 0), FakeBrevo)
    Thread(target=server.serve_forever, daemon=True).start()
    settings.EMAIL_BACKEND = "anymail.backends.brevo.EmailBackend"
    url = f"http://127.0.0.1:{server.server_port}/v3/"
    settings.ANYMAIL = {**ANYMAIL, "BREVO_API_KEY": "k", "BREVO_API_URL": url}
    yield FakeBrevo
    server.shutdown()
    server.server_close()


def test_a_mail_leaves_by_the_service_and_comes_back(lemoine: World, outbox: Outbox, fake_brevo: Any) -> None:
    with scope(firm=lemoine.firm):
        lemoine.firm.name = "Besson Été & Œuvres"
        lemoine.firm.save()
        invitation = invite_client(actor=lemoine.admin, dossier=make_dossier("Éva", email=TO))
    outbox.flush()
    (mail,) = [mail for mail in fake_brevo.taken if mail["to"][0]["email"] == TO]
    assert mail["sender"]["name"] == "Besson Été & Œuvres"
    assert "=?" not in json.dumps(mail["sender"]) + json.dumps(mail["to"]) + mail["subject"]
    assert "/invitation/" in mail["textContent"]
    assert told(brevo(KNOWN_AS)) == 200
    assert stands(lemoine, invitation)[::2] == (MailState.FAILED, InvitationState.FAILED)


@pytest.mark.parametrize("status", [401, 429])
def test_a_service_that_takes_none_costs_no_attempt(
    lemoine: World, outbox: Outbox, fake_brevo: Any, status: int
) -> None:
    fake_brevo.status = status
    with scope(firm=lemoine.firm):
        invite_client(actor=lemoine.admin, dossier=make_dossier(email=TO))
    outbox.flush()
    assert len(fake_brevo.taken) == 1
    with scope(firm=lemoine.firm):
        mail = OutgoingEmail.objects.get(to=TO)
    assert (mail.state, mail.attempts, mail.lease_until) == (MailState.WAITING, 0, None)


def test_a_service_is_not_used_without_a_secret() -> None:
    assert mail_service("postmark", "k", SECRET) == {"POSTMARK_SERVER_TOKEN": "k", "WEBHOOK_SECRET": SECRET}
    for name, secret in (("brevo", ""), ("brevo", "user:"), ("brevo", "user:short"), ("pigeon", SECRET)):
        with pytest.raises(ImproperlyConfigured):
            mail_service(name, "k", secret)
