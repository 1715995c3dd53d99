"""The abstract grant: a guardian direct-foreign-key permission that knows its firm, its giver and its end.

The permission's codename is the role that the person has on the object. Written and read by `accounts.permissions`
alone, with set-based queries; guardian's own shortcuts are not used (docs/decisions/).
"""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from guardian.models import UserObjectPermissionBase

from tenancy import scopes
from tenancy.db import FirmWall, OwnerField, SameFirm
from tenancy.keys import uuid7


def unexpired(path: str = "") -> Q:
    """That grants run, by the database's clock; `path` leads to them, with `__` at its end."""
    return Q(**{f"{path}expires_at": None}) | Q(**{f"{path}expires_at__gt": Now()})


class GrantQuerySet(models.QuerySet[Any]):
    def running(self) -> Self:
        """Those that have not expired."""
        return self.filter(unexpired())


class Grant(UserObjectPermissionBase):
    """One person's role on one object. A subclass adds `content_object` and lists `grant_constraints()`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Grants are looked for by firm and person, or by object: other indexes would only cost those who write thousands.
    # Nor are the firm (the member's key says that it is there) and the permission (migrations alone write those)
    # checked row by row.
    firm = OwnerField(
        "accounts.Firm",
        models.CASCADE,
        default=scopes.firm_id,
        editable=False,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    permission = models.ForeignKey(
        Permission, models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    granted_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)

    objects: ClassVar[GrantQuerySet] = GrantQuerySet.as_manager()  # type: ignore[assignment]  # not guardian's

    class Meta:
        abstract = True
        default_permissions = ()


def grant_constraints(table: str) -> list[models.BaseConstraint]:
    """The wall, the composite keys (object, member, giver) and the one row per person and object: it holds the role."""
    return [
        FirmWall(name=f"{table}_wall"),
        SameFirm(name=f"{table}_object", field="content_object", on_delete="CASCADE"),
        SameFirm(
            name=f"{table}_member",
            field="user",
            to="accounts.Membership",
            key="user_id",
            on_delete="CASCADE",
        ),
        SameFirm(
            name=f"{table}_giver",
            field="granted_by",
            to="accounts.Membership",
            key="user_id",
            on_delete="SET NULL (granted_by_id)",
        ),
        models.UniqueConstraint(fields=["firm", "user", "content_object"], name=f"{table}_once"),
    ]
