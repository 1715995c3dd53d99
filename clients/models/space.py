"""The client's own place, outside any firm; its people; and the link that ties it to a firm's dossier."""

from typing import ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import PersonName
from clients.models.details import ClientDetails
from clients.models.dossier import Dossier
from tenancy import scopes
from tenancy.db import FirmKey, OwnerField, SameFirm, SharedWall, SpaceKey, SpaceWall
from tenancy.keys import uuid7


class ClientSpace(ClientDetails):
    """A client's space: it may exist before any firm, and be followed by two."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        default_permissions = ()
        verbose_name = _("client space")
        constraints = [SpaceWall(name="clientspace_wall", column="id")]

    def url(self, route: str, **kwargs: object) -> str:
        """The path of a page of this space: `space.url("clients:space_home")`."""
        return reverse(route, kwargs={"space_id": self.pk, **kwargs})


class SpaceProfile(models.TextChoices):
    """What a person of the client may do in the space."""

    MANAGER = "manager", _("Manager")
    FULL = "full", _("Full access")
    BILLING = "billing", _("Billing")
    READER = "reader", _("Read only")


MAY_EDIT = (SpaceProfile.MANAGER, SpaceProfile.FULL)


class SpaceMemberQuerySet(models.QuerySet["SpaceMember"]):
    def present(self) -> Self:
        """Those who still have their place, with their person's language at hand, as recipients need it."""
        return self.filter(ended_at=None).select_related("user")


class SpaceMember(PersonName):
    """A client-side person with a profile."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    space = OwnerField(
        ClientSpace, models.CASCADE, default=scopes.space_id, editable=False, related_name="members"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    email = models.EmailField(_("E-mail address"))
    profile = models.CharField(
        _("Profile"), max_length=10, choices=SpaceProfile.choices, default=SpaceProfile.MANAGER
    )
    joined_at = models.DateTimeField(default=timezone.now)
    last_visit_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects: ClassVar[SpaceMemberQuerySet] = SpaceMemberQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("person of the client")
        ordering = ["last_name", "first_name", "email"]
        constraints = [
            SpaceWall(name="spacemember_wall"),
            SpaceKey(name="spacemember_key"),
            models.UniqueConstraint(fields=["space", "user"], name="spacemember_once"),
        ]

    @property
    def language(self) -> str:
        return self.user.language

    @property
    def may_edit(self) -> bool:
        return self.ended_at is None and self.profile in MAY_EDIT


class LinkRight(models.TextChoices):
    """What the client allows the firm; it caps everyone in it, administrators included."""

    MANAGE = "manage", _("Manage the dossier")
    READ = "read", _("Read the dossier")


class SpaceLinkQuerySet(models.QuerySet["SpaceLink"]):
    def running(self) -> Self:
        """Those that have not ended."""
        return self.filter(Q(until=None) | Q(until__gt=timezone.now()))


class SpaceLink(models.Model):
    """Ties one firm's dossier to a client's space. Seen from both sides; an ended one stays, dated."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = models.ForeignKey("accounts.Firm", models.CASCADE, editable=False, related_name="+")
    dossier = models.ForeignKey(Dossier, models.CASCADE, db_constraint=False, related_name="links")
    space = models.ForeignKey(ClientSpace, models.CASCADE, editable=False, related_name="links")
    # Shown to the client, who can't read the firm's own rows.
    firm_name = models.CharField(max_length=160)
    firm_phone = models.CharField(max_length=30, blank=True)
    firm_email = models.EmailField(blank=True)
    right = models.CharField(max_length=10, choices=LinkRight.choices, default=LinkRight.MANAGE)
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True)

    objects: ClassVar[SpaceLinkQuerySet] = SpaceLinkQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("link between firm and client")
        constraints = [
            SharedWall(name="spacelink_wall", columns=["firm_id", "space_id"]),
            FirmKey(name="spacelink_key"),
            SameFirm(name="spacelink_dossier", field="dossier", on_delete="CASCADE"),
            models.UniqueConstraint(
                fields=["firm", "dossier"], condition=Q(until=None), name="spacelink_one_running"
            ),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("since")), name="spacelink_dates"
            ),
        ]

    firm_id: UUID
    space_id: UUID

    def __str__(self) -> str:
        return f"{self.firm_name} – {self.space_id}"

    @property
    def is_active(self) -> bool:
        return self.until is None or self.until > timezone.now()
