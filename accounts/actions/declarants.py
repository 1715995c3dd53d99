"""A firm is a company too: whether other firms may be linked to its SIREN without asking its administrators."""

from django.db import transaction

from accounts.events.firms import FirmChanged
from accounts.models import Firm, Membership
from accounts.permissions import Perm, require
from activity.actions import record


@transaction.atomic
def change_declarants(*, actor: Membership, allowed: bool) -> None:
    """Open or close the firm's SIREN to third-party declarants. As it is already: nothing happens."""
    require(actor, Perm.CHANGE_FIRM)
    firm = Firm.objects.select_for_update(no_key=True).get(pk=actor.firm.pk)
    if firm.open_to_declarants == allowed:
        return
    firm.open_to_declarants = allowed
    firm.save(update_fields=["open_to_declarants"])
    record(FirmChanged, actor=actor, subject=firm, changes={"open_to_declarants": (not allowed, allowed)})
