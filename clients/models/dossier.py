"""A firm's record of one client, and the assignment that opens a single one to a member."""

import re
from collections.abc import Collection
from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.grants import Grant, grant_constraints
from accounts.permissions import ObjectRole, Perm
from clients.models.details import ClientDetails, DossierKind
from portfolios.models import Portfolio
from spreadsheets.text import fold
from tenancy import scopes
from tenancy.db import FirmKey, FirmWall, OwnerField, SameFirm
from tenancy.keys import uuid7

__all__ = ["Assignment", "Dossier", "DossierKind", "DossierQuerySet", "FormerPlace"]


class DossierQuerySet(models.QuerySet["Dossier"]):
    def clients(self) -> Self:
        """Without the firm's own dossier."""
        return self.filter(is_own=False)

    def active(self) -> Self:
        """Without those that are archived: what lists and counts hold."""
        return self.filter(archived_at=None)

    def archived(self) -> Self:
        return self.filter(archived_at__isnull=False)

    def in_portfolio(self, portfolio: Portfolio) -> Self:
        return self.filter(portfolio=portfolio)

    def search(self, text: str) -> Self:
        """Those whose name, SIREN/SIRET, reference or Urssaf account holds each word, case and accents aside."""
        found = self
        for word in fold(text).split():
            found = found.filter(search_key__contains=word)
        if (digits := re.sub(r"[\s.\u00a0\u202f-]", "", text)).isdigit():
            return self.filter(search_key__contains=digits)
        return found


class Dossier(ClientDetails):
    """A firm's record of one client. One of them is the firm's own, which administrators alone see."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        "accounts.Firm",
        models.CASCADE,
        db_index=False,
        default=scopes.firm_id,
        editable=False,
        related_name="+",
    )
    portfolio = models.ForeignKey(
        Portfolio,
        models.PROTECT,
        null=True,
        blank=True,
        db_constraint=False,
        related_name="dossiers",
        verbose_name=_("Portfolio"),
    )
    is_own = models.BooleanField(default=False, editable=False)
    reference = models.CharField(_("Reference"), max_length=30, blank=True)
    urssaf_account = models.CharField(_("Urssaf account number"), max_length=20, blank=True)
    naf_code = models.CharField(_("NAF code"), max_length=6, blank=True)
    legal_form = models.CharField(_("Legal form"), max_length=4, blank=True)
    legal_representative = models.CharField(_("Legal representative"), max_length=160, blank=True)
    fiscal_year_end = models.CharField(_("Fiscal year end"), max_length=5, blank=True)
    name_key = models.CharField(max_length=250, editable=False)
    search_key = models.TextField(editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    archived_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[DossierQuerySet] = DossierQuerySet.as_manager()  # type: ignore[assignment]
    access_paths = ("assignments", "portfolio__grants")
    admins_only = Q(is_own=True)
    # What the client allows caps everyone in the firm: a dossier linked for reading only is not changed by anybody. Nor
    # is an archived one, until it is restored; nor one whose client has left, unless they come back. In which portfolio
    # that one stands is the firm's own affair all the same.
    closed = {
        Perm.CHANGE_DOSSIER: Q(archived_at__isnull=False)
        | Q(links__right="read", links__waiting=False) & (Q(links__until=None) | Q(links__until__gt=Now()))
        | Q(links__waiting=False, links__until__lte=Now()) & ~Q(links__until=None),
        Perm.MOVE_DOSSIER: Q(archived_at__isnull=False)
        | Q(links__right="read", links__waiting=False) & (Q(links__until=None) | Q(links__until__gt=Now())),
        Perm.INVITE_CLIENT: Q(archived_at__isnull=False),
        Perm.LINK_DOSSIER: Q(archived_at__isnull=False),
        Perm.ADD_FILES: Q(archived_at__isnull=False)
        | Q(links__right="read", links__waiting=False) & (Q(links__until=None) | Q(links__until__gt=Now())),
    }

    class Meta:
        default_permissions = ()
        permissions = [(role.value, str(role.name).title()) for role in ObjectRole]
        verbose_name = _("dossier")
        ordering = ["name_key", "id"]
        constraints = [
            FirmWall(name="dossier_wall"),
            FirmKey(name="dossier_key"),
            SameFirm(name="dossier_portfolio", field="portfolio"),
            models.UniqueConstraint(fields=["firm"], condition=Q(is_own=True), name="dossier_one_own"),
            models.UniqueConstraint(
                fields=["firm", "reference"],
                condition=~Q(reference=""),
                name="dossier_reference",
                violation_error_message=_("Another dossier of the firm already has this reference."),
            ),
            models.CheckConstraint(
                condition=Q(is_own=False) | Q(portfolio=None), name="dossier_own_in_no_portfolio"
            ),
            models.CheckConstraint(
                condition=Q(is_own=False) | Q(archived_at=None), name="dossier_own_not_archived"
            ),
            models.CheckConstraint(
                condition=~Q(legal_name="") | (Q(kind=DossierKind.INDIVIDUAL) & ~Q(last_name="")),
                name="dossier_has_name",
                violation_error_message=_("A dossier needs a name."),
            ),
            # Checksums are for forms and imports, which know of official numbers that fail theirs.
            models.CheckConstraint(condition=Q(siren__regex=r"^(\d{9})?$"), name="dossier_siren_digits"),
            models.CheckConstraint(
                condition=Q(siret="")
                | Q(siret__regex=r"^\d{14}$", siret__startswith=F("siren")) & ~Q(siren=""),
                name="dossier_siret_of_siren",
            ),
            models.CheckConstraint(condition=Q(urssaf_account__regex=r"^\d*$"), name="dossier_urssaf_digits"),
        ]
        indexes = [
            # What is asked of the list's usual dossiers stands in the index: a page's keys are found there alone.
            models.Index(
                fields=["firm", "name_key", "id"],
                include=["portfolio"],
                condition=Q(archived_at=None, is_own=False),
                name="dossier_by_name",
            ),
            models.Index(
                fields=["firm", "name_key", "id"],
                condition=Q(archived_at__isnull=False),
                name="dossier_archived_by_name",
            ),
            # Without the firm in it, PostgreSQL would walk through the creations of all firms.
            models.Index(
                fields=["firm", "id"],
                include=["portfolio"],
                condition=Q(archived_at=None, is_own=False),
                name="dossier_by_creation",
            ),
            models.Index(
                fields=["portfolio", "name_key", "id"],
                include=["firm"],
                condition=Q(archived_at=None),
                name="dossier_by_portfolio",
            ),
            models.Index(fields=["firm", "siren", "id"], name="dossier_by_siren"),
            models.Index(fields=["firm", "reference", "id"], name="dossier_by_reference"),
            # What an import has left as it wrote it, and what has come since.
            models.Index(fields=["firm", "updated_at"], name="dossier_by_change"),
        ]

    firm_id: UUID

    def derive_keys(self) -> None:
        """Set what lists sort by and search in, from the fields that people fill in; a SIRET tells its SIREN."""
        self.siren = self.siren or self.siret[:9]
        self.name_key = fold(self.name)[:250]
        words = [self.name, self.reference, self.siret or self.siren, self.urssaf_account]
        self.search_key = fold(" ".join(word for word in words if word))

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.derive_keys()
        fields: Collection[str] | None = kwargs.get("update_fields")
        if fields is not None:
            kwargs["update_fields"] = {*fields, "siren", "name_key", "search_key", "updated_at"}
        self.updated_at = timezone.now()
        super().save(*args, **kwargs)


class FormerPlace(models.Model):
    """In which portfolio a dossier stood when that portfolio was terminated: what restoring it goes by."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        "accounts.Firm", models.CASCADE, default=scopes.firm_id, editable=False, related_name="+"
    )
    portfolio = models.ForeignKey(
        Portfolio, models.CASCADE, db_constraint=False, related_name="former_dossiers"
    )
    dossier = models.ForeignKey(Dossier, models.CASCADE, db_constraint=False, related_name="former_places")

    class Meta:
        default_permissions = ()
        verbose_name = _("former place")
        constraints = [
            FirmWall(name="formerplace_wall"),
            SameFirm(name="formerplace_portfolio", field="portfolio", on_delete="CASCADE"),
            SameFirm(name="formerplace_dossier", field="dossier", on_delete="CASCADE"),
            models.UniqueConstraint(fields=["firm", "portfolio", "dossier"], name="formerplace_once"),
        ]

    def __str__(self) -> str:
        return f"{self.dossier_id} in {self.portfolio_id}"


class Assignment(Grant):
    """A member's place on one dossier."""

    content_object = models.ForeignKey(
        Dossier, models.CASCADE, db_constraint=False, db_index=False, related_name="assignments"
    )

    class Meta(Grant.Meta):
        verbose_name = _("assignment")
        constraints = grant_constraints("assignment")
        indexes = [models.Index(fields=["firm", "content_object"], name="assignment_by_object")]
