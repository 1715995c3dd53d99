"""A portfolio: a named group of dossiers, opened to the members to whom it is granted."""

from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.grants import Grant, grant_constraints
from accounts.permissions import ObjectRole, Perm
from spreadsheets.text import fold
from tenancy import scopes
from tenancy.db import FirmKey, FirmWall, OwnerField, SameFirm
from tenancy.keys import uuid7


class PortfolioQuerySet(models.QuerySet["Portfolio"]):
    def running(self) -> Self:
        """Those that have not been terminated."""
        return self.filter(terminated_at=None)

    def terminated(self) -> Self:
        return self.filter(terminated_at__isnull=False)

    def named(self, name: str) -> Self:
        """Those of that name, case and accents aside."""
        return self.filter(name_key=fold(name))

    def search(self, text: str) -> Self:
        """Those whose name holds each word, case and accents aside."""
        found = self
        for word in fold(text).split():
            found = found.filter(name_key__contains=word)
        return found

    def with_counts(self) -> Self:
        """Annotated with `dossier_count` (archived ones aside) and `subscriber_count` (by running grants)."""
        subscribers = PortfolioGrant.objects.running().filter(content_object=OuterRef("pk"))
        dossiers = _dossiers().filter(portfolio=OuterRef("pk"), archived_at=None)
        return self.annotate(
            dossier_count=_number(dossiers, "portfolio", Count("pk")),
            subscriber_count=_number(subscribers, "content_object", Count("user", distinct=True)),
        )


def _dossiers() -> models.QuerySet[Any]:
    """The model above, which hangs itself on `Portfolio.dossiers`."""
    related = Portfolio._meta.get_field("dossiers").related_model
    assert isinstance(related, type) and issubclass(related, models.Model)
    return related._default_manager.all()


def dossiers_in_none() -> models.QuerySet[Any]:
    """The clients' dossiers that stand in no portfolio, archived ones aside."""
    return _dossiers().filter(portfolio=None, is_own=False, archived_at=None)


def _number(rows: models.QuerySet[Any], group: str, count: Count) -> Coalesce:
    """Counted row by row of the page: a join of both would count every pair."""
    return Coalesce(Subquery(rows.order_by().values(group).annotate(number=count).values("number")), 0)


class Portfolio(models.Model):
    """A group of dossiers. Its name is unique in the firm, case and accents aside."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        "accounts.Firm", models.CASCADE, default=scopes.firm_id, editable=False, related_name="+"
    )
    name = models.CharField(_("Name"), max_length=100)
    name_key = models.CharField(max_length=100, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    terminated_at = models.DateTimeField(null=True, editable=False)
    # Where a terminated portfolio's dossiers went; None: they were left without one.
    successor = models.ForeignKey(
        "self", models.PROTECT, null=True, editable=False, db_constraint=False, related_name="+"
    )

    objects: ClassVar[PortfolioQuerySet] = PortfolioQuerySet.as_manager()  # type: ignore[assignment]
    access_paths = ("grants",)
    # A terminated one keeps its grants, for its restoration; until then administrators alone see it, unchanged.
    admins_only = Q(terminated_at__isnull=False)
    closed: ClassVar[dict[Perm, Q]] = dict.fromkeys(
        (Perm.ADD_TO_PORTFOLIO, Perm.CHANGE_PORTFOLIO, Perm.GRANT_PORTFOLIO), Q(terminated_at__isnull=False)
    )

    class Meta:
        default_permissions = ()
        permissions = [(ObjectRole.ACCOUNTANT, "Accountant"), (ObjectRole.READER, "Reader")]
        verbose_name = _("portfolio")
        ordering = ["name_key"]
        constraints = [
            FirmWall(name="portfolio_wall"),
            FirmKey(name="portfolio_key"),
            SameFirm(name="portfolio_successor", field="successor"),
            models.CheckConstraint(
                condition=Q(successor=None) | Q(terminated_at__isnull=False),
                name="portfolio_successor_of_ended",
            ),
            models.UniqueConstraint(
                fields=["firm", "name_key"],
                condition=Q(terminated_at=None),
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
        Portfolio, models.CASCADE, db_constraint=False, db_index=False, related_name="grants"
    )

    class Meta(Grant.Meta):
        verbose_name = _("portfolio grant")
        constraints = grant_constraints("portfoliogrant")
        indexes = [models.Index(fields=["firm", "content_object"], name="portfoliogrant_by_object")]
