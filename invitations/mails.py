"""The mail of an invitation. Its link is made here, while the mail leaves, and stands nowhere else."""

from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from activity.mails import MailKind, Message, Obsolete, OutgoingEmail, rendered
from invitations.actions.handling import MAIL, note_failure
from invitations.models import FROM_SPACES, Invitation, InvitationKind, mint_all
from tenancy import scopes

SUBJECTS = {
    InvitationKind.CLIENT: _("%(firm)s invites you to its online space"),
    InvitationKind.MEMBER: _("%(firm)s invites you to join the firm"),
    InvitationKind.PERSON: _("You are invited to share an online space"),
}


class InvitationMail(MailKind):
    """`params`: the invitation's key, and the generation for which the mail was queued."""

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
        found = known.in_bulk(list(keys))
        wanted = [(mail, found.get(UUID(mail.params["invitation"]))) for mail in mails]
        open_ones = [
            (mail, invitation)
            for mail, invitation in wanted
            if invitation is not None
            and invitation.is_open
            and invitation.generation == mail.params["generation"]
        ]
        tokens = mint_all(invitation for _mail, invitation in open_ones)
        return {mail.pk: _message(invitation, tokens[invitation.pk]) for mail, invitation in open_ones}

    def failed(self, mail: OutgoingEmail, reason: str) -> None:
        note_failure(
            invitation_id=mail.params["invitation"], generation=mail.params["generation"], reason=reason
        )


def _message(invitation: Invitation, token: str) -> Message:
    """In the sender's name, who gets the answers: a firm's, or that of the client's person who asks."""
    sender, inviter = invitation.sender_name, invitation.invited_by or invitation.asked_by
    rest: dict[str, str] = {}
    if invitation.kind in FROM_SPACES:
        rest = {"sender_name": sender, "reply_to": inviter.email if inviter else ""}
    return rendered(
        f"invitation_{invitation.kind}",
        str(SUBJECTS[InvitationKind(invitation.kind)]) % {"firm": sender},
        {
            "invitation": invitation,
            "firm": sender,
            "inviter": inviter.name if inviter else sender,
            "url": _link("invitations:open", token),
            "refuse_url": _link("invitations:open_to_refuse", token),
        },
        **rest,
    )


def _link(route: str, token: str) -> str:
    return f"{settings.BASE_URL}{reverse(route, kwargs={'token': token})}"
