"""The names that an invitation tells the other side of, which can't read the row itself: they follow while it waits.

One that was answered keeps the name under which it was, as the journal and an ended link do.
"""

from collections.abc import Iterable
from uuid import UUID

from accounts.models import Firm, Membership
from clients.models import ClientSpace
from invitations.models import Invitation
from tenancy.scopes import firm_id


def follow_firm(actor: Membership) -> None:
    """The firm is called otherwise now: so the clients whose requests it has received read it; in the firm's scope."""
    received = Invitation.objects.pending().filter(to_firm=firm_id())
    _update(received.values_list("pk", flat=True), to_firm_name=Firm.objects.get(pk=firm_id()).name)


def follow_space(space: ClientSpace) -> None:
    """The client is called otherwise now: so whoever they have invited reads it. In the space's scope; it is held."""
    sent = Invitation.objects.pending().filter(space=space)
    _update(sent.values_list("pk", flat=True), space_name=space.name[:200])


def _update(keys: Iterable[UUID], **names: str) -> None:
    """Held in the order of their keys, as by everybody."""
    held = Invitation.objects.filter(pk__in=list(keys)).order_by("pk").select_for_update(no_key=True)
    Invitation.objects.filter(pk__in=list(held.values_list("pk", flat=True))).update(**names)
