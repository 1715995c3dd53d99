"""What may be done to saved views of the dossier table, by whom, and what each leaves behind."""

import pytest
from django.core.exceptions import PermissionDenied

from activity.models import Event, Notification
from clients.actions.views import (
    ViewChangedMeanwhile,
    ViewNameTaken,
    change_view,
    delete_view,
    rename_view,
    save_view,
    share_view,
    unshare_view,
)
from clients.models import SavedView
from tests.worlds import World


def happened() -> list[str]:
    return list(Event.objects.order_by("id").values_list("type", flat=True))


def test_each_change_of_a_view_is_one_event_that_tells_nobody(firm: World) -> None:
    view = save_view(actor=firm.collaborator, name="Mes PME", query="kind=company")
    change_view(actor=firm.collaborator, view=view, query="kind=company&sort=-name")
    rename_view(actor=firm.collaborator, view=view, name="Mes sociétés")
    share_view(actor=firm.collaborator, view=view)
    unshare_view(actor=firm.collaborator, view=view)
    delete_view(actor=firm.collaborator, view=view)
    done = ("saved", "changed", "renamed", "shared", "unshared", "deleted")
    assert happened() == [f"clients.view.{verb}" for verb in done]
    assert not Notification.objects.exists()
    assert not SavedView.objects.exists()


def test_what_changes_nothing_records_nothing(firm: World) -> None:
    view = save_view(actor=firm.admin, name="Lyon", query="q=lyon")
    change_view(actor=firm.admin, view=view, query="q=lyon")
    rename_view(actor=firm.admin, view=view, name="Lyon")
    unshare_view(actor=firm.admin, view=view)
    assert happened() == ["clients.view.saved"]


def test_no_event_holds_what_a_view_searches_for(firm: World) -> None:
    view = save_view(actor=firm.admin, name="Lyon", query="q=dupont", is_shared=True)
    change_view(actor=firm.admin, view=view, query="q=durand")
    delete_view(actor=firm.admin, view=view)
    for event in Event.objects.all():
        assert "dupont" not in f"{event.changes} {event.details}"
        assert "durand" not in f"{event.changes} {event.details}"


@pytest.mark.parametrize("again", ["Mes PME", "MES PME", "mès pme", " mes pme "])
def test_a_name_is_unique_for_its_person_case_and_accents_aside(firm: World, again: str) -> None:
    save_view(actor=firm.admin, name="Mes PME", query="")
    with pytest.raises(ViewNameTaken):
        save_view(actor=firm.admin, name=again, query="")
    other = save_view(actor=firm.admin, name="Autre", query="")
    with pytest.raises(ViewNameTaken):
        rename_view(actor=firm.admin, view=other, name=again)
    save_view(actor=firm.collaborator, name=again, query="")
    assert SavedView.objects.count() == 3


def test_a_shared_view_is_changed_by_its_owner_and_by_administrators_alone(firm: World) -> None:
    view = save_view(actor=firm.collaborator, name="Lyon", query="q=lyon", is_shared=True)
    for attempt in (
        lambda: change_view(actor=firm.colleague, view=view, query=""),
        lambda: rename_view(actor=firm.colleague, view=view, name="Paris"),
        lambda: unshare_view(actor=firm.colleague, view=view),
        lambda: delete_view(actor=firm.colleague, view=view),
    ):
        with pytest.raises(PermissionDenied):
            attempt()
    rename_view(actor=firm.admin, view=view, name="Rhône")
    assert SavedView.objects.get().name == "Rhône"
    assert SavedView.objects.get().owner_id == firm.collaborator.user_id


def test_a_private_view_is_nobody_elses_not_even_an_administrators(firm: World) -> None:
    view = save_view(actor=firm.collaborator, name="Lyon", query="q=lyon")
    with pytest.raises(PermissionDenied):
        delete_view(actor=firm.admin, view=view)
    with pytest.raises(PermissionDenied):
        share_view(actor=firm.admin, view=view)
    assert list(SavedView.objects.of(firm.admin.user_id)) == []  # type: ignore[arg-type]  # a member has a person


def test_who_left_the_firm_saves_no_view(firm: World) -> None:
    firm.collaborator.state = "suspended"
    firm.collaborator.save()
    with pytest.raises(PermissionDenied):
        save_view(actor=firm.collaborator, name="Lyon", query="")


def test_the_second_of_two_who_change_a_view_is_told(firm: World) -> None:
    view = save_view(actor=firm.collaborator, name="Lyon", query="q=lyon", is_shared=True)
    seen = view.updated_at
    change_view(actor=firm.admin, view=view, query="q=rhone", seen=seen)
    with pytest.raises(ViewChangedMeanwhile) as refused:
        change_view(actor=firm.collaborator, view=view, query="q=villeurbanne", seen=seen)
    assert refused.value.view.query == "q=rhone"
    with pytest.raises(ViewChangedMeanwhile):
        rename_view(actor=firm.collaborator, view=view, name="Paris", seen=seen)
    assert SavedView.objects.get().query == "q=rhone"
