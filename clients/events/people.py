"""What happens to a client's own people in their space, and whom it concerns."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from activity.events import EventType, Recipient
from clients.models import SpaceMember, SpacePerm


class PersonEvent(EventType):
    """Concerns those who manage the people of the space; the person themself is told by `also_tell`.

    What becomes of somebody's place by another's hand is security, as in a firm.
    """

    topic = "people"
    concerns = _("Those who manage the people of the client's space, and the person")
    route = "invitations:people"

    @classmethod
    def audience(cls, subject: SpaceMember, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return SpaceMember.objects.who_may(SpacePerm.MANAGE_PEOPLE).filter(space=subject.space_id)


class PersonJoined(PersonEvent):
    """Details: `email`, `profile`, and `terms`, the version that the person accepted."""

    name = "clients.person.joined"
    summary = _("A person has joined your space")
    sentence = _("%(subject)s accepted the invitation and has joined the space.")
    concerns = _("Those who manage the people of the client's space")


class ProfileChanged(PersonEvent):
    name = "clients.person.profile_changed"
    summary = _("A person's profile was changed")
    sentence = _("%(actor)s changed the profile of %(subject)s in the client space.")
    security = True


class PersonEnded(PersonEvent):
    name = "clients.person.ended"
    summary = _("A person's access to the client space was ended")
    sentence = _("%(actor)s ended the access of %(subject)s to the client space.")
    security = True


class PersonLeft(PersonEvent):
    name = "clients.person.left"
    summary = _("A person has left your space")
    sentence = _("%(subject)s has left the client space.")
    concerns = _("Those who manage the people of the client's space")
