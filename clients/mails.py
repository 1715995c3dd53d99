"""The mail to a person of several clients, whose details their firm has changed together (by an import)."""

from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from activity import queries, sentences, unsubscribing
from activity.mails import MailKind, Message, Obsolete, OutgoingEmail, choices_url, rendered
from activity.preferences import chosen_by
from activity.topics import Timing
from clients.actions.space import DETAILS_MAIL
from clients.events.dossiers import DossierChanged
from clients.events.space import FirmChangedDetails
from clients.models import Dossier, SpaceLink, SpaceMember
from clients.models.details import DETAIL_FIELDS
from tenancy.scopes import Purpose, crossing

_NAMED = 20


class _Line(NamedTuple):
    """One of the clients, and what was changed of the details that they share with the firm."""

    name: str
    changes: list[sentences.Change]


class DetailsChangedMail(MailKind):
    """`params`: the group of the changes, the keys of the dossiers and of the person."""

    name = DETAILS_MAIL
    what = _("Changes of a client's details")

    def build(self, mail: OutgoingEmail) -> Message:
        """Raises Obsolete if none of them is tied any more to a space in which the person has their place, and gets
        mails about its details.
        """
        linked = SpaceLink.objects.running().filter(dossier_id__in=mail.params["dossiers"])
        person = UUID(mail.params["person"])
        theirs = {link.dossier_id: link.space_id for link in linked if _wants_it(person, link)}
        dossiers = Dossier.objects.filter(pk__in=theirs).order_by("name_key")
        names = {dossier.pk: dossier.name for dossier in dossiers}
        if not names:
            raise Obsolete
        shown = dict(list(names.items())[:_NAMED])
        subject = ngettext(
            "The details of %(count)d of your companies were changed in your accounting firm's records",
            "The details of %(count)d of your companies were changed in your accounting firm's records",
            len(names),
        )
        switch = unsubscribing.Switch(
            person, (FirmChangedDetails.topic,), tuple(sorted(set(theirs.values())))
        )
        context = {
            "choices_url": choices_url(),
            "stop_url": (stop_url := unsubscribing.link(switch)),
            "lines": _lines(shown, mail),
            "more": len(names) - len(shown),
            "count": len(names),
            "url": f"{settings.BASE_URL}{reverse('accounts:places')}",
        }
        headers = unsubscribing.headers(stop_url)
        return rendered("details_changed", subject % {"count": len(names)}, context, headers=headers)


def _wants_it(person: UUID, link: SpaceLink) -> bool:
    """Everybody of a space sees its details: their place alone is asked for, and whether they want such mails.

    It tells of one change in all of their places, so to those who chose one mail a day it is one, and leaves at once.
    """
    with crossing(link, Purpose.TELL_CLIENT):
        if not SpaceMember.objects.present().filter(user_id=person).exists():
            return False
        return chosen_by(person).of_type(FirmChangedDetails) != Timing.NEVER


def _lines(names: dict[UUID, str], mail: OutgoingEmail) -> list[_Line]:
    """The changes that the mail was queued for: the latest before it, for an undo goes by the same group."""
    events = queries.about(names).filter(
        group=UUID(mail.params["group"]), type=DossierChanged.name, pk__lt=mail.pk
    )
    latest = {event.subject_id: event for event in events.order_by("pk")}
    return [_Line(name, _shared(latest[key]) if key in latest else []) for key, name in names.items()]


def _shared(event: Any) -> list[sentences.Change]:
    shared = {name: pair for name, pair in event.changes.items() if name in DETAIL_FIELDS}
    return sentences.changes(event, shared)
