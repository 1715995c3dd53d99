"""What happens to replacements: a member covers another one for a time."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from accounts.permissions import administrators
from activity.events import EventType, Recipient


class ReplacementEvent(EventType):
    """The subject is the absent member, in whose history it stands.

    Concerns the two people and the administrators. Details: `cover`, the other's name; `cover_id`, `replacement_id`;
    `since` and `until`, its first and last day as people write them.
    """

    route = "clients:member"
    topic = "access"
    fields = {
        "starts_on": _("First day"),
        "ends_on": _("Last day"),
        "includes_assignments": _("With their single client files"),
    }
    concerns = _("The two people, and the administrators")

    @classmethod
    def audience(cls, subject: Membership, details: Mapping[str, Any]) -> Iterable[Recipient]:
        both = [subject.pk, details["cover_id"]]
        return [*administrators(), *Membership.objects.open().with_person().filter(pk__in=both)]

    @classmethod
    def target(cls, details: Mapping[str, Any]) -> Any:
        """Its dates may have changed meanwhile."""
        return details["replacement_id"]


class ReplacementArranged(ReplacementEvent):
    name = "accounts.replacement.arranged"
    summary = _("A replacement was arranged")
    sentence = _("%(actor)s arranged that %(cover)s replaces %(subject)s from %(since)s to %(until)s.")
    opposite = "accounts.replacement.cancelled"


class ReplacementChanged(ReplacementEvent):
    """Changes: `starts_on`, `ends_on` (as people write them), `includes_assignments`."""

    name = "accounts.replacement.changed"
    summary = _("A replacement was changed")
    sentence = _("%(actor)s changed the replacement of %(subject)s by %(cover)s.")


class ReplacementStarted(ReplacementEvent):
    name = "accounts.replacement.started"
    summary = _("A replacement has begun")
    sentence = _("%(cover)s now replaces %(subject)s, until %(until)s.")


class ReplacementEnded(ReplacementEvent):
    """On its day, by itself."""

    name = "accounts.replacement.ended"
    summary = _("A replacement is over")
    sentence = _("%(cover)s no longer replaces %(subject)s: the replacement ended on %(until)s.")


class ReplacementCancelled(ReplacementEvent):
    """By somebody, before its last day was over or before it began."""

    name = "accounts.replacement.cancelled"
    summary = _("A replacement was ended early")
    sentence = _("%(actor)s ended the replacement of %(subject)s by %(cover)s.")
    opposite = "accounts.replacement.arranged"


class ReplacementEndedWithMember(ReplacementEvent):
    """One of the two has left the firm. At once, as what ended it: it leaves in the same mail."""

    name = "accounts.replacement.ended_with_member"
    summary = _("A replacement has ended with a member's place in the firm")
    sentence = _("The replacement of %(subject)s by %(cover)s is over: one of them is no longer a member.")
    concerns = _("The one of the two who stays")
    security = True

    @classmethod
    def audience(cls, subject: Membership, details: Mapping[str, Any]) -> Iterable[Recipient]:
        both = [subject.pk, details["cover_id"]]
        return Membership.objects.open().with_person().filter(pk__in=both)
