"""What happens to a journal itself, recorded in it and never removed: by these events the chain explains its gaps."""

from django.utils.translation import gettext_lazy as _

from activity.events import PROOFS, EventType


class JournalPurged(EventType):
    """Details: `count`, the days `since` and `until` when the oldest and the newest happened, `kinds` (event types) and
    `sum`, a digest over the removed events' numbers and keys."""

    name = "activity.journal.purged"
    family = PROOFS
    summary = _("Events whose time was over were removed")
    sentence = _("%(count)s events of %(since)s to %(until)s were removed, as their time was over.")


class PersonErased(EventType):
    """Details: `pseudonym`, `count` (events) and `sum`, a digest over what was written in place of what stood there."""

    name = "activity.person.erased"
    family = PROOFS
    summary = _("A person was made unknown")
    sentence = _("A person was made unknown in %(count)s events, where they are now called %(pseudonym)s.")
