"""How a firm invites: a colleague, one client, many clients at once."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, models, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.actions.holding import hold_and_require, hold_names
from accounts.models import Membership, MemberState, Role
from accounts.permissions import ObjectRole, Perm, administrators, permitted, require
from activity.actions import Happening, new_group, record, record_many
from clients.actions.dossiers import update_dossier
from clients.models import Dossier, SpaceLink
from invitations.actions.handling import end, issue, leaving, renew, send, who_sees_some
from invitations.actions.holding import hold_dossiers
from invitations.events import (
    ClientInvited,
    ClientsInvited,
    InvitationResent,
    InvitationRevoked,
    MemberInvited,
)
from invitations.models import Invitation, InvitationGrant, InvitationKind, InvitationState
from portfolios.models import Portfolio
from tenancy.expressions import among

_BATCH = 2_000


class AlreadyMember(Exception):
    """The address is that of a member of the firm."""


class AlreadyInvited(Exception):
    """An invitation to this address waits for its answer."""


class AlreadyActive(Exception):
    """The dossier's client has their space."""


class Skip(models.TextChoices):
    """Why a dossier of a selection gets no invitation."""

    NO_ADDRESS = "no_address", _("no e-mail address")
    ACTIVE = "active", _("already active")
    CONSENT = "consent", _("the company was asked for its consent")
    PENDING = "pending", _("already invited, waiting for an answer")
    OWN = "own", _("the firm's own file")
    GONE = "gone", _("no longer there, or no longer open to you")
    ANSWERED = "answered", _("answered or withdrawn meanwhile")
    TO_CONFIRM = "to_confirm", _("the answer to an earlier letter waits for your confirmation")


@dataclass
class Plan:
    """What inviting a selection would do: new invitations, drafts to send, expired ones to renew; who is left out."""

    new: list[Dossier] = field(default_factory=list)
    # How many more of these there are, where one only looks.
    new_besides: int = 0
    drafts: list[Invitation] = field(default_factory=list)
    renewed: list[Invitation] = field(default_factory=list)
    replaced: list[Invitation] = field(default_factory=list)
    skipped: dict[Skip, list[Dossier]] = field(default_factory=dict)

    @property
    def new_count(self) -> int:
        return len(self.new) + self.new_besides

    @property
    def mail_count(self) -> int:
        return self.new_count + len(self.drafts) + len(self.renewed)

    @property
    def skipped_count(self) -> int:
        return sum(len(dossiers) for dossiers in self.skipped.values())

    @property
    def skipped_counts(self) -> dict[Skip, int]:
        return {reason: len(dossiers) for reason, dossiers in self.skipped.items()}


@transaction.atomic
def invite_member(
    *,
    actor: Membership,
    email: str,
    role: Role,
    first_name: str = "",
    last_name: str = "",
    portfolios: Collection[UUID] = (),
    dossiers: Collection[UUID] = (),
    grant_role: ObjectRole = ObjectRole.ACCOUNTANT,
    language: str = "",
) -> Invitation:
    """Invite a colleague to the firm. Raises AlreadyMember, AlreadyInvited. One who had left is invited anew.

    These `portfolios` and `dossiers` (by key, of those that the actor may give) open to a collaborator, in the
    `grant_role`, as they accept; an administrator sees everything anyway.
    """
    hold_and_require(actor, Perm.MANAGE_MEMBERS)
    member = _place(email.strip().lower())
    require(
        actor, Perm.MANAGE_MEMBERS
    )  # once the place is held: while this waited, the actor may have lost the right
    member.role, member.state, member.invited_at = role, MemberState.INVITED, timezone.now()
    if member.user_id is None:
        member.first_name, member.last_name = first_name, last_name
    try:
        with transaction.atomic():
            member.save()
    except IntegrityError as error:  # somebody else invites the same address at this very moment
        raise AlreadyInvited(email) from error
    invitation = Invitation.objects.create(
        kind=InvitationKind.MEMBER,
        membership=member,
        role=role,
        email=member.email,
        name=f"{member.first_name} {member.last_name}".strip(),
        language=language,
        invited_by=actor,
        **leaving(),
    )
    count = _offer(invitation, actor, portfolios, dossiers, grant_role) if role != Role.ADMIN else 0
    send([invitation])
    details = {"email": member.email, "role": role, "count": count}
    record(MemberInvited, actor=actor, subject=member, details=details)
    return invitation


def _offer(
    invitation: Invitation,
    actor: Membership,
    portfolios: Collection[UUID],
    dossiers: Collection[UUID],
    role: ObjectRole,
) -> int:
    """Keep with the invitation what opens as it is accepted; returns of how much."""
    given = permitted(Portfolio.objects.filter(pk__in=portfolios), actor, Perm.GRANT_PORTFOLIO)
    chosen = Dossier.objects.clients().active().filter(pk__in=dossiers)
    assigned = permitted(chosen, actor, Perm.ASSIGN_DOSSIER)
    grants = [InvitationGrant(invitation=invitation, portfolio=one, role=role) for one in given]
    grants += [InvitationGrant(invitation=invitation, dossier=one, role=role) for one in assigned]
    InvitationGrant.objects.bulk_create(grants, batch_size=_BATCH)
    return len(grants)


@transaction.atomic
def invite_client(
    *,
    actor: Membership,
    dossier: Dossier,
    email: str = "",
    language: str | None = None,
) -> Invitation:
    """Invite the dossier's client, at `email` or at the dossier's address (which it becomes, where there is none).

    A draft is what is sent. One that waits at the same address is sent again; one at another address is replaced: its
    links become void. Who comes first becomes the manager of their space, and lets others in. `language`: that of the
    mail, as long as no account at the address says another. While the company is asked for its consent, somebody who
    speaks for it may be invited. Raises AlreadyActive.
    """
    dossier = invitable(actor, dossier)
    email = addressed(actor, dossier, email)
    known = unanswered_of(dossier)
    drafts = [invitation for invitation in known if invitation.is_draft]
    same = [one for one in known if one.email == email and not one.is_draft]
    group = new_group()
    chosen: dict[str, Any] = {} if language is None else {"language": language}
    _replace(actor, [one for one in known if one.email != email and not one.is_draft], group=group)
    if same:
        renew(same, by=actor, **chosen)
        record(InvitationResent, actor=actor, subject=dossier, details={"email": email}, group=group)
        return same[0]
    if drafts:
        invitation = drafts[0]
        issue(drafts, by=actor, email=email, **chosen)
    else:
        invitation = new_invitation(actor, dossier, email, **chosen, **leaving())
        invitation.save(force_insert=True)
        send([invitation])
    record(ClientInvited, actor=actor, subject=dossier, details={"email": email}, group=group)
    return invitation


def invitable(actor: Membership, dossier: Dossier) -> Dossier:
    """The dossier, held after the actor's place, if its client may (still, once this has waited) be invited.

    Raises PermissionDenied, AlreadyActive.
    """
    hold_names(actor.pk)
    dossier = Dossier.objects.select_for_update(no_key=True).get(pk=dossier.pk)
    require(actor, Perm.INVITE_CLIENT, dossier)
    if dossier.is_own:
        raise PermissionDenied("invite_client")
    if SpaceLink.objects.running().filter(dossier=dossier).exists():
        raise AlreadyActive(dossier.pk)
    return dossier


def unanswered_of(dossier: Dossier) -> list[Invitation]:
    """Its invitations that wait, and the draft: held after the dossier, in the order of their keys."""
    waiting = Invitation.objects.unanswered().filter(dossier=dossier).order_by("pk")
    return list(waiting.select_for_update(no_key=True))


def addressed(actor: Membership, dossier: Dossier, email: str) -> str:
    """Where the invitation goes; a dossier without an address keeps it."""
    email = (email or dossier.email).strip().lower()
    if not dossier.email:
        update_dossier(actor=actor, dossier=dossier, values={"email": email})
    return email


@transaction.atomic
def invite_clients(
    *,
    actor: Membership,
    dossiers: QuerySet[Dossier],
    language: str = "",
) -> Plan:
    """Invite the clients of these dossiers, set-based; returns what was done, with whom it left out and why."""
    group = new_group()
    plan = _carried_out(actor, dossiers, language, group=group)
    dossiers_told = [dossier.pk for dossier in plan.new]
    dossiers_told += [one.target.pk for one in (*plan.drafts, *plan.renewed)]
    tell_of_invited(actor=actor, count=plan.mail_count, dossiers=dossiers_told, group=group)
    return plan


@transaction.atomic
def invite_some(
    *,
    actor: Membership,
    dossiers: QuerySet[Dossier],
    batch: UUID,
    language: str = "",
) -> Plan:
    """A portion of many whom a worker invites: their lines stand in the journal, their event follows the last."""
    return _carried_out(actor, dossiers, language, group=batch, batch=batch)


def tell_of_invited(*, actor: Membership, count: int, dossiers: Iterable[UUID], group: UUID) -> None:
    """The one event of a group, which tells; nothing where nobody was invited."""
    if not count:
        return
    told = who_sees_some(dossiers)
    record(ClientsInvited, actor=actor, subject=None, details={"count": count}, also_tell=told, group=group)


def _carried_out(
    actor: Membership,
    dossiers: QuerySet[Dossier],
    language: str,
    *,
    group: UUID,
    batch: UUID | None = None,
) -> Plan:
    """The drafts keep their own language, as those do that are sent again."""
    plan = plan_invitations(actor=actor, dossiers=dossiers, lock=True)
    if not plan.mail_count:
        return plan
    _replace(actor, plan.replaced, group=group)
    fields = {"language": language, **leaving()}
    made = [new_invitation(actor, dossier, dossier.email.lower(), **fields) for dossier in plan.new]
    Invitation.objects.bulk_create(made, batch_size=_BATCH)
    send(made, batch=batch)
    issue(plan.drafts, by=actor, batch=batch)
    renew(plan.renewed, by=actor, batch=batch)
    for event_type, some in ((ClientInvited, [*made, *plan.drafts]), (InvitationResent, plan.renewed)):
        record_many(event_type, actor=actor, model=Dossier, happenings=_happenings(some), group=group)
    return plan


def plan_invitations(*, actor: Membership, dossiers: QuerySet[Dossier], lock: bool = False) -> Plan:
    """What inviting these dossiers' clients would do now. `lock` holds them, with their invitations, to the end.

    Without, those who were never invited are counted, for of a whole client list they are nearly all.
    """
    chosen = Dossier.objects.filter(pk__in=dossiers.order_by().values("pk"))
    if lock:
        chosen = Dossier.objects.filter(among(_held(actor, chosen.values_list("pk", flat=True))))
    require(actor, Perm.INVITE_CLIENTS)
    found = permitted(chosen, actor, Perm.INVITE_CLIENT)
    found = found.order_by("pk").only(
        "firm_id", "kind", "legal_name", "first_name", "last_name", "email", "is_own"
    )
    plan = Plan()
    links = SpaceLink.objects.current()
    if not lock:
        known = [Exists(of.filter(dossier=OuterRef("pk"))) for of in (links, Invitation.objects.unanswered())]
        plan.new_besides = found.filter(*(~one for one in known), is_own=False).exclude(email="").count()
        found = found.filter(Q(*known, email="", is_own=True, _connector=Q.OR))
    links = links.filter(dossier__in=found.values("pk"))
    linked = {
        key: Skip.CONSENT if waits else Skip.ACTIVE
        for key, waits in links.values_list("dossier_id", "waiting")
    }
    waiting: dict[object, list[Invitation]] = {}
    for invitation in (
        Invitation.objects.unanswered().filter(dossier__in=found.values("pk")).select_related("dossier")
    ):
        waiting.setdefault(invitation.dossier_id, []).append(invitation)
    # An invitation whose sender may invite no more opens nothing: it is as good as expired.
    senders = set(administrators().values_list("pk", flat=True))
    for dossier in found:
        its = waiting.get(dossier.pk, [])
        holds = any(one.invited_by_id in senders and _is_good(one) for one in its)
        _place_in(plan, dossier, linked=linked.get(dossier.pk), waiting=its, holds=holds)
    return plan


def _held(actor: Membership, keys: Iterable[UUID]) -> list[UUID]:
    """Hold the actor's place, these dossiers and the invitations that wait for them; rights are asked by the caller."""
    hold_names(actor.pk)
    held = list(keys)
    hold_dossiers(held)
    waiting = Invitation.objects.unanswered().filter(among(held, "dossier")).order_by("pk")
    list(waiting.select_for_update(no_key=True).values_list("pk"))
    return held


def _is_good(invitation: Invitation) -> bool:
    return invitation.is_open and invitation.state != InvitationState.FAILED


def _place_in(
    plan: Plan, dossier: Dossier, *, linked: Skip | None, waiting: list[Invitation], holds: bool
) -> None:
    """`holds`: one of those that wait is good still."""
    drafts = [invitation for invitation in waiting if invitation.is_draft]
    if reason := _why_not(dossier, linked, holds, has_address=bool(drafts or dossier.email)):
        plan.skipped.setdefault(reason, []).append(dossier)
        return
    if drafts:
        plan.drafts += drafts
        return
    address = dossier.email.lower()
    renewed = [invitation for invitation in waiting if invitation.email == address]
    plan.renewed += renewed
    plan.replaced += [invitation for invitation in waiting if invitation.email != address]
    if not renewed:
        plan.new.append(dossier)


def _why_not(dossier: Dossier, linked: Skip | None, holds: bool, *, has_address: bool) -> Skip | None:
    if dossier.is_own:
        return Skip.OWN
    if linked:
        return linked
    if holds:
        return Skip.PENDING
    return None if has_address else Skip.NO_ADDRESS


def _place(email: str) -> Membership:
    """The place in the firm for this address: a new one, or that of one who has left or never came."""
    member = Membership.objects.select_for_update(no_key=True).filter(email=email).first()
    if member is None:
        return Membership(email=email)
    if Invitation.objects.pending().filter(membership=member).exists():
        raise AlreadyInvited(email)
    if member.state not in (MemberState.INVITED, MemberState.TERMINATED):
        raise AlreadyMember(email)
    return member


def new_invitation(actor: Membership, dossier: Dossier, email: str, **fields: Any) -> Invitation:
    """Of the dossier's client, to be saved. `fields`: what else is said of it, such as that it leaves."""
    name = f"{dossier.first_name} {dossier.last_name}".strip() if dossier.kind == "individual" else ""
    return Invitation(
        kind=InvitationKind.CLIENT, dossier=dossier, email=email, name=name, invited_by=actor, **fields
    )


def _replace(actor: Membership, invitations: list[Invitation], *, group: UUID) -> None:
    """Revoke those whose client is invited at another address; the journal says so, the new invitation tells."""
    end(invitations, InvitationState.REVOKED)
    happenings = _happenings(invitations)
    record_many(InvitationRevoked, actor=actor, model=Dossier, happenings=happenings, group=group)


def _happenings(invitations: list[Invitation]) -> list[Happening]:
    return [
        Happening(invitation.target.pk, invitation.target_name, details={"email": invitation.email})
        for invitation in invitations
    ]
