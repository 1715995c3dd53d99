"""How many objects each person reaches: what lists of people show, at a cost that does not grow with the people."""

from collections import Counter, defaultdict
from typing import Any, TypeVar
from uuid import UUID

from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.grants import Grant
from accounts.models import MembershipQuerySet, Replacement, Role
from accounts.permissions.deciding import covers_by_absent
from accounts.permissions.granting import grant_models
from accounts.permissions.reading import paths, running, without_closed, without_reserved
from accounts.permissions.roles import ObjectRole, Perm

M = TypeVar("M", bound=models.Model)
# A person's key → the keys of what they hold.
Held = dict[UUID, set[UUID]]


def reached_counts(objects: QuerySet[M], perm: Perm) -> Counter[UUID]:
    """How many of these objects of the firm in scope grants open to each person, replacements included.

    By person's key; administrators reach all besides. A handful of queries. The objects hang on one group at most
    (a dossier on its portfolio): each group is counted once, and what is opened one by one only outside of it.
    """
    objects = without_reserved(without_closed(objects, perm)).order_by()
    ways = dict(paths(objects.model))
    group = next((column for column in ways if column != "pk"), "")
    held = _held(ways[group], perm) if group else {}
    counts: Counter[UUID] = Counter()
    if group:
        keys = {key for one in held.values() for key in one}
        in_groups = objects.filter(**{f"{group}__in": keys}).values_list(group).annotate(number=Count("pk"))
        sizes: dict[UUID, int] = dict(in_groups)
        counts.update({person: sum(sizes.get(key, 0) for key in one) for person, one in held.items()})
    for person, among, number in _one_by_one(objects, ways["pk"], perm, group):
        counts[person] += number if among not in held.get(person, ()) else 0
    return counts


def without_grants(members: MembershipQuerySet) -> MembershipQuerySet:
    """Of these members, those to whom nothing is opened: no administrators, nobody who holds or covers anything."""
    found = members.exclude(role=Role.ADMIN)
    for grants in grant_models():
        rows: Any = grants._default_manager.filter(user_id=OuterRef("user_id"))
        found = found.exclude(Exists(rows.running()))
    return found.exclude(Exists(Replacement.objects.running().filter(cover_id=OuterRef("user_id"))))


def _held(grants: type[Grant], perm: Perm) -> Held:
    """What each person holds of the things that such grants open, with what they hold in another's stead."""
    held: Held = defaultdict(set)
    covers = covers_by_absent(grants)
    for person, key, role in running(grants, perm).values_list(
        "user_id", "content_object_id", "permission__codename"
    ):
        for one in (person, *(covers.get(person, ()) if role != ObjectRole.SUPPORT else ())):
            held[one].add(key)
    return held


def _one_by_one(
    objects: QuerySet[M], grants: type[Grant], perm: Perm, group: str
) -> list[tuple[UUID, UUID | None, int]]:
    """How many objects are opened by themselves: (person, the group that the objects hang on, number).

    Whoever covers somebody may have the same object twice: theirs are read one by one.
    """
    covers = covers_by_absent(grants)
    covering = {cover for some in covers.values() for cover in some}
    rows = running(grants, perm).filter(content_object__in=objects).order_by()
    column = f"content_object__{group}" if group else None
    columns = ["user_id", *([column] if column else [])]
    counted = rows.exclude(user_id__in=covering).values_list(*columns).annotate(number=Count("pk"))
    found = [(row[0], row[1] if column else None, row[-1]) for row in counted]
    if not covering:
        return found
    single: dict[tuple[UUID, UUID | None], set[UUID]] = defaultdict(set)
    theirs = rows.filter(Q(user_id__in=covering) | Q(user_id__in=covers))
    for key, role, person, *among in theirs.values_list(
        "content_object_id", "permission__codename", *columns
    ):
        passed_on = covers.get(person, ()) if role != ObjectRole.SUPPORT else ()
        for one in {person, *passed_on} & covering:
            single[one, among[0] if among else None].add(key)
    return [*found, *((person, among, len(keys)) for (person, among), keys in single.items())]
