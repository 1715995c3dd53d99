"""What a client allows a firm caps everyone in it."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.permissions import Perm, can, holders
from clients.actions.dossiers import update_dossier
from clients.jobs import confirm_import
from clients.models import ClientSpace, Dossier, LinkRight, SpaceLink
from tenancy.keys import uuid7
from tenancy.scopes import scope
from tests.clients.lists import apply, codes, plan, rows_of
from tests.worlds import World, make_dossier


def link(world: World, dossier: Dossier, right: LinkRight) -> SpaceLink:
    key = uuid7()
    with scope(space=key):
        ClientSpace.objects.create(id=key, legal_name=dossier.legal_name)
    return SpaceLink.objects.create(
        firm_id=world.firm.pk, dossier=dossier, space_id=key, firm_name=world.firm.name, right=right
    )


def test_a_dossier_linked_for_reading_is_changed_by_nobody(firm: World) -> None:
    dossier = make_dossier()
    link(firm, dossier, LinkRight.READ)
    assert can(firm.admin, Perm.VIEW_DOSSIER, dossier)
    assert not can(firm.admin, Perm.CHANGE_DOSSIER, dossier)
    assert not holders(Perm.CHANGE_DOSSIER, dossier)
    with pytest.raises(PermissionDenied):
        update_dossier(actor=firm.admin, dossier=dossier, values={"phone": "0241001122"})


def test_one_linked_for_more_or_no_longer_linked_is(firm: World) -> None:
    managed, former = make_dossier("Gérée"), make_dossier("Ancienne")
    link(firm, managed, LinkRight.MANAGE)
    ended = link(firm, former, LinkRight.READ)
    ended.since = timezone.now() - timedelta(days=2)
    ended.until = timezone.now() - timedelta(days=1)
    ended.save()
    link(firm, former, LinkRight.MANAGE)
    assert can(firm.admin, Perm.CHANGE_DOSSIER, managed)
    assert can(firm.admin, Perm.CHANGE_DOSSIER, former)


def test_nor_by_an_import(firm: World) -> None:
    read, same, managed = (make_dossier(name, reference=name) for name in ("Lue", "Égale", "Gérée"))
    for dossier, right in ((read, LinkRight.READ), (same, LinkRight.READ), (managed, LinkRight.MANAGE)):
        link(firm, dossier, right)
    rows = [["Lue", "Autre", "", "", ""], ["Égale", "Égale", "", "", ""], ["Gérée", "Nouvelle", "", "", ""]]
    made = plan(firm.admin, rows)
    assert [row.action for row in rows_of(made)] == ["error", "identical", "update"]
    assert codes(rows_of(made)[0]) == ["read_only"]


def test_nor_by_an_import_that_was_planned_before(firm: World) -> None:
    dossier = make_dossier("Lue", reference="Lue")
    made = plan(firm.admin, [["Lue", "Autre", "", "", ""]])
    link(firm, dossier, LinkRight.READ)
    confirm_import(actor=firm.admin, source=made)
    apply(made)
    dossier.refresh_from_db()
    assert dossier.legal_name == "Lue"
    assert [row.outcome for row in rows_of(made)] == ["changed"]
