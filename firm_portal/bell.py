"""Of what somebody was told: what they may still see, asked anew whenever the bell's page is shown.

On the firm's side set-based: rights to client files, portfolios, invitations and letters are what `permitted` says now.
On the client's side the audience of each kind is asked again, as it is for a mail (`clients.concern`).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.events.firms import FirmEvent
from accounts.events.members import MemberEvent
from accounts.models import Membership
from accounts.permissions import Perm, permitted
from activity.events import EventType, type_named
from clients.concern import still_told_of
from clients.events.consent import FirmConsentEvent
from clients.events.fetching import ConnectionEvent
from clients.models import Dossier, SpaceMember
from invitations.events import MemberInvited, MemberJoined, TextEvent
from invitations.models import Invitation, Letter
from portfolios.models import Portfolio

# What administrators alone are told of, besides whoever it happened to.
OF_ADMINISTRATORS: tuple[type[EventType], ...] = (
    ConnectionEvent,
    FirmConsentEvent,
    FirmEvent,
    MemberEvent,
    MemberInvited,
    MemberJoined,
    TextEvent,
)
_SEEN: dict[type[Any], Callable[[Membership, set[UUID]], QuerySet[Any]]] = {
    Dossier: lambda member, keys: permitted(Dossier.objects.filter(pk__in=keys), member, Perm.VIEW_DOSSIER),
    Portfolio: lambda member, keys: permitted(
        Portfolio.objects.filter(pk__in=keys), member, Perm.VIEW_PORTFOLIO
    ),
    Invitation: lambda member, keys: Invitation.objects.filter(pk__in=keys).visible_to(member),
    Letter: lambda member, keys: Letter.objects.filter(pk__in=keys).manageable_by(member),
}


def shown_to_member(member: Membership, events: Sequence[Any]) -> dict[UUID, bool]:
    """By key, those that the member may still see, and whether they may open the subject.

    Of what happened to themself they read to the end, though what they lost opens no more.
    """
    unseen = _unseen(member, events)
    told: dict[UUID, bool] = {}
    for event in events:
        may = event.subject_id not in unseen and _is_for(member, event)
        if may or _is_about(member, event):
            told[event.pk] = may
    return told


def shown_to_client(member: SpaceMember, events: Sequence[Any]) -> dict[UUID, bool]:
    """The same in a client's space. Events that are alike but for their time are asked of once."""
    alike: dict[Any, list[Any]] = {}
    for event in events:
        alike.setdefault((event.type, event.subject_id, repr(event.details)), []).append(event)
    first = [some[0] for some in alike.values()]
    still = {event.pk for event in still_told_of(member.user_id, first)}
    return {event.pk: True for some in alike.values() if some[0].pk in still for event in some}


def _is_for(member: Membership, event: Any) -> bool:
    return member.is_admin or not issubclass(type_named(event.type), OF_ADMINISTRATORS)


def _is_about(member: Membership, event: Any) -> bool:
    """Their own place, role, access: named by the event as its subject or in its details."""
    own = {str(member.pk), str(member.user_id)}
    return str(event.subject_id) in own or str(event.details.get("member_id")) in own


def _unseen(member: Membership, events: Iterable[Any]) -> set[UUID]:
    """The subjects, of the kinds that not everybody sees, that the member does not."""
    unseen: set[UUID] = set()
    for model, seen_by in _SEEN.items():
        label = model._meta.label_lower
        keys = {event.subject_id for event in events if event.subject_type == label and event.subject_id}
        if keys:
            unseen |= keys - set(seen_by(member, keys).order_by().values_list("pk", flat=True))
    return unseen
