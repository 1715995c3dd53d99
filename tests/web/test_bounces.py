"""A mail service tells over HTTP that a mail came back: the mail and its invitation fail, with the reason in words."""

import base64
import email
import email.policy
import io
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.request import HTTPSHandler, Request, build_opener

import httpx
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import timezone
from structlog.stdlib import ProcessorFormatter

from activity import bounces, delivery, sns
from activity.actions import queue_mail
from activity.lookups import mail_sent_as, mails_in_flight
from activity.models import Event, MailState, OutgoingEmail
from firm_portal.mail import mail_service
from invitations.actions.answering import Link, refuse_invitation
from invitations.actions.correcting import correct_address
from invitations.actions.handling import resend_invitation
from invitations.actions.inviting import invite_client
from invitations.models import Invitation, InvitationState
from tenancy.scopes import scope
from tests.activity.services import (
    ANYMAIL,
    CERTIFICATE,
    ENDS,
    GUID,
    IN_LISTS,
    SECRET,
    SES_ID,
    TO,
    TOPIC,
    amazon_bounce,
    brevo,
    by_sns,
    headers_of,
    mailjet,
    postmark,
    sendgrid,
    signed,
    sns_certificate,
    sparkpost,
)
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
    payload = signed(payload) if service == "amazon_ses" else payload
    content = json.dumps([payload] if service in IN_LISTS else payload)
    headers = {**authorised(), **headers_of(service, payload)}
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


# --- told before it is written down, and several things told in one call


def in_flight(world: World, outbox: Outbox) -> Invitation:
    """One whose mail a worker has claimed, and has perhaps handed over to the service already."""
    with scope(firm=world.firm):
        invitation = invite_client(actor=world.admin, dossier=make_dossier(email=TO))
    assert delivery._claimed()
    return invitation


def mark_sent(world: World, known_as: str = KNOWN_AS) -> None:
    with scope(firm=world.firm):
        mail = OutgoingEmail.objects.get(to=TO, state=MailState.WAITING)
    owner = (world.firm.pk, None, None)
    delivery._mark_sent(delivery.Claim(mail.pk, owner, mail.attempts, mail.precedence, 0.0), known_as)


def test_what_is_told_before_the_mail_is_marked_is_told_again_and_counts(
    lemoine: World, outbox: Outbox
) -> None:
    invitation = in_flight(lemoine, outbox)
    for _again in range(2):
        assert told(brevo(KNOWN_AS)) == 503
    mark_sent(lemoine)
    assert told(brevo(KNOWN_AS)) == 200
    assert stands(lemoine, invitation)[::2] == (MailState.FAILED, InvitationState.FAILED)


def test_it_is_not_told_again_for_ever(lemoine: World, outbox: Outbox) -> None:
    """Of what nobody here has sent: as soon as no mail to that address is under way."""
    in_flight(lemoine, outbox)
    assert told({**brevo("<theirs@x>"), "email": "Autre@client.test"}) == 200
    assert told({**brevo("<theirs@x>"), "email": TO.upper()}) == 503
    with scope(firm=lemoine.firm):
        OutgoingEmail.objects.filter(to=TO).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert told(brevo("<theirs@x>")) == 200


def test_an_address_in_other_letters_is_known_by_its_ascii_form(lemoine: World, outbox: Outbox) -> None:
    in_flight(lemoine, outbox)
    with scope(firm=lemoine.firm):
        OutgoingEmail.objects.filter(to=TO).update(to="claire@crêperie.test")
    assert told({**brevo("<theirs@x>"), "email": "claire@xn--crperie-kya.test"}) == 503


def test_a_mail_marked_at_that_very_moment_is_found(
    lemoine: World, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    invitation = in_flight(lemoine, outbox)
    real = mails_in_flight

    def marked_just_before(addresses: list[str]) -> Any:
        mark_sent(lemoine)
        return real(addresses)

    monkeypatch.setattr(bounces, "mails_in_flight", marked_just_before)
    assert told(brevo(KNOWN_AS)) == 200
    assert stands(lemoine, invitation)[0] == MailState.FAILED


def test_what_changes_nothing_is_never_told_again(lemoine: World, outbox: Outbox) -> None:
    in_flight(lemoine, outbox)
    assert told(brevo(KNOWN_AS, "delivered")) == 200


@pytest.mark.parametrize(
    ("service", "one", "wrong"),
    [
        ("sendgrid", sendgrid, {"event": "bounce", "timestamp": "no moment"}),
        ("mailjet", mailjet, {"event": "bounce", "MessageID": 1, "time": "no moment"}),
        ("sparkpost", sparkpost, {"unknown": "shape"}),
    ],
    ids=["sendgrid", "mailjet", "sparkpost"],
)
def test_one_that_cannot_be_read_loses_none_of_the_others(
    lemoine: World, outbox: Outbox, settings: Any, service: str, one: Any, wrong: Any
) -> None:
    settings.MAIL_SERVICE = service
    known_as = "19421777835146490"
    first = invited(lemoine, outbox, known_as)
    assert told([wrong, one(known_as), wrong], service=service) == 200
    with scope(firm=lemoine.firm):
        assert Invitation.objects.get(pk=first.pk).state == InvitationState.FAILED
    assert told([wrong], service=service) == 400


def test_one_at_which_we_fail_loses_none_of_the_others_and_is_told_again(
    lemoine: World, outbox: Outbox, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAIL_SERVICE = "sendgrid"
    invitation = invited(lemoine, outbox, GUID)
    real = mail_sent_as

    def fails_once(known_as: str) -> Any:
        if known_as == "broken":
            raise RuntimeError("a fault of ours")
        return real(known_as)

    monkeypatch.setattr(bounces, "mail_sent_as", fails_once)
    both = [sendgrid("broken"), sendgrid(GUID)]
    assert told(both, service="sendgrid") == 503
    with scope(firm=lemoine.firm):
        assert Invitation.objects.get(pk=invitation.pk).state == InvitationState.FAILED
    monkeypatch.setattr(bounces, "mail_sent_as", real)
    assert told(both, service="sendgrid") == 200
    with scope(firm=lemoine.firm):
        assert Event.objects.filter(type="invitations.invitation.failed").count() == 1


# --- Amazon


def told_by_amazon(payload: Any, **changes: Any) -> Any:
    payload = payload if "Signature" in payload else signed(payload)
    headers = {**authorised(), **headers_of("amazon_ses", payload), **changes}
    kind = headers.pop("Content-Type")
    content = json.dumps(payload)
    return Client().post("/courriels/amazon_ses/", content, content_type=kind, headers=headers)


@pytest.fixture
def _amazon(settings: Any) -> None:
    settings.MAIL_SERVICE = "amazon_ses"


@pytest.mark.usefixtures("_amazon")
def test_amazon_is_asked_for_the_secret_before_it_shows_it() -> None:
    """It shows the secret in its address only after a 401."""
    payload = amazon_bounce(SES_ID, "Permanent", "General")
    answer = Client().post(
        "/courriels/amazon_ses/",
        json.dumps(payload),
        content_type="text/plain",
        headers=headers_of("amazon_ses", payload),
    )
    assert (answer.status_code, answer["WWW-Authenticate"][:5]) == (401, "Basic")
    assert (
        told_by_amazon(payload, Authorization="Basic " + base64.b64encode(b"a:b").decode()).status_code == 400
    )
    assert told_by_amazon(payload).status_code == 200


@pytest.mark.usefixtures("_amazon")
@pytest.mark.parametrize("kind", ["Notification", "SubscriptionConfirmation"])
def test_no_other_topic_is_listened_to_or_joined(
    lemoine: World, outbox: Outbox, fake_amazon: Any, kind: str
) -> None:
    invitation = invited(lemoine, outbox, SES_ID)
    payload = amazon_bounce(SES_ID, "Permanent", "General") | {
        "Type": kind,
        "TopicArn": "arn:aws:sns:eu-west-3:999999999999:retours",
        "Token": "t",
        "SubscribeURL": "https://sns.eu-west-3.amazonaws.com/",
    }
    fake_amazon.taken.clear()
    assert told_by_amazon(payload).status_code == 400
    assert fake_amazon.taken == []
    with scope(firm=lemoine.firm):
        assert Invitation.objects.get(pk=invitation.pk).state == InvitationState.SENT


@pytest.mark.usefixtures("_amazon")
def test_the_topic_of_the_settings_is_joined_by_a_call_to_amazon_and_no_address_is_followed(
    fake_amazon: Any,
) -> None:
    payload = by_sns(
        "SubscriptionConfirmation",
        f"You have chosen to subscribe to the topic {TOPIC}.",
        Token="2336412f37fb687f5d51e6e241d7700ae02f7124d8268910b858cb4db727ceeb2474bb937929d3bdd7ce5d0c",
        SubscribeURL="http://127.0.0.1:1/never",
    )
    assert told_by_amazon(payload).status_code == 200
    ((path, body),) = fake_amazon.taken
    assert path == "/"
    assert "Action=ConfirmSubscription" in body
    assert "eu-west-3%3A123456789012%3Aretours" in body
    assert (
        told_by_amazon({**payload, "MessageId": "another"}, **{"x-amz-sns-message-id": "x"}).status_code
        == 400
    )


@pytest.mark.usefixtures("_amazon")
def test_a_topic_that_cannot_be_joined_is_refused(fake_amazon: Any) -> None:
    fake_amazon.status, fake_amazon.answer = (
        403,
        b"<ErrorResponse><Error><Code>AuthorizationError</Code></Error></ErrorResponse>",
    )
    payload = by_sns("SubscriptionConfirmation", "…", Token="t", SubscribeURL="http://127.0.0.1:1/never")
    assert told_by_amazon(payload).status_code == 400


@pytest.mark.usefixtures("_amazon")
@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("changed", [{}, {"Subject": None}], ids=["with a subject", "without one"])
def test_what_sns_has_signed_is_heard_by_its_certificate_fetched_once(
    certificates: "Script", version: str, changed: Any
) -> None:
    payload = {**amazon_bounce(SES_ID, "Permanent", "General"), "SignatureVersion": version, **changed}
    payload = signed({name: value for name, value in payload.items() if value is not None})
    assert [told_by_amazon(payload).status_code for _ in range(2)] == [200, 200]
    assert certificates.taken == [(CERTIFICATE, "")]


BOUNCE = amazon_bounce(SES_ID, "Permanent", "General")
FORGED: dict[str, Any] = {
    "another message": {"Message": amazon_bounce("another", "Permanent", "General")["Message"]},
    "another subject": {"Subject": "Hello"},
    "another moment": {"Timestamp": "2026-11-23T12:00:02.000Z"},
    "no signature": {"Signature": ""},
    "no base64": {"Signature": "é"},
    "an unknown version": {"SignatureVersion": "3"},
    "the other version": {"SignatureVersion": "2"},
}


@pytest.mark.usefixtures("_amazon")
@pytest.mark.parametrize("what", FORGED)
def test_what_sns_has_not_signed_so_is_refused(what: str) -> None:
    assert told_by_amazon(signed(BOUNCE) | FORGED[what]).status_code == 400


ELSEWHERE = [
    "http://sns.eu-west-3.amazonaws.com" + CERTIFICATE,
    "https://sns.eu-west-1.amazonaws.com" + CERTIFICATE,
    "https://sns.eu-west-3.amazonaws.com.example.org" + CERTIFICATE,
    "https://sns.eu-west-3.amazonaws.com@example.org" + CERTIFICATE,
    "https://sns.eu-west-3.amazonaws.com:8443" + CERTIFICATE,
    "https://sns.eu-west-3.amazonaws.com/?Action=Publish&x=" + CERTIFICATE,
    "https://sns.eu-west-3.amazonaws.com/.." + CERTIFICATE,
    f"https://sns.eu-west-3.amazonaws.com{CERTIFICATE}\n",
    "",
]


@pytest.mark.usefixtures("_amazon")
@pytest.mark.parametrize("address", ELSEWHERE)
def test_a_certificate_is_fetched_from_sns_in_the_topics_region_alone(
    certificates: "Script", address: str
) -> None:
    assert told_by_amazon(signed({**BOUNCE, "SigningCertURL": address})).status_code == 400
    assert certificates.taken == []


@pytest.mark.usefixtures("_amazon")
def test_without_the_secret_no_certificate_is_fetched(certificates: "Script") -> None:
    wrong = "Basic " + base64.b64encode(b"portail:x").decode()
    assert told_by_amazon(BOUNCE, Authorization=wrong).status_code == 400
    assert certificates.taken == []


@pytest.mark.usefixtures("_amazon")
@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (500, b"", 503),
        (404, b"", 400),
        (302, b"", 400),
        (200, b"no certificate", 400),
        (200, sns_certificate(since_days=60), 400),
    ],
    ids=["away", "not there", "elsewhere", "no certificate", "out of date"],
)
def test_what_cannot_be_verified_yet_is_told_again_and_what_never_can_is_refused(
    certificates: "Script", status: int, answer: bytes, expected: int
) -> None:
    certificates.status, certificates.answer = status, answer
    certificates.headers = {"Location": CERTIFICATE}
    refused = told_by_amazon(BOUNCE)
    assert (refused.status_code, refused.get("Retry-After")) == (expected, "60" if expected == 503 else None)
    assert len(certificates.taken) == 1
    certificates.status, certificates.answer = 200, sns_certificate()
    if status != 200:  # what failed is not kept
        assert told_by_amazon(BOUNCE).status_code == 200


@pytest.mark.usefixtures("_amazon")
def test_a_mail_leaves_by_amazon_as_it_was_written_and_comes_back(
    lemoine: World, outbox: Outbox, fake_amazon: Any
) -> None:
    with scope(firm=lemoine.firm):
        lemoine.firm.name = "Besson Été & Œuvres"
        lemoine.firm.save()
        invitation = invite_client(actor=lemoine.admin, dossier=make_dossier("Éva", email=TO))
    outbox.flush()
    bodies = [json.loads(body) for path, body in fake_amazon.taken if path == "/v2/email/outbound-emails"]
    (sent,) = [body for body in bodies if body["Destination"]["ToAddresses"] == [TO]]
    mail = email.message_from_bytes(
        base64.b64decode(sent["Content"]["Raw"]["Data"]), policy=email.policy.default
    )
    assert mail["From"].addresses[0].display_name == "Besson Été & Œuvres"
    assert [one.addr_spec for one in mail["To"].addresses] == [TO]
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None and "/invitation/" in plain.get_content()
    assert rich is not None and "Œuvres" in rich.get_content()
    with scope(firm=lemoine.firm):
        assert OutgoingEmail.objects.get(to=TO).provider_id == SES_ID
    assert told_by_amazon(amazon_bounce(SES_ID, "Permanent", "General")).status_code == 200
    with scope(firm=lemoine.firm):
        assert Invitation.objects.get(pk=invitation.pk).state == InvitationState.FAILED


@pytest.mark.usefixtures("_amazon")
@pytest.mark.parametrize(
    ("status", "code", "attempts"),
    [
        (403, "AccessDeniedException", 0),
        (429, "TooManyRequestsException", 0),
        (400, "AccountSuspendedException", 0),
        (400, "SendingPausedException", 0),
        (400, "MessageRejected", 1),
        (500, "InternalFailure", 1),
    ],
)
def test_what_amazon_refuses_to_everybody_costs_no_attempt_and_no_call_is_repeated(
    lemoine: World, outbox: Outbox, fake_amazon: Any, status: int, code: str, attempts: int
) -> None:
    fake_amazon.status, fake_amazon.answer = status, json.dumps({"message": "no"}).encode()
    fake_amazon.headers = {"x-amzn-ErrorType": code}
    with scope(firm=lemoine.firm):
        invite_client(actor=lemoine.admin, dossier=make_dossier(email=TO))
    outbox.flush()
    assert len(fake_amazon.taken) == 1
    with scope(firm=lemoine.firm):
        mail = OutgoingEmail.objects.get(to=TO)
    assert (mail.state, mail.attempts, mail.lease_until) == (MailState.WAITING, attempts, None)


TAKEN = json.dumps({"MessageId": SES_ID}).encode()
JOINED = f"""<ConfirmSubscriptionResponse xmlns="https://sns.amazonaws.com/doc/2010-03-31/"><ConfirmSubscriptionResult>
<SubscriptionArn>{TOPIC}:80289ba6-0fd4-4079-afb4-ce8c8260f0ca</SubscriptionArn></ConfirmSubscriptionResult>
<ResponseMetadata><RequestId>075ecce8-8dac-11e1-bf80-f781d96e9307</RequestId></ResponseMetadata>
</ConfirmSubscriptionResponse>""".encode()


class FakeAmazon(BaseHTTPRequestHandler):
    """Answers as the interfaces of Amazon SES and SNS do."""

    script: "Script"

    def do_GET(self) -> None:
        script = type(self).script
        script.taken.append((self.path, ""))
        self.send_response(script.status)
        for name, value in script.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(script.answer)))
        self.end_headers()
        self.wfile.write(script.answer)

    def do_POST(self) -> None:
        content, script = self.rfile.read(int(self.headers["Content-Length"])).decode(), type(self).script
        script.taken.append((self.path, content))
        answer = script.answer or (JOINED if self.path == "/" else TAKEN)
        self.send_response(script.status)
        for name, value in script.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_words: object) -> None:
        return


@dataclass
class Script:
    status: int = 200
    answer: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    taken: list[tuple[str, str]] = field(default_factory=list)


def serve(script: Script) -> HTTPServer:
    handler = type("Handler", (FakeAmazon,), {"script": script})
    server = HTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server


class ToFake(HTTPSHandler):
    """Asks the fake what the product asks of SNS."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port

    def https_open(self, asked: Request) -> Any:
        return build_opener(sns.NowhereElse).open(f"http://127.0.0.1:{self.port}{asked.selector}")


@pytest.fixture(scope="module")
def certificate_server() -> Any:
    script = Script()
    server = serve(script)
    yield script, server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def certificates(certificate_server: tuple[Script, int], monkeypatch: pytest.MonkeyPatch) -> Script:
    """What is asked of SNS for its certificate, and what it answers."""
    script, port = certificate_server
    script.status, script.answer, script.headers = 200, sns_certificate(), {}
    script.taken.clear()
    sns.certificate_at.cache_clear()
    monkeypatch.setattr(sns, "opener", build_opener(sns.NowhereElse, ToFake(port)))
    return script


@pytest.fixture
def fake_amazon(settings: Any) -> Any:
    script = Script()
    server = serve(script)
    settings.EMAIL_BACKEND = "anymail.backends.amazon_ses.EmailBackend"
    here = {"endpoint_url": f"http://127.0.0.1:{server.server_port}"}
    options = {"AMAZON_SES_TOPIC": TOPIC, "AMAZON_SES_CLIENT_PARAMS": here}
    made = mail_service("amazon_ses", "AKIAEXAMPLE:a/b+c=@eu-west-3", SECRET, options)
    settings.ANYMAIL = {**ANYMAIL, **made}
    yield script
    server.shutdown()
    server.server_close()


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
    known = mail_service("postmark", "k", SECRET, {"REQUESTS_TIMEOUT": 5})
    assert known == {"POSTMARK_SERVER_TOKEN": "k", "WEBHOOK_SECRET": SECRET, "REQUESTS_TIMEOUT": 5}
    for name, secret in (("brevo", ""), ("brevo", "user:"), ("brevo", "user:short"), ("pigeon", SECRET)):
        with pytest.raises(ImproperlyConfigured):
            mail_service(name, "k", secret, {})


def test_amazon_needs_its_region_and_its_topic_and_calls_once() -> None:
    topic = {"AMAZON_SES_TOPIC": TOPIC}
    made = mail_service("amazon_ses", "AKIA:s/e+c=@eu-west-3", SECRET, topic, timeout=7)
    client = made["AMAZON_SES_CLIENT_PARAMS"]
    assert (client["aws_access_key_id"], client["aws_secret_access_key"]) == ("AKIA", "s/e+c=")
    assert client["region_name"] == "eu-west-3"
    assert client["config"]["retries"] == {"total_max_attempts": 1}
    assert client["config"]["read_timeout"] == 7
    alone = mail_service("amazon_ses", "@eu-west-3", SECRET, topic)["AMAZON_SES_CLIENT_PARAMS"]
    assert "aws_access_key_id" not in alone, "the machine itself may send"
    for key, options in (
        ("AKIA:secret", topic),
        ("AKIA@eu-west-3", topic),
        (":secret@eu-west-3", topic),
        ("AKIA:@eu-west-3", topic),
        ("AKIA:secret@", topic),
        ("AKIA:secret@eu-west-3", {}),
        ("AKIA:secret@eu-west-3", {"AMAZON_SES_TOPIC": "retours"}),
    ):
        with pytest.raises(ImproperlyConfigured):
            mail_service("amazon_ses", key, SECRET, options)
