"""When a person gets mails of what happens in their places: chosen by them, or switched off by the link of a mail."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from accounts.events.people import MailsChosen, MailsSwitchedOff
from accounts.models import User
from accounts.places import Place
from activity.actions import record
from activity.preferences import Chosen, chosen_by, keep
from activity.topics import Timing, topics_of
from tenancy.scopes import scope


@transaction.atomic
def choose_mails(*, person: User, place: Place, chosen: Chosen) -> bool:
    """Let mails of what happens there reach the person as they chose. What changes nothing is not recorded."""
    return _choose(MailsChosen, person, place, chosen)


@transaction.atomic
def switch_off_mails(*, person: User, place: Place, topics: Iterable[str]) -> bool:
    """Let no mail about these topics reach the person from there; False if none did anyway."""
    with place.kind.scope(place):
        wanted = chosen_by(person.pk).without(topics)
    return _choose(MailsSwitchedOff, person, place, wanted)


def _choose(happened: type[MailsChosen], person: User, place: Place, chosen: Chosen) -> bool:
    """The choice is kept in the place, and stands in the person's own journal: it is nobody else's business."""
    User.objects.select_for_update(no_key=True).get(pk=person.pk)  # two choices at once, one after the other
    with place.kind.scope(place):
        changes = _compared(place, chosen_by(person.pk), chosen)
        if changes:
            keep(person.pk, chosen)
    if changes:
        with scope(person=person):
            record(happened, actor=person, subject=person, changes=changes, details={"place": place.name})
    return bool(changes)


def _compared(place: Place, before: Chosen, after: Chosen) -> dict[str, tuple[Any, Any]]:
    """What changes, of the topics of that place alone."""
    names = [topic.name for topic in topics_of(place.kind.name)]
    pairs: dict[str, tuple[Any, Any]] = {
        name: (str(Timing(before.of_topic(name))), str(Timing(after.of_topic(name)))) for name in names
    }
    pairs |= {"hour": (before.hour, after.hour), "zone": (before.zone, after.zone)}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
