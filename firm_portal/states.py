"""The states that the interface shows as a dot and a word: their tone, and their word where no model gives one.

A tone is never the only sign: the word stands beside it. A hollow dot marks what has not begun or is over.
"""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


@dataclass(frozen=True)
class State:
    """`tone` is one of ok, wait, bad, info, off (a class in app.css); `word` is what a person reads."""

    tone: str
    word: object
    hollow: bool = False


STATES: dict[str, State] = {
    # people and what they may open
    "invited": State("wait", pgettext_lazy("state", "Invited"), hollow=True),
    "created": State("info", pgettext_lazy("state", "Created"), hollow=True),
    "active": State("ok", pgettext_lazy("state", "Active")),
    "suspended": State("bad", pgettext_lazy("state", "Suspended"), hollow=True),
    "terminated": State("off", pgettext_lazy("state", "Terminated"), hollow=True),
    "archived": State("off", pgettext_lazy("state", "Archived"), hollow=True),
    "inactive": State("off", pgettext_lazy("state", "Not active"), hollow=True),
    "none": State("off", pgettext_lazy("state", "Not invited"), hollow=True),
    # invitations and mails
    "draft": State("off", pgettext_lazy("state", "Draft"), hollow=True),
    "sent": State("info", pgettext_lazy("state", "Sent")),
    "opened": State("info", pgettext_lazy("state", "Opened")),
    "accepted": State("ok", pgettext_lazy("state", "Accepted")),
    "refused": State("bad", pgettext_lazy("state", "Refused")),
    "revoked": State("off", pgettext_lazy("state", "Revoked"), hollow=True),
    "expired": State("wait", pgettext_lazy("state", "Expired")),
    "on_hold": State("wait", pgettext_lazy("state", "On hold")),
    "failed": State("bad", pgettext_lazy("state", "Failed")),
    "bounced": State("bad", pgettext_lazy("state", "Failed")),
    "dead": State("bad", pgettext_lazy("state", "Failed")),
    "consent": State("wait", pgettext_lazy("state", "Waiting for the company's consent"), hollow=True),
    "no_consent": State("bad", pgettext_lazy("state", "Without the company's consent"), hollow=True),
    "left": State("off", pgettext_lazy("state", "Client left"), hollow=True),
    "pending": State("wait", pgettext_lazy("state", "Pending"), hollow=True),
    # verifications of the activity log
    "intact": State("ok", pgettext_lazy("state", "Intact")),
    "faulty": State("bad", pgettext_lazy("state", "Not intact")),
    # letters
    "printed": State("info", pgettext_lazy("letter", "Printed")),
    "addressed": State("info", pgettext_lazy("letter", "Address given")),
    "proven": State("wait", pgettext_lazy("letter", "To confirm")),
    "confirmed": State("ok", pgettext_lazy("letter", "Confirmed")),
    "declined": State("bad", pgettext_lazy("letter", "Declined")),
    "replaced": State("off", pgettext_lazy("letter", "Replaced"), hollow=True),
    # exchanged files
    "quarantined": State("wait", pgettext_lazy("state", "Being checked"), hollow=True),
    "available": State("ok", pgettext_lazy("state", "Available")),
    "turned_away": State("bad", pgettext_lazy("state", "Refused")),
    "removed": State("off", pgettext_lazy("state", "Taken back"), hollow=True),
    # background work, imports and their rows
    "uploaded": State("info", pgettext_lazy("state", "Uploaded"), hollow=True),
    "queued": State("wait", pgettext_lazy("state", "Queued"), hollow=True),
    "reading": State("info", pgettext_lazy("state", "Reading"), hollow=True),
    "choosing": State("wait", pgettext_lazy("state", "Sheet to choose"), hollow=True),
    "mapping": State("wait", pgettext_lazy("state", "Columns to check"), hollow=True),
    "planning": State("info", pgettext_lazy("state", "Being checked")),
    "prepared": State("ok", pgettext_lazy("state", "Ready")),
    "running": State("info", pgettext_lazy("state", "Running")),
    "applying": State("info", pgettext_lazy("state", "Being applied")),
    "ready": State("wait", pgettext_lazy("state", "To confirm")),
    "planned": State("wait", pgettext_lazy("state", "To confirm")),
    "done": State("ok", pgettext_lazy("state", "Done")),
    "applied": State("ok", pgettext_lazy("state", "Applied")),
    "cancelled": State("off", pgettext_lazy("state", "Cancelled"), hollow=True),
    "abandoned": State("off", pgettext_lazy("state", "Abandoned"), hollow=True),
    "undone": State("off", pgettext_lazy("state", "Undone"), hollow=True),
    "create": State("ok", pgettext_lazy("state", "To create")),
    "update": State("info", pgettext_lazy("state", "To update")),
    "identical": State("off", pgettext_lazy("state", "Identical"), hollow=True),
    "error": State("bad", pgettext_lazy("state", "In error")),
    "duplicate": State("wait", pgettext_lazy("state", "Duplicate")),
    "known": State("wait", pgettext_lazy("state", "Client file exists")),
}

UNKNOWN = State("off", _("Unknown"), hollow=True)
