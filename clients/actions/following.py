"""A firm follows a client who asks for it; a client ends a firm's access; a client opens a space of their own.

Of several firms that follow a space, none ever learns of another: each stands on its own link, the space in between
(docs/decisions/0019-a-client-invites-a-firm.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import Membership, Role, User
from accounts.permissions import ObjectRole, Perm, give, pairs_of, permitted, require
from activity.actions import in_one_go, overheard, record
from activity.origin import Origin, coming_from
from clients.actions.space import contact_of
from clients.actions.support import end_support, hold_supporters
from clients.events.dossiers import DossierCreated
from clients.events.following import ClientFollowed, ClientLeft, FollowEnded, SpaceRegistered
from clients.models import (
    Assignment,
    ClientSpace,
    Dossier,
    LinkRight,
    SpaceLink,
    SpaceMember,
    SpacePerm,
    SpaceProfile,
)
from clients.models.details import DETAIL_FIELDS, ClientDetails
from clients.profiles import require_profile
from tenancy.keys import uuid7
from tenancy.scopes import Purpose, crossing, scope

COPIED = ("kind", *DETAIL_FIELDS)


class AlreadyFollowing(Exception):
    """The firm follows this client already."""


class NotLinkable(Exception):
    """The dossier is not one that may be linked to this client (any more)."""


class EndedMeanwhile(Exception):
    """The firm does not follow the client any more."""


@dataclass(frozen=True)
class Ending:
    """What ending a firm's access would mean: how many of its people are told, whether support's access goes too."""

    told: int
    ends_support: bool


def details_of(client: ClientDetails) -> dict[str, str]:
    """All that a client says of themself, by field."""
    return {field: getattr(client, field) for field in COPIED}


def linkable(member: Membership, siren: str) -> QuerySet[Dossier]:
    """The firm's dossiers of that SIREN that the member may link to a client: active, and without a current link."""
    links = SpaceLink.objects.current().filter(firm=OuterRef("firm"), dossier=OuterRef("pk")).order_by()
    found = Dossier.objects.clients().active().filter(siren=siren).exclude(Exists(links))
    return permitted(found, member, Perm.LINK_DOSSIER) if siren else found.none()


@transaction.atomic
def follow(
    *,
    actor: Membership,
    space_id: UUID,
    right: LinkRight,
    details: Mapping[str, str],
    dossier: Dossier | None = None,
) -> SpaceLink:
    """Tie the client's space to a dossier of the firm: a new one with the client's `details`, or this one, as it is.

    In the firm's scope, for the action that has looked at what the client asked. Raises AlreadyFollowing, NotLinkable.
    """
    require(actor, Perm.CREATE_DOSSIER)
    if SpaceLink.objects.running().filter(firm=actor.firm, space=space_id).exists():
        raise AlreadyFollowing(space_id)
    chosen = _new_dossier(actor, details) if dossier is None else _held(actor, dossier, siren_of(details))
    link = SpaceLink(
        firm=actor.firm, dossier=chosen, space_id=space_id, right=right, **contact_of(actor.firm)
    )
    link.save(force_insert=True)
    record(ClientFollowed, actor=actor, subject=chosen)
    return link


def siren_of(details: Mapping[str, str]) -> str:
    """The client's SIREN, which their SIRET tells too."""
    return details["siren"] or details["siret"][:9]


@transaction.atomic
@in_one_go()
def end_following(*, actor: SpaceMember, link: SpaceLink) -> None:
    """End a firm's access; in the space's scope. The firm is told, and keeps its record to read.

    Raises EndedMeanwhile.
    """
    space = ClientSpace.objects.select_for_update(no_key=True).get(pk=actor.space.pk)
    require_profile(actor, SpacePerm.CHOOSE_FIRMS)
    held = _held_links(SpaceLink.objects.running().filter(pk=link.pk, space=space))
    if not held:
        raise EndedMeanwhile(link.pk)
    _end(held[0], space, actor)


def what_ending_means(*, actor: SpaceMember, link: SpaceLink) -> Ending:
    """`end_following` is done and taken back. Raises as it does; nothing that it loaded is to be used afterwards."""
    with transaction.atomic():
        with overheard() as told:
            end_following(actor=actor, link=link)
        events = {one.about for one in told}
        transaction.set_rollback(True)
    people = {one.address for one in told if one.about == ClientLeft.name}
    return Ending(len(people), "clients.dossier.support_ended" in events)


def end_others(*, actor: SpaceMember, keep: SpaceLink, since_before: datetime) -> None:
    """One firm takes the place of those that followed the space at that moment; in its scope, with the space locked.

    `actor` is the client's person who asked for it, and is told that it has come about. Whoever has come since stays:
    the client did not mean them.
    """
    space = ClientSpace.objects.get(pk=keep.space_id)
    others = SpaceLink.objects.running().filter(space=space, since__lte=since_before).exclude(pk=keep.pk)
    for link in _held_links(others):
        _end(link, space, actor, as_asked=True)


@transaction.atomic
def register_space(*, user: User, details: Mapping[str, str]) -> SpaceMember:
    """Open a space for a client whom no firm has invited; the person is its manager. Called outside of any scope."""
    with scope(space=uuid7()) as here:
        space = ClientSpace.objects.create(id=here.space_id, **{"email": user.email, **details})
        member = SpaceMember.objects.create(
            space=space,
            user=user,
            email=user.email,
            first_name=user.first_name,
            last_name=user.last_name,
            profile=SpaceProfile.MANAGER,
        )
        record(SpaceRegistered, actor=member, subject=space)
    return member


def _held_links(links: QuerySet[SpaceLink]) -> list[SpaceLink]:
    """The links that are to end, in the order of their keys, after the places in these firms that lose something by it.

    In the space's scope, with the space held: whoever reaches across the wall holds it, so nobody else is over there.
    """
    for link in links.order_by("pk"):
        with crossing(link, Purpose.END_FOLLOWING):
            hold_supporters(Dossier.objects.filter(pk=link.dossier_id))
    return list(links.order_by("pk").select_for_update(no_key=True, of=("self",)))


def _end(link: SpaceLink, space: ClientSpace, actor: SpaceMember, *, as_asked: bool = False) -> None:
    """A dated end, which both sides see. The firm is told by whom of the client, and neither from where nor why.

    `as_asked`: the client's person asked for it earlier, and learns now that it has come about.
    """
    with crossing(link, Purpose.END_FOLLOWING), coming_from(Origin()):
        theirs = Dossier.objects.filter(pk=link.dossier_id)
        end_support(dossiers=theirs)
        record(ClientLeft, actor=actor, subject=theirs.get())
    link.until = max(timezone.now(), link.since)
    link.save(update_fields=["until"])
    details = {"firm": link.firm_name}
    record(FollowEnded, actor=actor, subject=space, details=details, tells_actor=as_asked)


def _new_dossier(actor: Membership, details: Mapping[str, str]) -> Dossier:
    """With the client's own details as they are: a SIRET whose check digit fails is not the member's doing."""
    dossier = Dossier(**details)
    dossier.save(force_insert=True)
    if actor.role != Role.ADMIN:
        give(Assignment, pairs_of([dossier], [actor]), role=ObjectRole.ACCOUNTANT, by=actor)
    record(DossierCreated, actor=actor, subject=dossier)
    return dossier


def _held(actor: Membership, dossier: Dossier, siren: str) -> Dossier:
    """The chosen dossier, locked, if it may (still, once this has waited) be linked."""
    Dossier.objects.select_for_update(no_key=True).filter(pk=dossier.pk).first()
    held = linkable(actor, siren).filter(pk=dossier.pk).first()
    if held is None:
        raise NotLinkable(dossier.pk)
    return held
