"""What happened (`Event`), who is told (`Notification`), and what leaves by mail (`OutgoingEmail`).

Each row belongs to one owner: a firm, a client's space, or (a password reset) a person.
"""

from typing import Any, ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from activity.precedence import SINGLE
from activity.wording import elided
from tenancy import scopes
from tenancy.db import (
    AppendOnly,
    FirmWall,
    Kept,
    NotedOnInsert,
    OwnerField,
    OwnerKey,
    OwnerWall,
    SameOwner,
    SharedWall,
)
from tenancy.keys import uuid7

OWNERS = ["firm_id", "space_id", "person_id"]


class OwnedQuerySet(models.QuerySet[Any]):
    def of_scope(self) -> Self:
        """Those of the owner in scope: the first wall, beside PostgreSQL's."""
        here = scopes.current()
        if here.firm_id:
            return self.filter(firm_id=here.firm_id)
        if here.space_id:
            return self.filter(space_id=here.space_id)
        return self.filter(person_id=here.person_id)


class Owned(models.Model):
    """A row of the firm, space or person in scope when it was made."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = models.ForeignKey("accounts.Firm", models.CASCADE, null=True, related_name="+")
    space = models.ForeignKey("clients.ClientSpace", models.CASCADE, null=True, related_name="+")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")

    # Whichever of the three it is: what composite foreign keys between such rows compare.
    owner = models.UUIDField(editable=False)

    class Meta:
        abstract = True

    @staticmethod
    def ownership() -> dict[str, Any]:
        """The owner's columns, from the scope. Raises NoScope outside of any."""
        here = scopes.current()
        if here == scopes.NOWHERE:
            raise scopes.NoScope("An event, a notification or a mail belongs to somebody.")
        return {
            "firm_id": here.firm_id,
            "space_id": here.space_id,
            "person_id": here.person_id,
            "owner": here.firm_id or here.space_id or here.person_id,
        }

    def scope(self) -> Any:
        """The scope in which this row lives."""
        return scopes.scope(firm=self.firm_id, space=self.space_id, person=self.person_id)


def owner_constraints(table: str) -> list[models.BaseConstraint]:
    """One owner each, and the wall."""
    one = Q()
    for chosen in OWNERS:
        one |= Q(**{f"{column}__isnull": column != chosen for column in OWNERS})
    return [
        models.CheckConstraint(
            condition=one & Q(owner=Coalesce("firm", "space", "person")), name=f"{table}_one_owner"
        ),
        SharedWall(name=f"{table}_wall", columns=OWNERS),
    ]


class EventQuerySet(OwnedQuerySet):
    def about(self, *subjects: models.Model) -> Self:
        return self.filter(subject_id__in=[subject.pk for subject in subjects])


class Event(Owned):
    """One thing that somebody did. Never changed, never deleted by the application."""

    # An import adds a hundred thousand: indexes that others hold already, or that would hold nothing but NULL, are left
    # out; those below stand for them.
    firm = models.ForeignKey("accounts.Firm", models.CASCADE, null=True, db_index=False, related_name="+")
    space = models.ForeignKey(
        "clients.ClientSpace", models.CASCADE, null=True, db_index=False, related_name="+"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, db_index=False, related_name="+"
    )
    type = models.CharField(max_length=80)
    at = models.DateTimeField(default=timezone.now)
    # The actor's name is kept beside the key: in a firm's journal, a client's person can't be looked up.
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    actor_name = models.CharField(max_length=200, blank=True)
    # Whom the actor stood in for, if that is how they reached the subject.
    behalf = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    behalf_name = models.CharField(max_length=200, blank=True)
    subject_type = models.CharField(max_length=60, blank=True)
    subject_id = models.UUIDField(null=True)
    subject_name = models.CharField(max_length=300, blank=True)
    changes = models.JSONField(default=dict)
    details = models.JSONField(default=dict)
    # The members whom it concerns besides its subject, as the details name them: to whom something was given, or from
    # whom taken; who covers the subject (no kind has both); who had it before `taker` has it. Made by the database, so
    # that what is sealed says what these say.
    named = models.GeneratedField(
        expression=Coalesce(
            *(Cast(KT(f"details__{key}"), models.UUIDField()) for key in ("member_id", "cover_id"))
        ),
        output_field=models.UUIDField(null=True),
        db_persist=True,
    )
    taker = models.GeneratedField(
        expression=Cast(KT("details__to_id"), models.UUIDField()),
        output_field=models.UUIDField(null=True),
        db_persist=True,
    )
    group = models.UUIDField(null=True)
    # One of the many lines that stand behind their group's own event, which tells; the journal folds them away.
    is_detail = models.BooleanField(default=False, db_default=False)
    ip = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    # As one person was told of it: see `Notification.outside`; and whether they may open what it is about.
    outside: bool = False
    leads: bool = True

    objects: ClassVar[EventQuerySet] = EventQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("event")
        constraints = [
            *owner_constraints("event"),
            OwnerKey(name="event_key"),
            AppendOnly(name="event_append_only"),
            NotedOnInsert(name="event_unsealed", notes="activity_unsealed"),
        ]
        indexes = [
            models.Index(fields=["firm", "-id"], name="event_firm"),
            models.Index(fields=["space", "-id"], condition=Q(space__isnull=False), name="event_space"),
            models.Index(fields=["person", "-id"], condition=Q(person__isnull=False), name="event_person"),
            models.Index(fields=["behalf", "-id"], condition=Q(behalf__isnull=False), name="event_behalf"),
            models.Index(fields=["firm", "subject_id", "-id"], name="event_subject"),
            models.Index(fields=["named", "-id"], condition=Q(named__isnull=False), name="event_named"),
            models.Index(fields=["taker", "-id"], condition=Q(taker__isnull=False), name="event_taker"),
            # What a journal is narrowed by: docs/decisions/0033.
            models.Index(fields=["firm", "type", "-id"], name="event_type"),
            models.Index(fields=["firm", "actor", "-id"], condition=Q(is_detail=False), name="event_actor"),
            models.Index(fields=["firm", "actor", "type", "-id"], name="event_actor_type"),
            # The journal as it opens, however many lines an import left in it; and the lines of one group.
            models.Index(fields=["firm", "-id"], condition=Q(is_detail=False), name="event_firm_folded"),
            models.Index(fields=["group", "-id"], condition=Q(group__isnull=False), name="event_group"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.at:%Y-%m-%d %H:%M}"

    @property
    def who(self) -> str:
        """Who did it, and for whom they stood in; empty for what the product did by itself."""
        return who(self.actor_name, self.behalf_name)


def who(actor_name: str, behalf_name: str) -> str:
    """In the words of an event: the one, on behalf of the other if there is one."""
    if not behalf_name:
        return actor_name
    names = {"actor": actor_name, "absent": behalf_name}
    return elided(gettext("%(actor)s, on behalf of %(absent)s") % names, behalf_name)


class Name(models.Model):
    """What a person or a thing in a firm's journal is called, or once was: by it a search finds their events.

    Noted as the events are sealed, each name of each thing once; gone when the last event of the thing is.
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
    # Is it who acted (`Event.actor`, `.behalf`), or what it was about (`Event.subject_id`)?
    acts = models.BooleanField()
    key = models.UUIDField()
    # As `spreadsheets.text.fold` compares.
    name = models.CharField(max_length=300)

    class Meta:
        default_permissions = ()
        verbose_name = _("name in the activity log")
        constraints = [
            FirmWall(name="name_wall"),
            models.UniqueConstraint(fields=["firm", "acts", "key", "name"], name="name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Notification(Owned):
    """One person is to be told of one event; a mail gathers those of a hold."""

    event = models.ForeignKey(Event, models.CASCADE, db_constraint=False, related_name="notifications")
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, db_index=False, related_name="+")
    address = models.EmailField()
    name = models.CharField(max_length=200)
    language = models.CharField(max_length=7, default="fr")
    due_at = models.DateTimeField()
    # It gathers with others until the hour that its person chose, and leaves then, no sooner.
    daily = models.BooleanField(default=False, db_default=False)
    # They were concerned before it happened and are no more, mostly because they lost by it what it is about: no right
    # that has ended meanwhile keeps the news of that from them.
    outside = models.BooleanField(default=False, db_default=False)
    # When it was told by mail, or found not to be told so.
    composed_at = models.DateTimeField(null=True)
    # When the person read it under the bell, or said so.
    read_at = models.DateTimeField(null=True)
    mail = models.ForeignKey(
        "activity.OutgoingEmail",
        models.SET_NULL,
        null=True,
        db_constraint=False,
        related_name="notifications",
    )

    objects: ClassVar[OwnedQuerySet] = OwnedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("notification")
        constraints = [
            *owner_constraints("notification"),
            SameOwner(name="notification_same_event", field="event", on_delete="CASCADE"),
            SameOwner(name="notification_same_mail", field="mail", on_delete="SET NULL (mail_id)"),
            models.UniqueConstraint(fields=["event", "recipient"], name="notification_once"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(composed_at=None), name="notification_due"),
            # What is under somebody's bell, and how much of it they have not read.
            models.Index(fields=["recipient", "owner", "-event"], name="notification_of_person"),
            models.Index(
                fields=["recipient", "owner"], condition=Q(read_at=None), name="notification_unread"
            ),
        ]

    recipient_id: UUID

    def __str__(self) -> str:
        return f"{self.event_id} → {self.recipient_id}"

    @property
    def told(self) -> Event:
        """The event, as this person was told of it."""
        self.event.outside = self.outside
        return self.event


# Before the day's work begins.
DAILY_HOUR = 8


class Preference(Owned):
    """When one person is told by mail of what happens in one firm or client's space (`activity.preferences`).

    Topics (`activity.topics`) that stand in neither list are told at once.
    """

    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, db_index=False, related_name="+")
    # Of the clock in that zone: when the daily mail leaves.
    hour = models.PositiveSmallIntegerField(_("Hour of the daily e-mail"), default=DAILY_HOUR)
    zone = models.CharField(_("Time zone"), max_length=40, default=settings.TIME_ZONE)
    daily = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    never = ArrayField(models.CharField(max_length=20), default=list, blank=True)

    objects: ClassVar[OwnedQuerySet] = OwnedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("choice of e-mails")
        constraints = [
            *owner_constraints("preference"),
            models.UniqueConstraint(fields=["owner", "recipient"], name="preference_once"),
            models.CheckConstraint(condition=Q(person=None), name="preference_of_place"),
            models.CheckConstraint(condition=Q(hour__lt=24), name="preference_hour"),
            models.CheckConstraint(condition=~Q(daily__overlap=F("never")), name="preference_either"),
        ]

    recipient_id: UUID

    def __str__(self) -> str:
        return f"{self.recipient_id} in {self.owner}"


class MailState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    # Its reason was gone before it left: a revoked invitation, a link that was asked for anew.
    DROPPED = "dropped", _("Not needed any more")


class OutgoingEmail(Owned):
    """A mail to one person, rendered only while it is sent: no row holds a usable link.

    `kind` names a `MailKind`; `params` holds keys, never secrets.
    """

    kind = models.CharField(max_length=80)
    params = models.JSONField(default=dict)
    to = models.EmailField()
    to_name = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=7, default="fr")
    state = models.CharField(max_length=10, choices=MailState.choices, default=MailState.WAITING)
    created_at = models.DateTimeField(default=timezone.now)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    # Claims, whose number fences them; `refusals` counts those alone that ended with the server's not taking the mail.
    attempts = models.PositiveSmallIntegerField(default=0)
    refusals = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=500, blank=True)
    # By what name the mail service that took it knows it, and tells later that it came back.
    provider_id = models.CharField(max_length=255, blank=True)
    # The order of which it is one of many: by it they are counted.
    batch = models.UUIDField(null=True)
    # What is lower leaves sooner: see `activity.precedence`.
    precedence = models.PositiveIntegerField(default=SINGLE)

    objects: ClassVar[OwnedQuerySet] = OwnedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("e-mail")
        constraints = [*owner_constraints("mail"), OwnerKey(name="mail_key")]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], condition=Q(state=MailState.WAITING), name="mail_waiting"
            ),
            models.Index(
                fields=["precedence", "next_attempt_at"],
                condition=Q(state=MailState.WAITING),
                name="mail_waiting_in_turn",
            ),
            models.Index(fields=["batch", "state"], condition=Q(batch__isnull=False), name="mail_of_batch"),
            models.Index(fields=["provider_id"], condition=~Q(provider_id=""), name="mail_of_provider"),
            # What operators are told of the queue, and a firm of what did not arrive.
            models.Index(fields=["created_at"], condition=Q(state=MailState.WAITING), name="mail_oldest"),
            models.Index(fields=["sent_at"], condition=Q(state=MailState.SENT), name="mail_sent"),
            models.Index(
                fields=["owner", "-created_at"], condition=Q(state=MailState.FAILED), name="mail_failed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"

    def message_id(self, domain: str) -> str:
        """The same at each attempt, so that a receiver can drop a second copy."""
        return f"<{self.pk}@{domain}>"


class MailDomain(models.Model):
    """Where mails go (what follows the @), while it refuses for now: until when it is left alone (`activity.domains`).

    Of no owner, for one server takes the mails of all; no firm reads it. Gone as soon as it takes a mail.
    """

    domain = models.CharField(primary_key=True, max_length=255, editable=False)
    refused_since = models.DateTimeField(default=timezone.now)
    # In a row, since it was last left alone or took a mail.
    refusals = models.PositiveIntegerField(default=0)
    rests = models.PositiveIntegerField(default=0)
    rests_until = models.DateTimeField(null=True)
    # What it said last, without words, which may quote an address: “451 4.7.1”.
    answer = models.CharField(max_length=40, blank=True)

    class Meta:
        default_permissions = ()
        verbose_name = _("mail domain")

    def __str__(self) -> str:
        return self.domain


# --- The proof that nothing was removed or altered: docs/decisions/0027 -------------------------------------------


class Journal(Owned):
    """The events of one owner as a whole: how long they are kept, and whether a legal hold stops every removal.

    Made when the first of them is sealed.
    """

    # Family → months, where the owner chose otherwise than `activity.retention` says.
    months = models.JSONField(default=dict)
    held_since = models.DateTimeField(null=True)
    held_because = models.CharField(max_length=300, blank=True)
    purged_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        verbose_name = _("activity log")
        constraints = [
            *owner_constraints("journal"),
            models.UniqueConstraint(fields=["owner"], name="journal_once"),
            # Without its row a legal hold would be over, and no event would tell of it.
            Kept(name="journal_kept", changes=["months", "held_since", "held_because", "purged_at"]),
        ]

    def __str__(self) -> str:
        return str(self.owner)


class Unsealed(models.Model):
    """The events of one statement that no chain holds yet; written by a trigger, deleted as they are sealed."""

    # The key of the first of them.
    id = models.UUIDField(primary_key=True, editable=False)
    owner = models.UUIDField()
    firm_id = models.UUIDField(null=True)
    space_id = models.UUIDField(null=True)
    person_id = models.UUIDField(null=True)
    keys = ArrayField(models.UUIDField())

    class Meta:
        default_permissions = ()
        constraints = [OwnerWall(name="unsealed_wall")]
        indexes = [models.Index(fields=["owner", "id"], name="unsealed_of_owner")]

    def __str__(self) -> str:
        return f"{self.owner} {self.id}"


class Seal(models.Model):
    """One event's place in its owner's chain. It outlives the event: see `activity.chain` for what the digests hold.

    A salt that is gone leaves a digest of which nobody can say any more what it was made of.
    """

    # No foreign key: the event may have been deleted in due time.
    event = models.UUIDField(primary_key=True, editable=False)
    owner = models.UUIDField()
    number = models.BigIntegerField()
    version = models.PositiveSmallIntegerField()
    frame_salt = models.UUIDField(null=True)
    who_salt = models.UUIDField(null=True)
    what_salt = models.UUIDField(null=True)
    frame = models.BinaryField()
    who = models.BinaryField()
    what = models.BinaryField()
    chain = models.BinaryField()
    # The group of the event that tells of the removal.
    purge = models.UUIDField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            OwnerWall(name="seal_wall"),
            AppendOnly(name="seal_append_only"),
            models.UniqueConstraint(fields=["owner", "number"], name="seal_number"),
        ]

    def __str__(self) -> str:
        return f"{self.owner} {self.number}"


class Head(models.Model):
    """How far a chain reached at a moment, signed: what the firm's administrators are given to keep elsewhere."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.UUIDField()
    number = models.BigIntegerField()
    chain = models.BinaryField()
    at = models.DateTimeField()
    key_id = models.CharField(max_length=16)
    signature = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = [
            OwnerWall(name="head_wall"),
            AppendOnly(name="head_append_only"),
            models.UniqueConstraint(fields=["owner", "number"], name="head_number"),
        ]

    def __str__(self) -> str:
        return f"{self.owner} {self.number}"


class Redaction(models.Model):
    """What stands now in a part of an event in which somebody was made unknown; only the database's owner writes it.

    The event of that erasure holds a digest over all of its redactions, so they stand in the chain too.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.UUIDField()
    # The group of the event that tells of the erasure.
    erasure = models.UUIDField()
    number = models.BigIntegerField()
    part = models.CharField(max_length=5)
    salt = models.UUIDField(null=True)
    digest = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = [
            OwnerWall(name="redaction_wall"),
            AppendOnly(name="redaction_append_only"),
            models.UniqueConstraint(fields=["owner", "number", "part", "erasure"], name="redaction_once"),
        ]

    def __str__(self) -> str:
        return f"{self.owner} {self.number} {self.part}"
