"""A view of the table of dossiers that somebody saved: columns, filters and order, under a name."""

from typing import Any, ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from spreadsheets.text import fold
from tenancy import scopes
from tenancy.db import FirmWall, OwnerField, SameFirm
from tenancy.keys import uuid7
from tenancy.prepared import Place


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def of(self, user_id: UUID | Place) -> Self:
        """The person's own, and those that are shared with the firm."""
        return self.filter(Q(owner=user_id) | Q(is_shared=True))


class SavedView(models.Model):
    """`query` is the list's query string; it may hold a client's name, so a view travels by its key."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        "accounts.Firm", models.CASCADE, default=scopes.firm_id, editable=False, related_name="+"
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, db_constraint=False, related_name="+")
    name = models.CharField(_("Name"), max_length=60)
    name_key = models.CharField(max_length=60, editable=False)
    query = models.TextField(max_length=2_000, blank=True)
    is_shared = models.BooleanField(_("Shared with the whole firm"), default=False)
    updated_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[SavedViewQuerySet] = SavedViewQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("saved view")
        ordering = ["name_key", "id"]
        constraints = [
            FirmWall(name="savedview_wall"),
            SameFirm(
                name="savedview_owner",
                field="owner",
                to="accounts.Membership",
                key="user_id",
                on_delete="CASCADE",
            ),
            models.UniqueConstraint(
                fields=["firm", "owner", "name_key"],
                name="savedview_name",
                violation_error_message=_("You already have a view of this name."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keeps the folded name, on which uniqueness rests, beside the name."""
        self.name_key = fold(self.name)[:60]
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "name_key"}
        super().save(*args, **kwargs)
