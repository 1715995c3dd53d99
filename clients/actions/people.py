"""A client's own people in their space: they come in, get another profile, lose their access or leave.

A space keeps a manager: whoever could invite another one, or choose the firms, is never the last to go.
"""

from django.db import transaction
from django.utils import timezone

from accounts.actions.people import tell_former_addresses
from accounts.models import User
from activity.actions import record
from clients.events.people import PersonEnded, PersonJoined, PersonLeft, ProfileChanged
from clients.models import ClientSpace, SpaceMember, SpacePerm, SpaceProfile
from clients.profiles import require_profile


class AlreadyHere(Exception):
    """The person has their place in the space."""


class GoneMeanwhile(Exception):
    """The person has no place in the space any more."""


class LastManager(Exception):
    """Without this person, nobody could manage the space."""


@transaction.atomic
def admit_person(
    *, space: ClientSpace, user: User, email: str, profile: SpaceProfile, terms: str
) -> SpaceMember:
    """Let in a person who accepts the invitation of the space; in its scope. One who had left comes back.

    `terms` is the version that they accepted. Raises AlreadyHere.
    """
    space = ClientSpace.objects.select_for_update(no_key=True).get(pk=space.pk)
    member = SpaceMember.objects.filter(space=space, user=user).first() or SpaceMember(space=space, user=user)
    if not member._state.adding and member.ended_at is None:
        raise AlreadyHere(member.pk)
    member.email, member.profile, member.joined_at = email, profile, timezone.now()
    member.first_name, member.last_name = user.first_name, user.last_name
    member.ended_at = member.last_visit_at = None
    member.save()
    details = {"email": email, "profile": profile, "terms": terms}
    record(PersonJoined, actor=member, subject=member, details=details)
    return member


@transaction.atomic
def change_person_profile(*, actor: SpaceMember, member: SpaceMember, profile: SpaceProfile) -> SpaceMember:
    """Give a person another profile; what it does not allow ends at their next click.

    Raises GoneMeanwhile, LastManager.
    """
    member = _held(actor, member)
    require_profile(actor, SpacePerm.MANAGE_PEOPLE)
    before = SpaceProfile(member.profile)
    if before == profile:
        return member
    if profile != SpaceProfile.MANAGER:
        _keep_a_manager(without=member)
    member.profile = profile
    member.save(update_fields=["profile"])
    changes = {"profile": (before, profile)}
    changed = record(ProfileChanged, actor=actor, subject=member, changes=changes, also_tell=[member])
    tell_former_addresses(member.user, ProfileChanged, changed.at, space=str(actor.space))
    return member


@transaction.atomic
def end_person(*, actor: SpaceMember, member: SpaceMember) -> None:
    """End a person's access, at once and in every open session. Anybody may end their own.

    Raises GoneMeanwhile, LastManager.
    """
    member = _held(actor, member)
    leaves = member.pk == actor.pk
    if not leaves:
        require_profile(actor, SpacePerm.MANAGE_PEOPLE)
    _keep_a_manager(without=member)
    member.ended_at = timezone.now()
    member.save(update_fields=["ended_at"])
    if leaves:
        record(PersonLeft, actor=actor, subject=member)
    else:
        record(PersonEnded, actor=actor, subject=member, also_tell=[member])


def _held(actor: SpaceMember, member: SpaceMember) -> SpaceMember:
    """The person as they are now, with the space locked: so two managers don't end each other's place at once."""
    space = ClientSpace.objects.select_for_update(no_key=True).get(pk=actor.space.pk)
    held = SpaceMember.objects.present().filter(space=space, pk=member.pk).first()
    if held is None:
        raise GoneMeanwhile(member.pk)
    return held


def _keep_a_manager(*, without: SpaceMember) -> None:
    managers = SpaceMember.objects.who_may(SpacePerm.MANAGE_PEOPLE).filter(space=without.space_id)
    if without.may(SpacePerm.MANAGE_PEOPLE) and not managers.exclude(pk=without.pk).exists():
        raise LastManager(without.pk)
