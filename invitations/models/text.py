"""What a firm writes in its invitations, in place of our own words."""

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invitations.models.invitation import FROM_FIRMS, InvitationKind
from tenancy import scopes
from tenancy.db import FirmWall, OwnerField
from tenancy.keys import uuid7

LONGEST_SUBJECT = 120
LONGEST_BODY = 2_000


class InvitationTextQuerySet(models.QuerySet["InvitationText"]):
    def in_force(self, at: datetime | None = None) -> Self:
        """Those that mails are made of now, or were at that moment; one at most of each kind and language."""
        if at is None:
            return self.filter(until=None)
        return self.filter(Q(until=None) | Q(until__gt=at), since__lte=at)


class InvitationText(models.Model):
    """The words of one kind of the firm's invitations in one language, for a time.

    An empty subject or body is ours. What was replaced stays, so that an earlier mail is shown as it was.
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
    kind = models.CharField(_("Kind"), max_length=10, choices=InvitationKind.choices)
    language = models.CharField(_("Language"), max_length=7, choices=settings.LANGUAGES)
    subject = models.CharField(_("Subject"), max_length=LONGEST_SUBJECT, blank=True)
    body = models.TextField(_("Text"), max_length=LONGEST_BODY, blank=True)
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True)

    objects: ClassVar[InvitationTextQuerySet] = InvitationTextQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("text of an invitation")
        ordering = ["-since", "-id"]
        constraints = [
            FirmWall(name="invitationtext_wall"),
            models.CheckConstraint(condition=Q(kind__in=FROM_FIRMS), name="invitationtext_kind"),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("since")), name="invitationtext_dates"
            ),
            models.UniqueConstraint(
                fields=["firm", "kind", "language"],
                condition=Q(until=None),
                name="invitationtext_one",
            ),
        ]
        indexes = [models.Index(fields=["firm", "kind", "language", "-since"], name="invitationtext_former")]

    def __str__(self) -> str:
        return f"{self.kind} {self.language}"
