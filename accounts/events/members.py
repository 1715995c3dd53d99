"""What happens to a person's place in a firm."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from accounts.permissions import administrators
from activity.events import EventType, Recipient


class MemberEvent(EventType):
    """Concerns the administrators, and the member whose place it is: they are told at once."""

    route = "clients:member"
    topic = "firm"
    concerns = _("The administrators and the member themself, at once")
    security = True

    @classmethod
    def audience(cls, subject: Membership, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return [*administrators(), subject]


class MemberArrived(EventType):
    """Their first visit, by which “created” becomes “active”. Tells nobody: that they accepted was told already."""

    name = "accounts.member.arrived"
    summary = _("A member came for the first time")
    sentence = _("%(actor)s came into the firm for the first time.")
    route = "clients:member"


class MemberRoleChanged(MemberEvent):
    name = "accounts.member.role_changed"
    summary = _("A member's role was changed")
    sentence = _("%(actor)s changed the role of %(subject)s in the firm.")


class MemberSuspended(MemberEvent):
    name = "accounts.member.suspended"
    summary = _("A member's access was suspended")
    sentence = _("%(actor)s suspended the access of %(subject)s to the firm.")


class MemberRestored(MemberEvent):
    name = "accounts.member.restored"
    summary = _("A member's access was restored")
    sentence = _("%(actor)s restored the access of %(subject)s to the firm.")


class MemberTerminated(MemberEvent):
    """Details: `grants` and `replacements`, how many of them ended with it."""

    name = "accounts.member.terminated"
    summary = _("A member's access was terminated")
    sentence = _("%(actor)s terminated the access of %(subject)s to the firm.")


class MemberLeft(MemberEvent):
    """Details: as those of MemberTerminated."""

    name = "accounts.member.left"
    summary = _("A member left the firm")
    sentence = _("%(actor)s left the firm.")
    concerns = _("The administrators")
    security = False
