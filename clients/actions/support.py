"""Technical support sees a dossier only while its client allows it.

The client authorises and withdraws in their space; what follows from it in the firm (the assignments of role SUPPORT,
the journal, the mails) is done on the firm's side of the wall. Assigning somebody is `clients.actions.assignments`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import models, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Firm, Membership
from accounts.permissions import ObjectRole, end_role, people_of_role, take_role
from activity.actions import in_one_go, record
from activity.events import EventType
from clients.events.support import (
    ClientAuthorisedSupport,
    ClientWithdrewSupport,
    DossierSupportEnded,
    SupportAuthorised,
    SupportEnded,
    SupportWithdrawn,
)
from clients.models import (
    Assignment,
    ClientSpace,
    Dossier,
    SpaceLink,
    SpaceMember,
    SpacePerm,
    SupportAuthorisation,
)
from clients.profiles import require_profile
from tenancy.expressions import among
from tenancy.scopes import Purpose, crossing, firm_id


class SupportDuration(models.TextChoices):
    """For how long a client lets technical support in."""

    DAY = "24h", _("24 hours")
    WEEK = "7d", _("7 days")

    @property
    def length(self) -> timedelta:
        return timedelta(hours=24) if self == self.DAY else timedelta(days=7)


class NotFollowed(Exception):
    """The firm does not follow the space (any more)."""


@transaction.atomic
@in_one_go()
def authorise_support(
    *, actor: SpaceMember, link: SpaceLink, duration: SupportDuration
) -> SupportAuthorisation:
    """Let the firm's technical support see the dossier from now on; in the space's scope.

    It takes the place of one that runs: who has access then keeps it until the new end. Raises NotFollowed.
    """
    followed, earlier = _held(actor, link)
    require_profile(actor, SpacePerm.AUTHORISE)
    if followed is None:
        raise NotFollowed(link.pk)
    now = timezone.now()
    for one in earlier:
        _replace(one, actor, now)
    given = SupportAuthorisation.objects.create(
        firm_id=followed.firm_id,
        space_id=followed.space_id,
        dossier_id=followed.dossier_id,
        given_by_name=actor.name,
        given_at=now,
        until=now + duration.length,
    )
    details = {"until": given.until.isoformat()}
    with crossing(followed, Purpose.GIVE_SUPPORT):
        dossier = Dossier.objects.get(pk=followed.dossier_id)
        end_role(Assignment, dossier, ObjectRole.SUPPORT, given.until)
        record(ClientAuthorisedSupport, actor=actor, subject=dossier, details=details)
    space = ClientSpace.objects.get(pk=followed.space_id)
    details["firm"] = followed.firm_name
    record(SupportAuthorised, actor=actor, subject=space, details=details)
    return given


@transaction.atomic
def withdraw_support(*, actor: SpaceMember, authorisation: SupportAuthorisation) -> SupportAuthorisation:
    """Take the authorisation back, or what took its place meanwhile, and with it the access of everybody in the firm's
    technical support, at once.

    In the space's scope. One that has ended already stays as it is.
    """
    given = SupportAuthorisation.objects.get(pk=authorisation.pk, space=actor.space_id)
    _running, unended = _held(actor, given)  # nothing takes its place from here on
    require_profile(actor, SpacePerm.AUTHORISE)
    held = next(iter(unended), None)
    if held is None:
        return given
    if held.until <= timezone.now():
        _run_out_from_space(held)
        return held
    with crossing(held, Purpose.GIVE_SUPPORT):
        firm = _take_away(ClientWithdrewSupport, held, actor)
    held.withdrawn_at, held.withdrawn_by_name = timezone.now(), actor.name
    held.save(update_fields=["withdrawn_at", "withdrawn_by_name"])
    space = ClientSpace.objects.get(pk=held.space_id)
    record(SupportWithdrawn, actor=actor, subject=space, details={"firm": firm})
    return held


@transaction.atomic
def run_out(authorisation_id: UUID) -> bool:
    """Clear up after an authorisation whose time or whose link is over, and tell both sides, once; in the firm's scope.

    Says whether there was anything to do.
    """
    over = (
        SupportAuthorisation.objects.unended()
        .filter(pk=authorisation_id)
        .exclude(pk__in=SupportAuthorisation.objects.running().order_by().values("pk"))
    )
    hold_supporters(Dossier.objects.filter(pk__in=over.order_by().values("dossier")))
    held = over.first()  # another sweep may have been quicker
    if held is not None:
        _end_from_firm(held)
    return held is not None


@transaction.atomic
def end_support(*, dossiers: QuerySet[Dossier]) -> int:
    """End the support on these dossiers, which the firm puts away or whose links end; in the firm's scope.

    Returns on how many it ran. For the actions that do so: they have asked for the permission.
    """
    hold_supporters(dossiers)
    found = SupportAuthorisation.objects.unended().filter(dossier__in=dossiers.order_by().values("pk"))
    ended = list(found.select_for_update(no_key=True, of=("self",)).order_by("pk"))
    for held in ended:
        _end_from_firm(held)
    return len(ended)


def hold_supporters(dossiers: QuerySet[Dossier]) -> None:
    """What these dossiers' clients allow support, then the places of all who support one; in the firm's scope.

    In this order, and before links: nobody is let in by what is held, so nobody joins those whose places are. Their
    assignments end with it, and whoever changes assignments holds the member first
    (docs/decisions/0032-the-locks-of-what-hangs-on-a-link.md).
    """
    held = hold_authorisations(dossiers.order_by().values_list("pk", flat=True))
    of_role = Assignment.objects.filter(permission__codename=ObjectRole.SUPPORT)
    given = of_role.filter(among(held, "content_object"))
    places = Membership.objects.filter(user__in=given.order_by().values("user")).order_by("pk")
    list(places.select_for_update(no_key=True, of=("self",)).values_list("pk"))


def hold_authorisations(dossiers: Iterable[UUID]) -> list[UUID]:
    """What the clients of these allow support, until it is ended: held in the order of its keys, in the firm's scope.

    Whoever lets somebody in by it holds it before their place. Returns of which of the dossiers there is any.
    """
    allowed = SupportAuthorisation.objects.unended().filter(among(list(dossiers), "dossier")).order_by("pk")
    return list(allowed.select_for_update(no_key=True, of=("self",)).values_list("dossier_id", flat=True))


def _held(
    actor: SpaceMember, tie: SpaceLink | SupportAuthorisation
) -> tuple[SpaceLink | None, list[SupportAuthorisation]]:
    """The link that runs between the two now, if any, and what is authorised by it: one at most, the database sees to
    it. Held after the actor's space and the places in the firm that may lose something."""
    ClientSpace.objects.select_for_update(no_key=True).get(pk=actor.space.pk)
    unended = SupportAuthorisation.objects.unended().filter(
        firm=tie.firm_id, dossier=tie.dossier_id, space=actor.space_id
    )
    for one in unended:
        with crossing(one, Purpose.GIVE_SUPPORT):
            hold_supporters(Dossier.objects.filter(pk=one.dossier_id))
    links = SpaceLink.objects.filter(firm=tie.firm_id, dossier=tie.dossier_id, space=actor.space_id)
    list(links.order_by("pk").select_for_update(no_key=True).values_list("pk"))
    return links.running().first(), list(unended.select_for_update(no_key=True, of=("self",)))


def _replace(earlier: SupportAuthorisation, actor: SpaceMember, now: datetime) -> None:
    """Make room for a new one: nobody loses anything by it, so that nobody is told of this."""
    if earlier.until <= now:
        _run_out_from_space(earlier)
        return
    earlier.withdrawn_at, earlier.withdrawn_by_name = now, actor.name
    earlier.save(update_fields=["withdrawn_at", "withdrawn_by_name"])


def _run_out_from_space(held: SupportAuthorisation) -> None:
    with crossing(held, Purpose.GIVE_SUPPORT):
        firm = _take_away(DossierSupportEnded, held, None)
    _mark_ended(held)
    _tell_space_of_end(held, firm)


def _end_from_firm(held: SupportAuthorisation) -> None:
    firm = _take_away(DossierSupportEnded, held, None)
    with crossing(held, Purpose.END_SUPPORT):
        _tell_space_of_end(held, firm)
    _mark_ended(held)


def _take_away(event: type[EventType], held: SupportAuthorisation, actor: SpaceMember | None) -> str:
    """Take the support's assignments of the dossier, and tell; in the firm's scope. Returns the firm's name."""
    dossier = Dossier.objects.get(pk=held.dossier_id)
    people = people_of_role(Assignment, dossier, ObjectRole.SUPPORT)
    take_role(Assignment, dossier, ObjectRole.SUPPORT)
    losing = list(Membership.objects.open().with_person().filter(user_id__in=people))
    record(event, actor=actor, subject=dossier, also_tell=losing)
    return Firm.objects.get(pk=firm_id()).name


def _tell_space_of_end(held: SupportAuthorisation, firm: str) -> None:
    space = ClientSpace.objects.get(pk=held.space_id)
    record(SupportEnded, actor=None, subject=space, details={"firm": firm})


def _mark_ended(held: SupportAuthorisation) -> None:
    held.end_told_at = timezone.now()
    if held.until > held.end_told_at:
        held.withdrawn_at = held.end_told_at
    held.save(update_fields=["end_told_at", "withdrawn_at"])
