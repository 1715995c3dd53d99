"""The kinds of changes between which a person chooses: topics of event types, as few as one keeps in mind."""

from dataclasses import dataclass
from typing import Literal

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Side = Literal["firm", "space"]
BOTH: tuple[Side, ...] = ("firm", "space")


class Timing(models.TextChoices):
    """When a person is told by mail. The bell tells them whatever they choose."""

    AT_ONCE = "at_once", _("At once")
    DAILY = "daily", _("Once a day")
    NEVER = "never", _("Never")


@dataclass(frozen=True)
class Topic:
    """`name` stands in `EventType.topic`, and in the choices that are kept; `sides`: where such things happen."""

    name: str
    label: Promise
    text: Promise
    sides: tuple[Side, ...]


# Says what an event is to whoever is told of it, not what it is about.
ORDERS = "orders"
TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic(
            "dossiers",
            _("Client files"),
            _(
                "Created, changed, moved, archived; client lists that are imported; what clients change or allow."
            ),
            ("firm",),
        ),
        Topic(
            "access",
            _("Portfolios and assignments"),
            _("Who works on what: portfolios, assigned client files, replacements."),
            ("firm",),
        ),
        Topic(
            "details",
            _("Details of the company"),
            _("What you, your people or your accounting firm change in them."),
            ("space",),
        ),
        Topic(
            "following",
            _("Accounting firm and authorisations"),
            _("Which firm follows you, what is asked of you, what was authorised."),
            ("space",),
        ),
        Topic(
            "exchange",
            _("Exchanged files"),
            _("Files that the other side drops for you, or takes back."),
            BOTH,
        ),
        Topic("people", _("People of the space"), _("Who joins, and who leaves."), ("space",)),
        Topic(
            "invitations",
            _("Invitations"),
            _("Sent, accepted, refused, or returned because the address is wrong."),
            BOTH,
        ),
        Topic(
            "firm",
            _("The firm"),
            _("Its details and settings, and members who leave: for administrators."),
            ("firm",),
        ),
        Topic(
            ORDERS,
            _("What you asked for"),
            _("Exports that are ready, large numbers of invitations that got stuck."),
            ("firm",),
        ),
    )
}


def topics_of(side: str) -> list[Topic]:
    """Those of a firm's side, or of a client's."""
    return [topic for topic in TOPICS.values() if side in topic.sides]
