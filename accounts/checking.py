"""The verification of a firm's journal in a worker's hands: it may take minutes, and outlives its worker."""

from contextlib import suppress
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.events.journal import JournalCheckFailed, JournalFoundFaulty, JournalFoundIntact
from accounts.models import CheckState, JournalCheck
from activity import heads
from activity.actions import record
from activity.verifying import Owner, Report, verify
from tenancy.leases import LostHold, beating, free, let_go, take
from tenancy.scopes import scope


def check_journal(firm_id: UUID, check_id: UUID) -> None:
    """Verify it and write down what was found."""
    with scope(firm=firm_id):
        held = _claim(check_id)
    if held is None:
        return
    try:
        with beating(firm_id, held) as progress:
            given = [heads.read(held.given)] if held.given else []
            report = verify(Owner(firm=firm_id), given=given, progress=progress)
        with suppress(LostHold), scope(firm=firm_id):
            _end(held, report)
    except Exception:
        let_go(firm_id, held)
        raise


@transaction.atomic
def _claim(check_id: UUID) -> JournalCheck | None:
    """Take it over, if nobody holds it. Gives up on one that several workers died of."""
    waiting = JournalCheck.objects.select_for_update(no_key=True)
    held = waiting.filter(free(), pk=check_id, state__in=JournalCheck.AT_WORK).first()
    if held is None:
        return None
    if held.is_worn_out:
        _finish(held, CheckState.FAILED)
        record(JournalCheckFailed, actor=None, subject=held)
        return None
    take(held, state=CheckState.RUNNING, step=0)
    return held


def _end(held: JournalCheck, report: Report) -> None:
    """Raises LostHold, which takes it back, if another worker has it by now."""
    current = JournalCheck.objects.select_for_update(no_key=True).filter(pk=held.pk).first()
    if current is None or (current.attempts, current.state) != (held.attempts, held.state):
        raise LostHold(held.pk)
    held.report, held.step, held.total = report.plain(), report.number, report.number
    _finish(held, CheckState.INTACT if report.is_intact else CheckState.FAULTY)
    if report.is_intact:
        record(JournalFoundIntact, actor=None, subject=held, details={"events": report.events})
    else:
        record(JournalFoundFaulty, actor=None, subject=held, details={"faults": report.fault_count})


def _finish(held: JournalCheck, state: CheckState) -> None:
    held.state, held.ended_at, held.lease_until = state, timezone.now(), None
    held.save(update_fields=["state", "report", "step", "total", "ended_at", "lease_until"])
