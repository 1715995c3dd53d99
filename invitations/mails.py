"""The mails of invitations and letters. Their links are made here, while a mail leaves, and stand nowhere else."""

from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from activity.mails import MailKind, Message, Obsolete, OutgoingEmail, rendered
from invitations.actions.handling import MAIL, note_failure
from invitations.actions.letters import MAIL as LETTER_MAIL
from invitations.actions.letters import note_returned
from invitations.models import (
    FROM_SPACES,
    Invitation,
    InvitationKind,
    Letter,
    LetterState,
    draw_proof,
    hashed,
    mint_all,
    next_deadline,
)
from tenancy import scopes

SUBJECTS = {
    InvitationKind.CLIENT: _("%(firm)s invites you to its online space"),
    InvitationKind.MEMBER: _("%(firm)s invites you to join the firm"),
    InvitationKind.PERSON: _("You are invited to share an online space"),
    InvitationKind.FIRM: _("A client invites your firm to follow them"),
}
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
        return {
            mail.pk: _message(invitation, tokens[invitation.pk], is_reminder="reminder" in mail.params)
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
    return _message(invitation, DEAD, is_reminder=is_reminder)


def _is_wanted(mail: OutgoingEmail, invitation: Invitation) -> bool:
    """Not once the invitation is answered, a newer mail was queued for it, or another reminder has followed."""
    is_newest = mail.params.get("reminder", invitation.reminder_count) == invitation.reminder_count
    return invitation.is_open and invitation.generation == mail.params["generation"] and is_newest


def _message(invitation: Invitation, token: str, *, is_reminder: bool) -> Message:
    """In the sender's name, who gets the answers: a firm's, or that of the client's person who asks."""
    sender, inviter = invitation.sender_name, invitation.invited_by or invitation.asked_by
    rest: dict[str, str] = {}
    if invitation.kind in FROM_SPACES:
        # A mail server without SMTPUTF8 would refuse the whole mail for an answer's address in other letters.
        answers = inviter.email if inviter and inviter.email.isascii() else ""
        rest = {"sender_name": sender, "reply_to": answers}
    subject = str(SUBJECTS[InvitationKind(invitation.kind)]) % {"firm": sender}
    return rendered(
        f"invitation_{invitation.kind}",
        gettext("Reminder: %(subject)s") % {"subject": subject} if is_reminder else subject,
        {
            "invitation": invitation,
            "is_reminder": is_reminder,
            "firm": sender,
            "inviter": inviter.name if inviter else sender,
            "url": _link("invitations:open", token),
            "refuse_url": _link("invitations:open_to_refuse", token),
        },
        **rest,
    )


def _link(route: str, token: str) -> str:
    return f"{settings.BASE_URL}{reverse(route, kwargs={'token': token})}"
