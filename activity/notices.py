"""The mail that tells a person what others changed."""

from collections import Counter
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from activity import sentences, unsubscribing
from activity.composing import CHANGES
from activity.concern import may_enter, still_concerning
from activity.digest import NetChange, net_changes
from activity.events import type_named
from activity.mails import MailKind, Message, Obsolete, choices_url, rendered
from activity.models import Event, Notification, OutgoingEmail
from activity.preferences import chosen_by
from activity.topics import Timing

SHOWN = 20


class ChangesMail(MailKind):
    name = CHANGES
    what = _("Changes that concern them")

    def build(self, mail: OutgoingEmail) -> Message:
        """Raises Obsolete if the events are gone, or since the mail was composed the person has lost their place or
        the right to know, or switched such mails off.
        """
        told = list(Notification.objects.of_scope().filter(mail=mail).select_related("event"))
        if not told:
            raise Obsolete
        recipient = told[0].recipient_id
        events = _still_wanted(recipient, [notification.told for notification in told])
        for event in events:  # not joined: on a client's side, no firm is in scope
            event.firm = mail.firm
        changes = net_changes(still_concerning(recipient, events))
        if not changes:
            raise Obsolete
        lines = [Line(change) for change in changes]
        is_inside = any(line.path for line in lines) or may_enter(recipient)
        home = _home(mail) if is_inside else reverse("start")
        context = {
            "lines": lines[:SHOWN],
            "count": len(lines),
            "more": max(len(lines) - SHOWN, 0),
            "kinds": _counted(changes) if len(lines) > SHOWN else [],
            "url": settings.BASE_URL + (lines[0].path if len(lines) == 1 and lines[0].path else home),
            "is_inside": is_inside,
            "alone": len(lines) == 1,
            "by_itself": not any(change.event.actor_name for change in changes),
            "place": _place(mail),
            "choices_url": choices_url(),
            "stop_url": (stop_url := _stop_url(recipient, mail, changes)),
        }
        headers = unsubscribing.headers(stop_url)
        return rendered("changes", f"[{_place(mail)}] {_gist(changes)}", context, headers=headers)


def _still_wanted(recipient: UUID, events: list[Event]) -> list[Event]:
    """Without those of which the person wants no mail any more: theirs may have waited for the mail server."""
    if all(type_named(event.type).security for event in events):
        return events
    chosen = chosen_by(recipient)
    return [event for event in events if chosen.of_type(type_named(event.type)) != Timing.NEVER]


def _stop_url(recipient: UUID, mail: OutgoingEmail, changes: list[NetChange]) -> str:
    """The link that switches off more of the kind; none in a mail that tells of anything about security."""
    if any(change.type.security or not change.type.topic for change in changes):
        return ""
    topics = unsubscribing.topics_in(change.type.topic for change in changes)
    return unsubscribing.link(unsubscribing.Switch(recipient, topics, (mail.owner,)))


class Line:
    """One net change as the mail shows it."""

    def __init__(self, change: NetChange) -> None:
        self.net = change
        self.event = change.event

    @cached_property
    def path(self) -> str:
        return sentences.page_of(self.event)

    @cached_property
    def text(self) -> str:
        return sentences.plain_sentence(self.event, actors=_names(self.net))

    @cached_property
    def html(self) -> SafeString:
        return sentences.sentence(self.event, actors=_names(self.net), base=settings.BASE_URL)

    @cached_property
    def changes(self) -> list[sentences.Change]:
        return sentences.changes(self.event, self.net.changes)

    @property
    def url(self) -> str:
        return f"{settings.BASE_URL}{self.path}" if self.path else ""


def _names(change: NetChange) -> list[str] | None:
    return change.actors if len(change.actors) > 1 else None


def _gist(changes: list[NetChange]) -> str:
    """A subject that names no client: the one kind of change, or how many."""
    if len(changes) == 1:
        return str(changes[0].type.summary)
    return ngettext("%(count)d change concerns you", "%(count)d changes concern you", len(changes)) % {
        "count": len(changes)
    }


def _counted(changes: list[NetChange]) -> list[tuple[str, int]]:
    """How many of each kind, the most frequent first."""
    return Counter(str(change.type.summary) for change in changes).most_common()


def _place(mail: OutgoingEmail) -> str:
    """The firm's name; a client's space is not named in a subject."""
    return mail.firm.name if mail.firm else "Firm Portal"


def _home(mail: OutgoingEmail) -> str:
    """Where a person finds all of it, also what the mail leaves out and what they have read since: under the bell of
    the firm or of the client's space, or else their places."""
    if mail.firm is not None:
        return reverse("bell", kwargs={"firm_slug": mail.firm.slug}) + "?voir=tout"
    if mail.space_id is not None:
        return reverse("space_bell", kwargs={"space_id": mail.space_id}) + "?voir=tout"
    return reverse("start")
