"""An invitation: somebody is asked, by mail, to come in. One table, three directions.

A firm asks a client to open their space, or a colleague to join; a client asks a firm to follow them, or a person of
their own into the space. It belongs to the firm or to the space that sends it (`owner`); a firm that is asked sees it
once somebody has answered for that firm (`to_firm`).
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar, Self, cast
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Membership, Role
from accounts.permissions import ObjectRole, Perm, allows, can, permitted
from clients.models import ClientSpace, Dossier, LinkRight, SpaceMember, SpacePerm, SpaceProfile
from portfolios.models import Portfolio
from tenancy import scopes
from tenancy.db import (
    EitherOwnerField,
    FirmKey,
    FirmWall,
    OwnerField,
    OwnerKey,
    SameFirm,
    SameOwner,
    SameSpace,
    SharedWall,
)
from tenancy.keys import uuid7

LIFETIME = timedelta(days=7)
# Technical support is no role to invite to: it needs the client's authorisation, dossier by dossier.
GRANTED_ROLES = [(role.value, role.label) for role in (ObjectRole.ACCOUNTANT, ObjectRole.READER)]
TOKEN_BYTES = 32


class InvitationKind(models.TextChoices):
    CLIENT = "client", _("Client")
    MEMBER = "member", _("Member")
    FIRM = "firm", _("Accounting firm")
    PERSON = "person", _("Person of the client")


# Who sends them. The wall stands around the sender.
FROM_FIRMS = (InvitationKind.CLIENT, InvitationKind.MEMBER)
FROM_SPACES = (InvitationKind.FIRM, InvitationKind.PERSON)


class InvitationState(models.TextChoices):
    """Where an invitation stands.

    Two are never stored: EXPIRED follows from the deadline, ON_HOLD from who sent it, who may invite no more.
    """

    # Prepared, and not sent yet: no link of it exists.
    DRAFT = "draft", pgettext_lazy("state", "Draft")
    SENT = "sent", pgettext_lazy("state", "Sent")
    OPENED = "opened", pgettext_lazy("state", "Opened")
    FAILED = "failed", pgettext_lazy("state", "Failed")
    EXPIRED = "expired", pgettext_lazy("state", "Expired")
    ON_HOLD = "on_hold", pgettext_lazy("state", "On hold")
    ACCEPTED = "accepted", pgettext_lazy("state", "Accepted")
    REFUSED = "refused", pgettext_lazy("state", "Refused")
    REVOKED = "revoked", pgettext_lazy("state", "Revoked")


# Waiting for an answer, the deadline aside.
PENDING_STATES = (InvitationState.SENT, InvitationState.OPENED, InvitationState.FAILED)
# Good until the deadline, as long as their sender may invite.
_GOOD_STATES = (InvitationState.SENT, InvitationState.OPENED)


_OWNED = Q(owner=Coalesce("firm", "space"))


def next_deadline() -> datetime:
    return timezone.now() + LIFETIME


def shown_state(state: str, deadline: datetime) -> InvitationState:
    """As people see it: an unanswered one whose deadline is over has expired. `state` may be ON_HOLD already."""
    has_expired = state in (*PENDING_STATES, InvitationState.ON_HOLD) and deadline <= timezone.now()
    return InvitationState.EXPIRED if has_expired else InvitationState(state)


# Of a firm: those whose sender has left, is suspended or an administrator no more. Their links open nothing meanwhile.
_SENDERS = Membership.objects.administrators().filter(pk=OuterRef("invited_by")).order_by()
ON_HOLD = Q(~Exists(_SENDERS), state__in=_GOOD_STATES, kind__in=FROM_FIRMS)


# Sent or opened, and answerable: what people ask a list for, no state of its own.
WAITING = "waiting"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def pending(self) -> Self:
        """Those that wait for an answer, expired ones included: sending them again revives them."""
        return self.filter(state__in=PENDING_STATES)

    def unanswered(self) -> Self:
        """Those, and what was prepared and not sent."""
        return self.filter(state__in=(InvitationState.DRAFT, *PENDING_STATES))

    def drafts(self) -> Self:
        return self.filter(state=InvitationState.DRAFT)

    def in_state(self, state: str) -> Self:
        """Those that people see in this state: an expired one shows as such whatever it was before."""
        now = timezone.now()
        if state == InvitationState.EXPIRED:
            return self.pending().filter(expires_at__lte=now)
        if state == InvitationState.ON_HOLD:
            return self.filter(ON_HOLD, expires_at__gt=now)
        if state == WAITING:
            arrived = self.filter(
                state__in=(InvitationState.SENT, InvitationState.OPENED), expires_at__gt=now
            )
            return arrived.exclude(ON_HOLD)
        found = self.filter(state=state)
        if state in _GOOD_STATES:
            found = found.exclude(ON_HOLD)
        return found.filter(expires_at__gt=now) if state in PENDING_STATES else found

    def search(self, text: str) -> Self:
        """Those whose address, person or dossier holds each word."""
        found = self
        for word in text.split():
            here = Q(email__icontains=word) | Q(name__icontains=word)
            found = found.filter(here | Q(dossier__in=Dossier.objects.search(word)))
        return found

    def visible_to(self, member: Membership) -> Self:
        """Those of the dossiers that the member sees, archived ones aside, and those of members for who manages these.

        While a dossier is archived, its invitation can't be accepted; it can again once the dossier is restored.
        """
        if member.role == Role.ADMIN:  # who sees nearly all: the few others are found sooner
            hidden = Dossier.objects.filter(Q(is_own=True) | Q(archived_at__isnull=False)).order_by()
            return cast(Self, permitted(self, member, Perm.VIEW_DOSSIER)).exclude(dossier__in=hidden)
        shown = Q(dossier__in=permitted(Dossier.objects.clients().active(), member, Perm.VIEW_DOSSIER))
        if can(member, Perm.MANAGE_MEMBERS):
            shown |= Q(kind=InvitationKind.MEMBER)
        return self.filter(shown, firm_id=member.firm_id)

    def answerable(self) -> Self:
        """Those that wait for an answer and have not expired."""
        return self.pending().filter(expires_at__gt=timezone.now())

    def requests_to(self, member: Membership) -> Self:
        """What clients ask of the firm: all of it for who answers clients, else what the member has taken up."""
        found = self.filter(kind=InvitationKind.FIRM, to_firm_id=member.firm_id)
        mine = Q(taken_up_by=member.user_id)
        if allows(Role(member.role), Perm.ANSWER_CLIENTS):  # whether that is their role still, the query asks
            theirs = Membership.objects.open().filter(pk=member.pk, role=member.role)
            mine |= Q(Exists(theirs.order_by()))
        return found.filter(mine) if member.user_id else found.none()

    def manageable_by(self, member: Membership) -> Self:
        """Those that the member may send again or revoke."""
        shown = Q(dossier__in=permitted(Dossier.objects.clients(), member, Perm.INVITE_CLIENT))
        if can(member, Perm.MANAGE_MEMBERS):
            shown |= Q(kind=InvitationKind.MEMBER)
        return self.filter(shown, firm_id=member.firm_id)

    def with_names(self) -> Self:
        """With what a list or a mail shows of them at hand, on the side of the wall where the code stands."""
        if scopes.current().space_id:
            return self.select_related("space", "asked_by")
        return self.select_related("dossier", "membership", "invited_by")


class Invitation(models.Model):
    """One invitation to one address: of a client to the space of their dossier, of a member to the firm, of a firm to
    follow a client, of a person to the client's space.

    `generation` counts the sendings that made the links before them void. Those that a client sends name their `space`
    and say `firm=None`; `space_name` is how the client is called for whoever can't read the space.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        "accounts.Firm", models.CASCADE, null=True, default=scopes.firm_id, editable=False, related_name="+"
    )
    space = models.ForeignKey(ClientSpace, models.CASCADE, null=True, editable=False, related_name="+")
    owner = EitherOwnerField("firm_id", "space_id")
    # The firm for which somebody answers a client's invitation: it sees it from then on. Its name is for the client,
    # who can't read the firm's own row.
    to_firm = models.ForeignKey("accounts.Firm", models.CASCADE, null=True, editable=False, related_name="+")
    to_firm_name = models.CharField(max_length=160, blank=True)
    taken_up_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(_("Kind"), max_length=10, choices=InvitationKind.choices)
    state = models.CharField(
        _("State"), max_length=10, choices=InvitationState.choices, default=InvitationState.SENT
    )
    email = models.EmailField(_("E-mail address"))
    name = models.CharField(_("Name"), max_length=200, blank=True)
    # What whoever invites has chosen, for somebody who has no account that says it; empty: nothing.
    language = models.CharField(_("Language"), max_length=7, choices=settings.LANGUAGES, blank=True)
    dossier = models.ForeignKey(
        Dossier, models.CASCADE, null=True, db_constraint=False, related_name="invitations"
    )
    profile = models.CharField(
        _("Profile"), max_length=10, choices=SpaceProfile.choices, default=SpaceProfile.MANAGER
    )
    membership = models.ForeignKey(
        Membership, models.CASCADE, null=True, db_constraint=False, related_name="invitations"
    )
    role = models.CharField(_("Role"), max_length=20, choices=Role.choices, blank=True)
    invited_by = models.ForeignKey(
        Membership, models.SET_NULL, null=True, db_constraint=False, related_name="+"
    )
    asked_by = models.ForeignKey(
        SpaceMember, models.SET_NULL, null=True, db_constraint=False, related_name="+"
    )
    space_name = models.CharField(max_length=200, blank=True)
    # What the client lets the firm do, and whether it takes the place of those that follow the space now.
    right = models.CharField(_("Right"), max_length=10, choices=LinkRight.choices, default=LinkRight.MANAGE)
    ends_others = models.BooleanField(default=False)
    generation = models.PositiveIntegerField(default=1)
    reminder_count = models.PositiveSmallIntegerField(default=0)
    remind_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(default=next_deadline)
    opened_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    failure = models.CharField(max_length=500, blank=True)

    objects: ClassVar[InvitationQuerySet] = InvitationQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("invitation")
        ordering = ["-sent_at", "-id"]
        constraints = [
            SharedWall(name="invitation_wall", columns=["firm_id", "space_id", "to_firm_id"]),
            FirmKey(name="invitation_key"),
            OwnerKey(name="invitation_owner_key"),
            SameFirm(name="invitation_dossier", field="dossier", on_delete="CASCADE"),
            SameFirm(name="invitation_membership", field="membership", on_delete="CASCADE"),
            SameFirm(name="invitation_inviter", field="invited_by", on_delete="SET NULL (invited_by_id)"),
            SameSpace(name="invitation_asker", field="asked_by", on_delete="SET NULL (asked_by_id)"),
            models.CheckConstraint(
                condition=Q(kind=InvitationKind.CLIENT, dossier__isnull=False, membership=None, role="")
                | Q(kind=InvitationKind.MEMBER, dossier=None, membership__isnull=False, role__gt="")
                | Q(kind__in=FROM_SPACES, dossier=None, membership=None, role=""),
                name="invitation_one_target",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=FROM_FIRMS, firm__isnull=False, space=None, to_firm=None)
                | Q(kind=InvitationKind.FIRM, firm=None, space__isnull=False)
                | Q(kind=InvitationKind.PERSON, firm=None, space__isnull=False, to_firm=None),
                name="invitation_one_sender",
            ),
            models.CheckConstraint(condition=_OWNED, name="invitation_owner"),
            # Whom a firm invites is the first person of a space, which never stands without a manager.
            models.CheckConstraint(
                condition=Q(kind=InvitationKind.PERSON) | Q(profile=SpaceProfile.MANAGER),
                name="invitation_first_manages",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[InvitationState.EXPIRED, InvitationState.ON_HOLD]),
                name="invitation_derived_states",
            ),
            models.UniqueConstraint(
                fields=["firm", "dossier", "email"],
                condition=Q(state__in=PENDING_STATES, kind=InvitationKind.CLIENT),
                name="invitation_one_per_address",
            ),
            models.UniqueConstraint(
                fields=["firm", "membership"],
                condition=Q(state__in=PENDING_STATES, kind=InvitationKind.MEMBER),
                name="invitation_one_per_member",
            ),
            models.UniqueConstraint(
                fields=["space", "kind", "email"],
                condition=Q(state__in=PENDING_STATES, kind__in=FROM_SPACES),
                name="invitation_one_per_guest",
            ),
            models.UniqueConstraint(
                fields=["firm", "dossier"],
                condition=Q(state=InvitationState.DRAFT, kind=InvitationKind.CLIENT),
                name="invitation_one_draft",
            ),
        ]
        indexes = [
            models.Index(fields=["firm", "-sent_at", "-id"], name="invitation_by_date"),
            models.Index(fields=["firm", "dossier"], name="invitation_by_dossier"),
            models.Index(fields=["space", "-sent_at", "-id"], name="invitation_of_space"),
            models.Index(fields=["to_firm", "-sent_at", "-id"], name="invitation_to_firm"),
            # What the sweep of reminders and a person's own page look for, across firms and spaces.
            models.Index(
                fields=["remind_at"],
                condition=Q(state__in=_GOOD_STATES, remind_at__isnull=False),
                name="invitation_to_remind",
            ),
            models.Index(
                fields=["email"], condition=Q(state__in=PENDING_STATES), name="invitation_by_address"
            ),
        ]

    firm_id: UUID | None
    space_id: UUID | None
    to_firm_id: UUID | None
    dossier_id: UUID | None

    def __str__(self) -> str:
        return self.target_name

    @property
    def target(self) -> Dossier | Membership | ClientSpace:
        """To what it leads: the dossier whose space it opens, the place in the firm, the client's space.

        In the scope of its sender, or for what a firm sends.
        """
        targets = {InvitationKind.CLIENT: self.dossier, InvitationKind.MEMBER: self.membership}
        target = targets.get(InvitationKind(self.kind)) or self.space
        assert target is not None
        return target

    @property
    def target_name(self) -> str:
        return self.space_name if self.kind in FROM_SPACES else self.target.name

    @property
    def sender_name(self) -> str:
        """The firm or the client that invites, by name."""
        return self.firm.name if self.firm else self.space_name

    @property
    def shown_state(self) -> InvitationState:
        """As people see it, the sender included: load them with `with_names`."""
        held = self.state in _GOOD_STATES and not self._sender_may
        return shown_state(InvitationState.ON_HOLD if held else self.state, self.expires_at)

    @property
    def is_on_hold(self) -> bool:
        """Does its link open nothing for as long as its sender may not invite?"""
        return self.shown_state == InvitationState.ON_HOLD

    @property
    def _sender_may(self) -> bool:
        """What `ON_HOLD` asks; whether it may really be accepted, the answer's action asks anew.

        Of those that a client sends, on the client's side alone: the other one can't read who sent it.
        """
        if self.kind in FROM_SPACES:
            return scopes.current().space_id is None or self.asker_may
        return self.invited_by is not None and self.invited_by.is_open and self.invited_by.is_admin

    @property
    def asker_may(self) -> bool:
        """May the person of the client who sent it still do so? In the space's scope."""
        wanted = SpacePerm.CHOOSE_FIRMS if self.kind == InvitationKind.FIRM else SpacePerm.MANAGE_PEOPLE
        return self.asked_by is not None and self.asked_by.may(wanted)

    @property
    def is_draft(self) -> bool:
        return self.state == InvitationState.DRAFT

    @property
    def is_pending(self) -> bool:
        """Does it wait for an answer, be it expired?"""
        return self.state in PENDING_STATES

    @property
    def has_expired(self) -> bool:
        return shown_state(self.state, self.expires_at) == InvitationState.EXPIRED

    @property
    def is_open(self) -> bool:
        """May it be accepted now?"""
        return self.is_pending and not self.has_expired

    @property
    def is_active(self) -> bool:
        """Does it join the client that asks and the firm for which it was taken up? Only while it waits."""
        return self.kind == InvitationKind.FIRM and self.to_firm_id is not None and self.is_open

    @property
    def sides(self) -> tuple[scopes.Scope, scopes.Scope]:
        """As a tie that may be crossed (`tenancy.scopes.crossing`)."""
        return scopes.Scope(firm_id=self.to_firm_id), scopes.Scope(space_id=self.space_id)


class InvitationToken(models.Model):
    """One link that left by mail, of which only the hash is kept. Good while the invitation is of its generation."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = models.ForeignKey("accounts.Firm", models.CASCADE, null=True, editable=False, related_name="+")
    space = models.ForeignKey(ClientSpace, models.CASCADE, null=True, editable=False, related_name="+")
    owner = EitherOwnerField("firm_id", "space_id")
    invitation = models.ForeignKey(Invitation, models.CASCADE, db_constraint=False, related_name="tokens")
    token_hash = models.CharField(max_length=64, unique=True)
    generation = models.PositiveIntegerField()
    minted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        verbose_name = _("invitation link")
        constraints = [
            SharedWall(name="invitationtoken_wall", columns=["firm_id", "space_id"]),
            SameOwner(name="invitationtoken_invitation", field="invitation", on_delete="CASCADE"),
            models.CheckConstraint(
                condition=_OWNED & (Q(firm=None) | Q(space=None)), name="invitationtoken_one_owner"
            ),
        ]
        indexes = [models.Index(fields=["owner", "invitation"], name="invitationtoken_by_invitation")]

    def __str__(self) -> str:
        return f"{self.invitation_id} {self.generation}"


def mint(invitation: Invitation) -> str:
    """A new token of 256 random bits for the invitation's present generation; its hash alone is kept.

    Called while the mail is made and nowhere else, so that the token exists in the mail only.
    """
    return mint_all([invitation])[invitation.pk]


def mint_all(invitations: Iterable[Invitation]) -> dict[UUID, str]:
    """A new token for each, by the invitation's key, kept in one go."""
    tokens = {invitation: secrets.token_urlsafe(TOKEN_BYTES) for invitation in invitations}
    InvitationToken.objects.bulk_create(
        InvitationToken(
            invitation=invitation,
            firm_id=invitation.firm_id,
            space_id=invitation.space_id,
            token_hash=hashed(token),
            generation=invitation.generation,
        )
        for invitation, token in tokens.items()
    )
    return {invitation.pk: token for invitation, token in tokens.items()}


def hashed(token: str) -> str:
    """What is kept of a token. It has 256 random bits, so a plain SHA-256 can't be searched backwards."""
    return hashlib.sha256(token.encode()).hexdigest()


class InvitationGrant(models.Model):
    """A portfolio or a single dossier that opens to the invited colleague as they accept: what the page showed them."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        "accounts.Firm", models.CASCADE, default=scopes.firm_id, editable=False, related_name="+"
    )
    invitation = models.ForeignKey(Invitation, models.CASCADE, db_constraint=False, related_name="grants")
    portfolio = models.ForeignKey(Portfolio, models.CASCADE, null=True, db_constraint=False, related_name="+")
    dossier = models.ForeignKey(Dossier, models.CASCADE, null=True, db_constraint=False, related_name="+")
    role = models.CharField(max_length=20, choices=GRANTED_ROLES, default=ObjectRole.ACCOUNTANT)

    class Meta:
        default_permissions = ()
        verbose_name = _("access given with an invitation")
        constraints = [
            FirmWall(name="invitationgrant_wall"),
            SameFirm(name="invitationgrant_invitation", field="invitation", on_delete="CASCADE"),
            SameFirm(name="invitationgrant_portfolio", field="portfolio", on_delete="CASCADE"),
            SameFirm(name="invitationgrant_dossier", field="dossier", on_delete="CASCADE"),
            models.CheckConstraint(
                condition=Q(portfolio=None, dossier__isnull=False) | Q(portfolio__isnull=False, dossier=None),
                name="invitationgrant_one_thing",
            ),
            models.UniqueConstraint(
                fields=["firm", "invitation", "portfolio", "dossier"],
                nulls_distinct=False,
                name="invitationgrant_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invitation_id}: {self.portfolio_id or self.dossier_id}"
