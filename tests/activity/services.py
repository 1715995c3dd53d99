"""What each mail service tells of a mail, in the shape that it documents, and how it proves that it is the one."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

SECRET = "portail:une-longue-suite-de-lettres"
SIGNING_KEY = "la-cle-qui-signe"
ANYMAIL = {
    "WEBHOOK_SECRET": SECRET,
    "MAILGUN_WEBHOOK_SIGNING_KEY": SIGNING_KEY,
    "AMAZON_SES_TOPIC": "arn:aws:sns:eu-west-3:123456789012:retours",
}
TO = "claire@client.test"


def brevo(known_as: str, event: str = "hard_bounce", reason: str = "", **more: Any) -> Any:
    return {
        "event": event,
        "email": TO,
        "id": 26224,
        "date": "2026-11-22 13:00:00",
        "ts": 1795352400,
        "message-id": known_as,
        "ts_event": 1795352400,
        "ts_epoch": 1795352400000,
        "subject": "Invitation",
        "sending_ip": "192.0.2.7",
        "template_id": 0,
        "reason": reason,
        **more,
    }


def mailgun(known_as: str, event: str = "failed", status: Any = None, **more: Any) -> Any:
    token, timestamp = "a" * 50, "1795352400"
    signature = hmac.new(SIGNING_KEY.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {
        "signature": {"token": token, "timestamp": timestamp, "signature": signature},
        "event-data": {
            "id": "G9Bn5sl1TC6nu79C8C0bwg",
            "timestamp": 1795352400.12,
            "log-level": "error",
            "event": event,
            "recipient": TO,
            "recipient-domain": "client.test",
            "message": {
                "headers": {"to": TO, "message-id": known_as.strip("<>"), "subject": "Invitation"},
                "attachments": [],
                "size": 4711,
            },
            "tags": [],
            "user-variables": {},
            "flags": {"is-test-mode": False},
            "delivery-status": status or {},
            **more,
        },
    }


def mailjet(known_as: str, event: str = "bounce", **more: Any) -> Any:
    return {
        "event": event,
        "time": 1795352400,
        "MessageID": int(known_as),
        "Message_GUID": "1ab23cd4-e567-8901-2345-6789f0gh1i2j",
        "email": TO,
        "mj_campaign_id": 0,
        "mj_contact_id": 4,
        "customcampaign": "",
        "CustomID": "",
        "Payload": "",
        **more,
    }


def postmark(known_as: str, record: str = "Bounce", **more: Any) -> Any:
    return {
        "RecordType": record,
        "MessageStream": "outbound",
        "ID": 4323372036854775807,
        "ServerID": 23,
        "MessageID": known_as,
        "Email": TO,
        "From": "portail@portail.test",
        "BouncedAt": "2026-11-22T12:00:00Z",
        "DumpAvailable": True,
        "Inactive": True,
        "CanActivate": True,
        "Subject": "Invitation",
        "Metadata": {},
        **more,
    }


def resend(known_as: str, event: str = "email.bounced", **more: Any) -> Any:
    return {
        "type": event,
        "created_at": "2026-11-22T12:00:00.000Z",
        "data": {
            "created_at": "2026-11-22T11:59:58.000Z",
            "email_id": known_as,
            "from": "Cabinet Lemoine <portail@portail.test>",
            "to": [TO],
            "subject": "Invitation",
            **more,
        },
    }


def sendgrid(known_as: str, event: str = "bounce", **more: Any) -> Any:
    return {
        "email": TO,
        "timestamp": 1795352400,
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        "event": event,
        "sg_event_id": "6g4ZI7SA-xmRDv57GoPIPw==",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        "anymail_id": known_as,
        **more,
    }


def sparkpost(known_as: str, event: str = "bounce", kind: str = "message_event", **more: Any) -> Any:
    told = {
        "type": event,
        "event_id": "92356927693813856",
        "transmission_id": known_as,
        "message_id": "000443ee14578172be22",
        "rcpt_to": TO,
        "raw_rcpt_to": TO,
        "rcpt_meta": {},
        "timestamp": "1795352400",
        **more,
    }
    return {"msys": {kind: told}}


TOPIC = "arn:aws:sns:eu-west-3:123456789012:retours"
SNS_ID = "165545c9-2a5c-472c-8df2-7ff2be2b3b1b"


def amazon(known_as: str, kind: str = "Bounce", **more: Any) -> Any:
    """What Amazon SES publishes to a topic of Amazon SNS, as SNS hands it on."""
    published = kind in ("Reject", "Rendering Failure")  # by a configuration set alone
    told = {
        "eventType" if published else "notificationType": kind,
        "mail": {
            "timestamp": "2026-11-22T12:00:00.000Z",
            "source": "portail@portail.test",
            "sourceArn": "arn:aws:ses:eu-west-3:123456789012:identity/portail.test",
            "sendingAccountId": "123456789012",
            "messageId": known_as,
            "destination": [TO],
        },
        **more,
    }
    return by_sns("Notification", json.dumps(told), Subject="Amazon SES Email Event Notification")


def amazon_bounce(known_as: str, kind: str, subkind: str, diagnostic: str = "") -> Any:
    whom = {"emailAddress": TO}
    if diagnostic:
        whom |= {"status": "5.1.1", "action": "failed", "diagnosticCode": diagnostic}
    bounce = {
        "bounceType": kind,
        "bounceSubType": subkind,
        "bouncedRecipients": [whom],
        "timestamp": "2026-11-22T12:00:01.000Z",
        "feedbackId": "00000138111222aa-33322211-cccc-cccc-cccc-ddddaaaa0680-000000",
        "reportingMTA": "dns; email.example.com",
    }
    return amazon(known_as, bounce=bounce)


def by_sns(kind: str, message: str, **more: Any) -> Any:
    return {
        "Type": kind,
        "MessageId": SNS_ID,
        "TopicArn": TOPIC,
        "Message": message,
        "Timestamp": "2026-11-22T12:00:02.000Z",
        "SignatureVersion": "1",
        "SigningCertURL": f"https://sns.eu-west-3.amazonaws.com{CERTIFICATE}",
        **more,
    }


CERTIFICATE = "/SimpleNotificationService-f3ecfb7224.pem"


@cache
def sns_key() -> RSAPrivateKey:
    """With which SNS signs, in tests."""
    return generate_private_key(65537, 2048)


@cache
def sns_certificate(since_days: int = 1, days: int = 30) -> bytes:
    """Of that key, in PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    since = datetime.now(UTC) - timedelta(days=since_days)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    made = made.public_key(sns_key().public_key())
    made = made.not_valid_before(since).not_valid_after(since + timedelta(days=days))
    return made.sign(sns_key(), SHA256()).public_bytes(Encoding.PEM)


def signed(told: Any) -> Any:
    """As SNS signs it, written as its documentation shows it."""
    if told["Type"] == "Notification":
        said = f"Message\n{told['Message']}\nMessageId\n{told['MessageId']}\n"
        said += f"Subject\n{told['Subject']}\n" if "Subject" in told else ""
        said += f"Timestamp\n{told['Timestamp']}\nTopicArn\n{told['TopicArn']}\nType\n{told['Type']}\n"
    else:
        said = f"Message\n{told['Message']}\nMessageId\n{told['MessageId']}\n"
        said += f"SubscribeURL\n{told['SubscribeURL']}\nTimestamp\n{told['Timestamp']}\n"
        said += f"Token\n{told['Token']}\nTopicArn\n{told['TopicArn']}\nType\n{told['Type']}\n"
    by = SHA256() if told["SignatureVersion"] == "2" else SHA1()
    signature = sns_key().sign(said.encode(), PKCS1v15(), by)
    return {**told, "Signature": base64.b64encode(signature).decode()}


def headers_of(service: str, payload: Any) -> dict[str, str]:
    """What the service says in headers, beside its secret."""
    if service != "amazon_ses":
        return {"Content-Type": "application/json"}
    return {
        "Content-Type": "text/plain; charset=UTF-8",
        "x-amz-sns-message-type": payload["Type"],
        "x-amz-sns-message-id": payload["MessageId"],
        "x-amz-sns-topic-arn": payload["TopicArn"],
    }


# The services whose events come in lists.
IN_LISTS = {"mailjet", "sendgrid", "sparkpost"}
SES_ID = "0107018f0e1c2a3b-1a2b3c4d-0000-4000-8000-1a2b3c4d5e6f-000000"
GUID = "2706ee8a-737c-4285-b032-ccd317af53ed"

# (service, the name by which it knows the mail, what it tells, what the reason begins with)
ENDS: list[tuple[str, str, Any, str]] = [
    (
        "amazon_ses",
        SES_ID,
        amazon_bounce(SES_ID, "Permanent", "General", "smtp; 550 5.1.1 <claire@client.test>... User unknown"),
        "Cette adresse n'existe pas",
    ),
    (
        "amazon_ses",
        SES_ID,
        amazon_bounce(SES_ID, "Transient", "MailboxFull"),
        "La boîte de réception du destinataire est pleine",
    ),
    (
        "amazon_ses",
        SES_ID,
        amazon_bounce(SES_ID, "Permanent", "OnAccountSuppressionList"),
        "Le serveur de messagerie du destinataire a renvoyé le message",
    ),
    ("amazon_ses", SES_ID, amazon_bounce(SES_ID, "Transient", "General"), ""),  # somebody is out of office
    (
        "amazon_ses",
        SES_ID,
        amazon(
            SES_ID,
            "Complaint",
            complaint={
                "complainedRecipients": [{"emailAddress": TO}],
                "timestamp": "2026-11-22T12:00:01.000Z",
                "feedbackId": "0000013786031775-fea503bc-7497-49e1-881b-a0379bb037d3-000000",
                "complaintSubType": None,
                "complaintFeedbackType": "abuse",
                "userAgent": "AnyCompany Feedback Loop (V0.01)",
            },
        ),
        "Le destinataire a signalé le message",
    ),
    (
        "amazon_ses",
        SES_ID,
        amazon(SES_ID, "Reject", reject={"reason": "Bad content"}),
        "Le message a été bloqué",
    ),
    (
        "amazon_ses",
        SES_ID,
        amazon(
            SES_ID,
            "Rendering Failure",
            failure={"errorMessage": "Attribute is not present", "templateName": "T"},
        ),
        "Le service d'envoi n'a pas pu remettre le message",
    ),
    (
        "amazon_ses",
        SES_ID,
        amazon(
            SES_ID,
            "Delivery",
            delivery={
                "timestamp": "2026-11-22T12:00:01.000Z",
                "processingTimeMillis": 546,
                "recipients": [TO],
                "smtpResponse": "250 ok:  Message 64111812 accepted",
                "reportingMTA": "a8-70.smtp-out.amazonses.com",
            },
        ),
        "",
    ),
    (
        "brevo",
        "<202611221200.27287306012@smtp-relay.mailin.fr>",
        brevo(
            "<202611221200.27287306012@smtp-relay.mailin.fr>",
            reason="550 5.1.1 <claire@client.test>: Recipient address rejected: User unknown",
        ),
        "Cette adresse n'existe pas",
    ),
    (
        "brevo",
        "<1@smtp-relay.mailin.fr>",
        brevo("<1@smtp-relay.mailin.fr>", "blocked", "blocked : due to blacklist user"),
        "Le message a été bloqué",
    ),
    (
        "brevo",
        "<2@smtp-relay.mailin.fr>",
        brevo("<2@smtp-relay.mailin.fr>", "invalid_email"),
        "Cette adresse ne peut pas recevoir de courriel",
    ),
    ("brevo", "<3@x>", brevo("<3@x>", "error"), "Le service d'envoi n'a pas pu remettre le message"),
    ("brevo", "<4@x>", brevo("<4@x>", "spam"), "Le destinataire a signalé le message comme indésirable"),
    ("brevo", "<5@x>", brevo("<5@x>", "unsubscribed"), ""),
    ("brevo", "<6@x>", brevo("<6@x>", "unsubscribe"), "Le destinataire ne souhaite plus recevoir"),
    (
        "mailgun",
        "<20261122120000.1.0DF563D0B3597700@portail.test>",
        mailgun(
            "<20261122120000.1.0DF563D0B3597700@portail.test>",
            severity="permanent",
            reason="bounce",
            status={"code": 552, "description": "", "message": "5.2.2 The mailbox is over quota"},
        ),
        "La boîte de réception du destinataire est pleine",
    ),
    ("mailgun", "<7@x>", mailgun("<7@x>", "complained"), "Le destinataire a signalé le message"),
    ("mailgun", "<8@x>", mailgun("<8@x>", severity="temporary", reason="generic"), ""),
    (
        "mailjet",
        "19421777835146490",
        mailjet(
            "19421777835146490",
            blocked=False,
            hard_bounce=True,
            error_related_to="recipient",
            error="user unknown",
        ),
        "Cette adresse n'existe pas",
    ),
    (
        "mailjet",
        "19421777835146491",
        mailjet("19421777835146491", "blocked", error_related_to="mailjet", error="preblocked"),
        "Le message a été bloqué",
    ),
    (
        "mailjet",
        "19421777835146492",
        mailjet("19421777835146492", hard_bounce=False, error_related_to="domain", error="greylisted"),
        "",
    ),
    (
        "postmark",
        GUID,
        postmark(
            GUID,
            Type="HardBounce",
            TypeCode=1,
            Name="Hard bounce",
            Description="The server was unable to deliver your message (ex: unknown user, mailbox not found).",
            Details="smtp;550 5.1.2 Bad destination mailbox address: no MX",
        ),
        "Aucun serveur de messagerie ne correspond à cette adresse",
    ),
    (
        "postmark",
        GUID,
        postmark(GUID, "SpamComplaint", Type="SpamComplaint", TypeCode=512, Description="", Details=""),
        "Le destinataire a signalé le message",
    ),
    ("postmark", GUID, postmark(GUID, Type="Transient", TypeCode=2), ""),
    (
        "resend",
        GUID,
        resend(
            GUID,
            bounce={
                "type": "Permanent",
                "subType": "General",
                "message": "The recipient's email provider sent a hard bounce message, but didn't specify the reason.",
            },
        ),
        "Le serveur de messagerie du destinataire a renvoyé le message",
    ),
    ("resend", GUID, resend(GUID, "email.complained"), "Le destinataire a signalé le message"),
    ("resend", GUID, resend(GUID, "email.delivery_delayed"), ""),
    (
        "sendgrid",
        GUID,
        sendgrid(GUID, type="bounce", status="5.0.0", reason="500 mailbox unavailable"),
        "Cette adresse n'existe pas",
    ),
    (
        "sendgrid",
        GUID,
        sendgrid(GUID, "dropped", reason="Unsubscribed Address"),
        "Le destinataire ne souhaite plus recevoir",
    ),
    ("sendgrid", GUID, sendgrid(GUID, "deferred", response="400 try again later", attempt="5"), ""),
    (
        "sparkpost",
        "65832150921904138",
        sparkpost(
            "65832150921904138",
            bounce_class="10",
            error_code="550",
            raw_reason="550 5.1.1 User unknown",
            num_retries="0",
        ),
        "Cette adresse n'existe pas",
    ),
    (
        "sparkpost",
        "65832150921904139",
        sparkpost("65832150921904139", bounce_class="24", raw_reason="451 4.4.1 connection timed out"),
        "Le serveur de messagerie du destinataire ne répond pas",
    ),
    (
        "sparkpost",
        "65832150921904140",
        sparkpost(
            "65832150921904140",
            "generation_rejection",
            "gen_event",
            raw_reason="554 5.7.1 recipient address suppressed due to customer policy",
        ),
        "Le service d'envoi refuse cette adresse",
    ),
]
