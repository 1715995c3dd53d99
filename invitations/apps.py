from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InvitationsConfig(AppConfig):
    name = "invitations"
    verbose_name = _("Invitations")

    def ready(self) -> None:
        from accounts.erasing import FORGETTERS
        from accounts.registration import FIRM_CHANGED
        from accounts.waiting import WAITING
        from clients.columns import CLIENT_STATES, STATE_FILTERS
        from clients.imports.touches import TOUCHES
        from clients.leftovers import LEFTOVERS
        from clients.registration import SPACE_RENAMED
        from invitations import events, lookups, mails, summary  # noqa: F401 - each registers what it declares
        from invitations.actions.naming import follow_firm, follow_space
        from invitations.erasing import forget_invited
        from invitations.leftovers import InvitationsSent
        from invitations.mine import waiting_for
        from invitations.touches import TOUCHES as OURS

        TOUCHES.extend(OURS)
        WAITING.append(waiting_for)
        FORGETTERS.append(forget_invited)
        FIRM_CHANGED.append(follow_firm)
        SPACE_RENAMED.append(follow_space)
        LEFTOVERS.append(InvitationsSent())
        CLIENT_STATES.append(summary.client_states)
        STATE_FILTERS.update(summary.state_filters())
        self._say_who_sees()

    def _say_who_sees(self) -> None:
        from accounts.concern import OF_ADMINISTRATORS, SEEN, Seen
        from accounts.models import Membership
        from accounts.permissions import Perm, can
        from invitations.events import (
            InvitationEvent,
            MemberInvited,
            MemberJoined,
            RequestReceived,
            TextEvent,
        )
        from invitations.models import Invitation, Letter

        def whom_one_manages(member: Membership, these: Any) -> Any:
            return these if can(member, Perm.MANAGE_MEMBERS) else these.none()

        OF_ADMINISTRATORS.extend([MemberInvited, MemberJoined, RequestReceived, TextEvent])
        SEEN.append(Seen(Invitation, lambda member, these: these.visible_to(member)))
        SEEN.append(Seen(Letter, lambda member, these: these.manageable_by(member)))
        SEEN.append(Seen(Membership, whom_one_manages, of=InvitationEvent))
