"""Ordering many invitations at once: a row is written, and a worker is nudged after the commit."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from accounts.models import Membership
from accounts.permissions import Perm, require
from activity.actions import record
from invitations.events import SendingOrdered
from invitations.models import SENDING, Sending, SendingKind, packed
from invitations.sweeping import CARRY_OUT
from tenancy.tasks import nudge


@transaction.atomic
def order_sending(
    *,
    actor: Membership,
    kind: SendingKind,
    keys: Sequence[UUID],
    language: str = "",
) -> Sending:
    """Have it done with these client files, or invitations; while the same is at work, that one.

    What the actor may do with each of them is asked when its turn comes.
    """
    require(actor, Perm.INVITE_CLIENTS)
    chosen = packed(keys)
    sending, is_new = Sending.objects.get_or_create(
        digest=hashlib.blake2b(f"{kind} {language} ".encode() + chosen, digest_size=16).hexdigest(),
        state__in=SENDING,
        defaults={
            "asked_by": actor,
            "kind": kind,
            "language": language,
            "chosen": chosen,
            "total": len(keys),
        },
    )
    if is_new:
        record(SendingOrdered, actor=actor, subject=sending, details={"count": len(keys)})
        nudge(CARRY_OUT, sending.firm_id, sending.pk)
    return sending
