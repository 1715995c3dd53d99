"""The mail of an invitation. Its link is made here, while the mail leaves, and stands nowhere else."""

from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from activity.mails import MailKind, Message, Obsolete, OutgoingEmail, rendered
from invitations.actions.handling import MAIL, note_failure
from invitations.models import Invitation, InvitationKind, mint_all

SUBJECTS = {
    InvitationKind.CLIENT: _("%(firm)s invites you to its online space"),
    InvitationKind.MEMBER: _("%(firm)s invites you to join the firm"),
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
        found = Invitation.objects.with_names().select_related("firm").in_bulk(list(keys))
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
    firm = invitation.firm.name
    return rendered(
        f"invitation_{invitation.kind}",
        str(SUBJECTS[InvitationKind(invitation.kind)]) % {"firm": firm},
        {
            "invitation": invitation,
            "firm": firm,
            "inviter": invitation.invited_by.name if invitation.invited_by else firm,
            "url": _link("invitations:open", token),
            "refuse_url": _link("invitations:open_to_refuse", token),
        },
    )


def _link(route: str, token: str) -> str:
    return f"{settings.BASE_URL}{reverse(route, kwargs={'token': token})}"
