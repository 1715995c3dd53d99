"""What each mail service tells of a mail, in the shape that it documents, and how it proves that it is the one."""

import hashlib
import hmac
from typing import Any

SECRET = "portail:une-longue-suite-de-lettres"
SIGNING_KEY = "la-cle-qui-signe"
ANYMAIL = {"WEBHOOK_SECRET": SECRET, "MAILGUN_WEBHOOK_SIGNING_KEY": SIGNING_KEY}
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


# The services whose events come in lists.
IN_LISTS = {"mailjet", "sendgrid", "sparkpost"}
GUID = "2706ee8a-737c-4285-b032-ccd317af53ed"

# (service, the name by which it knows the mail, what it tells, what the reason begins with)
ENDS: list[tuple[str, str, Any, str]] = [
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
