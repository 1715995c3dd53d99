"""A firm says which details its client may not change themselves: it keeps them in its own record, and says why."""

from collections.abc import Collection

from django.db import transaction

from accounts.models import Membership
from accounts.permissions import Perm, require
from activity.actions import Changes, record
from clients.events.locking import DetailsKept, FirmKeepsDetails
from clients.locks import NUMBERS
from clients.models import ClientSpace, Dossier, SpaceLink
from clients.models.details import DETAIL_FIELDS
from tenancy.scopes import Purpose, crossing


class NoClient(Exception):
    """No client's space is tied to the dossier (any more)."""


@transaction.atomic
def keep_details(*, actor: Membership, dossier: Dossier, fields: Collection[str], reason: str) -> SpaceLink:
    """Keep these details (of `DETAIL_FIELDS`) and no others; the client, who is told, reads the reason.

    It lasts as long as the link: another firm, and the client without this one, are not bound by it. Raises NoClient.
    """
    link = _held(actor, dossier)
    wanted = set(fields) | (NUMBERS if NUMBERS & set(fields) else set())
    kept = [name for name in DETAIL_FIELDS if name in wanted]
    if not (changes := _changes(link, kept, reason if kept else "")):
        return link
    link.locked_details, link.lock_reason = kept, reason if kept else ""
    link.save(update_fields=["locked_details", "lock_reason"])
    record(DetailsKept, actor=actor, subject=dossier, changes=changes)
    with crossing(link, Purpose.TELL_CLIENT):
        space = ClientSpace.objects.get(pk=link.space_id)
        record(FirmKeepsDetails, actor=actor, subject=space, changes=changes, details=link.by_firm)
    return link


def _held(actor: Membership, dossier: Dossier) -> SpaceLink:
    """The link, held after the client file, as the client's edit holds them; the right is asked once both are held."""
    Dossier.objects.select_for_update(no_key=True).get(pk=dossier.pk)
    links = SpaceLink.objects.running().select_for_update(no_key=True, of=("self",))
    link = links.filter(dossier=dossier).first()
    require(actor, Perm.CHANGE_DOSSIER, dossier)
    if link is None:
        raise NoClient(dossier.pk)
    return link


def _changes(link: SpaceLink, kept: list[str], reason: str) -> Changes:
    before, after = set(link.locked_details), set(kept)
    changes: dict[str, tuple[object, object]] = {
        f"kept_{name}": (name in before, name in after) for name in DETAIL_FIELDS if name in before ^ after
    }
    if reason != link.lock_reason:
        changes["reason"] = (link.lock_reason, reason)
    return changes
