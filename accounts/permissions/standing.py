"""In whose stead somebody acts: asked for what is written down, not for what is allowed."""

from collections.abc import Collection
from uuid import UUID

from django.db import models
from django.db.models import Q

from accounts.models import Membership, Replacement, Role
from accounts.permissions.deciding import passed_on, replaced
from accounts.permissions.reading import paths, running
from accounts.permissions.roles import Perm
from tenancy.expressions import among
from tenancy.prepared import Place, Prepared
from tenancy.scopes import current

# An object's key → the people by whose grants something may be done to it.
_People = dict[UUID, set[UUID]]


# Each event of who is no administrator asks.
_ABSENT = Prepared(
    lambda: Replacement.objects.running().filter(cover_id=Place("person")).order_by().values_list("absent_id")
)


def stand_ins(
    member: Membership, model: type[models.Model], keys: Collection[UUID]
) -> dict[UUID, Membership]:
    """Whom the member replaces, for those of these objects that they change, or else reach, by that alone.

    Somebody who reads an object in their own right and changes it in another's stead acts for the other. No query for
    an administrator, one for who replaces nobody, a handful for the others, however many objects there are.
    Nobody, where the code stands on another side of the wall: what reaches a client is the firm's, whoever did it.
    """
    if current().firm_id != member.firm_id or member.role == Role.ADMIN or not hasattr(model, "access_paths"):
        return {}
    absent = {person for (person,) in _ABSENT.rows(person=member.user_id)}
    if not absent or not keys:
        return {}
    changing = _by_whom(member, model, keys, Perm.CHANGE_DOSSIER)
    reading = _by_whom(member, model, {*keys} - changing.keys(), Perm.VIEW_DOSSIER)
    members = {one.user_id: one for one in Membership.objects.filter(user_id__in=absent)}
    found = {}
    for key in keys:
        people = changing.get(key) or reading.get(key) or absent
        if member.user_id not in people:
            found[key] = min((members[person] for person in people & absent), key=lambda one: one.pk)
    return found


def _by_whom(member: Membership, model: type[models.Model], keys: Collection[UUID], perm: Perm) -> _People:
    """Of the member and those whom they replace, by whose grants they may do this to each of the objects."""
    found: _People = {}
    these = model._default_manager.filter(among(keys)).order_by()
    for column, grants in paths(model):
        placed: dict[UUID, list[UUID]] = {}
        for key, place in these.exclude(**{column: None}).values_list("pk", column):
            placed.setdefault(place, []).append(key)
        theirs = replaced(grants).filter(cover_id=member.user_id).values("absent_id")
        ways = Q(user_id=member.user_id) | Q(user_id__in=theirs) & passed_on(grants)
        opened = running(grants, perm).filter(ways, among(placed, "content_object_id"))
        for place, person in opened.values_list("content_object_id", "user_id"):
            for key in placed[place]:
                found.setdefault(key, set()).add(person)
    return found
