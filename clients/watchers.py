"""Who at a firm can see the client's dossier, and when they last did: read from the client's side, through the wall."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Max

from accounts.models import Membership
from clients.access import access_to
from clients.models import AccessKind, AccessRecord, Dossier, SpaceLink
from tenancy.scopes import Purpose, crossing


@dataclass(frozen=True)
class Watcher:
    """One person of the firm. `role` is "" for somebody who has no access any more, but had it and used it.

    Neither an address nor how the firm came to give the access: that is the firm's own.
    """

    name: str
    role: str
    opened_at: datetime | None
    downloaded_at: datetime | None


# A person's key → what they did → when they last did it.
_Used = dict[UUID, dict[str, datetime]]


def watchers_of(link: SpaceLink) -> list[Watcher]:
    """Those who can see the dossier now, administrators first; then those who have seen it and no longer can.

    In the space's scope. What was before the client opened their space to the firm is not told. Raises WrongScope for
    a link that has ended.
    """
    with crossing(link, Purpose.SHOW_WHO):
        used = _used(link)
        accesses = access_to(Dossier.objects.get(pk=link.dossier_id))
        found = [_watcher(one.member, str(one.role.label), used) for one in accesses]
        return [*found, *_former(used, (one.member for one in accesses))]


def _used(link: SpaceLink) -> _Used:
    rows = AccessRecord.objects.filter(dossier=link.dossier_id, last_at__gte=link.since)
    last: _Used = {}
    for user_id, kind, at in rows.values_list("user_id", "kind").annotate(at=Max("last_at")):
        last.setdefault(user_id, {})[kind] = at
    return last


def _former(used: _Used, now: Iterable[Membership]) -> Iterator[Watcher]:
    gone = used.keys() - {member.user_id for member in now}
    for member in Membership.objects.filter(user_id__in=gone).order_by("last_name", "first_name"):
        yield _watcher(member, "", used)


def _watcher(member: Membership, role: str, used: _Used) -> Watcher:
    last = used.get(member.user_id, {}) if member.user_id else {}
    return Watcher(member.name, role, last.get(AccessKind.OPENED), last.get(AccessKind.DOWNLOADED))
