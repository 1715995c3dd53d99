"""The client's own place, outside any firm; its people; and the link that ties it to a firm's dossier."""

from typing import ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Coalesce, Left, Now, NullIf
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import PersonName
from clients.models.details import ClientDetails
from clients.models.dossier import Dossier
from clients.models.profiles import PROFILE_ALLOWS, SpacePerm, SpaceProfile, profiles_that_may
from tenancy import scopes
from tenancy.db import FirmKey, OwnerField, SameFirm, SharedWall, SpaceKey, SpaceWall
from tenancy.keys import uuid7


class ClientSpace(ClientDetails):
    """A client's space: it may exist before any firm, and be followed by two."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Whether a firm may be linked to this company without its managers being asked.
    open_to_declarants = models.BooleanField(
        _("Third-party declarants may register your SIREN"), default=True
    )

    class Meta:
        default_permissions = ()
        verbose_name = _("client space")
        constraints = [SpaceWall(name="clientspace_wall", column="id")]
        indexes = [
            # The few that want to be asked, by the SIREN that they have or that begins their SIRET (`consent_asked`).
            models.Index(
                Coalesce(NullIf("siren", Value("")), Left("siret", 9)),
                condition=Q(open_to_declarants=False),
                name="clientspace_to_ask",
            )
        ]

    def url(self, route: str, **kwargs: object) -> str:
        """The path of a page of this space: `space.url("clients:space_home")`."""
        return reverse(route, kwargs={"space_id": self.pk, **kwargs})


class SpaceMemberQuerySet(models.QuerySet["SpaceMember"]):
    def present(self) -> Self:
        """Those who still have their place, with their person's language at hand, as recipients need it."""
        return self.filter(ended_at=None).select_related("user")

    def who_may(self, perm: SpacePerm) -> Self:
        """Those of them whose profile allows it."""
        return self.present().filter(profile__in=profiles_that_may(perm))


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

    def may(self, perm: SpacePerm) -> bool:
        """Does their profile allow it, and have they their place still?"""
        return self.ended_at is None and perm in PROFILE_ALLOWS[SpaceProfile(self.profile)]

    @property
    def may_edit(self) -> bool:
        return self.may(SpacePerm.EDIT_DETAILS)

    @property
    def may_authorise(self) -> bool:
        return self.may(SpacePerm.AUTHORISE)


class LinkRight(models.TextChoices):
    """What the client allows the firm; it caps everyone in it, administrators included."""

    MANAGE = "manage", _("Manage the dossier")
    READ = "read", _("Read the dossier")


class SpaceLinkQuerySet(models.QuerySet["SpaceLink"]):
    def running(self) -> Self:
        """Those that have not ended, and wait for nobody's consent."""
        return self.current().filter(waiting=False)

    def current(self) -> Self:
        """Those that have not ended, by the database's clock, be it that they wait."""
        return self.filter(Q(until=None) | Q(until__gt=Now()))

    def locking(self) -> Self:
        """Those by which a firm keeps some of the client's details: what it may not manage, it doesn't keep either."""
        return self.running().filter(right=LinkRight.MANAGE).exclude(locked_details=[])

    def awaiting(self) -> Self:
        """Those that wait for the company's consent."""
        return self.filter(until=None, waiting=True)

    def left(self) -> Self:
        """Those that the client has ended."""
        return self.filter(waiting=False, until__lte=Now())

    def refused(self) -> Self:
        """Those to which the company has said no, and that were not tried again; not those that were given up."""
        later = SpaceLink.objects.filter(
            firm=OuterRef("firm"), dossier=OuterRef("dossier"), pk__gt=OuterRef("pk")
        )
        return self.filter(~Exists(later.order_by()), waiting=True, until__gt=F("since"))


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
    # For the consent of the company's own managers: until then neither side learns anything of the other.
    waiting = models.BooleanField(default=False)
    # What the firm keeps of the client's details (names of `DETAIL_FIELDS`): the client reads it and why, no more.
    locked_details = ArrayField(models.CharField(max_length=30), default=list, blank=True)
    lock_reason = models.CharField(max_length=200, blank=True)

    objects: ClassVar[SpaceLinkQuerySet] = SpaceLinkQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("link between firm and client")
        constraints = [
            SharedWall(name="spacelink_wall", columns=["firm_id", "space_id"]),
            FirmKey(name="spacelink_key"),
            SpaceKey(name="spacelink_space_key"),
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
        return not self.waiting and (self.until is None or self.until > timezone.now())

    @property
    def kept(self) -> frozenset[str]:
        """The details that the firm keeps: none where the client lets it read only."""
        return frozenset(self.locked_details) if self.right == LinkRight.MANAGE else frozenset()

    @property
    def by_firm(self) -> dict[str, str]:
        """The details of an event in the client's journal that the firm has brought about: its name, for the sentence;
        its key, so that it hears of a mail about it that did not arrive, and no other firm does (`clients.unreached`).
        """
        return {"firm": self.firm_name, "firm_key": str(self.firm_id)}

    @property
    def sides(self) -> tuple[scopes.Scope, scopes.Scope]:
        """As a tie that may be crossed (`tenancy.scopes.crossing`)."""
        return scopes.Scope(firm_id=self.firm_id), scopes.Scope(space_id=self.space_id)


class SupportAuthorisationQuerySet(models.QuerySet["SupportAuthorisation"]):
    def running(self) -> Self:
        """Those of this moment, by the database's clock: an authorisation ends with the link, whatever its own end."""
        links = SpaceLink.objects.running().order_by()
        followed = links.filter(firm=OuterRef("firm"), dossier=OuterRef("dossier"), space=OuterRef("space"))
        return self.filter(Exists(followed), withdrawn_at=None, until__gt=Now())

    def withdrawable(self) -> Self:
        """Those that the client may still take back: also one whose link has just ended, until that is cleared up."""
        return self.unended().filter(until__gt=Now())

    def unended(self) -> Self:
        """Those that run, and those that are over without anybody having been told yet."""
        return self.filter(withdrawn_at=None, end_told_at=None)


class SupportAuthorisation(models.Model):
    """A client lets a firm's technical support see the dossier, until then or until they withdraw it.

    Seen from both sides, as the link is. An assignment of role SUPPORT never outlasts it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = models.ForeignKey("accounts.Firm", models.CASCADE, editable=False, related_name="+")
    space = models.ForeignKey(
        ClientSpace, models.CASCADE, editable=False, related_name="support_authorisations"
    )
    dossier = models.ForeignKey(
        Dossier, models.CASCADE, db_constraint=False, related_name="support_authorisations"
    )
    given_by_name = models.CharField(max_length=200)
    given_at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField()
    withdrawn_by_name = models.CharField(max_length=200, blank=True)
    withdrawn_at = models.DateTimeField(null=True)
    # When those concerned were told that it ran out, which it does by itself.
    end_told_at = models.DateTimeField(null=True)

    objects: ClassVar[SupportAuthorisationQuerySet] = SupportAuthorisationQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("authorisation of technical support")
        constraints = [
            SharedWall(name="supportauthorisation_wall", columns=["firm_id", "space_id"]),
            SameFirm(name="supportauthorisation_dossier", field="dossier", on_delete="CASCADE"),
            models.UniqueConstraint(
                fields=["firm", "dossier"],
                condition=Q(withdrawn_at=None, end_told_at=None),
                name="supportauthorisation_one",
            ),
            models.CheckConstraint(condition=Q(until__gt=F("given_at")), name="supportauthorisation_dates"),
        ]
        indexes = [
            models.Index(
                fields=["until"],
                condition=Q(withdrawn_at=None, end_told_at=None),
                name="supportauthorisation_to_tell",
            ),
        ]

    firm_id: UUID
    space_id: UUID

    def __str__(self) -> str:
        return f"{self.dossier_id} until {self.until:%Y-%m-%d %H:%M}"

    @property
    def is_active(self) -> bool:
        """Is its end still to be told to the other side?"""
        return self.withdrawn_at is None and self.end_told_at is None

    @property
    def sides(self) -> tuple[scopes.Scope, scopes.Scope]:
        """A tie of its own, so that it can be withdrawn whatever became of the link."""
        return scopes.Scope(firm_id=self.firm_id), scopes.Scope(space_id=self.space_id)


class ConsentState(models.TextChoices):
    WAITING = "waiting", _("Waiting for an answer")
    GIVEN = "given", _("Accepted")
    REFUSED = "refused", _("Refused")
    # The firm's client took another way: there is nothing to answer any more.
    DROPPED = "dropped", _("No longer asked")


class ConsentRequestQuerySet(models.QuerySet["ConsentRequest"]):
    def waiting(self) -> Self:
        return self.filter(state=ConsentState.WAITING)

    def shown(self) -> Self:
        """Those that may be seen by who is asked: one made after a refusal is dated when it may be asked again."""
        return self.filter(requested_at__lte=Now())

    def of_company(self, *, space: UUID | None = None, firm: UUID | None = None) -> Self:
        """Those that ask this company: a client's space, or a firm."""
        return self.filter(asked_space=space, asked_firm=firm)


class ConsentRequest(models.Model):
    """A dossier carries the SIREN of a company that wants to be asked: its managers, or that firm's administrators.

    Seen by the firm that asks, and by whoever is asked: a client's space, or (a firm is a company too) a firm.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = models.ForeignKey("accounts.Firm", models.CASCADE, editable=False, related_name="+")
    asked_space = models.ForeignKey(
        ClientSpace, models.CASCADE, null=True, editable=False, related_name="consent_requests"
    )
    asked_firm = models.ForeignKey(
        "accounts.Firm", models.CASCADE, null=True, editable=False, related_name="consent_requests"
    )
    link = models.ForeignKey(SpaceLink, models.CASCADE, db_constraint=False, related_name="consent_requests")
    siren = models.CharField(_("SIREN"), max_length=9)
    # Shown to whoever is asked, who can't read the firm's own rows.
    firm_name = models.CharField(max_length=160)
    firm_phone = models.CharField(max_length=30, blank=True)
    firm_email = models.EmailField(blank=True)
    state = models.CharField(max_length=10, choices=ConsentState.choices, default=ConsentState.WAITING)
    requested_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True)
    answered_by_name = models.CharField(max_length=200, blank=True)

    objects: ClassVar[ConsentRequestQuerySet] = ConsentRequestQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("request for consent")
        ordering = ["-id"]
        constraints = [
            SharedWall(
                name="consentrequest_wall",
                columns=["firm_id", "asked_firm_id", "asked_space_id"],
            ),
            SameFirm(name="consentrequest_link", field="link", on_delete="CASCADE"),
            models.CheckConstraint(
                condition=Q(asked_space=None, asked_firm__isnull=False)
                | Q(asked_space__isnull=False, asked_firm=None),
                name="consentrequest_one_asked",
            ),
            models.UniqueConstraint(fields=["firm", "link"], name="consentrequest_once"),
        ]
        indexes = [
            models.Index(fields=["asked_space", "-id"], name="consentrequest_of_space"),
            models.Index(fields=["asked_firm", "-id"], name="consentrequest_of_firm"),
        ]

    firm_id: UUID
    link_id: UUID
    asked_space_id: UUID | None
    asked_firm_id: UUID | None

    def __str__(self) -> str:
        return f"{self.firm_name} – {self.siren}"

    @property
    def is_active(self) -> bool:
        """Only while it waits does it join the two sides."""
        return self.state == ConsentState.WAITING

    @property
    def sides(self) -> tuple[scopes.Scope, scopes.Scope]:
        """The firm that asks, and the company that is asked."""
        asked = scopes.Scope(space_id=self.asked_space_id, firm_id=self.asked_firm_id)
        return scopes.Scope(firm_id=self.firm_id), asked
