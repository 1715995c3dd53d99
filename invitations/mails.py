"""The mails of invitations and letters. Their links are made here, while a mail leaves, and stand nowhere else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Role
from activity.mails import MailKind, Message, Obsolete, OutgoingEmail, Stencil, mark, rendered, stencil
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
from invitations.wording import SUBJECTS, Mark, Wording, filled, names, one_line, paragraphs
from tenancy import scopes

# In place of a token, where people look at what the mail was like. No token is so short.
DEAD = "exemple"


class InvitationMail(MailKind):
    """`params`: the invitation's key, and the generation for which the mail was queued; of a reminder its number."""

    name = MAIL
    what = _("Invitation")

    def build(self, mail: OutgoingEmail) -> Message:
        """Raises Obsolete if the invitation waits no more, or a newer mail was queued for it."""
        built = self.build_all([mail])
        if mail.pk not in built:
            raise Obsolete
        return built[mail.pk]

    def build_all(self, mails: Sequence[OutgoingEmail]) -> dict[UUID, Message]:
        keys = {UUID(mail.params["invitation"]) for mail in mails}
        known = Invitation.objects.with_names()
        # Held until their links stand: whoever corrects an address meanwhile finds them all, and forgets them.
        held = known.select_for_update(of=("self",), no_key=True).filter(pk__in=keys).order_by("pk")
        found = {invitation.pk: invitation for invitation in held}
        wanted = [(mail, found.get(UUID(mail.params["invitation"]))) for mail in mails]
        open_ones = [
            (mail, invitation)
            for mail, invitation in wanted
            if invitation is not None and _is_wanted(mail, invitation)
        ]
        for mail, invitation in open_ones:
            if mail.firm is not None and invitation.firm_id == mail.firm_id:
                invitation.firm = mail.firm  # its row is wide: read once for all of them
        tokens = mint_all(invitation for _mail, invitation in open_ones)
        texts = own_texts(_language()) if open_ones and scopes.current().firm_id else {}
        stencils: dict[_Alike, Stencil] = {}
        built = {}
        for mail, invitation in open_ones:
            alike = _alike(invitation, text=texts.get(invitation.kind), is_reminder="reminder" in mail.params)
            if alike not in stencils:
                stencils[alike] = alike.stencil()
            built[mail.pk] = stencils[alike].message(_own(invitation, tokens[invitation.pk]))
        return built

    def failed(self, mail: OutgoingEmail, reason: str) -> None:
        note_failure(
            invitation_id=mail.params["invitation"], generation=mail.params["generation"], reason=reason
        )


class LetterMail(MailKind):
    """Asks whether an address given by a letter's code is somebody's. `params`: the letter's key, and the how-manieth
    address it is."""

    name = LETTER_MAIL
    what = _("Confirmation of an address given by letter")

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
    what = _("Test of an invitation")

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
    alike = _alike(invitation, text=text, is_reminder=is_reminder, is_test=is_test)
    return alike.stencil().message(_own(invitation, token))


def _own(invitation: Invitation, token: str) -> dict[str, str]:
    """What no other invitation says."""
    return {"client": invitation.target_name, "email": invitation.email, "token": token}


@dataclass(frozen=True)
class _Alike:
    """What invitations may have in common: the mails of those that do differ in what `_own` gives alone.

    The templates see it as the invitation.
    """

    kind: InvitationKind
    sender: str
    inviter: str
    answers: str | None
    role: str
    profile: str
    expires_at: datetime
    # Only a reminder says it.
    sent_at: datetime | None
    is_test: bool
    words: Wording | None

    email: ClassVar[str] = mark("email")
    target_name: ClassVar[str] = mark("client")
    space_name: ClassVar[str] = mark("client")

    @property
    def get_role_display(self) -> str:
        return self.role

    @property
    def get_profile_display(self) -> str:
        return self.profile

    def stencil(self) -> Stencil:
        context = {
            "invitation": self,
            "is_reminder": self.sent_at is not None,
            "is_test": self.is_test,
            "firm": self.sender,
            "inviter": self.inviter,
            "url": _link_to_fill("invitations:open"),
            "refuse_url": _link_to_fill("invitations:open_to_refuse"),
        }
        own = _own_words(self.words.body, self.values()) if self.words and self.words.body else {}
        # Of a space: not the firm's, which stands behind an invitation else.
        rest = {} if self.answers is None else {"sender_name": self.sender, "reply_to": self.answers}
        return stencil(f"invitation_{self.kind}", self.subject(), {**context, **own}, **rest)

    def subject(self) -> str:
        subject = str(SUBJECTS[self.kind]) % {"firm": self.sender}
        if self.words and self.words.subject:
            subject = one_line(filled(self.words.subject, self.values()))
        if self.sent_at is not None:
            subject = gettext("Reminder: %(subject)s") % {"subject": subject}
        return gettext("Test: %(subject)s") % {"subject": subject} if self.is_test else subject

    def values(self) -> dict[Mark, str]:
        values = {
            Mark.FIRM: self.sender,
            Mark.SENDER: self.inviter,
            Mark.DEADLINE: date_format(localtime(self.expires_at), "l j F Y"),
        }
        if self.kind == InvitationKind.MEMBER:
            return {**values, Mark.ROLE: self.role}
        return {**values, Mark.CLIENT: self.target_name}


def _alike(
    invitation: Invitation, *, text: InvitationText | None, is_reminder: bool, is_test: bool = False
) -> _Alike:
    sender, inviter = invitation.sender_name, invitation.invited_by or invitation.asked_by
    answers = None
    if invitation.kind in FROM_SPACES:
        # A mail server without SMTPUTF8 would refuse the whole mail for an answer's address in other letters.
        answers = inviter.email if inviter and inviter.email.isascii() else ""
    return _Alike(
        kind=InvitationKind(invitation.kind),
        sender=sender,
        inviter=inviter.name if inviter else sender,
        answers=answers,
        role=str(invitation.get_role_display()) if invitation.role else "",
        profile=str(invitation.get_profile_display()),
        expires_at=_to_the_minute(invitation.expires_at),
        sent_at=_to_the_minute(invitation.sent_at) if is_reminder else None,
        is_test=is_test,
        words=Wording(text.subject, text.body) if text else None,
    )


def _to_the_minute(moment: datetime) -> datetime:
    """As the mails tell it."""
    return moment.replace(second=0, microsecond=0)


def _own_words(body: str, values: dict[Mark, str]) -> dict[str, Any]:
    """The firm's paragraphs, (words, do they stand out); whose client file it is, is said in any case."""
    found = paragraphs(body)
    own = [(filled(one, values), names(one, Mark.CLIENT) and len(one.split()) == 1) for one in found]
    return {"own": own, "says_whose": Mark.CLIENT not in values or names(body, Mark.CLIENT)}


def _language() -> str:
    return (get_language() or settings.LANGUAGE_CODE)[:2]


def _link(route: str, token: str) -> str:
    return f"{settings.BASE_URL}{reverse(route, kwargs={'token': token})}"


def _link_to_fill(route: str) -> str:
    """The link without its token."""
    before, _token, after = _link(route, DEAD).rpartition(DEAD)
    return before + mark("token") + after
