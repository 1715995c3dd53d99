"""The mails of invitations and letters. Their links are made here, while a mail leaves, and stand nowhere else."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext

from accounts.models import Membership, Role
from activity.mails import MailKind, Message, Obsolete, OutgoingEmail, rendered
from clients.models import Dossier
from invitations.actions.handling import MAIL, note_failure
from invitations.actions.letters import MAIL as LETTER_MAIL
from invitations.actions.letters import note_returned
from invitations.actions.texts import TEST_MAIL
from invitations.models import (
    FROM_FIRMS,
    FROM_SPACES,
    Invitation,
    InvitationKind,
    InvitationText,
    Letter,
    LetterState,
    draw_proof,
    hashed,
    mint_all,
    next_deadline,
)
from invitations.texts import own_texts
from invitations.wording import SUBJECTS, Mark, filled, names, one_line, paragraphs
from tenancy import scopes

# In place of a token, where people look at what the mail was like. No token is so short.
DEAD = "exemple"


class InvitationMail(MailKind):
    """`params`: the invitation's key, and the generation for which the mail was queued; of a reminder its number."""

    name = MAIL

    def build(self, mail: OutgoingEmail) -> Message:
        """Raises Obsolete if the invitation waits no more, or a newer mail was queued for it."""
        built = self.build_all([mail])
        if mail.pk not in built:
            raise Obsolete
        return built[mail.pk]

    def build_all(self, mails: Sequence[OutgoingEmail]) -> dict[UUID, Message]:
        keys = {UUID(mail.params["invitation"]) for mail in mails}
        known = Invitation.objects.with_names()
        known = known.select_related("firm") if scopes.current().firm_id else known
        # Held until their links stand: whoever corrects an address meanwhile finds them all, and forgets them.
        held = known.select_for_update(of=("self",), no_key=True).filter(pk__in=keys).order_by("pk")
        found = {invitation.pk: invitation for invitation in held}
        wanted = [(mail, found.get(UUID(mail.params["invitation"]))) for mail in mails]
        open_ones = [
            (mail, invitation)
            for mail, invitation in wanted
            if invitation is not None and _is_wanted(mail, invitation)
        ]
        tokens = mint_all(invitation for _mail, invitation in open_ones)
        texts = own_texts(_language()) if open_ones and scopes.current().firm_id else {}
        return {
            mail.pk: _message(
                invitation,
                tokens[invitation.pk],
                text=texts.get(invitation.kind),
                is_reminder="reminder" in mail.params,
            )
            for mail, invitation in open_ones
        }

    def failed(self, mail: OutgoingEmail, reason: str) -> None:
        note_failure(
            invitation_id=mail.params["invitation"], generation=mail.params["generation"], reason=reason
        )


class LetterMail(MailKind):
    """Asks whether an address given by a letter's code is somebody's. `params`: the letter's key, and the how-manieth
    address it is."""

    name = LETTER_MAIL

    def build(self, mail: OutgoingEmail) -> Message:
        """Raises Obsolete once another address was given, or the letter leads nowhere any more."""
        found = Letter.objects.select_related("dossier", "firm").select_for_update(of=("self",), no_key=True)
        letter = found.filter(pk=mail.params["letter"], address_count=mail.params["number"]).first()
        if letter is None or letter.state != LetterState.ADDRESSED or letter.has_expired:
            raise Obsolete
        token = draw_proof()
        letter.proof_hash = hashed(token)
        letter.save(update_fields=["proof_hash"])
        return letter_message(letter, token)

    def failed(self, mail: OutgoingEmail, reason: str) -> None:
        note_returned(letter_id=mail.params["letter"], number=mail.params["number"], reason=reason)


def letter_message(letter: Letter, token: str = DEAD) -> Message:
    """In the firm's name."""
    return rendered(
        "letter_address",
        gettext("Confirm your address to %(firm)s") % {"firm": letter.firm.name},
        {
            "letter": letter,
            "firm": letter.firm.name,
            "client": letter.dossier.name,
            "url": _link("invitations:follow_letter", token),
        },
    )


def specimen(invitation: Invitation, *, is_reminder: bool = False) -> Message:
    """The mail as it looks, in the active language, with a link that opens nothing."""
    if invitation.is_draft:
        invitation.expires_at = next_deadline()  # as if it left now
    # A reminder that was sent had the words of its own day, which nobody has kept; the next one has today's.
    at = None if is_reminder or invitation.is_draft else invitation.sent_at
    texts = own_texts(_language(), at) if invitation.kind in FROM_FIRMS else {}
    return _message(invitation, DEAD, text=texts.get(invitation.kind), is_reminder=is_reminder)


class TestMail(MailKind):
    """To an administrator: an invitation as the words in `params` make it, of an invented client or colleague."""

    name = TEST_MAIL

    def build(self, mail: OutgoingEmail) -> Message:
        """Raises Obsolete if whoever asked for it has left."""
        sender = Membership.objects.select_related("firm").filter(pk=mail.params["sender"]).first()
        if sender is None or not sender.is_open:
            raise Obsolete
        text = InvitationText(subject=mail.params["subject"], body=mail.params["body"])
        return example(InvitationKind(mail.params["kind"]), text, sender=sender, is_test=True)


def example(
    kind: InvitationKind,
    text: InvitationText | None,
    *,
    sender: Membership,
    is_test: bool = False,
    is_reminder: bool = False,
) -> Message:
    """An invitation of nobody with these words, in the active language; its link opens nothing."""
    invitation = Invitation(
        firm=sender.firm, kind=kind, email=sender.email, invited_by=sender, role=Role.COLLABORATOR
    )
    if kind == InvitationKind.MEMBER:
        invitation.membership = Membership(firm=sender.firm, email=sender.email)
    else:
        invitation.dossier = Dossier(firm=sender.firm, legal_name=gettext("Example Ltd"))
    return _message(invitation, DEAD, text=text, is_test=is_test, is_reminder=is_reminder)


def _is_wanted(mail: OutgoingEmail, invitation: Invitation) -> bool:
    """Not once the invitation is answered, a newer mail was queued for it, or another reminder has followed."""
    is_newest = mail.params.get("reminder", invitation.reminder_count) == invitation.reminder_count
    return invitation.is_open and invitation.generation == mail.params["generation"] and is_newest


def _message(
    invitation: Invitation,
    token: str,
    *,
    text: InvitationText | None,
    is_reminder: bool = False,
    is_test: bool = False,
) -> Message:
    """In the sender's name, who gets the answers: a firm's, or that of the client's person who asks.

    `text`: the firm's own words, where it has some.
    """
    sender, inviter = invitation.sender_name, invitation.invited_by or invitation.asked_by
    rest: dict[str, str] = {}
    if invitation.kind in FROM_SPACES:
        # A mail server without SMTPUTF8 would refuse the whole mail for an answer's address in other letters.
        answers = inviter.email if inviter and inviter.email.isascii() else ""
        rest = {"sender_name": sender, "reply_to": answers}
    context = {
        "invitation": invitation,
        "is_reminder": is_reminder,
        "is_test": is_test,
        "firm": sender,
        "inviter": inviter.name if inviter else sender,
        "url": _link("invitations:open", token),
        "refuse_url": _link("invitations:open_to_refuse", token),
    }
    values = _values(invitation, context)
    subject = (
        one_line(filled(text.subject, values)) if text and text.subject else _subject(invitation, sender)
    )
    if is_reminder:
        subject = gettext("Reminder: %(subject)s") % {"subject": subject}
    if is_test:
        subject = gettext("Test: %(subject)s") % {"subject": subject}
    own = _own_words(text.body, values) if text and text.body else {}
    return rendered(f"invitation_{invitation.kind}", subject, {**context, **own}, **rest)


def _subject(invitation: Invitation, sender: str) -> str:
    return str(SUBJECTS[InvitationKind(invitation.kind)]) % {"firm": sender}


def _values(invitation: Invitation, context: dict[str, Any]) -> dict[Mark, str]:
    values = {
        Mark.FIRM: context["firm"],
        Mark.SENDER: context["inviter"],
        Mark.DEADLINE: date_format(localtime(invitation.expires_at), "l j F Y"),
    }
    if invitation.kind == InvitationKind.MEMBER:
        return {**values, Mark.ROLE: str(invitation.get_role_display())}
    return {**values, Mark.CLIENT: invitation.target_name}


def _own_words(body: str, values: dict[Mark, str]) -> dict[str, Any]:
    """The firm's paragraphs, (words, do they stand out); whose client file it is, is said in any case."""
    found = paragraphs(body)
    own = [(filled(one, values), names(one, Mark.CLIENT) and len(one.split()) == 1) for one in found]
    return {"own": own, "says_whose": Mark.CLIENT not in values or names(body, Mark.CLIENT)}


def _language() -> str:
    return (get_language() or settings.LANGUAGE_CODE)[:2]


def _link(route: str, token: str) -> str:
    return f"{settings.BASE_URL}{reverse(route, kwargs={'token': token})}"
