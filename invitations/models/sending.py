"""An order to send (or to prepare) many invitations, which a worker carries out."""

from collections.abc import Iterable
from typing import ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Membership
from tenancy import scopes
from tenancy.db import FirmKey, FirmWall, OwnerField, SameFirm
from tenancy.keys import uuid7
from tenancy.leases import Leased

_KEY = 16


class SendingKind(models.TextChoices):
    """What is done with what was chosen: client files, or (the last two) invitations."""

    INVITE = "invite", _("Clients invited")
    PREPARE = "prepare", _("Drafts prepared")
    RESEND = "resend", _("Invitations sent again")
    DRAFTS = "drafts", _("Drafts sent")


class SendingState(models.TextChoices):
    QUEUED = "queued", _("Waiting for its turn")
    RUNNING = "running", pgettext_lazy("state", "Running")
    # Every mail stands in the outbox.
    DONE = "done", pgettext_lazy("state", "Done")
    FAILED = "failed", pgettext_lazy("state", "Failed")


SENDING = (SendingState.QUEUED, SendingState.RUNNING)


class SendingQuerySet(models.QuerySet["Sending"]):
    def at_work(self) -> Self:
        return self.filter(state__in=SENDING)

    def light(self) -> Self:
        """Without the keys of what was chosen, which only the worker needs."""
        return self.defer("chosen")


class Sending(Leased):
    """So many invitations in one go. `step` of `total` counts those of `chosen` that have had their turn.

    Each portion is written together with the step behind it and a longer lease, so a worker that was killed is followed
    by one that goes on there: nobody is left out, and nobody taken twice.
    The mails in the outbox bear its key (`batch`), by which they are counted; the journal's lines bear it as `group`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        "accounts.Firm", models.CASCADE, default=scopes.firm_id, editable=False, related_name="+"
    )
    asked_by = models.ForeignKey(Membership, models.PROTECT, db_constraint=False, related_name="+")
    kind = models.CharField(max_length=10, choices=SendingKind.choices)
    language = models.CharField(_("Language"), max_length=7, choices=settings.LANGUAGES, blank=True)
    chosen = models.BinaryField(default=b"")
    # Stands for kind and chosen: ordered twice at once, it is one.
    digest = models.CharField(max_length=32)
    state = models.CharField(
        _("State"), max_length=10, choices=SendingState.choices, default=SendingState.QUEUED
    )
    count = models.PositiveIntegerField(default=0)
    # How many workers took it over since the last portion: too many, and it ends.
    fruitless = models.PositiveSmallIntegerField(default=0)
    # Of those who were left out: reason → how many.
    left_out = models.JSONField(default=dict)
    trouble = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    objects: ClassVar[SendingQuerySet] = SendingQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("sending of many invitations")
        ordering = ["-id"]
        constraints = [
            FirmWall(name="sending_wall"),
            FirmKey(name="sending_key"),
            SameFirm(name="sending_asker", field="asked_by"),
            models.UniqueConstraint(
                fields=["firm", "digest"], condition=Q(state__in=SENDING), name="sending_once"
            ),
        ]
        indexes = [
            models.Index(fields=["firm", "-id"], name="sending_firm"),
            models.Index(fields=["lease_until"], condition=Q(state__in=SENDING), name="sending_due"),
        ]

    firm_id: UUID

    def __str__(self) -> str:
        return str(SendingKind(self.kind).label)

    @property
    def is_at_work(self) -> bool:
        return self.state in SENDING

    @property
    def left_out_count(self) -> int:
        return sum(self.left_out.values())

    def portion(self, size: int) -> list[UUID]:
        """The keys of those whose turn is next; none once all have had it."""
        start = self.step * _KEY
        return _unpacked(bytes(self.chosen)[start : start + size * _KEY])

    def keys(self) -> list[UUID]:
        """Of all that was chosen; empty once the work is over."""
        return _unpacked(bytes(self.chosen))


def packed(keys: Iterable[UUID]) -> bytes:
    """As `Sending.chosen` holds them."""
    return b"".join(key.bytes for key in keys)


def _unpacked(content: bytes) -> list[UUID]:
    return [UUID(bytes=content[at : at + _KEY]) for at in range(0, len(content), _KEY)]
