"""An order of many invitations in a worker's hands: portion by portion, each written with the turn behind it.

No beat renews the lease, which each portion does: whoever wants the order meanwhile waits for the portion's end. The
mails of a portion are in the outbox once it is committed, so the first leave while the last are still made.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions import Perm, require
from activity.actions import record
from clients.models import Dossier
from invitations.actions.drafting import prepare_some, send_some, tell_of_prepared
from invitations.actions.handling import resend_some, tell_of_resent
from invitations.actions.inviting import Plan, Skip, invite_some, tell_of_invited
from invitations.events import SendingFailed
from invitations.models import Invitation, Sending, SendingKind, SendingState
from invitations.sweeping import CARRY_OUT
from tenancy.leases import LEASE, LostHold, free, let_go, take
from tenancy.scopes import scope
from tenancy.tasks import nudge

PORTION = 250
TURN = 20.0
MOST_FRUITLESS = 4
GAVE_UP, NOT_ALLOWED = "gave_up", "not_allowed"

# How many of a portion were done, and of the others: reason → how many.
Done = tuple[int, dict[Skip, int]]


def carry_out(firm_id: UUID, sending_id: UUID) -> None:
    """Do what is left of the order; after TURN seconds whatever else waits for a worker comes first."""
    until = monotonic() + TURN
    with scope(firm=firm_id):
        held = _claim(sending_id)
    if held is None:
        return
    try:
        is_over = False
        while not is_over:
            with scope(firm=firm_id):
                is_over = _go_on(held)
            if not is_over and monotonic() >= until:
                let_go(firm_id, held)
                nudge(CARRY_OUT, firm_id, sending_id)
                return
    except LostHold:
        return
    except PermissionDenied:
        with suppress(LostHold), scope(firm=firm_id):
            _hold_on(held)
            _fail(held, NOT_ALLOWED)
    except Exception:
        let_go(firm_id, held)
        raise


@transaction.atomic
def _claim(sending_id: UUID) -> Sending | None:
    """Take the order over, if nobody holds it. Gives up on one that several workers died of without a portion."""
    waiting = Sending.objects.at_work().select_for_update(no_key=True, of=("self",)).filter(free())
    held = waiting.select_related("asked_by__user").filter(pk=sending_id).first()
    if held is None:
        return None
    if held.fruitless >= MOST_FRUITLESS:
        _fail(held, GAVE_UP)
        return None
    take(held, state=SendingState.RUNNING, fruitless=held.fruitless + 1)
    return held


def _go_on(held: Sending) -> bool:
    """Do the next portion; True once there is none. Raises LostHold, PermissionDenied."""
    _hold_on(held)
    held.asked_by = Membership.objects.select_related("user").get(pk=held.asked_by_id)  # as they are by now
    require(held.asked_by, Perm.INVITE_CLIENTS)
    if not (keys := held.portion(PORTION)):
        _finish(held)
        return True
    count, left_out = _WORK[SendingKind(held.kind)](held, keys)
    missing = len(keys) - count - sum(left_out.values())
    reasons = Counter({**held.left_out}) + Counter({str(reason): n for reason, n in left_out.items()})
    if missing:
        reasons[str(_WHY_MISSING[SendingKind(held.kind)])] += missing
    held.count, held.left_out = held.count + count, dict(reasons)
    held.step, held.fruitless, held.lease_until = held.step + len(keys), 0, timezone.now() + LEASE
    held.save(update_fields=["count", "left_out", "step", "fruitless", "lease_until"])
    return False


def _invite(held: Sending, keys: list[UUID]) -> Done:
    return _done(
        invite_some(
            actor=held.asked_by,
            dossiers=Dossier.objects.filter(pk__in=keys),
            language=held.language,
            batch=held.pk,
        )
    )


def _prepare(held: Sending, keys: list[UUID]) -> Done:
    return _done(
        prepare_some(
            actor=held.asked_by,
            dossiers=Dossier.objects.filter(pk__in=keys),
            language=held.language,
            group=held.pk,
        )
    )


def _resend(held: Sending, keys: list[UUID]) -> Done:
    chosen = Invitation.objects.filter(pk__in=keys)
    return resend_some(actor=held.asked_by, invitations=chosen, batch=held.pk), {}


def _send_drafts(held: Sending, keys: list[UUID]) -> Done:
    chosen = Invitation.objects.filter(pk__in=keys)
    return send_some(actor=held.asked_by, invitations=chosen, batch=held.pk), {}


def _done(plan: Plan) -> Done:
    return plan.mail_count, plan.skipped_counts


_WORK: dict[SendingKind, Callable[[Sending, list[UUID]], Done]] = {
    SendingKind.INVITE: _invite,
    SendingKind.PREPARE: _prepare,
    SendingKind.RESEND: _resend,
    SendingKind.DRAFTS: _send_drafts,
}
_WHY_MISSING = {
    SendingKind.INVITE: Skip.GONE,
    SendingKind.PREPARE: Skip.GONE,
    SendingKind.RESEND: Skip.ANSWERED,
    SendingKind.DRAFTS: Skip.ANSWERED,
}


def _finish(held: Sending) -> None:
    _tell(held)
    _end(held, SendingState.DONE)


def _fail(held: Sending, trouble: str) -> None:
    """What was done until then stays, and is told."""
    _tell(held)
    held.trouble = trouble
    _end(held, SendingState.FAILED)
    record(SendingFailed, actor=None, subject=held, details={"reason": trouble})


def _tell(held: Sending) -> None:
    """The one event of the group, whose lines the portions have written."""
    actor, count, group = held.asked_by, held.count, held.pk
    if held.kind == SendingKind.PREPARE:
        tell_of_prepared(actor=actor, count=count, group=group)
        return
    chosen = Invitation.objects.filter(invited_by=actor, sent_at__gte=held.created_at)
    keys = held.keys()
    by_invitation = held.kind in (SendingKind.RESEND, SendingKind.DRAFTS)
    chosen = chosen.filter(pk__in=keys) if by_invitation else chosen.filter(dossier__in=keys)
    dossiers = [key for key in chosen.values_list("dossier_id", flat=True) if key]
    tell = tell_of_resent if held.kind == SendingKind.RESEND else tell_of_invited
    tell(actor=actor, count=count, dossiers=dossiers, group=group)


def _end(held: Sending, state: SendingState) -> None:
    held.state, held.lease_until, held.ended_at, held.chosen = state, None, timezone.now(), b""
    held.save(update_fields=["state", "trouble", "lease_until", "ended_at", "chosen"])


def _hold_on(held: Sending) -> None:
    """Lock the order. Raises LostHold, which takes the work back, if it is another's by now."""
    current = Sending.objects.select_for_update(no_key=True).light().filter(pk=held.pk).first()
    if current is None or (current.attempts, current.state) != (held.attempts, held.state):
        raise LostHold(held.pk)
