"""Keeping the places of those in whose name an action writes, until its transaction ends."""

from uuid import UUID

from django.db import connection

from accounts.models import Membership
from accounts.permissions import Perm, require

# The weakest lock, which conflicts with a departure's alone: those who write in one name do not wait for each other.
_HOLD = """
SELECT id FROM accounts_membership WHERE firm_id = (SELECT app.firm()) AND id = ANY(%s) ORDER BY id FOR KEY SHARE
"""


def hold_names(*places: UUID | None) -> None:
    """Wait for the departure of any of these members, and have theirs wait; in the firm's scope.

    A row that names them leans on their place as it is written. Whoever holds something that a departure wants, such as
    their invitations, therefore holds their place first (docs/decisions/0026-the-order-of-locks.md).
    """
    if keys := [key for key in places if key]:
        with connection.cursor() as cursor:
            cursor.execute(_HOLD, [keys])


def hold_and_require(actor: Membership, perm: Perm) -> None:
    """The actor's place, held, and their right in the firm asked then: while this waited, they may have lost it."""
    require(actor, perm)
    hold_names(actor.pk)
    require(actor, perm)
