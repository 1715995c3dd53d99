"""A portfolio: a named group of dossiers, opened to the members to whom it is granted."""

from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.grants import Grant, grant_constraints
from accounts.permissions import ObjectRole
from spreadsheets.text import fold
from tenancy import scopes
from tenancy.db import FirmKey, FirmWall, OwnerField
from tenancy.keys import uuid7


class PortfolioQuerySet(models.QuerySet["Portfolio"]):
    def named(self, name: str) -> Self:
        """Those of that name, case and accents aside."""
        return self.filter(name_key=fold(name))

    def with_counts(self) -> Self:
        """Annotated with `dossier_count` and `subscriber_count` (running grants)."""
        return self.annotate(dossier_count=Count("dossiers", distinct=True))


class Portfolio(models.Model):
    """A group of dossiers. Its name is unique in the firm, case and accents aside."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        "accounts.Firm", models.CASCADE, default=scopes.firm_id, editable=False, related_name="+"
    )
    name = models.CharField(_("Name"), max_length=100)
    name_key = models.CharField(max_length=100, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[PortfolioQuerySet] = PortfolioQuerySet.as_manager()  # type: ignore[assignment]
    access_paths = ("grants",)

    class Meta:
        default_permissions = ()
        permissions = [(ObjectRole.ACCOUNTANT, "Accountant"), (ObjectRole.READER, "Reader")]
        verbose_name = _("portfolio")
        ordering = ["name_key"]
        constraints = [
            FirmWall(name="portfolio_wall"),
            FirmKey(name="portfolio_key"),
            models.UniqueConstraint(
                fields=["firm", "name_key"],
                name="portfolio_name",
                violation_error_message=_("A portfolio of this name already exists in the firm."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keeps the folded name, on which uniqueness and search rest, beside the name."""
        self.name_key = fold(self.name)
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "name_key"}
        super().save(*args, **kwargs)

    firm_id: UUID


class PortfolioGrant(Grant):
    """A member's subscription to a portfolio, hence to its dossiers."""

    content_object = models.ForeignKey(
        Portfolio, models.CASCADE, db_constraint=False, related_name="grants"
    )

    class Meta(Grant.Meta):
        verbose_name = _("portfolio grant")
        constraints = grant_constraints("portfoliogrant")
