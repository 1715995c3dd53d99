"""The mail of an invitation. Its link is made here, while the mail leaves, and stands nowhere else."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from activity.mails import MailKind, Message, Obsolete, OutgoingEmail, rendered
from invitations.actions.handling import MAIL, note_failure
from invitations.models import Invitation, mint


class InvitationMail(MailKind):
    """`params`: the invitation's key, and the generation for which the mail was queued."""

    name = MAIL

    def build(self, mail: OutgoingEmail) -> Message:
        invitation = (
            Invitation.objects.with_names()
            .select_related("firm")
            .filter(pk=mail.params["invitation"])
            .first()
        )
        if invitation is None or not invitation.is_open or invitation.generation != mail.params["generation"]:
            raise Obsolete
        token = mint(invitation)
        firm = invitation.firm.name
        return rendered(
            f"invitation_{invitation.kind}",
            _("%(firm)s invites you to its online space") % {"firm": firm},
            {
                "invitation": invitation,
                "firm": firm,
                "inviter": invitation.invited_by.name if invitation.invited_by else firm,
                "url": _link("invitations:open", token),
                "refuse_url": _link("invitations:open_to_refuse", token),
            },
        )

    def failed(self, mail: OutgoingEmail, reason: str) -> None:
        note_failure(
            invitation_id=mail.params["invitation"], generation=mail.params["generation"], reason=reason
        )


def _link(route: str, token: str) -> str:
    return settings.BASE_URL + reverse(route, kwargs={"token": token})
