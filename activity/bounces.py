"""What a mail service tells of a mail that it has taken: it came back, was refused, or was not wanted."""

import re
from typing import Any
from uuid import UUID

import structlog
from anymail.signals import AnymailTrackingEvent, EventType, RejectReason, tracking
from django.conf import settings
from django.dispatch import receiver
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from activity import mails, origin
from activity.lookups import mail_sent_as, mails_in_flight
from activity.models import MailState, OutgoingEmail
from tenancy.scopes import scope

log = structlog.get_logger(__name__)

# What is said when nothing more is known. Anything else that is told (delivered, opened, delayed) changes nothing.
ENDS = {
    EventType.BOUNCED: _("The recipient's mail server has sent the mail back."),
    EventType.REJECTED: _("The mail service refuses this address."),
    EventType.FAILED: _("The mail service could not deliver the mail."),
    EventType.COMPLAINED: _("The recipient has marked the mail as unwanted."),
    EventType.UNSUBSCRIBED: _("The recipient wants no more mails from this sender."),
}
ITS_OWN_WILL = {EventType.COMPLAINED, EventType.UNSUBSCRIBED}
# What servers answer, in the order in which it is looked for.
ANSWERS = (
    (
        re.compile(r"\b[45]\.2\.2\b|quota|mailbox ?(is )?full", re.IGNORECASE),
        _("The recipient's mailbox is full."),
    ),
    (
        re.compile(r"\b5\.1\.2\b|\b4\.4\.4\b|\bno mx\b|find mx|invalid domain|no mail host", re.IGNORECASE),
        _("No mail server stands behind this address: check what follows the @."),
    ),
    (
        re.compile(
            r"\b5\.1\.1\b|unknown user|user unknown|no such user|does not exist|mailbox unavailable",
            re.IGNORECASE,
        ),
        _("This address does not exist: its mail server knows nobody by that name."),
    ),
)
REASONS = {
    RejectReason.INVALID: _("This address cannot receive mail: check how it is written."),
    RejectReason.TIMED_OUT: _("The recipient's mail server has not answered for too long."),
    RejectReason.BLOCKED: _(
        "The mail was blocked: earlier ones to this address came back, or are not wanted."
    ),
    RejectReason.SPAM: _("The recipient's mail server takes the mail for an unwanted one."),
    RejectReason.UNSUBSCRIBED: ENDS[EventType.UNSUBSCRIBED],
}


class NotKnownYet(Exception):
    """What is told may be of a mail that is just being handed over: its name is written down a moment later."""


@receiver(tracking)
def heard(*, event: AnymailTrackingEvent, **_others: Any) -> None:
    """Mark the mail as failed, and tell its kind; once, however often the service tells it. What is unknown is left.

    Raises NotKnownYet.
    """
    if event.event_type not in ENDS or not event.message_id or _says_nothing(event):
        return
    with translation.override(settings.LANGUAGE_CODE):
        reason = reason_of(event)
        for row in _told_of(event):
            _fail(row.pop("id"), row, reason, event.event_type)


def _told_of(event: AnymailTrackingEvent) -> list[dict[str, Any]]:
    """Whose mail it is; none where it is nobody's here."""
    known_as = str(event.message_id)
    if found := mail_sent_as(known_as):
        return found
    if mails_in_flight(_addresses(event.recipient)):
        raise NotKnownYet(known_as)
    return mail_sent_as(known_as)  # marked between the two questions


def _addresses(recipient: str | None) -> list[str]:
    """How an address may stand here: the service may say its domain in the ASCII form."""
    user, at, domain = (recipient or "").strip().lower().rpartition("@")
    try:
        readable = domain.encode("ascii").decode("idna")
    except UnicodeError:
        readable = domain
    return sorted({f"{user}@{domain}", f"{user}@{readable}"}) if at else []


def _says_nothing(event: AnymailTrackingEvent) -> bool:
    """Amazon SES tells of “out of office” as of a transient bounce; with a real one stands what a server said."""
    told = event.esp_event.get("bounce") if isinstance(event.esp_event, dict) else None
    kind = (told.get("bounceType"), told.get("bounceSubType")) if isinstance(told, dict) else None
    return kind == ("Transient", "General") and not event.mta_response


def _fail(key: UUID, owner: dict[str, UUID | None], reason: str, told: str) -> None:
    """Both together or neither: then the service is answered by an error, and tells it again."""
    # Nobody acts here: the service's address is no one's.
    by_itself = origin.coming_from(origin.Origin(request_id=origin.current().request_id))
    with by_itself, scope(firm=owner["firm_id"], space=owner["space_id"], person=owner["person_id"]):
        found = OutgoingEmail.objects.of_scope().filter(pk=key)
        if not found.filter(state=MailState.SENT).update(state=MailState.FAILED, failure=reason):
            return
        mail = found.get()
        mails.REGISTRY[mail.kind].failed(mail, reason)
    log.info("mail_came_back", kind=mail.kind, told=told)


def reason_of(event: AnymailTrackingEvent) -> str:
    """Why, in words for people, with the server's answer where there is one."""
    answer = " ".join((event.mta_response or "").split())
    words = _words(event, answer)
    if answer and event.event_type not in ITS_OWN_WILL:
        words = gettext("%(reason)s The server's answer: %(answer)s") % {
            "reason": words,
            "answer": answer[:300],
        }
    return words[:500]


def _words(event: AnymailTrackingEvent, answer: str) -> str:
    if event.event_type in ITS_OWN_WILL:
        return str(ENDS[event.event_type])
    said = answer or event.description or _error_of(event.esp_event)
    for pattern, words in ANSWERS:
        if pattern.search(said):
            return str(words)
    return str(REASONS.get(event.reject_reason, ENDS[event.event_type]))


def _error_of(told: Any) -> str:
    """Mailjet's one word for it, which anymail hands on nowhere else."""
    return str(told.get("error", "")) if isinstance(told, dict) else ""
