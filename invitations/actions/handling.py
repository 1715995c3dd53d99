"""What a firm does to an invitation that has left: send it again, revoke it, learn that it did not arrive."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.actions.holding import hold_and_require
from accounts.models import Membership, MemberState
from accounts.permissions import Perm, permitted, require
from activity.actions import Happening, Letter, queue_mails, record, record_many
from activity.events import EventType
from clients.models import Dossier
from invitations import reminders
from invitations.actions.holding import held, held_alone, hold_invitations
from invitations.events import (
    ClientsInvited,
    InvitationFailed,
    InvitationResent,
    InvitationRevoked,
    InvitationsResent,
    InvitationsRevoked,
)
from invitations.languages import languages_of
from invitations.models import Invitation, InvitationKind, InvitationState, next_deadline
from tenancy.expressions import among
from tenancy.keys import uuid7

MAIL = "invitations.invitation"


class NotPending(Exception):
    """The invitation has been answered or revoked."""


@transaction.atomic
def resend_invitation(*, actor: Membership, invitation: Invitation) -> Invitation:
    """Send a new link with a new deadline; the links before it become void. Raises NotPending."""
    invitation = held_pending(actor, invitation)
    renew([invitation], by=actor)
    record(InvitationResent, actor=actor, subject=invitation.target, details={"email": invitation.email})
    return invitation


@transaction.atomic
def revoke_invitation(*, actor: Membership, invitation: Invitation) -> None:
    """Make its links void. Raises NotPending."""
    invitation = held_pending(actor, invitation)
    end([invitation], InvitationState.REVOKED)
    record(InvitationRevoked, actor=actor, subject=invitation.target, details={"email": invitation.email})


@transaction.atomic
def resend_invitations(*, actor: Membership, invitations: QuerySet[Invitation]) -> int:
    """Send again those of them that wait for an answer; returns how many."""
    held = held_among(actor, invitations)
    renew(held, by=actor)
    _record_group(InvitationResent, InvitationsResent, actor, held)
    return len(held)


@transaction.atomic
def resend_some(*, actor: Membership, invitations: QuerySet[Invitation], batch: UUID) -> int:
    """A portion of many that a worker sends again: their lines stand in the journal, their event follows the last."""
    held = held_among(actor, invitations)
    renew(held, by=actor, batch=batch)
    record_lines(InvitationResent, actor, held, batch)
    return len(held)


@transaction.atomic
def revoke_sent_by(*, actor: Membership, invitations: QuerySet[Invitation], group: UUID) -> list[Invitation]:
    """Revoke those of them that wait for an answer, as a part of a departure, whose event tells of it; returns them."""
    held = held_among(actor, invitations)
    end(held, InvitationState.REVOKED)
    record_lines(InvitationRevoked, actor, held, group)
    return held


@transaction.atomic
def take_over_sent_by(*, actor: Membership, member: Membership) -> None:
    """Answer for what the member has sent and nobody has answered: an invitation is good while its sender may invite.

    A part of a departure, whose event tells of it.
    """
    hold_and_require(actor, Perm.MANAGE_MEMBERS)
    theirs = Invitation.objects.pending().filter(invited_by=member)
    held = hold_invitations(theirs.order_by().values_list("pk", flat=True))
    Invitation.objects.pending().filter(among(held), invited_by=member).update(invited_by=actor)


@transaction.atomic
def revoke_invitations(*, actor: Membership, invitations: QuerySet[Invitation]) -> int:
    """Revoke those of them that wait for an answer; returns how many."""
    held = held_among(actor, invitations)
    end(held, InvitationState.REVOKED)
    _record_group(InvitationRevoked, InvitationsRevoked, actor, held)
    return len(held)


@transaction.atomic
def note_failure(*, invitation_id: UUID, generation: int, reason: str) -> None:
    """The mail of that sending will never arrive. One that was sent again since is not concerned.

    Whoever has followed the link of an earlier mail has it; only nobody reminds them any more.
    """
    invitation = held_alone(invitation_id)
    if invitation is None or invitation.generation != generation:
        return
    if invitation.state == InvitationState.OPENED:
        Invitation.objects.filter(pk=invitation.pk).update(remind_at=None)
    if invitation.state != InvitationState.SENT:
        return
    invitation.state, invitation.failure = InvitationState.FAILED, reason
    invitation.save(update_fields=["state", "failure"])
    details = {"email": invitation.email, "reason": reason}
    record(InvitationFailed, actor=None, subject=invitation.target, details=details)


def renew(
    invitations: list[Invitation], *, by: Membership | None, batch: UUID | None = None, **others: Any
) -> None:
    """A new generation and deadline for each, and the mail; reminders begin anew. `by` answers for them from now on.

    `others`: more fields that they get.
    """
    fields = {**leaving(), "failure": "", **others}
    if by is not None:
        fields["invited_by"] = by
    keys = [invitation.pk for invitation in invitations]
    Invitation.objects.filter(pk__in=keys).update(generation=F("generation") + 1, **fields)
    for invitation in invitations:
        invitation.generation += 1
        for name, value in fields.items():
            setattr(invitation, name, value)
    send(invitations, batch=batch)


def issue(drafts: list[Invitation], *, by: Membership, batch: UUID | None = None, **others: Any) -> None:
    """Send what was prepared. `others`: more fields that they get."""
    fields = {**leaving(), "invited_by": by, **others}
    Invitation.objects.filter(pk__in=[draft.pk for draft in drafts]).update(**fields)
    for draft in drafts:
        for name, value in fields.items():
            setattr(draft, name, value)
    send(drafts, batch=batch)


def leaving() -> dict[str, Any]:
    """What is true of invitations of the sender in scope that leave at this moment."""
    now = timezone.now()
    return {
        "state": InvitationState.SENT,
        "sent_at": now,
        "expires_at": next_deadline(),
        "reminder_count": 0,
        "remind_at": reminders.first(now),
    }


def send(invitations: list[Invitation], *, batch: UUID | None = None, is_reminder: bool = False) -> None:
    """Queue the mail of each invitation's present generation; the link is made while it leaves.

    `batch`: the key of the order of which they are a part.
    """
    languages = languages_of(invitations)
    letters = [
        Letter(
            kind=MAIL,
            to=invitation.email,
            name=invitation.name,
            language=languages[invitation.pk],
            params={
                "invitation": str(invitation.pk),
                "generation": invitation.generation,
                **({"reminder": invitation.reminder_count} if is_reminder else {}),
            },
        )
        for invitation in invitations
    ]
    if letters:
        queue_mails(letters, batch=batch)


def end(invitations: list[Invitation], state: InvitationState) -> None:
    """Close them for good; a place in the firm that nobody took is closed with its invitation."""
    keys = [invitation.pk for invitation in invitations]
    places = [invitation.membership_id for invitation in invitations if invitation.membership_id]
    Invitation.objects.filter(pk__in=keys).update(state=state, answered_at=timezone.now())
    if places:
        untaken = Membership.objects.filter(pk__in=places, state=MemberState.INVITED)
        untaken.update(state=MemberState.TERMINATED, state_since=timezone.now())


def held_pending(actor: Membership, invitation: Invitation) -> Invitation:
    """The invitation, held after what it leads to, if the actor may (still, once this has waited) handle it.

    Raises PermissionDenied, NotPending.
    """
    if (waiting := held(invitation.pk, by=actor)) is None:
        raise NotPending(invitation.pk)
    if waiting.kind == InvitationKind.MEMBER:
        require(actor, Perm.MANAGE_MEMBERS)
    else:
        require(actor, Perm.INVITE_CLIENT, waiting.dossier)
    if not waiting.is_pending:
        raise NotPending(waiting.pk)
    return waiting


def held_among(actor: Membership, invitations: QuerySet[Invitation]) -> list[Invitation]:
    """Of these, those that wait for an answer, held; which of them the actor may handle, a later query asks."""
    keys = hold_invitations(invitations.order_by().values_list("pk", flat=True), by=actor)
    mine = Invitation.objects.filter(among(keys)).pending().manageable_by(actor)
    return list(mine.with_names().order_by("pk"))


def _record_group(
    one: type[EventType], all_of_them: type[ClientsInvited], actor: Membership, invitations: list[Invitation]
) -> None:
    if not invitations:
        return
    group = uuid7()
    record_lines(one, actor, invitations, group)
    dossiers = [invitation.dossier_id for invitation in invitations if invitation.dossier_id]
    _tell(all_of_them, actor, len(invitations), dossiers, group)


def tell_of_resent(*, actor: Membership, count: int, dossiers: Iterable[UUID], group: UUID) -> None:
    """The one event of a group that was sent again."""
    if count:
        _tell(InvitationsResent, actor, count, dossiers, group)


def _tell(
    event_type: type[ClientsInvited], actor: Membership, count: int, dossiers: Iterable[UUID], group: UUID
) -> None:
    told = who_sees_some(dossiers)
    record(event_type, actor=actor, subject=None, details={"count": count}, also_tell=told, group=group)


def record_lines(
    one: type[EventType], actor: Membership | None, invitations: list[Invitation], group: UUID
) -> None:
    """One line of the journal for each, behind the event of their group."""
    for model in (Dossier, Membership):
        happenings = [
            Happening(i.target.pk, i.target_name, details={"email": i.email})
            for i in invitations
            if isinstance(i.target, model)
        ]
        record_many(one, actor=actor, model=model, happenings=happenings, group=group)


def who_sees_some(dossiers: Iterable[UUID]) -> list[Membership]:
    """The members who see at least one of these dossiers; administrators, who see all, are left out."""
    these = Dossier.objects.filter(pk__in=list(dossiers))
    others = Membership.objects.open().exclude(role="admin").with_person()
    return [member for member in others if permitted(these, member, Perm.VIEW_DOSSIER).exists()]
