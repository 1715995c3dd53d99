"""The invitations that somebody sent and that nobody has answered yet: looked at when the sender leaves."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from clients.leftovers import Leftover, LeftoverKind
from invitations.actions.handling import revoke_sent_by, take_over_sent_by
from invitations.events import InvitationRevoked
from invitations.models import Invitation, InvitationQuerySet, InvitationState


class InvitationsSent(LeftoverKind):
    name = "invitations"
    title = _("Invitations sent that nobody has answered yet")
    explanation = _(
        "Those that you tick are revoked: their links stop working. The others stay good, in your name."
    )
    done = _("Invitations revoked")
    route, query = "invitations:list", f"state={InvitationState.ON_HOLD}"
    line = InvitationRevoked.name

    def of(self, member: Membership) -> list[Leftover]:
        return [_shown(invitation) for invitation in _sent_by(member)]

    def count_on_hold(self, member: Membership, *, viewer: Membership) -> int:
        held = Invitation.objects.visible_to(viewer).in_state(InvitationState.ON_HOLD)
        return held.filter(invited_by=member).count()

    def revoke(
        self, *, actor: Membership, member: Membership, keys: Collection[UUID], group: UUID
    ) -> list[Leftover]:
        theirs = _sent_by(member).filter(pk__in=keys)
        return [_shown(one) for one in revoke_sent_by(actor=actor, invitations=theirs, group=group)]

    def take_over(self, *, actor: Membership, member: Membership) -> None:
        take_over_sent_by(actor=actor, member=member)

    def noted(self, details: Mapping[str, Any]) -> str:
        return str(details.get("email", ""))


def _sent_by(member: Membership) -> InvitationQuerySet:
    return Invitation.objects.pending().filter(invited_by=member).with_names()


def _shown(invitation: Invitation) -> Leftover:
    return Leftover(invitation.pk, invitation.target_name, invitation.email)
