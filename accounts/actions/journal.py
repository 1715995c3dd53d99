"""What may be done to a firm's journal: it is verified, kept for so long, held. Nobody changes what stands in it."""

from collections.abc import Mapping

from django.db import transaction

from accounts.events.journal import (
    JournalCheckAsked,
    JournalHeld,
    JournalReleased,
    JournalRetentionChanged,
)
from accounts.models import JournalCheck, Membership
from accounts.permissions import Perm, administrators, require
from activity import heads, retention
from activity.actions import Letter, queue_mails, record
from tenancy.tasks import nudge

CHECK = "accounts.check_journal"
HEAD_MAIL = "accounts.journal_head"


class NotOfThisFirm(ValueError):
    """The proof is of another journal."""


class NotOurs(ValueError):
    """The proof does not bear this installation's signature: it was changed, or made elsewhere."""


class Without(ValueError):
    """A verification is going on that does not compare the journal with this proof."""


@transaction.atomic
def order_check(*, actor: Membership, given: str = "") -> JournalCheck:
    """Have the firm's journal verified by a worker; while that is going on, the one that was ordered already.

    `given`: the text of a proof to compare it with. Raises heads.Unreadable if it holds none, NotOfThisFirm, NotOurs,
    and Without: what is found “intact” is not to be taken for what was asked.
    """
    require(actor, Perm.KEEP_JOURNAL)
    proof = heads.read(given) if given else None
    if proof:
        _check_proof(proof, actor)
    check, is_new = JournalCheck.objects.get_or_create(
        state__in=JournalCheck.AT_WORK, defaults={"asked_by": actor, "given": given}
    )
    if is_new:
        record(JournalCheckAsked, actor=actor, subject=check)
        nudge(CHECK, check.firm_id, check.pk)
    elif proof and not (check.given and heads.read(check.given) == proof):
        raise Without
    return check


def _check_proof(head: heads.Given, actor: Membership) -> None:
    if head.owner != actor.firm.pk:
        raise NotOfThisFirm
    if not head.is_ours:
        raise NotOurs


@transaction.atomic
def change_retention(*, actor: Membership, months: Mapping[str, int]) -> bool:
    """How long which family of events is kept. No change, no event. Raises `retention.NotAChoice`."""
    require(actor, Perm.KEEP_JOURNAL)
    changes = retention.choose_months(dict(months))
    if changes:
        record(JournalRetentionChanged, actor=actor, subject=actor.firm, changes=changes)
    return bool(changes)


@transaction.atomic
def hold_journal(*, actor: Membership, reason: str) -> bool:
    """Remove nothing any more, however old; False if that was so already."""
    require(actor, Perm.KEEP_JOURNAL)
    if not retention.hold(reason):
        return False
    record(JournalHeld, actor=actor, subject=actor.firm, details={"reason": reason})
    return True


@transaction.atomic
def release_journal(*, actor: Membership) -> bool:
    """End the legal hold; False if there is none."""
    require(actor, Perm.KEEP_JOURNAL)
    if not retention.release():
        return False
    record(JournalReleased, actor=actor, subject=actor.firm)
    return True


@transaction.atomic
def give_head() -> bool:
    """Sign how far the journal of the firm in scope reaches and mail it to the administrators; False if there is
    nothing new. No event: it would be new the next day."""
    head = heads.give()
    if head is None:
        return False
    queue_mails(
        Letter(HEAD_MAIL, to=one.email, name=one.name, language=one.language, params={"head": str(head.pk)})
        for one in administrators()
    )
    return True
