"""How the grants of each model are read: which rows run, which roles they stand for, how they reach an object."""

from typing import Any, TypeVar, cast

from django.contrib.auth.models import Permission
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.grants import Grant, unexpired
from accounts.permissions.roles import ObjectRole, Perm, object_roles

M = TypeVar("M", bound=models.Model)

_known_role_ids: dict[str, dict[str, int]] = {}


def role_id(grants: type[Grant], role: ObjectRole) -> int:
    """The key of the permission row that stands for the role on the grant's kind of object."""
    return role_ids(grants)[role]


def role_ids(grants: type[Grant]) -> dict[str, int]:
    """Role → key, asked once per process; an empty answer (the migrations are not through yet) is not kept."""
    target = cast(Any, grants)._meta.get_field("content_object").related_model
    label = str(target._meta.label_lower)
    if not _known_role_ids.get(label):
        app_label, model = label.split(".")
        rows = Permission.objects.filter(content_type__app_label=app_label, content_type__model=model)
        _known_role_ids[label] = dict(rows.values_list("codename", "id"))
    return _known_role_ids[label]


def roles_by_id(grants: type[Grant]) -> dict[int, ObjectRole]:
    """The other way round."""
    return {key: ObjectRole(codename) for codename, key in role_ids(grants).items()}


def paths(model: type[models.Model]) -> list[tuple[str, type[Grant]]]:
    """How grants reach the model: (own column, grant model) for each of its `access_paths`."""
    found = []
    for path in model.access_paths:  # type: ignore[attr-defined]  # declared by each model that is granted
        owner, _, relation = path.rpartition("__")
        target = cast(type[models.Model], model._meta.get_field(owner).related_model) if owner else model
        grants = cast(type[Grant], target._meta.get_field(relation).related_model)
        found.append((f"{owner}_id" if owner else "pk", grants))
    return found


def rows(grants: type[Grant]) -> QuerySet[Any]:
    return cast(QuerySet[Any], grants._default_manager.all())


def running(grants: type[Grant], perm: Perm) -> QuerySet[Any]:
    """The unexpired grants whose role allows the permission."""
    return rows(grants).filter(allowing(grants, perm))


def allowing(grants: type[Grant], perm: Perm, path: str = "") -> Q:
    """That grants run and their role allows the permission; `path` leads to them, with `__` at its end."""
    ids = role_ids(grants)
    allowed = [ids[role] for role in object_roles(perm) if role in ids]
    return Q(**{f"{path}permission_id__in": allowed}) & unexpired(path)


def grants_on(grants: type[Grant], obj: models.Model) -> list[dict[str, Any]]:
    """The running grants on one object: `user_id`, `role`, `granted_at`, `granted_by_id`, `expires_at`."""
    found = cast(Any, rows(grants).filter(content_object_id=obj.pk)).running()
    return list(
        found.order_by("granted_at", "id").values(
            "user_id", "granted_at", "granted_by_id", "expires_at", role=F("permission__codename")
        )
    )


def without_closed(queryset: QuerySet[M], perm: Perm) -> QuerySet[M]:
    """Without the objects on which nobody in the firm has this permission."""
    condition = getattr(queryset.model, "closed", {}).get(perm)
    if condition is None:
        return queryset
    # A query of its own, because `exclude` would let each half of a condition on a relation match another row.
    themselves = queryset.model._default_manager.filter(condition, pk=OuterRef("pk"))
    return queryset.exclude(Exists(themselves))


def without_reserved(queryset: QuerySet[M]) -> QuerySet[M]:
    """Without the objects that administrators alone reach."""
    condition = getattr(queryset.model, "admins_only", None)
    return queryset if condition is None else queryset.exclude(condition)
