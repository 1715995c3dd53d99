"""An import taken back: what it has created and changed goes, what somebody has built on stays and is named."""

from collections.abc import Callable
from datetime import timedelta
from typing import cast

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.permissions import ObjectRole, Perm, can, give, pairs_of
from activity.models import Event, Notification
from clients.actions.archiving import archive_dossiers
from clients.actions.dossiers import create_dossier, move_dossier, update_dossier
from clients.actions.portfolios import terminate_portfolio
from clients.imports import undoing
from clients.imports.sweeping import sweep
from clients.imports.touches import TOUCHES
from clients.imports.undoing import impact, undo_import
from clients.jobs import MeansSomethingElse, NotNow, confirm_import, start_import
from clients.jobs import undo_import as ask_undo
from clients.models import (
    Assignment,
    ClientSpace,
    Dossier,
    FormerPlace,
    Import,
    ImportCorrection,
    ImportFile,
    ImportRow,
    ImportState,
    RowOutcome,
    SpaceLink,
)
from invitations.actions.inviting import invite_clients
from portfolios.actions import create_portfolio, grant_portfolio, rename_portfolio
from portfolios.models import Portfolio
from tenancy.scopes import scope
from tests.clients.lists import apply, plan, rows_of, run
from tests.worlds import World, make_dossier, make_portfolio

HEADERS = ("Code", "Raison sociale", "SIRET", "E-mail", "Portefeuille", "Collaborateur")
TWO = [("M1", "Martin", "", "a@martin.fr", "Sarah"), ("D2", "Durand", "", "", "Léa")]


def undo(world: World, made: Import) -> Import:
    """Ask for it and do it, as a worker does."""
    ask_undo(actor=world.admin, source=made)
    undo_import(world.firm.pk, made.pk)
    made.refresh_from_db()
    return made


def outcomes(made: Import) -> list[str]:
    return [row.outcome for row in rows_of(made)]


def test_what_it_created_goes_with_the_portfolios_that_are_empty_again(firm: World) -> None:
    before = make_portfolio("Léa")
    made = undo(firm, run(firm.admin, TWO))
    assert made.state == ImportState.UNDONE
    assert (made.counts["deleted"], made.counts["restored"], made.counts["kept"]) == (2, 0, 0)
    assert not Dossier.objects.exists()
    assert list(Portfolio.objects.all()) == [before]


def test_what_it_changed_is_as_it_was_in_every_field(firm: World) -> None:
    sarah, lea = make_portfolio("Sarah"), make_portfolio("Léa")
    dossier = make_dossier(
        "Boulangerie Martin", reference="M1", email="a@martin.fr", portfolio=sarah, siret="73282932000074"
    )
    fields = [field.attname for field in Dossier._meta.concrete_fields if field.attname != "updated_at"]
    before = Dossier.objects.values_list(*fields).get()
    made = run(firm.admin, [("M1", "Martin et Fils", "", "b@martin.fr", "Léa")])
    dossier.refresh_from_db()
    assert (dossier.legal_name, dossier.portfolio) == ("Martin et Fils", lea)
    undo(firm, made)
    assert Dossier.objects.values_list(*fields).get() == before
    assert made.counts["restored"] == 1


def test_the_list_can_be_sent_again_afterwards(firm: World) -> None:
    undo(firm, run(firm.admin, TWO))
    again = run(firm.admin, TWO)
    assert (again.state, again.counts["created"]) == (ImportState.DONE, 2)


def test_assignments_go_with_it_and_those_of_others_stay(firm: World) -> None:
    make_dossier("Ancien", reference="A1")
    give(Assignment, pairs_of(Dossier.objects.all(), [firm.colleague]), role=ObjectRole.READER, by=firm.admin)
    name = firm.collaborator.name
    rows = [("A1", "Ancien", "", "", "", name), ("N1", "Nouveau", "", "", "", name)]
    made = run(firm.admin, rows, HEADERS)
    assert Assignment.objects.filter(user=firm.collaborator.user).count() == 2
    undo(firm, made)
    assert [one.user_id for one in Assignment.objects.all()] == [firm.colleague.user_id]
    assert made.counts["kept"] == 0


def test_an_import_leaves_the_place_that_a_member_has(firm: World) -> None:
    make_dossier("Ancien", reference="A1")
    give(
        Assignment,
        pairs_of(Dossier.objects.all(), [firm.collaborator]),
        role=ObjectRole.READER,
        by=firm.admin,
    )
    run(firm.admin, [("A1", "Autre nom", "", "", "", firm.collaborator.name)], HEADERS)
    assert not can(firm.collaborator, Perm.CHANGE_DOSSIER, Dossier.objects.get())


@pytest.mark.parametrize("many", [0, 5_000])
class TestWhatIsKept:
    """Whether what has come since is asked for, or each of the rows: as where more than `many` may be touched."""

    @pytest.fixture(autouse=True)
    def _many(self, monkeypatch: pytest.MonkeyPatch, many: int) -> None:
        monkeypatch.setattr(undoing, "_MANY", many)

    def kept(self, world: World, touch) -> tuple[list[str], list[str]]:
        """What becomes of a created and of a changed dossier that both have been touched so."""
        make_dossier("Ancien", reference="A1", email="a@ancien.fr")
        rows = [("A1", "Ancien et Fils", "", "", ""), ("N1", "Nouveau", "", "n@nouveau.fr", "Sarah")]
        made = run(world.admin, rows)
        touch()
        shown = [outcome.value for outcome, _count in impact(made).kept]
        with pytest.raises(NotNow):  # nothing would be taken back
            ask_undo(actor=world.admin, source=made)
        run(world.admin, [("X9", "Encore", "", "", "")])
        Import.objects.filter(pk=made.pk).update(state=ImportState.UNDOING, undone_by=world.admin)
        undo_import(world.firm.pk, made.pk)
        made.refresh_from_db()
        assert made.counts["kept"] == 2
        assert set(Dossier.objects.values_list("legal_name", flat=True)) >= {"Encore"}
        return shown, outcomes(made)

    def test_edited(self, firm: World) -> None:
        def touch() -> None:
            for dossier in Dossier.objects.all():
                update_dossier(actor=firm.admin, dossier=dossier, values={"city": "Lyon"})

        assert self.kept(firm, touch) == (["edited"], ["edited", "edited"])
        assert Dossier.objects.filter(legal_name="Ancien et Fils", city="Lyon").exists()

    def test_moved(self, firm: World) -> None:
        def touch() -> None:
            for dossier in Dossier.objects.all():
                move_dossier(actor=firm.admin, dossier=dossier, portfolio=make_portfolio(dossier.reference))

        # Where the import did not move it, a move is an edit.
        assert self.kept(firm, touch) == (["moved", "edited"], ["edited", "moved"])

    def test_archived(self, firm: World) -> None:
        def touch() -> None:
            archive_dossiers(actor=firm.admin, dossiers=Dossier.objects.all())

        assert self.kept(firm, touch) == (["archived"], ["archived", "archived"])

    def test_invited(self, firm: World) -> None:
        def touch() -> None:
            invite_clients(actor=firm.admin, dossiers=Dossier.objects.all())

        assert self.kept(firm, touch) == (["invited"], ["invited", "invited"])

    def test_linked(self, firm: World, linked) -> None:
        def touch() -> None:
            for dossier in Dossier.objects.all():
                linked(dossier)

        assert self.kept(firm, touch) == (["linked"], ["linked", "linked"])

    def test_assigned_by_others(self, firm: World) -> None:
        def touch() -> None:
            dossiers = Dossier.objects.all()
            pairs = pairs_of(dossiers, [firm.colleague])
            give(Assignment, pairs, role=ObjectRole.READER, by=firm.admin, at=timezone.now())

        assert self.kept(firm, touch) == (["granted"], ["granted", "granted"])


@pytest.fixture
def linked(firm: World) -> Callable[[Dossier], SpaceLink]:
    """Gives a dossier's client a space."""

    def link(dossier: Dossier) -> SpaceLink:
        space = ClientSpace(legal_name=dossier.legal_name)
        with scope(space=space.pk):
            space.save(force_insert=True)
        return SpaceLink.objects.create(
            firm=firm.firm, dossier=dossier, space=space, firm_name=firm.firm.name
        )

    return link


def test_the_rest_is_taken_back_beside_what_is_kept(firm: World) -> None:
    made = run(firm.admin, TWO)
    update_dossier(
        actor=firm.admin,
        dossier=Dossier.objects.get(reference="D2"),
        values={"city": "Lyon"},
    )
    shown = impact(made)
    assert (shown.deleted, shown.kept_count, shown.portfolios, shown.staying) == (1, 1, ["Sarah"], ["Léa"])
    undo(firm, made)
    assert [dossier.reference for dossier in Dossier.objects.all()] == ["D2"]
    assert [portfolio.name for portfolio in Portfolio.objects.all()] == ["Léa"]
    assert outcomes(made) == ["", "edited"]


def test_where_nothing_has_come_since_no_row_is_asked_for_its_dossier(firm: World) -> None:
    make_dossier("Ancien", reference="A1")
    made = run(firm.admin, [("A1", "Ancien et Fils", "", "", ""), ("N1", "Nouveau", "", "", "")])
    with CaptureQueriesContext(connection) as queries:
        meant = impact(made)
    assert (meant.deleted, meant.restored, meant.kept) == (1, 1, [])
    both = ('"clients_importrow"', '"clients_dossier"')
    assert not [one["sql"] for one in queries if all(table in one["sql"] for table in both)]


def test_a_dossier_that_is_gone_is_missed_beside_one_that_was_edited(firm: World) -> None:
    made = run(firm.admin, [*TWO, ("N1", "Nouveau", "", "", "")])
    update_dossier(actor=firm.admin, dossier=Dossier.objects.get(reference="M1"), values={"city": "Lyon"})
    Dossier.objects.filter(reference="D2").delete()
    meant = impact(made)
    assert (meant.deleted, meant.kept) == (1, [(RowOutcome.EDITED, 1), (RowOutcome.GONE, 1)])


def test_a_former_reference_that_another_file_has_since_is_left_to_it(firm: World) -> None:
    make_dossier("Un", siret="73282932000074", reference="A1")
    made = run(firm.admin, [("B1", "Un", "73282932000074", "", ""), ("N1", "Neuf", "", "", "")])
    make_dossier("Deux", reference="A1")
    undo(firm, made)
    assert outcomes(made) == ["no_way", ""]


def test_a_former_portfolio_that_was_terminated_gets_nothing_back(firm: World) -> None:
    sarah = make_portfolio("Sarah")
    make_dossier("Un", reference="A1", portfolio=sarah)
    made = run(firm.admin, [("A1", "Un", "", "", "Léa"), ("N1", "Neuf", "", "", "")])
    terminate_portfolio(actor=firm.admin, portfolio=sarah)
    undo(firm, made)
    assert outcomes(made) == ["no_way", ""]


class TestPortfolios:
    def test_one_that_was_opened_to_somebody_stays(self, firm: World) -> None:
        made = run(firm.admin, TWO)
        grant_portfolio(
            actor=firm.admin, portfolio=Portfolio.objects.get(name="Sarah"), member=firm.collaborator
        )
        undo(firm, made)
        assert [one.name for one in Portfolio.objects.all()] == ["Sarah"]

    def test_one_that_was_renamed_or_filled_stays(self, firm: World) -> None:
        made = run(firm.admin, TWO)
        rename_portfolio(actor=firm.admin, portfolio=Portfolio.objects.get(name="Sarah"), name="Sarah B")
        create_dossier(
            actor=firm.admin, values={"legal_name": "Neuf"}, portfolio=Portfolio.objects.get(name="Léa")
        )
        undo(firm, made)
        assert {one.name for one in Portfolio.objects.all()} == {"Sarah B", "Léa"}
        assert Dossier.objects.count() == 1

    def test_one_that_somebody_made_before_the_confirmation_was_never_the_imports(self, firm: World) -> None:
        made = plan(firm.admin, TWO)
        create_portfolio(actor=firm.admin, name="Sarah")
        confirm_import(actor=firm.admin, source=made)
        apply(made)
        made.refresh_from_db()
        undo(firm, made)
        assert [one.name for one in Portfolio.objects.all()] == ["Sarah"]


class TestSeveral:
    def test_imports_are_undone_one_after_the_other_backwards(self, firm: World) -> None:
        make_dossier("Zéro", reference="A1")
        one = run(firm.admin, [("A1", "Un", "", "", "")])
        two = run(firm.admin, [("A1", "Deux", "", "", "")])
        assert impact(one).restored == 0
        undo(firm, two)
        assert Dossier.objects.get().legal_name == "Un"
        undo(firm, one)
        assert Dossier.objects.get().legal_name == "Zéro"

    def test_what_a_later_import_has_changed_is_kept(self, firm: World) -> None:
        one = run(firm.admin, TWO)
        run(firm.admin, [("M1", "Martin et Fils", "", "", "")])
        undo(firm, one)
        assert outcomes(one) == ["edited", ""]

    def test_a_plan_that_waits_for_a_dossier_that_goes_passes_it_over(self, firm: World) -> None:
        one = run(firm.admin, TWO)
        waiting = plan(firm.admin, [("M1", "Martin et Fils", "", "", "")])
        confirm_import(actor=firm.admin, source=waiting)
        undo(firm, one)
        apply(waiting)
        assert outcomes(waiting) == ["gone"]


class TestAsking:
    def test_only_once(self, firm: World) -> None:
        made = run(firm.admin, TWO)
        ask_undo(actor=firm.admin, source=made)
        with pytest.raises(NotNow):
            ask_undo(actor=firm.admin, source=made)

    def test_not_by_a_collaborator(self, firm: World) -> None:
        made = run(firm.admin, TWO)
        with pytest.raises(PermissionDenied):
            ask_undo(actor=firm.collaborator, source=made)

    def test_not_after_thirty_days(self, firm: World) -> None:
        made = run(firm.admin, TWO)
        Import.objects.update(applied_at=timezone.now() - timedelta(days=31))
        with pytest.raises(NotNow):
            ask_undo(actor=firm.admin, source=made)

    def test_what_one_was_shown_must_still_be_so(self, firm: World) -> None:
        made = run(firm.admin, TWO)
        seen = impact(made).fingerprint
        update_dossier(actor=firm.admin, dossier=Dossier.objects.get(reference="D2"), values={"city": "Lyon"})
        with pytest.raises(MeansSomethingElse):
            ask_undo(actor=firm.admin, source=made, seen=seen)
        assert Import.objects.get().state == ImportState.DONE

    def test_one_who_may_no_longer_import_undoes_nothing_and_the_import_stands(self, firm: World) -> None:
        made = run(firm.admin, TWO)
        ask_undo(actor=firm.admin, source=made)
        type(firm.admin).objects.filter(pk=firm.admin.pk).update(role="collaborator")
        undo_import(firm.firm.pk, made.pk)
        made.refresh_from_db()
        assert (made.state, made.refusal_code, made.undone_by) == (ImportState.DONE, "undo_not_allowed", None)
        event = Event.objects.get(type="clients.import.undo_failed")
        assert (event.actor_id, event.details) == (None, {"reason": "undo_not_allowed"})
        assert event.notifications.get().recipient_id == firm.admin.user_id
        assert ImportFile.objects.exists()
        assert Dossier.objects.count() == 2

    def test_a_plan_that_was_made_anew_is_not_confirmed_unseen(self, firm: World) -> None:
        made = plan(firm.admin, TWO)
        with pytest.raises(MeansSomethingElse):
            confirm_import(actor=firm.admin, source=made, seen="2026-01-01T00:00:00+00:00")


class TestTold:
    def test_a_line_for_each_and_one_event_that_tells(self, firm: World) -> None:
        make_dossier("Ancien", reference="A1", portfolio=make_portfolio("Avant"))
        made = run(firm.admin, [*TWO, ("A1", "Ancien et Fils", "", "", "Sarah")])
        undo(firm, made)
        lines = Event.objects.filter(group=made.pk, is_detail=True)
        assert lines.filter(type="clients.dossier.taken_back").count() == 2
        assert lines.filter(type="portfolios.portfolio.taken_back").count() == 2
        changed = lines.filter(type="clients.dossier.changed").latest("id")
        assert changed.changes == {"legal_name": ["Ancien et Fils", "Ancien"]}
        assert changed.subject_name == "Ancien"
        assert lines.filter(type="clients.dossier.moved").latest("id").changes == {
            "portfolio": ["Sarah", "Avant"]
        }
        told = Event.objects.get(type="clients.import.undone")
        assert (told.details["deleted"], told.details["restored"], told.details["kept"]) == (2, 1, 0)

    def test_those_who_had_a_dossier_by_itself_are_told_of_both(self, firm: World) -> None:
        made = run(firm.admin, [("N1", "Nouveau", "", "", "", firm.collaborator.name)], HEADERS)
        undo(firm, made)
        told = Notification.objects.filter(recipient=firm.collaborator.user).values_list(
            "event__type", flat=True
        )
        assert sorted(told) == ["clients.import.applied", "clients.import.undone"]


def test_the_file_stays_for_a_month_and_goes_then_with_its_words(firm: World) -> None:
    made = run(firm.admin, TWO)
    ImportRow.objects.filter(number=2).update(raw={"siret": "732 829"})
    ImportCorrection.objects.create(source=made, number=2, field="siret", text="732", made_by=firm.admin)
    sweep()
    assert ImportFile.objects.exists()
    Import.objects.update(applied_at=timezone.now() - timedelta(days=31))
    assert sweep() == 1
    assert not ImportFile.objects.exists()
    assert not ImportRow.objects.exclude(raw=None).exists()
    assert not ImportCorrection.objects.exists()
    assert sweep() == 0
    made.refresh_from_db()
    assert (made.state, made.rows.count()) == (ImportState.DONE, 2)


def test_whatever_points_at_a_dossier_or_a_portfolio_is_looked_at() -> None:
    """A model that a later app hangs on them has to say whether it keeps an import from being undone."""
    looked_at: dict[type[Model], set[str]] = {}
    for touch in TOUCHES:
        found = touch.since(timezone.now()).model
        looked_at.setdefault(touch.about, set()).add(found.__name__)
    # Rows of imports let go of a dossier that is deleted; to have looked at one changes nothing of it; the places of
    # dossiers are asked for by themselves.
    not_needed = {Dossier: {"ImportRow", "AccessRecord"}, Portfolio: {"Dossier"}}
    for about, known in looked_at.items():
        pointing = {
            cast(type[Model], relation.related_model).__name__
            for relation in about._meta.get_fields(include_hidden=True)
            if relation.auto_created and not relation.concrete
        }
        assert pointing <= known | not_needed[about], about


def test_asking_needs_a_written_import(firm: World) -> None:
    made = start_import(actor=firm.admin, file_name="a.csv", content=b"Nom\nUn")
    with pytest.raises(NotNow):
        ask_undo(actor=firm.admin, source=made)
    assert not FormerPlace.objects.exists()
