"""Reminders that leave by themselves: the same link once more, until somebody answers."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from activity.actions import in_one_go, new_group, record
from clients.models import SpaceLink
from invitations import reminders
from invitations.actions.handling import record_lines, send
from invitations.events import InvitationReminded, InvitationsReminded
from invitations.models import Invitation, InvitationState
from tenancy import scopes

# A failed one stands in another state: its mail did not arrive, so no reminder would.
_REMINDED = (InvitationState.SENT, InvitationState.OPENED)


@transaction.atomic
@in_one_go()
def remind(*, keys: Collection[UUID]) -> int:
    """Send the reminders of those of these whose moment has come, in their sender's scope; returns how many left.

    Nothing leaves for one whose link would open nothing: its sender may invite no more, its dossier is archived, or
    the client has come in by another way. The firm's number counts at this moment, so that a lower one stops reminders.
    """
    now, wanted = timezone.now(), reminders.wanted()
    due = _due(keys, now)
    over = _over(due)
    left = [one for one in due if one.reminder_count < wanted and not one.is_on_hold and one not in over]
    for invitation in left:
        invitation.reminder_count += 1
    for invitation in due:
        is_over = invitation.reminder_count >= wanted
        then = reminders.following(invitation.sent_at, after=now, count=wanted)
        invitation.remind_at = None if is_over else then
    Invitation.objects.bulk_update(due, ["reminder_count", "remind_at"])
    send(left, is_reminder=True)
    _record(left)
    return len(left)


@transaction.atomic
def put_off(*, keys: Collection[UUID], by: timedelta) -> int:
    """Let the reminders of these wait, in their sender's scope; returns how many. Nothing has left: nobody is told."""
    waiting = Invitation.objects.filter(pk__in=list(keys), state__in=_REMINDED)
    return waiting.update(remind_at=timezone.now() + by)


def _due(keys: Collection[UUID], now: datetime) -> list[Invitation]:
    """Locked; what another sweep holds is left to it."""
    found = Invitation.objects.with_names().filter(
        pk__in=list(keys), state__in=_REMINDED, remind_at__lte=now, expires_at__gt=now
    )
    held = found.select_for_update(of=("self",), no_key=True, skip_locked=True)
    return list(held.order_by("pk"))


def _over(invitations: list[Invitation]) -> set[Invitation]:
    """Of a firm: those whose dossier is archived, or followed by its client already. Of a client: those taken up."""
    taken_up = {one for one in invitations if one.to_firm_id}
    dossiers = [one.dossier_id for one in invitations if one.dossier_id]
    if not dossiers:
        return taken_up
    links = SpaceLink.objects.running().filter(dossier__in=dossiers).order_by()
    followed = set(links.values_list("dossier_id", flat=True))
    return {
        one for one in invitations if one.dossier and (one.dossier.archived_at or one.dossier.pk in followed)
    }


def _record(invitations: list[Invitation]) -> None:
    """Of many of a firm one event, with their lines behind it."""
    if len(invitations) > 1 and scopes.current().firm_id:
        group = new_group()
        record_lines(InvitationReminded, None, invitations, group)
        details = {"count": len(invitations)}
        record(InvitationsReminded, actor=None, subject=None, details=details, group=group)
        return
    for one in invitations:
        record(InvitationReminded, actor=None, subject=one.target, details={"email": one.email})
