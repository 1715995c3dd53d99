"""Archiving dossiers and bringing them back: out of lists and counts; access and history stay as they are.

A client's invitation that waits is held while its dossier is archived: it is counted nowhere and cannot be accepted,
and it is good again, until its own deadline, once the dossier is restored. So an archive is taken back as a whole.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions import Perm, holders_of_any
from activity.actions import Happening, in_one_go, new_group, record, record_many
from activity.events import EventType
from clients.actions.support import end_support
from clients.events.dossiers import DossierArchived, DossierRestored, DossiersArchived, DossiersRestored
from clients.models import Dossier
from clients.results import Result, Skip
from clients.sets import allowed, key_of, locked, these, update_all


@transaction.atomic
@in_one_go()
def archive_dossiers(*, actor: Membership, dossiers: QuerySet[Dossier]) -> Result:
    """Archive these, of those that the actor sees; returns which were, and which were left out and why.

    What a client allowed technical support ends with it, and does not come back by itself.
    """
    result = _sorted_out(actor, dossiers, _why_not_archived)
    _put(actor, result.done, timezone.now(), DossierArchived, DossiersArchived)
    end_support(dossiers=these(result.done))
    return result


@transaction.atomic
def restore_dossiers(*, actor: Membership, dossiers: QuerySet[Dossier]) -> Result:
    """Bring archived ones back to where they were; as `archive_dossiers`."""
    result = _sorted_out(actor, dossiers, _why_not_restored)
    _put(actor, result.done, None, DossierRestored, DossiersRestored)
    return result


def _sorted_out(
    actor: Membership, dossiers: QuerySet[Dossier], why_not: Callable[[Dossier], Skip | None]
) -> Result:
    chosen = locked(actor, dossiers)
    may = allowed(actor, Perm.ARCHIVE_DOSSIER, chosen)
    reasons = {one.pk: why_not(one) if one.pk in may else Skip.NOT_ALLOWED for one in chosen}
    return Result.sorted_out(chosen, reasons)


def _why_not_archived(dossier: Dossier) -> Skip | None:
    if dossier.is_own:
        return Skip.OWN
    return Skip.ALREADY_ARCHIVED if dossier.archived_at else None


def _why_not_restored(dossier: Dossier) -> Skip | None:
    return None if dossier.archived_at else Skip.NOT_ARCHIVED


def _put(
    actor: Membership,
    dossiers: Sequence[Dossier],
    moment: datetime | None,
    one: type[EventType],
    many: type[EventType],
) -> None:
    if not dossiers:
        return
    update_all(dossiers, archived_at=moment)
    if len(dossiers) == 1:
        record(one, actor=actor, subject=dossiers[0])
        return
    group = new_group()
    lines = [Happening(dossier.pk, str(dossier)) for dossier in dossiers]
    record_many(one, actor=actor, model=Dossier, happenings=lines, group=group)
    concerned = holders_of_any(Perm.VIEW_DOSSIER, these(dossiers))
    details = {"count": len(dossiers), "dossiers_id": key_of(dossiers)}
    record(many, actor=actor, subject=None, details=details, also_tell=concerned, group=group)
