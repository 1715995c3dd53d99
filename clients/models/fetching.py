"""Other platforms from which a firm fetches its client list, and each time that it does."""

from typing import ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients.models.imports import Import
from tenancy import scopes
from tenancy.db import FirmKey, FirmWall, OwnerField, SameFirm
from tenancy.keys import uuid7
from tenancy.leases import Leased


class ConnectionKind(models.TextChoices):
    """The platforms that open themselves to a token. Those with a sign-in page only are described by the settings, and
    nothing of them is kept: see `clients.connectors.platforms`."""

    PENNYLANE = "pennylane", "Pennylane"
    MYUNISOFT = "myunisoft", "MyUnisoft"


class Connection(models.Model):
    """A platform that the firm has given us a token of. `secret` is encrypted (`clients.secrets`), never shown."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        "accounts.Firm", models.CASCADE, default=scopes.firm_id, editable=False, related_name="+"
    )
    kind = models.CharField(_("Platform"), max_length=20, choices=ConnectionKind.choices)
    secret = models.BinaryField()
    # The last characters of the token, by which people tell it from another one.
    hint = models.CharField(max_length=8, blank=True)
    made_by = models.ForeignKey("accounts.Membership", models.PROTECT, db_constraint=False, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        verbose_name = _("connection")
        ordering = ["kind"]
        constraints = [
            FirmWall(name="connection_wall"),
            FirmKey(name="connection_key"),
            SameFirm(name="connection_author", field="made_by"),
            models.UniqueConstraint(fields=["firm", "kind"], name="connection_once"),
        ]

    firm_id: UUID

    def __str__(self) -> str:
        return str(ConnectionKind(self.kind).label)


class FetchState(models.TextChoices):
    QUEUED = "queued", _("Waiting for its turn")
    RUNNING = "running", _("Being fetched")
    DONE = "done", _("Fetched")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


# A worker has to do something for these.
FETCHING = (FetchState.QUEUED, FetchState.RUNNING)


class FetchQuerySet(models.QuerySet["Fetch"]):
    def at_work(self) -> Self:
        return self.filter(state__in=FETCHING)


class Fetch(Leased):
    """One time that a client list is fetched, page by page. `step` of `total` counts pages.

    What has come stays with it until all is there and becomes an `Import`; so a worker that was killed is followed by
    another one that goes on at `cursor`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        "accounts.Firm", models.CASCADE, default=scopes.firm_id, editable=False, related_name="+"
    )
    connection = models.ForeignKey(
        Connection, models.SET_NULL, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    # Stays when the connection is forgotten.
    kind = models.CharField(_("Platform"), max_length=20, choices=ConnectionKind.choices)
    asked_by = models.ForeignKey("accounts.Membership", models.PROTECT, db_constraint=False, related_name="+")
    state = models.CharField(_("State"), max_length=10, choices=FetchState.choices, default=FetchState.QUEUED)
    # Where to go on; empty at the beginning. What it says is the connector's own affair.
    cursor = models.CharField(max_length=500, blank=True)
    # How many workers took it over since the last page came: too many, and it ends.
    fruitless = models.PositiveSmallIntegerField(default=0)
    # The platform asked us to wait, or does not answer just now.
    waiting_until = models.DateTimeField(null=True)
    trouble = models.CharField(max_length=40, blank=True)
    source = models.ForeignKey(
        Import, models.SET_NULL, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    objects: ClassVar[FetchQuerySet] = FetchQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("fetching of a client list")
        ordering = ["-id"]
        constraints = [
            FirmWall(name="fetch_wall"),
            FirmKey(name="fetch_key"),
            SameFirm(name="fetch_connection", field="connection", on_delete="SET NULL (connection_id)"),
            SameFirm(name="fetch_asker", field="asked_by"),
            SameFirm(name="fetch_import", field="source", on_delete="SET NULL (source_id)"),
            models.UniqueConstraint(
                fields=["firm", "kind"], condition=Q(state__in=FETCHING), name="fetch_once"
            ),
        ]
        indexes = [
            models.Index(fields=["firm", "-id"], name="fetch_firm"),
            models.Index(fields=["lease_until"], condition=Q(state__in=FETCHING), name="fetch_due"),
        ]

    firm_id: UUID

    def __str__(self) -> str:
        return str(ConnectionKind(self.kind).label)

    @property
    def is_at_work(self) -> bool:
        return self.state in FETCHING


class FetchedPage(models.Model):
    """A page of clients that has come, as JSON. Deleted once they are an import, or nothing comes of them."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        "accounts.Firm", models.CASCADE, default=scopes.firm_id, editable=False, related_name="+"
    )
    fetch = models.ForeignKey(
        Fetch, models.CASCADE, db_constraint=False, db_index=False, related_name="pages"
    )
    number = models.PositiveIntegerField()
    clients = models.JSONField()

    class Meta:
        default_permissions = ()
        verbose_name = _("page of fetched clients")
        ordering = ["number"]
        constraints = [
            FirmWall(name="fetchedpage_wall"),
            SameFirm(name="fetchedpage_fetch", field="fetch", on_delete="CASCADE"),
            models.UniqueConstraint(fields=["firm", "fetch", "number"], name="fetchedpage_number"),
        ]

    def __str__(self) -> str:
        return f"{self.fetch_id} {self.number}"
