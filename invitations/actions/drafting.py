"""Drafts: invitations of clients that are prepared, looked at, and sent later on. No link of them exists."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Membership
from accounts.permissions import Perm, require
from activity.actions import record
from clients.models import Dossier, SpaceLink
from invitations.actions.handling import issue, record_lines
from invitations.actions.holding import held, hold_invitations
from invitations.actions.inviting import (
    AlreadyInvited,
    Plan,
    Skip,
    addressed,
    invitable,
    new_invitation,
    plan_invitations,
    tell_of_invited,
    unanswered_of,
)
from invitations.events import (
    ClientInvited,
    DraftDiscarded,
    DraftPrepared,
    DraftsDiscarded,
    DraftsPrepared,
)
from invitations.models import Invitation, InvitationState
from tenancy.expressions import among
from tenancy.keys import uuid7

_BATCH = 2_000


class NoDraft(Exception):
    """It has been sent or deleted meanwhile."""


@transaction.atomic
def prepare_invitation(
    *,
    actor: Membership,
    dossier: Dossier,
    email: str = "",
    language: str = "",
) -> Invitation:
    """Keep the invitation of the dossier's client as a draft, in place of the one that was kept before.

    The same once more changes nothing. Raises AlreadyActive; AlreadyInvited where one waits for its answer.
    """
    dossier = invitable(actor, dossier)
    email = addressed(actor, dossier, email)
    known = next(iter(unanswered_of(dossier)), None)
    if known is not None and not known.is_draft:
        raise AlreadyInvited(known.email)
    draft = known or new_invitation(actor, dossier, email, state=InvitationState.DRAFT)
    if known is not None and (draft.email, draft.language) == (email, language):
        return draft
    draft.email, draft.language, draft.invited_by = email, language, actor
    draft.save(force_insert=known is None)
    record(DraftPrepared, actor=actor, subject=dossier, details={"email": email})
    return draft


@transaction.atomic
def prepare_clients(
    *,
    actor: Membership,
    dossiers: QuerySet[Dossier],
    language: str = "",
) -> Plan:
    """A draft for each of these dossiers that nobody has invited yet; says whom it left out and why."""
    group = uuid7()
    plan = prepare_some(actor=actor, dossiers=dossiers, language=language, group=group)
    tell_of_prepared(actor=actor, count=len(plan.new), group=group)
    return plan


@transaction.atomic
def prepare_some(
    *,
    actor: Membership,
    dossiers: QuerySet[Dossier],
    group: UUID,
    language: str = "",
) -> Plan:
    """A portion of many that a worker prepares; their event follows the last."""
    plan = plan_invitations(actor=actor, dossiers=dossiers, lock=True)
    known = [one.dossier for one in (*plan.drafts, *plan.renewed) if one.dossier is not None]
    if known:
        plan.skipped.setdefault(Skip.PENDING, []).extend(known)
    plan.drafts, plan.renewed, plan.replaced = [], [], []
    fields = {"language": language, "state": InvitationState.DRAFT}
    made = [new_invitation(actor, dossier, dossier.email.lower(), **fields) for dossier in plan.new]
    Invitation.objects.bulk_create(made, batch_size=_BATCH)
    record_lines(DraftPrepared, actor, made, group)
    return plan


def tell_of_prepared(*, actor: Membership, count: int, group: UUID) -> None:
    """The group's own event."""
    if count:
        record(DraftsPrepared, actor=actor, subject=None, details={"count": count}, group=group)


@transaction.atomic
def send_draft(*, actor: Membership, invitation: Invitation) -> Invitation:
    """Send it, with the deadline that begins now. Raises NoDraft, AlreadyActive."""
    assert invitation.dossier is not None
    dossier = invitable(actor, invitation.dossier)
    draft = _held(actor, invitation)
    issue([draft], by=actor)
    record(ClientInvited, actor=actor, subject=dossier, details={"email": draft.email})
    return draft


@transaction.atomic
def send_drafts(*, actor: Membership, invitations: QuerySet[Invitation]) -> int:
    """Send those of them that are drafts and whose client has no space; returns how many."""
    group = uuid7()
    sent = _sent(actor, invitations, group=group)
    dossiers = [draft.dossier_id for draft in sent if draft.dossier_id]
    tell_of_invited(actor=actor, count=len(sent), dossiers=dossiers, group=group)
    return len(sent)


@transaction.atomic
def send_some(*, actor: Membership, invitations: QuerySet[Invitation], batch: UUID) -> int:
    """A portion of many that a worker sends; their event follows the last."""
    return len(_sent(actor, invitations, group=batch, batch=batch))


@transaction.atomic
def discard_draft(*, actor: Membership, invitation: Invitation) -> None:
    """Delete it: nobody has got it. Raises NoDraft."""
    draft = _held(actor, invitation)
    dossier = draft.dossier
    draft.delete()
    record(DraftDiscarded, actor=actor, subject=dossier, details={"email": draft.email})


@transaction.atomic
def discard_drafts(*, actor: Membership, invitations: QuerySet[Invitation]) -> int:
    """Delete those of them that are drafts; returns how many."""
    drafts = _held_among(actor, invitations)
    if not drafts:
        return 0
    group = uuid7()
    record_lines(DraftDiscarded, actor, drafts, group)
    Invitation.objects.filter(among([draft.pk for draft in drafts])).delete()
    record(DraftsDiscarded, actor=actor, subject=None, details={"count": len(drafts)}, group=group)
    return len(drafts)


def _sent(
    actor: Membership, invitations: QuerySet[Invitation], *, group: UUID, batch: UUID | None = None
) -> list[Invitation]:
    drafts = _held_among(actor, invitations)
    active = _with_space(draft.dossier_id for draft in drafts)
    sent = [draft for draft in drafts if draft.dossier_id not in active]
    issue(sent, by=actor, batch=batch)
    record_lines(ClientInvited, actor, sent, group)
    return sent


def _with_space(dossiers: Iterable[UUID | None]) -> set[UUID]:
    links = SpaceLink.objects.running().filter(dossier__in=[key for key in dossiers if key])
    return set(links.order_by().values_list("dossier_id", flat=True))


def _held(actor: Membership, invitation: Invitation) -> Invitation:
    """The draft, held after its client file, if the actor may (still, once this has waited) handle it."""
    draft = held(invitation.pk, by=actor)
    if draft is None or not draft.is_draft:
        raise NoDraft(invitation.pk)
    require(actor, Perm.INVITE_CLIENT, draft.dossier)
    return draft


def _held_among(actor: Membership, invitations: QuerySet[Invitation]) -> list[Invitation]:
    """Of these, the drafts, held; which of them the actor may handle, a later query asks."""
    keys = hold_invitations(invitations.order_by().values_list("pk", flat=True), by=actor)
    mine = Invitation.objects.filter(among(keys)).drafts().manageable_by(actor)
    return list(mine.with_names().order_by("pk"))
