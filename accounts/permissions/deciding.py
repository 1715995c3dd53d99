"""The questions: may this member, which objects may this member, which members may."""

from typing import TypeVar
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Exists, F, Func, Q, QuerySet

from accounts.grants import Grant
from accounts.models import Membership, MembershipQuerySet, Replacement, Role
from accounts.permissions.reading import closed, paths, reserved, role_ids, running
from accounts.permissions.roles import FIRM_PERMS, ObjectRole, Perm, firm_roles
from tenancy.scopes import current

M = TypeVar("M", bound=models.Model)


class IsAny(Func):
    """`value = ANY(array)`: with an array of a subquery, its cost grows with what a person sees, not with the firm."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = models.BooleanField()


def can(member: Membership, perm: Perm, obj: models.Model | None = None) -> bool:
    """May this member do this, to this object (or in the firm, for one of FIRM_PERMS)? Asked of the database."""
    if perm in FIRM_PERMS:
        return Membership.objects.open().filter(pk=member.pk, role__in=firm_roles(perm)).exists()
    if obj is None or obj.pk is None:
        return False
    return permitted(type(obj)._default_manager.filter(pk=obj.pk), member, perm).exists()


def require(member: Membership, perm: Perm, obj: models.Model | None = None) -> None:
    """Raise PermissionDenied unless the member may."""
    if not can(member, perm, obj):
        raise PermissionDenied(perm)


def permitted(queryset: QuerySet[M], member: Membership, perm: Perm) -> QuerySet[M]:
    """Of these objects, those to which the member may do this now.

    The query itself asks for an open membership and an unexpired grant, so it holds at the next request whatever
    was loaded before. A model with `admins_only` (a Q) keeps those objects to administrators; one with `closed` (a Q
    per permission) keeps those that match from everybody, administrators included.
    """
    queryset = queryset.filter(firm_id=member.firm_id).exclude(closed(queryset.model, perm))
    myself = Membership.objects.open().filter(pk=member.pk)
    if member.role == Role.ADMIN:
        return queryset.filter(Exists(myself.filter(role=Role.ADMIN)))
    return granted(queryset, member, perm).filter(Exists(myself))


def granted(queryset: QuerySet[M], member: Membership, perm: Perm) -> QuerySet[M]:
    """Of these objects, those that a running grant opens to the member, whatever their role in the firm allows.

    What lists call "mine": their own grants, and those of whom they replace. Whether they may enter the firm at all is
    asked by `permitted`.
    """
    opened = Q()
    for column, grants in paths(queryset.model):
        absent = _replaced(grants).filter(cover_id=member.user_id)
        theirs = Q(IsAny(F("user_id"), ArraySubquery(absent.values("absent_id")))) & _passed_on(grants)
        mine = running(grants, perm).filter(Q(user_id=member.user_id) | theirs, firm_id=member.firm_id)
        opened |= Q(IsAny(F(column), ArraySubquery(mine.values("content_object_id"))))
    return queryset.filter(opened).exclude(reserved(queryset.model))


def holders(perm: Perm, obj: models.Model) -> MembershipQuerySet:
    """The members who may do this to the object now, with their person loaded: whom a mail about it concerns."""
    return holders_of_any(perm, type(obj)._default_manager.filter(pk=obj.pk))


def holders_of_any(perm: Perm, objects: QuerySet[M]) -> MembershipQuerySet:
    """The members who may do this to at least one of these objects of the firm in scope, with their person loaded."""
    open_to_some = objects.exclude(closed(objects.model, perm)).order_by()
    members = Membership.objects.open().with_person()
    if not open_to_some.exists():
        return members.none()
    reached = Q(role=Role.ADMIN)
    for column, grants in paths(objects.model):
        columns = open_to_some.exclude(reserved(objects.model)).values(column)
        of_these = running(grants, perm).filter(IsAny(F("content_object_id"), ArraySubquery(columns)))
        reached |= Q(IsAny(F("user_id"), ArraySubquery(of_these.values("user_id"))))
        absent = of_these.filter(_passed_on(grants)).values("user_id")
        covers = _replaced(grants).filter(IsAny(F("absent_id"), ArraySubquery(absent)))
        reached |= Q(IsAny(F("user_id"), ArraySubquery(covers.values("cover_id"))))
    return members.filter(reached)


def reach(objects: QuerySet[M], perm: Perm) -> dict[UUID, set[UUID]]:
    """Who reaches which of these objects of the firm in scope by a grant: a person's key → the objects' keys.

    The open members who are not administrators (who reach all). Two queries for each way that grants take; the answer
    grows with objects × people, so it is for what a page or an action holds, not for a whole firm.
    """
    people = dict(Membership.objects.open().values_list("user_id", "role"))
    objects = objects.exclude(closed(objects.model, perm)).exclude(reserved(objects.model)).order_by()
    found: dict[UUID, set[UUID]] = {}
    for column, grants in paths(objects.model):
        of_column: dict[UUID, list[UUID]] = {}
        for key, value in objects.exclude(**{column: None}).values_list("pk", column):
            of_column.setdefault(value, []).append(key)
        opened = running(grants, perm).filter(content_object_id__in=list(of_column))
        covers = _covers(grants)
        for user_id, key, role in opened.values_list("user_id", "content_object_id", "permission__codename"):
            passed_on = covers.get(user_id, ()) if role != ObjectRole.SUPPORT else ()
            for person in (user_id, *passed_on):
                if people.get(person) not in (None, Role.ADMIN):
                    found.setdefault(person, set()).update(of_column[key])
    return found


def administrators() -> MembershipQuerySet:
    """The administrators of the firm in scope, as recipients."""
    return Membership.objects.administrators().with_person()


def stands_in_for(member: Membership, obj: models.Model) -> Membership | None:
    """Whom the member replaces, if that alone is how they reach the object; one query where they replace nobody.

    Nobody, where the code stands on another side of the wall: what reaches a client is the firm's, whoever did it.
    """
    if current().firm_id != member.firm_id or member.role == Role.ADMIN or not hasattr(obj, "access_paths"):
        return None
    absent = list(
        Replacement.objects.running().filter(cover_id=member.user_id).values_list("absent_id", flat=True)
    )
    if not absent:
        return None
    people = set()
    for column, grants in paths(type(obj)):
        key = getattr(obj, "pk" if column == "pk" else column)
        of_obj = running(grants, Perm.VIEW_DOSSIER).filter(content_object_id=key)
        people |= set(of_obj.filter(user_id__in=[member.user_id, *absent]).values_list("user_id", flat=True))
    if member.user_id in people:
        return None
    return Membership.objects.filter(user_id__in=people or absent).order_by("pk").first()


def _replaced(grants: type[Grant]) -> "QuerySet[Replacement]":
    """The replacements of this moment that pass on what such grants open."""
    now = Replacement.objects.running()
    return now.filter(includes_assignments=True) if _opens_one_by_one(grants) else now


def _covers(grants: type[Grant]) -> dict[UUID, list[UUID]]:
    """Who covers whom at this moment: the absent person's key → those of the covers."""
    covers: dict[UUID, list[UUID]] = {}
    for absent, cover in _replaced(grants).values_list("absent_id", "cover_id"):
        covers.setdefault(absent, []).append(cover)
    return covers


def _passed_on(grants: type[Grant]) -> Q:
    """The grants that a cover gets too: all but technical support, which the client has authorised by name."""
    support = role_ids(grants).get(ObjectRole.SUPPORT)
    return ~Q(permission_id=support) if support else Q()


def _opens_one_by_one(grants: type[Grant]) -> bool:
    """Is it a grant on the thing itself that has a technical support: a single dossier, not a portfolio?"""
    return ObjectRole.SUPPORT in role_ids(grants)
