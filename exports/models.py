"""An export that a worker makes: who asked for what, where it stands, and the file while it is kept."""

from datetime import timedelta
from typing import ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from tenancy import scopes
from tenancy.db import FirmKey, FirmWall, OwnerField, SameFirm
from tenancy.keys import uuid7
from tenancy.leases import Leased

KEPT_FOR = timedelta(days=7)


class ExportState(models.TextChoices):
    QUEUED = "queued", _("Waiting for its turn")
    RUNNING = "running", _("Being prepared")
    READY = "prepared", _("Ready")
    FAILED = "failed", _("Failed")
    EXPIRED = "expired", _("Deleted")


# A worker has to do something for these.
AT_WORK = (ExportState.QUEUED, ExportState.RUNNING)


class ExportQuerySet(models.QuerySet["Export"]):
    def of(self, member: Membership) -> Self:
        """Theirs: nobody else sees an export, whatever their role."""
        return self.filter(asked_by=member).defer("subjects")

    def at_work(self) -> Self:
        return self.filter(state__in=AT_WORK)


class Export(Leased):
    """One workbook that a person asked for. `digest` stands for the parameters: asked for twice at once, it is one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        "accounts.Firm", models.CASCADE, default=scopes.firm_id, editable=False, related_name="+"
    )
    asked_by = models.ForeignKey(Membership, models.PROTECT, db_constraint=False, related_name="+")
    kind = models.CharField(max_length=40)
    parameters = models.JSONField(default=dict)
    digest = models.CharField(max_length=32)
    # The parameters in words, in the language of whoever asked.
    asked = models.TextField(blank=True)
    file_name = models.CharField(_("File"), max_length=120)
    state = models.CharField(
        _("State"), max_length=10, choices=ExportState.choices, default=ExportState.QUEUED
    )
    reason = models.CharField(max_length=20, blank=True)
    lines = models.PositiveIntegerField(_("Lines"), default=0)
    size = models.PositiveBigIntegerField(_("Size"), default=0)
    # The keys of what it tells of, where that is not open to all who may have such an export: see `exports.kinds`.
    subjects = models.BinaryField(default=b"")
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    objects: ClassVar[ExportQuerySet] = ExportQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("export")
        ordering = ["-id"]
        constraints = [
            FirmWall(name="export_wall"),
            FirmKey(name="export_key"),
            SameFirm(name="export_asker", field="asked_by"),
            models.UniqueConstraint(
                fields=["firm", "asked_by", "kind", "digest"],
                condition=Q(state__in=AT_WORK),
                name="export_once",
            ),
        ]
        indexes = [
            models.Index(fields=["firm", "asked_by", "-id"], name="export_of_person"),
            models.Index(fields=["lease_until"], condition=Q(state__in=AT_WORK), name="export_due"),
            models.Index(fields=["expires_at"], condition=Q(state=ExportState.READY), name="export_expiring"),
        ]

    firm_id: UUID

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_at_work(self) -> bool:
        return self.state in AT_WORK

    @property
    def is_ready(self) -> bool:
        """Can it be taken away? Not once its time is over, be the sweep late."""
        return (
            self.state == ExportState.READY
            and self.expires_at is not None
            and self.expires_at > timezone.now()
        )


class ExportPart(models.Model):
    """A piece of the file, in the database: web and worker share no disk, and neither holds the whole in memory."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        "accounts.Firm", models.CASCADE, default=scopes.firm_id, editable=False, related_name="+"
    )
    export = models.ForeignKey(
        Export, models.CASCADE, db_constraint=False, db_index=False, related_name="parts"
    )
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        default_permissions = ()
        verbose_name = _("part of an export")
        ordering = ["number"]
        constraints = [
            FirmWall(name="exportpart_wall"),
            SameFirm(name="exportpart_export", field="export", on_delete="CASCADE"),
            models.UniqueConstraint(fields=["firm", "export", "number"], name="exportpart_number"),
        ]

    def __str__(self) -> str:
        return f"{self.export_id} {self.number}"
