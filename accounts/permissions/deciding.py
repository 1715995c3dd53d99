"""The questions: may this member, which objects may this member, which members may."""

from functools import cache
from typing import Any, TypeVar, cast
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import EmptyResultSet, PermissionDenied
from django.db import models
from django.db.models import Exists, F, Q, QuerySet

from accounts.grants import Grant
from accounts.models import Membership, MembershipQuerySet, Replacement, Role
from accounts.permissions.reading import paths, role_ids, running, without_closed, without_reserved
from accounts.permissions.roles import FIRM_PERMS, ObjectRole, Perm, firm_roles
from tenancy.expressions import Compiled, IsAny, WithOne
from tenancy.prepared import Place, PreparedModels, compiled_once, put_in

M = TypeVar("M", bound=models.Model)


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
    is_admin = member.role == Role.ADMIN
    queryset = queryset.filter(_may_enter(member, is_admin), firm_id=member.firm_id)
    queryset = without_closed(queryset, perm)
    return queryset if is_admin else granted(queryset, member, perm)


def granted(queryset: QuerySet[M], member: Membership, perm: Perm) -> QuerySet[M]:
    """Of these objects, those that a running grant opens to the member, whatever their role in the firm allows.

    What lists call "mine": their own grants, and those of whom they replace. Whether they may enter the firm at all is
    asked by `permitted`.
    """
    opened = Q(pk__in=[])
    for column, grants in paths(queryset.model):
        opened |= Q(IsAny(F(column), _keys_opened(grants, member, perm)))
    return without_reserved(queryset.filter(opened))


def _may_enter(member: Membership, is_admin: bool) -> Compiled:
    """Is their membership open (and an administrator's still)?"""
    sql, params = _may_enter_sql(is_admin)
    return Compiled(sql, put_in(params, keys_of(member)), models.BooleanField())


def _keys_opened(grants: type[Grant], member: Membership, perm: Perm) -> Compiled:
    """The array of the keys of the objects that such grants open to the member, their own or of whom they replace."""
    # Without roles, the migrations are not through yet.
    sql, params = _keys_opened_sql(grants, perm) if role_ids(grants) else _NO_KEYS
    return Compiled(sql, put_in(params, keys_of(member)), ArrayField(models.UUIDField()))


# These two queries are put together once; what stands in them for a member is then replaced by the member's own keys.
_A_FIRM, _A_MEMBER, _A_PERSON = Place("firm"), Place("member"), Place("person")
_NO_KEYS: tuple[str, tuple[Any, ...]] = ("'{}'::uuid[]", ())


def anybody(role: Role) -> Membership:
    """A stand-in for the member who asks, for queries that are prepared; `keys_of` says what is put in its places."""
    member = Membership(role=role)
    member.pk, member.firm_id, member.user_id = cast(Any, (_A_MEMBER, _A_FIRM, _A_PERSON))
    return member


def keys_of(member: Membership) -> dict[str, Any]:
    """What is put into a prepared query that asks for `anybody`."""
    return {"firm": member.firm_id, "member": member.pk, "person": member.user_id}


@cache
def _may_enter_sql(is_admin: bool) -> tuple[str, tuple[Any, ...]]:
    myself = Membership.objects.open().filter(pk=_A_MEMBER, firm_id=_A_FIRM)
    found = myself.filter(role=Role.ADMIN) if is_admin else myself
    sql, params = compiled_once(found.order_by().values("pk"))
    return f"EXISTS({sql})", params


@cache
def _keys_opened_sql(grants: type[Grant], perm: Perm) -> tuple[str, tuple[Any, ...]]:
    absent = replaced(grants).filter(cover_id=_A_PERSON, firm_id=_A_FIRM).order_by()
    # One array of people: the index on grants is entered by it, as it would not be by an OR.
    people = WithOne(ArraySubquery(absent.values("absent_id")), _A_PERSON)
    of_them = running(grants, perm).filter(IsAny(F("user_id"), people), firm_id=_A_FIRM)
    opened = of_them.filter(Q(user_id=_A_PERSON) | passed_on(grants))
    try:
        sql, params = compiled_once(opened.values("content_object_id"))
    except EmptyResultSet:  # no grant's role allows it
        return _NO_KEYS
    return f"ARRAY({sql})", params


def holders(perm: Perm, obj: models.Model) -> list[Membership]:
    """The members who may do this to the object now, with their person loaded: whom a mail about it concerns."""
    if not all(
        role_ids(grants) for _column, grants in paths(type(obj))
    ):  # the migrations are not through yet
        return list(holders_of_any(perm, type(obj)._default_manager.filter(pk=obj.pk)))
    return _holders(type(obj), perm).all(object=obj.pk)


@cache
def _holders(model: type[models.Model], perm: Perm) -> PreparedModels:
    """Each event about such an object asks."""

    def build() -> MembershipQuerySet:
        open_to_some = without_closed(model._default_manager.filter(pk=Place("object")), perm).order_by()
        return Membership.objects.open().filter(_reached(open_to_some, perm), Exists(open_to_some))

    return PreparedModels(Membership, "user", build)


def holders_of_any(perm: Perm, objects: QuerySet[M]) -> MembershipQuerySet:
    """The members who may do this to at least one of these objects of the firm in scope, with their person loaded."""
    open_to_some = without_closed(objects, perm).order_by()
    members = Membership.objects.open().with_person()
    return members.filter(_reached(open_to_some, perm)) if open_to_some.exists() else members.none()


def _reached(objects: QuerySet[M], perm: Perm) -> Q:
    """Administrators, and whom a grant leads to one of these at least; or to that of somebody whom they replace."""
    reached = Q(role=Role.ADMIN)
    for column, grants in paths(objects.model):
        columns = without_reserved(objects).values(column)
        of_these = running(grants, perm).filter(IsAny(F("content_object_id"), ArraySubquery(columns)))
        reached |= Q(IsAny(F("user_id"), ArraySubquery(of_these.values("user_id"))))
        absent = of_these.filter(passed_on(grants)).values("user_id")
        covers = replaced(grants).filter(IsAny(F("absent_id"), ArraySubquery(absent))).order_by()
        reached |= Q(IsAny(F("user_id"), ArraySubquery(covers.values("cover_id"))))
    return reached


def reach(objects: QuerySet[M], perm: Perm) -> dict[UUID, set[UUID]]:
    """Who reaches which of these objects of the firm in scope by a grant: a person's key → the objects' keys.

    The open members who are not administrators (who reach all). Two queries for each way that grants take; the answer
    grows with objects × people, so it is for what a page or an action holds, not for a whole firm.
    """
    people = dict(Membership.objects.open().values_list("user_id", "role"))
    objects = without_reserved(without_closed(objects, perm)).order_by()
    found: dict[UUID, set[UUID]] = {}
    for column, grants in paths(objects.model):
        of_column: dict[UUID, list[UUID]] = {}
        for key, value in objects.exclude(**{column: None}).values_list("pk", column):
            of_column.setdefault(value, []).append(key)
        opened = running(grants, perm).filter(content_object_id__in=list(of_column))
        covers = covers_by_absent(grants)
        for user_id, key, role in opened.values_list("user_id", "content_object_id", "permission__codename"):
            passed_on = covers.get(user_id, ()) if role != ObjectRole.SUPPORT else ()
            for person in (user_id, *passed_on):
                if people.get(person) not in (None, Role.ADMIN):
                    found.setdefault(person, set()).update(of_column[key])
    return found


def administrators() -> MembershipQuerySet:
    """The administrators of the firm in scope, as recipients."""
    return Membership.objects.administrators().with_person()


def replaced(grants: type[Grant]) -> "QuerySet[Replacement]":
    """The replacements of this moment that pass on what such grants open."""
    now = Replacement.objects.running()
    return now.filter(includes_assignments=True) if _opens_one_by_one(grants) else now


def covers_by_absent(grants: type[Grant]) -> dict[UUID, list[UUID]]:
    """Who covers whom at this moment: the absent person's key → those of the covers."""
    covers: dict[UUID, list[UUID]] = {}
    for absent, cover in replaced(grants).values_list("absent_id", "cover_id"):
        covers.setdefault(absent, []).append(cover)
    return covers


def passed_on(grants: type[Grant]) -> Q:
    """The grants that a cover gets too: all but technical support, which the client has authorised by name."""
    support = role_ids(grants).get(ObjectRole.SUPPORT)
    return ~Q(permission_id=support) if support else ~Q(pk__in=[])


def _opens_one_by_one(grants: type[Grant]) -> bool:
    """Is it a grant on the thing itself that has a technical support: a single dossier, not a portfolio?"""
    return ObjectRole.SUPPORT in role_ids(grants)
