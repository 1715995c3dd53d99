"""What a firm writes in its invitations; a mail to oneself, to see it."""

from django.db import transaction
from django.utils import timezone

from accounts.models import Firm, Membership
from accounts.permissions import Perm, require
from activity.actions import queue_mail, record
from invitations.events import InvitationTextChanged, TestMailSent
from invitations.models import InvitationKind, InvitationText
from invitations.texts import current_text
from invitations.wording import Wording, standard

TEST_MAIL = "invitations.test"


class ChangedMeanwhile(Exception):
    """Somebody else has changed the text since it was shown."""


@transaction.atomic
def change_text(
    *, actor: Membership, kind: InvitationKind, language: str, wording: Wording, seen: str
) -> InvitationText | None:
    """Let mails that leave from now on say so, those that wait already included. What is as ours is kept as ours.

    `seen`: the mark (`mark_of`) of the text in whose place it is put. No change, no event. Raises ChangedMeanwhile.
    """
    firm = _held(actor)
    before = current_text(kind, language)
    subject, body = _own(wording, standard(kind, language))
    former = (before.subject, before.body) if before else ("", "")
    if (subject, body) == former:
        return before
    if seen != mark_of(before):
        raise ChangedMeanwhile
    now = timezone.now()
    if before is not None:
        before.until = now
        before.save(update_fields=["until"])
    text = InvitationText.objects.create(kind=kind, language=language, subject=subject, body=body, since=now)
    changes = {"subject": (former[0], subject), "body": (former[1], body)}
    record(
        InvitationTextChanged,
        actor=actor,
        subject=firm,
        changes={name: pair for name, pair in changes.items() if pair[0] != pair[1]},
        details={"kind": kind, "language": language},
    )
    return text


@transaction.atomic
def send_test(*, actor: Membership, kind: InvitationKind, language: str, wording: Wording) -> None:
    """Send the actor the mail as these words make it; its link opens nothing."""
    require(actor, Perm.CHANGE_FIRM)
    params = {"kind": kind, "subject": wording.subject, "body": wording.body, "sender": str(actor.pk)}
    queue_mail(TEST_MAIL, to=actor.email, name=actor.name, language=language, params=params)
    details = {"kind": kind, "language": language, "email": actor.email}
    record(TestMailSent, actor=actor, subject=actor.firm, details=details)


def mark_of(text: InvitationText | None) -> str:
    """Of the text that a form was made of: another one means that it was changed."""
    return str(text.pk) if text else ""


def _own(wording: Wording, ours: Wording) -> tuple[str, str]:
    """Empty where it says what we say: then it follows what we say later on."""
    subject = "" if wording.subject == ours.subject else wording.subject
    return subject, "" if wording.body == ours.body else wording.body


def _held(actor: Membership) -> Firm:
    """The firm, locked, if the actor may (still, once this has waited) change it."""
    require(actor, Perm.CHANGE_FIRM)
    firm = Firm.objects.select_for_update(no_key=True).get(pk=actor.firm.pk)
    require(actor, Perm.CHANGE_FIRM)
    return firm
