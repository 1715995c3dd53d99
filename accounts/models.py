"""People (`User`), firms (`Firm`), and a person's place in a firm (`Membership`)."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Any, ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenancy import scopes
from tenancy.db import FirmKey, FirmWall, OwnerField, SameFirm
from tenancy.keys import uuid7
from tenancy.leases import Leased


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person with that address, in lower case; no password means that none opens the account."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db, force_insert=True)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class PersonName(models.Model):
    """What a person is called: as themselves, in a firm, or in a client's space."""

    email: "models.EmailField[str, str]"
    first_name = models.CharField(_("First name"), max_length=80, blank=True)
    last_name = models.CharField(_("Last name"), max_length=80, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """First and last name, or the address of whoever has given none."""
        return f"{self.first_name} {self.last_name}".strip() or str(self.email)


class User(PersonName, AbstractBaseUser):
    """A person: one e-mail address, one password; a place in any number of firms and client spaces.

    Identity stands outside the firms, so this table has no wall: only `accounts` queries it, and a firm's pages take
    names from `Membership`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(_("E-mail address"), unique=True)
    language = models.CharField(_("Language"), max_length=7, choices=settings.LANGUAGES, default="fr")
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    objects = UserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        default_permissions = ()
        verbose_name = _("person")

    @property
    def user_id(self) -> UUID:
        """As an actor or a recipient of events."""
        return self.pk


MOST_REMINDERS = 3


class Firm(models.Model):
    """An accounting firm: the tenant."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("Firm's name"), max_length=160)
    slug = models.SlugField(max_length=80, unique=True, editable=False)
    siren = models.CharField(_("SIREN"), max_length=9)
    siret = models.CharField(_("SIRET"), max_length=14, blank=True)
    phone = models.CharField(_("Phone"), max_length=30, blank=True)
    email = models.EmailField(_("E-mail address"), blank=True)
    second_factor_required = models.BooleanField(_("Require a second factor of everyone"), default=False)
    # A firm is a company too: whether other firms may link its SIREN without asking its administrators.
    open_to_declarants = models.BooleanField(
        _("Third-party declarants may register your SIREN"), default=True
    )
    # How its mails are signed and where their answers go; empty: its name, its address.
    mail_name = models.CharField(_("Sender's name"), max_length=80, blank=True)
    reply_to = models.EmailField(_("Address for answers"), blank=True)
    # How often an invitation that nobody answers is reminded of by itself, before its deadline.
    invitation_reminders = models.PositiveSmallIntegerField(_("Reminders"), default=2)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        verbose_name = _("firm")
        constraints = [
            FirmWall(name="firm_wall", column="id"),
            models.CheckConstraint(
                condition=Q(invitation_reminders__lte=MOST_REMINDERS), name="firm_reminders"
            ),
        ]
        # The few that want to be asked before another firm is linked to their SIREN.
        indexes = [models.Index(fields=["siren"], condition=Q(open_to_declarants=False), name="firm_to_ask")]

    def __str__(self) -> str:
        return self.name

    def url(self, route: str, **kwargs: Any) -> str:
        """The path of a page of this firm: `firm.url("portfolios:rename", pk=…)`."""
        return _path(route, self.slug, **kwargs)


@lru_cache(maxsize=4096)
def _path(route: str, firm_slug: str, **kwargs: Any) -> str:
    """A page names some thirty of its firm's pages, mostly the same ones."""
    return reverse(route, kwargs={"firm_slug": firm_slug, **kwargs})


class FirmLogo(models.Model):
    """The firm's logo, as its mails hold it: a small PNG made anew of what was uploaded (`accounts.pictures`)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        Firm,
        models.CASCADE,
        default=scopes.firm_id,
        editable=False,
        related_name="logos",
        related_query_name="logo",
        db_index=False,
    )
    # Of the file that was uploaded.
    name = models.CharField(_("File"), max_length=200)
    content = models.BinaryField()
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    # Of the content: two logos that look alike have the same.
    digest = models.CharField(max_length=32)
    uploaded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        verbose_name = _("logo")
        constraints = [
            FirmWall(name="firmlogo_wall"),
            models.UniqueConstraint(fields=["firm"], name="firmlogo_one"),
        ]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    ADMIN = "admin", _("Administrator")
    COLLABORATOR = "collaborator", _("Collaborator")


class MemberState(models.TextChoices):
    """Where a membership stands; only CREATED and ACTIVE open anything."""

    INVITED = "invited", _("Invited")
    CREATED = "created", _("Created")
    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
    TERMINATED = "terminated", _("Terminated")


OPEN_STATES = (MemberState.CREATED, MemberState.ACTIVE)


class MembershipQuerySet(models.QuerySet["Membership"]):
    def open(self) -> Self:
        """Those who may enter the firm."""
        return self.filter(state__in=OPEN_STATES)

    def administrators(self) -> Self:
        return self.open().filter(role=Role.ADMIN)

    def with_person(self) -> Self:
        """With the person's language at hand, as a recipient of mails needs it."""
        return self.select_related("user")


class Membership(PersonName):
    """A person's place in one firm. Terminated, never deleted; the name and address shown in the firm stand here."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        Firm, models.CASCADE, default=scopes.firm_id, editable=False, related_name="memberships"
    )
    # None until an invited person has accepted.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="memberships")
    email = models.EmailField(_("E-mail address"))
    role = models.CharField(_("Role"), max_length=20, choices=Role.choices, default=Role.COLLABORATOR)
    state = models.CharField(
        _("State"), max_length=12, choices=MemberState.choices, default=MemberState.INVITED
    )
    # Since when it is suspended or terminated; the row's other states are dated by the two below.
    state_since = models.DateTimeField(default=timezone.now)
    invited_at = models.DateTimeField(default=timezone.now)
    last_visit_at = models.DateTimeField(null=True)

    objects: ClassVar[MembershipQuerySet] = MembershipQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("member")
        ordering = ["last_name", "first_name", "email"]
        constraints = [
            FirmWall(name="membership_wall"),
            FirmKey(name="membership_key"),
            # What the composite foreign keys of grants point at.
            models.UniqueConstraint(fields=["firm", "user"], name="membership_person"),
            models.UniqueConstraint(
                fields=["firm", "email"],
                name="membership_address",
                violation_error_message=_("This address already belongs to a member of the firm."),
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=False) | ~Q(state__in=OPEN_STATES), name="membership_open_has_person"
            ),
        ]

    @property
    def language(self) -> str:
        return self.user.language if self.user else "fr"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def is_admin(self) -> bool:
        return self.is_open and self.role == Role.ADMIN


class ReplacementQuerySet(models.QuerySet["Replacement"]):
    def running(self) -> Self:
        """Those of this moment, by the database's clock."""
        return self.filter(starts_at__lte=Now(), ends_at__gt=Now())

    def unended(self) -> Self:
        """Those of this moment and those to come."""
        return self.filter(ends_at__gt=Now())


class Replacement(models.Model):
    """A member covers another one: for a time, what a grant opens to the absent person is open to `cover` too.

    It opens the absent person's portfolios, and their single dossiers where `includes_assignments`; never what a client
    has authorised for the absent person alone, nor an administrator's place.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(Firm, models.CASCADE, default=scopes.firm_id, editable=False, related_name="+")
    absent = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, db_constraint=False, related_name="+"
    )
    cover = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, db_constraint=False, related_name="+")
    includes_assignments = models.BooleanField(_("With their single client files"), default=True)
    starts_at = models.DateTimeField(_("From"))
    ends_at = models.DateTimeField(_("Until"))
    arranged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_constraint=False, related_name="+"
    )
    arranged_at = models.DateTimeField(default=timezone.now)
    # When those concerned were told that it began and that it ended, which it does by itself.
    start_told_at = models.DateTimeField(null=True)
    end_told_at = models.DateTimeField(null=True)

    objects: ClassVar[ReplacementQuerySet] = ReplacementQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("replacement")
        ordering = ["starts_at", "id"]
        constraints = [
            FirmWall(name="replacement_wall"),
            FirmKey(name="replacement_key"),
            *(
                SameFirm(
                    name=f"replacement_{field}",
                    field=field,
                    to="accounts.Membership",
                    key="user_id",
                    on_delete=then,
                )
                for field, then in (
                    ("absent", "CASCADE"),
                    ("cover", "CASCADE"),
                    ("arranged_by", "SET NULL (arranged_by_id)"),
                )
            ),
            models.CheckConstraint(condition=~Q(absent=F("cover")), name="replacement_of_another"),
            models.CheckConstraint(condition=Q(ends_at__gte=F("starts_at")), name="replacement_dates"),
        ]
        indexes = [
            models.Index(fields=["firm", "cover", "ends_at"], name="replacement_cover"),
            models.Index(fields=["ends_at"], condition=Q(end_told_at=None), name="replacement_to_tell"),
        ]

    def __str__(self) -> str:
        return f"{self.cover_id} for {self.absent_id}"

    @property
    def starts_on(self) -> date:
        """Its first day, of the firm's calendar."""
        return timezone.localtime(self.starts_at).date()

    @property
    def ends_on(self) -> date:
        """Its last day, which belongs to it."""
        return timezone.localtime(self.ends_at - timedelta(microseconds=1)).date()


class Terms(models.Model):
    """A version of the terms of use. The text is the product's, so it belongs to no firm."""

    version = models.CharField(max_length=20, primary_key=True)
    published_at = models.DateTimeField()
    text_fr = models.TextField()
    text_en = models.TextField()

    class Meta:
        default_permissions = ()
        verbose_name = _("terms of use")

    def __str__(self) -> str:
        return self.version


class TermsAcceptance(models.Model):
    """Who accepted which version, and when."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="terms_accepted")
    terms = models.ForeignKey(Terms, models.PROTECT, related_name="acceptances")
    accepted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        verbose_name = _("acceptance of the terms")
        constraints = [models.UniqueConstraint(fields=["user", "terms"], name="terms_accepted_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.terms_id}"


class Passkey(models.Model):
    """A key that one of a person's devices keeps, and that opens their account (see `accounts.passkeys`).

    Nothing secret stands here: the device keeps its half, and signs with it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="passkeys")
    # As a browser names it; at most 1,023 bytes, in base64.
    credential_id = models.CharField(max_length=1400, unique=True, editable=False)
    # The name of the device's make, the credential's id and its public key, as WebAuthn puts them together.
    credential = models.BinaryField()
    # The browser that made it: what tells a person their keys apart, with the two dates.
    name = models.CharField(max_length=80)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        verbose_name = _("passkey")
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.name


class CheckState(models.TextChoices):
    QUEUED = "queued", _("Waiting for its turn")
    RUNNING = "running", _("Being verified")
    INTACT = "intact", _("Intact")
    FAULTY = "faulty", _("Not intact")
    FAILED = "failed", _("Failed")


class JournalCheck(Leased):
    """A verification of the firm's activity log, which a worker does; `report` is what it found."""

    AT_WORK: ClassVar = (CheckState.QUEUED, CheckState.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(Firm, models.CASCADE, default=scopes.firm_id, editable=False, related_name="+")
    asked_by = models.ForeignKey(Membership, models.PROTECT, db_constraint=False, related_name="+")
    state = models.CharField(_("State"), max_length=10, choices=CheckState.choices, default=CheckState.QUEUED)
    # A proof that somebody kept elsewhere and gave for comparison: its text.
    given = models.TextField(blank=True)
    report = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        verbose_name = _("verification of the activity log")
        ordering = ["-id"]
        constraints = [
            FirmWall(name="journalcheck_wall"),
            SameFirm(name="journalcheck_asker", field="asked_by"),
            models.UniqueConstraint(
                fields=["firm"], condition=Q(state__in=("queued", "running")), name="journalcheck_once"
            ),
        ]
        indexes = [models.Index(fields=["firm", "-id"], name="journalcheck_of_firm")]

    firm_id: UUID

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M}"

    @property
    def is_at_work(self) -> bool:
        return self.state in self.AT_WORK
