"""What a member's end means for the dossiers that were assigned to them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from accounts.grants import Grant
from accounts.models import Membership
from accounts.permissions import Granted
from activity.actions import Happening, record_many
from clients.events.assignments import DossierUnassigned
from clients.models import Assignment, Dossier


def note_taken(
    actor: Membership, member: Membership, taken: Mapping[type[Grant], Sequence[Granted]], group: UUID
) -> None:
    """The member left the firm: each dossier that was assigned to them says so in its history."""
    grants = {one.object_id: one.before for one in taken.get(Assignment, [])}
    dossiers = Dossier.objects.filter(pk__in=list(grants)).only(
        "firm_id", "kind", "legal_name", "first_name", "last_name"
    )
    record_many(
        DossierUnassigned,
        actor=actor,
        model=Dossier,
        happenings=(
            Happening(
                dossier.pk,
                dossier.name,
                details={"member": member.name, "member_id": str(member.pk), "role": grants[dossier.pk]},
            )
            for dossier in dossiers.iterator()
        ),
        group=group,
    )
