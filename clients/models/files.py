"""Who at a firm opened a dossier and when (`AccessRecord`); the files that a firm and its client hand each other."""

from datetime import timedelta
from typing import ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients.models.dossier import Dossier
from clients.models.profiles import SpacePerm
from clients.models.space import ClientSpace, SpaceLink
from tenancy import scopes
from tenancy.db import FirmKey, FirmWall, OwnerField, SameFirm, SameSpace, SharedWall, SpaceKey
from tenancy.keys import uuid7
from tenancy.leases import Leased

# How long a file that was taken back can be put there again; then its content is deleted.
PUT_BACK_WITHIN = timedelta(days=30)


class AccessKind(models.TextChoices):
    OPENED = "opened", _("Opened the client file")
    DOWNLOADED = "downloaded", _("Downloaded a file")


class AccessRecord(models.Model):
    """That a member of the firm has opened a dossier, or taken a file out of it: one row for each day.

    The one thing that a GET writes. The client reads it, through the wall, from the day on which they opened their
    space to the firm.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        "accounts.Firm",
        models.CASCADE,
        default=scopes.firm_id,
        editable=False,
        related_name="+",
        db_index=False,
    )
    dossier = models.ForeignKey(
        Dossier, models.CASCADE, db_constraint=False, db_index=False, related_name="accesses"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    kind = models.CharField(max_length=10, choices=AccessKind.choices)
    day = models.DateField()
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    count = models.PositiveIntegerField(default=1)

    class Meta:
        default_permissions = ()
        verbose_name = _("access to a client file")
        constraints = [
            FirmWall(name="accessrecord_wall"),
            SameFirm(name="accessrecord_dossier", field="dossier", on_delete="CASCADE"),
            SameFirm(
                name="accessrecord_member",
                field="user",
                to="accounts.Membership",
                key="user_id",
                on_delete="CASCADE",
            ),
            models.UniqueConstraint(
                fields=["firm", "dossier", "user", "kind", "day"], name="accessrecord_of_day"
            ),
        ]

    user_id: UUID

    def __str__(self) -> str:
        return f"{self.user_id} {self.kind} {self.dossier_id} {self.day}"


class FileCategory(models.TextChoices):
    """Who of the client's people is concerned: see `PROFILE_ALLOWS`."""

    GENERAL = "general", _("General")
    BILLING = "billing", _("Billing")

    @property
    def perm(self) -> SpacePerm:
        """What a person of the client needs to see such files."""
        return SpacePerm.SEE_BILLING_FILES if self == self.BILLING else SpacePerm.SEE_FILES


class FileState(models.TextChoices):
    QUARANTINED = "quarantined", _("Being checked")
    AVAILABLE = "available", _("Available")
    TURNED_AWAY = "turned_away", _("Refused")
    REMOVED = "removed", _("Taken back")


class ExchangedFileQuerySet(models.QuerySet["ExchangedFile"]):
    def available(self) -> Self:
        """Those that may be taken by either side."""
        return self.filter(state=FileState.AVAILABLE)

    def shown_to(self, *, client: bool) -> Self:
        """What the lists of one side hold: what is there, and what became of the side's own files of late.

        A file that is being checked, was refused or taken back is nothing that the other side knows of.
        """
        lately = Q(ended_at=None) | Q(ended_at__gt=timezone.now() - PUT_BACK_WITHIN)
        return self.filter(Q(state=FileState.AVAILABLE) | Q(from_client=client) & lately)

    def with_content(self) -> Self:
        """Those whose content is kept: what was taken back counts until it can't be put back any more."""
        late = Q(state=FileState.REMOVED, ended_at__lte=timezone.now() - PUT_BACK_WITHIN)
        return self.exclude(late).exclude(state=FileState.TURNED_AWAY)

    def with_tie(self) -> Self:
        """With `is_tied`: are its two sides linked at this moment, by the link over which it came or a later one?"""
        between = {"firm": OuterRef("firm"), "space": OuterRef("space"), "dossier": OuterRef("link__dossier")}
        return self.annotate(is_tied=Exists(SpaceLink.objects.running().filter(**between).order_by()))

    def of_categories(self, categories: "list[FileCategory]") -> Self:
        return self.filter(category__in=categories)


class ExchangedFile(Leased):
    """One file that a firm's member or a client's person dropped for the other side. Seen from both sides, as the link.

    It belongs to the link over which it came: the database lets it stand between no other two. Its content is in
    `ExchangedFilePart`. The names of people are copies, for neither side reads the other's rows.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = models.ForeignKey("accounts.Firm", models.CASCADE, editable=False, related_name="+")
    space = models.ForeignKey(ClientSpace, models.CASCADE, editable=False, related_name="files")
    link = models.ForeignKey(SpaceLink, models.CASCADE, db_constraint=False, related_name="files")
    from_client = models.BooleanField()
    category = models.CharField(
        _("Category"), max_length=10, choices=FileCategory.choices, default=FileCategory.GENERAL
    )
    name = models.CharField(_("File"), max_length=200)
    # What its content is: a value of `clients.files.recognising.FileKind`.
    kind = models.CharField(max_length=10)
    size = models.PositiveIntegerField(_("Size"))
    state = models.CharField(_("State"), max_length=12, choices=FileState.choices)
    # Why it was refused after it had been dropped: a key of `clients.files.words`, and what the scanner calls it.
    reason = models.CharField(max_length=20, blank=True)
    found = models.CharField(max_length=200, blank=True)
    dropped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    dropped_by_name = models.CharField(max_length=200)
    dropped_at = models.DateTimeField(default=timezone.now)
    # When the other side took it for the first time.
    taken_at = models.DateTimeField(null=True)
    # When it was refused or taken back, and by whom.
    ended_at = models.DateTimeField(null=True)
    ended_by_name = models.CharField(max_length=200, blank=True)

    objects: ClassVar[ExchangedFileQuerySet] = ExchangedFileQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("exchanged file")
        ordering = ["-id"]
        constraints = [
            SharedWall(name="exchangedfile_wall", columns=["firm_id", "space_id"]),
            FirmKey(name="exchangedfile_key"),
            SpaceKey(name="exchangedfile_space_key"),
            SameFirm(name="exchangedfile_firms_link", field="link", on_delete="CASCADE"),
            SameSpace(name="exchangedfile_spaces_link", field="link", on_delete="CASCADE"),
            models.CheckConstraint(condition=Q(size__gt=0), name="exchangedfile_not_empty"),
            models.CheckConstraint(
                condition=Q(ended_at=None, state__in=[FileState.QUARANTINED, FileState.AVAILABLE])
                | Q(ended_at__gte=F("dropped_at"), state__in=[FileState.TURNED_AWAY, FileState.REMOVED]),
                name="exchangedfile_ended",
            ),
        ]
        indexes = [
            models.Index(
                fields=["lease_until"], condition=Q(state=FileState.QUARANTINED), name="exchangedfile_to_scan"
            ),
            models.Index(
                fields=["ended_at"], condition=Q(state=FileState.REMOVED), name="exchangedfile_to_erase"
            ),
        ]

    firm_id: UUID
    space_id: UUID
    link_id: UUID
    is_tied: bool  # of those read `with_tie()`

    def __str__(self) -> str:
        return self.name

    @property
    def is_quarantined(self) -> bool:
        return self.state == FileState.QUARANTINED

    @property
    def may_be_put_back(self) -> bool:
        return (
            self.state == FileState.REMOVED
            and self.ended_at is not None
            and self.ended_at > timezone.now() - PUT_BACK_WITHIN
        )


class ExchangedFilePart(models.Model):
    """A piece of the content, in the database: web and worker share no disk, and neither holds all of it to send it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = models.ForeignKey("accounts.Firm", models.CASCADE, editable=False, related_name="+")
    space = models.ForeignKey(ClientSpace, models.CASCADE, editable=False, related_name="+")
    file = models.ForeignKey(
        ExchangedFile, models.CASCADE, db_constraint=False, db_index=False, related_name="parts"
    )
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        default_permissions = ()
        verbose_name = _("part of an exchanged file")
        ordering = ["number"]
        constraints = [
            SharedWall(name="exchangedfilepart_wall", columns=["firm_id", "space_id"]),
            SameFirm(name="exchangedfilepart_firms_file", field="file", on_delete="CASCADE"),
            SameSpace(name="exchangedfilepart_spaces_file", field="file", on_delete="CASCADE"),
            models.UniqueConstraint(fields=["firm", "file", "number"], name="exchangedfilepart_number"),
        ]

    def __str__(self) -> str:
        return f"{self.file_id} {self.number}"
