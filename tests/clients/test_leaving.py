"""A member's end, in the histories of what was theirs."""

import pytest

from accounts.actions.members import leave_firm
from accounts.permissions import ObjectRole, give, pairs_of
from activity.models import Event, Notification
from clients.models import Assignment
from tests.worlds import World, make_dossier


@pytest.mark.django_db
def test_each_dossier_that_was_assigned_says_so_and_nobody_is_told_of_each(firm: World) -> None:
    dossiers = [make_dossier(name) for name in ("Garage Petit", "Boulangerie Martin")]
    give(Assignment, pairs_of(dossiers, [firm.collaborator]), role=ObjectRole.READER, by=firm.admin)
    leave_firm(actor=firm.collaborator)
    lines = Event.objects.filter(type="clients.dossier.unassigned")
    assert {line.subject_id for line in lines} == {dossier.pk for dossier in dossiers}
    left = Event.objects.get(type="accounts.member.left")
    assert {(line.group, line.details["role"]) for line in lines} == {(left.group, "reader")}
    assert not Notification.objects.filter(event__in=lines).exists()
