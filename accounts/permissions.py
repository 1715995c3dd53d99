"""The only place that decides who may do what.

Four questions: `can(member, perm, obj)`, `require(…)` (the same, or an error), `permitted(queryset, member, perm)`
(which objects may this member…?), `holders(perm, obj)` (which members may…?: the audience of a mail).

An administrator may do everything in the firm. Others may do what their grants' roles allow on the objects that the
grants open; a model says by `access_paths` how grants reach it: `("assignments", "portfolio__grants")`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, cast
from uuid import UUID

from django.contrib.auth.models import Permission
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db import connection, models
from django.db.models import Exists, F, Func, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.grants import Grant
from accounts.models import OPEN_STATES, Membership, MembershipQuerySet, Role
from tenancy.keys import uuid7

M = TypeVar("M", bound=models.Model)


class ObjectRole(models.TextChoices):
    """What a grant makes of a person on one object: the codename of the permission."""

    ACCOUNTANT = "accountant", _("Accountant")
    READER = "reader", _("Reader")
    SUPPORT = "support", _("Technical support")


class Perm(StrEnum):
    """Everything that may be asked for. Those of `FIRM_PERMS` are asked of the firm, the others of an object."""

    # of the firm
    VIEW_MEMBERS = "view_members"
    MANAGE_MEMBERS = "manage_members"
    CHANGE_FIRM = "change_firm"
    CREATE_PORTFOLIO = "create_portfolio"
    CREATE_DOSSIER = "create_dossier"
    IMPORT_DOSSIERS = "import_dossiers"
    INVITE_CLIENTS = "invite_clients"
    VIEW_JOURNAL = "view_journal"
    ACCEPT_SIRET = "accept_siret"  # although its check digit fails
    # of a portfolio
    VIEW_PORTFOLIO = "view_portfolio"
    ADD_TO_PORTFOLIO = "add_to_portfolio"
    CHANGE_PORTFOLIO = "change_portfolio"
    GRANT_PORTFOLIO = "grant_portfolio"
    # of a dossier
    VIEW_DOSSIER = "view_dossier"
    CHANGE_DOSSIER = "change_dossier"
    ASSIGN_DOSSIER = "assign_dossier"
    INVITE_CLIENT = "invite_client"


FIRM_PERMS = frozenset(
    {
        Perm.VIEW_MEMBERS,
        Perm.MANAGE_MEMBERS,
        Perm.CHANGE_FIRM,
        Perm.CREATE_PORTFOLIO,
        Perm.CREATE_DOSSIER,
        Perm.IMPORT_DOSSIERS,
        Perm.INVITE_CLIENTS,
        Perm.VIEW_JOURNAL,
        Perm.ACCEPT_SIRET,
    }
)

# The one table of what each role may do. `manage.py permissions_page` prints it as docs/permissions.md.
ROLE_ALLOWS: dict[Role | ObjectRole, frozenset[Perm]] = {
    Role.ADMIN: frozenset(Perm),
    Role.COLLABORATOR: frozenset({Perm.VIEW_MEMBERS, Perm.CREATE_DOSSIER}),
    ObjectRole.ACCOUNTANT: frozenset(
        {Perm.VIEW_PORTFOLIO, Perm.ADD_TO_PORTFOLIO, Perm.VIEW_DOSSIER, Perm.CHANGE_DOSSIER}
    ),
    ObjectRole.READER: frozenset({Perm.VIEW_PORTFOLIO, Perm.VIEW_DOSSIER}),
    ObjectRole.SUPPORT: frozenset({Perm.VIEW_DOSSIER}),
}


class IsAny(Func):
    """`value = ANY(array)`: with an array of a subquery, its cost grows with what a person sees, not with the firm."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = models.BooleanField()


def can(member: Membership, perm: Perm, obj: models.Model | None = None) -> bool:
    """May this member do this, to this object (or in the firm, for one of FIRM_PERMS)? Asked of the database."""
    if perm in FIRM_PERMS:
        return Membership.objects.open().filter(pk=member.pk, role__in=_firm_roles(perm)).exists()
    if obj is None or obj.pk is None:
        return False
    return permitted(type(obj)._default_manager.filter(pk=obj.pk), member, perm).exists()


def allows(role: Role | ObjectRole, perm: Perm) -> bool:
    """Does the role, of a member or of a grant that was just read, include it? For what a page offers; not a check."""
    return perm in ROLE_ALLOWS[role]


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
    queryset = queryset.filter(firm_id=member.firm_id).exclude(_closed(queryset.model, perm))
    myself = Membership.objects.open().filter(pk=member.pk)
    if member.role == Role.ADMIN:
        return queryset.filter(Exists(myself.filter(role=Role.ADMIN)))
    return granted(queryset, member, perm).filter(Exists(myself))


def granted(queryset: QuerySet[M], member: Membership, perm: Perm) -> QuerySet[M]:
    """Of these objects, those that a running grant opens to the member, whatever their role in the firm allows.

    What lists call "mine"; whether they may enter the firm at all is asked by `permitted`.
    """
    opened = Q()
    for column, grants in _paths(queryset.model):
        mine = _running(grants, perm).filter(firm_id=member.firm_id, user_id=member.user_id)
        opened |= Q(IsAny(F(column), ArraySubquery(mine.values("content_object_id"))))
    return queryset.filter(opened).exclude(getattr(queryset.model, "admins_only", Q(pk__in=[])))


def holders(perm: Perm, obj: models.Model) -> MembershipQuerySet:
    """The members who may do this to the object now, with their person loaded: whom a mail about it concerns."""
    model = type(obj)
    if model._default_manager.filter(_closed(model, perm), pk=obj.pk).exists():
        return Membership.objects.none()
    reached = Q(role=Role.ADMIN)
    reserved = getattr(model, "admins_only", None)
    if reserved is None or not model._default_manager.filter(reserved, pk=obj.pk).exists():
        for column, grants in _paths(model):
            key = getattr(obj, "pk" if column == "pk" else column)
            mine = _running(grants, perm).filter(firm_id=OuterRef("firm_id"), user_id=OuterRef("user_id"))
            reached |= Q(Exists(mine.filter(content_object_id=key)))
    firm_id = obj.firm_id  # type: ignore[attr-defined]  # each model with access paths belongs to a firm
    return Membership.objects.open().filter(firm_id=firm_id).filter(reached).with_person()


def administrators() -> MembershipQuerySet:
    """The administrators of the firm in scope, as recipients."""
    return Membership.objects.administrators().with_person()


# --- writing grants: called by the actions of the apps that own them --------------------------------------


def give(
    grants: type[Grant],
    *,
    objects: Iterable[models.Model],
    members: Iterable[Membership],
    role: ObjectRole,
    by: Membership | None,
    until: datetime | None = None,
) -> list[tuple[models.Model, Membership]]:
    """Give each member the role on each object, set-based; a renewal revives an expired row.

    Returns the pairs that had no running grant of that role before. The database refuses a stranger to the firm.
    """
    pairs = [(obj, member) for obj in objects for member in members]
    running = set(
        _unexpired(_rows(grants))
        .filter(
            permission_id=role_id(grants, role),
            user_id__in={member.user_id for _obj, member in pairs},
            content_object_id__in={obj.pk for obj, _member in pairs},
        )
        .values_list("content_object_id", "user_id")
    )
    row = cast(Any, grants)  # the subclass has the `content_object` that the abstract grant lacks
    _rows(grants).bulk_create(
        [
            row(
                firm_id=member.firm_id,
                user_id=member.user_id,
                content_object_id=obj.pk,
                permission_id=role_id(grants, role),
                granted_by_id=by.user_id if by else None,
                granted_at=timezone.now(),
                expires_at=until,
            )
            for obj, member in pairs
        ],
        update_conflicts=True,
        unique_fields=["firm", "user", "permission", "content_object"],
        update_fields=["granted_by", "granted_at", "expires_at"],
        batch_size=5_000,
    )
    return [(obj, member) for obj, member in pairs if (obj.pk, member.user_id) not in running]


def give_many(
    grants: type[Grant], *, pairs: Sequence[tuple[UUID, UUID]], role: ObjectRole, by: Membership
) -> None:
    """As `give`, for many pairs of an object's and a person's key at once: one statement, whatever their number."""
    if not pairs:
        return
    objects, people = zip(*pairs, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {connection.ops.quote_name(grants._meta.db_table)}
                (id, firm_id, user_id, content_object_id, permission_id, granted_by_id, granted_at, expires_at)
            SELECT pair.id, %s, pair.person, pair.object, %s, %s, now(), NULL
            FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[]) AS pair (id, object, person)
            ON CONFLICT (firm_id, user_id, permission_id, content_object_id) DO UPDATE
            SET granted_by_id = excluded.granted_by_id, granted_at = excluded.granted_at, expires_at = NULL
            """,
            [
                by.firm_id,
                role_id(grants, role),
                by.user_id,
                [uuid7() for _ in pairs],
                list(objects),
                list(people),
            ],
        )


def take(grants: type[Grant], *, obj: models.Model, member: Membership) -> int:
    """Take every role of the member on the object; returns how many rows went."""
    rows = _rows(grants).filter(content_object_id=obj.pk)
    return rows.filter(firm_id=member.firm_id, user_id=member.user_id).delete()[0]


def grants_on(grants: type[Grant], obj: models.Model) -> list[dict[str, Any]]:
    """The running grants on one object: `user_id`, `role`, `granted_at`, `granted_by_id`, `expires_at`."""
    rows = _unexpired(_rows(grants).filter(content_object_id=obj.pk))
    return list(
        rows.order_by("granted_at", "id").values(
            "user_id", "granted_at", "granted_by_id", "expires_at", role=F("permission__codename")
        )
    )


def role_id(grants: type[Grant], role: ObjectRole) -> int:
    """The key of the permission row that stands for the role on the grant's kind of object."""
    return _role_ids(_target_label(grants))[role]


_known_role_ids: dict[str, dict[str, int]] = {}


def _role_ids(label: str) -> dict[str, int]:
    """Codename → key, asked once per process; an empty answer (the migrations are not through yet) is not kept."""
    if not _known_role_ids.get(label):
        app_label, model = label.split(".")
        rows = Permission.objects.filter(content_type__app_label=app_label, content_type__model=model)
        _known_role_ids[label] = dict(rows.values_list("codename", "id"))
    return _known_role_ids[label]


@cache
def _firm_roles(perm: Perm) -> list[Role]:
    return [role for role, perms in ROLE_ALLOWS.items() if isinstance(role, Role) and perm in perms]


def _object_roles(perm: Perm) -> list[ObjectRole]:
    return [role for role, perms in ROLE_ALLOWS.items() if isinstance(role, ObjectRole) and perm in perms]


def _paths(model: type[models.Model]) -> list[tuple[str, type[Grant]]]:
    """How grants reach the model: (own column, grant model) for each of its `access_paths`."""
    paths = []
    for path in model.access_paths:  # type: ignore[attr-defined]  # declared by each model that is granted
        owner, _, relation = path.rpartition("__")
        target = cast(type[models.Model], model._meta.get_field(owner).related_model) if owner else model
        grants = cast(type[Grant], target._meta.get_field(relation).related_model)
        paths.append((f"{owner}_id" if owner else "pk", grants))
    return paths


def _closed(model: type[models.Model], perm: Perm) -> Q:
    """The objects on which nobody in the firm has this permission."""
    condition = getattr(model, "closed", {}).get(perm)
    if condition is None:
        return Q(pk__in=[])
    # A subquery, because `exclude` would let each half of a condition on a relation match another row.
    return Q(pk__in=model._default_manager.filter(condition).values("pk"))


def _running(grants: type[Grant], perm: Perm) -> QuerySet[Any]:
    """The unexpired grants whose role allows the permission."""
    ids = _role_ids(_target_label(grants))
    allowed = [ids[role] for role in _object_roles(perm) if role in ids]
    return _unexpired(_rows(grants).filter(permission_id__in=allowed))


def _target_label(grants: type[Grant]) -> str:
    target = cast(Any, grants)._meta.get_field("content_object").related_model
    return str(target._meta.label_lower)


def _rows(grants: type[Grant]) -> QuerySet[Any]:
    return cast(QuerySet[Any], grants._default_manager.all())


def _unexpired(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(Q(expires_at=None) | Q(expires_at__gt=Now()))


__all__ = [
    "FIRM_PERMS",
    "OPEN_STATES",
    "ROLE_ALLOWS",
    "ObjectRole",
    "Perm",
    "administrators",
    "allows",
    "can",
    "give",
    "give_many",
    "granted",
    "grants_on",
    "holders",
    "permitted",
    "require",
    "role_id",
    "take",
]
