"""A client list from upload to report."""

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import MemberState
from accounts.permissions import Perm, can
from activity.models import Event, Notification
from clients.actions.archiving import archive_dossiers
from clients.actions.portfolios import terminate_portfolio
from clients.jobs import NotNow, cancel_import, choose_sheet, confirm_import, decide, start_import
from clients.models import Dossier, Import, ImportFile, ImportRow, ImportState
from portfolios.actions import grant_portfolio
from portfolios.models import Portfolio
from tenancy.scopes import scope
from tests.clients.lists import HEADERS, actions, apply, codes, plan, read, rows_of, run, workbook
from tests.worlds import World, make_dossier, make_portfolio

THALES = "55205902401909"
MARTIN = ("M1", "Boulangerie Martin", "73282932000074", "contact@martin.fr", "Sarah")


def test_nothing_is_written_before_the_confirmation(firm: World) -> None:
    made = plan(firm.admin, [MARTIN])
    assert (made.state, actions(made)) == (ImportState.READY, ["create"])
    assert not Dossier.objects.exists()
    assert not Portfolio.objects.exists()


def test_a_confirmed_list_becomes_dossiers_in_their_portfolios(firm: World) -> None:
    made = run(firm.admin, [MARTIN, ("D2", "Durand", "", "", "SARAH")])
    assert (made.state, made.counts["created"]) == (ImportState.DONE, 2)
    dossier = Dossier.objects.get(reference="M1")
    assert (dossier.siret, dossier.siren, dossier.email) == (
        "73282932000074",
        "732829320",
        "contact@martin.fr",
    )
    assert Portfolio.objects.get().name == "Sarah"
    assert Dossier.objects.filter(portfolio__name="Sarah").count() == 2
    assert ImportFile.objects.exists()


def test_what_lists_sort_by_and_search_in_is_there(firm: World) -> None:
    run(firm.admin, [("É1", "Société d’Été", "73282932000074", "", "")])
    imported = Dossier.objects.get()
    keys = (imported.name_key, imported.search_key)
    imported.derive_keys()
    assert keys == (imported.name_key, imported.search_key)


def test_the_same_list_again_changes_nothing(firm: World) -> None:
    run(firm.admin, [MARTIN, ("", "Sans numéro", "", "", "")])
    again = plan(firm.admin, [MARTIN, ("", "Sans numéro", "", "", "")])
    assert actions(again) == ["identical", "identical"]
    with pytest.raises(NotNow):
        confirm_import(actor=firm.admin, source=again)


def test_a_change_is_shown_old_and_new_and_empty_cells_leave_what_is_there(firm: World) -> None:
    dossier = make_dossier("Boulangerie Martin", reference="M1", email="a@martin.fr", phone="01 23 45 67 89")
    made = plan(firm.admin, [("M1", "Boulangerie Martin & Fils", "", "b@martin.fr", "")])
    (row,) = rows_of(made)
    assert row.changes == {
        "legal_name": ["Boulangerie Martin", "Boulangerie Martin & Fils"],
        "email": ["a@martin.fr", "b@martin.fr"],
    }
    confirm_import(actor=firm.admin, source=made)
    apply(made)
    dossier.refresh_from_db()
    assert (dossier.legal_name, dossier.email, dossier.phone) == (
        "Boulangerie Martin & Fils",
        "b@martin.fr",
        "01 23 45 67 89",
    )
    assert dossier.name_key == "boulangerie martin fils"
    assert "boulangerie martin fils m1" in dossier.search_key


class TestMatching:
    def test_the_reference_goes_before_the_siret(self, firm: World) -> None:
        by_reference = make_dossier("Un", reference="M1")
        make_dossier("Deux", siret="73282932000074")
        (row,) = rows_of(plan(firm.admin, [MARTIN]))
        assert row.dossier == by_reference

    def test_the_siret_finds_the_establishment(self, firm: World) -> None:
        make_dossier("Siège", siret="55210055400013")
        wanted = make_dossier("Boulangerie Martin", siret="73282932000074")
        (row,) = rows_of(plan(firm.admin, [("", "Boulangerie Martin", "73282932000074", "", "")]))
        assert row.dossier == wanted

    def test_a_siren_alone_finds_the_one_dossier_that_has_it(self, firm: World) -> None:
        wanted = make_dossier("Martin", siret="73282932000074")
        (row,) = rows_of(plan(firm.admin, [("732829320", "Martin")], ("SIREN", "Nom")))
        assert (row.dossier, row.action) == (wanted, "identical")

    def test_a_siren_that_two_dossiers_have_is_a_question(self, firm: World) -> None:
        make_dossier("Un", siren="732829320")
        make_dossier("Deux", siren="732829320")
        (row,) = rows_of(plan(firm.admin, [("732829320", "Martin")], ("SIREN", "Nom")))
        assert (row.action, codes(row)) == ("error", ["siren_ambiguous"])

    def test_another_establishment_of_a_known_siren_is_a_new_dossier(self, firm: World) -> None:
        make_dossier("Thales", siret=THALES)
        assert actions(plan(firm.admin, [("", "Thales ailleurs", "55205902400018", "", "")])) == ["create"]

    def test_a_siret_of_a_known_siren_without_establishment_is_a_question(self, firm: World) -> None:
        known = [make_dossier(name, siren="732829320") for name in ("Un", "Deux")]
        (row,) = rows_of(plan(firm.admin, [MARTIN]))
        (told,) = row.problems
        assert (row.action, told["code"], told["value"]) == ("known", "siren_known", "732829320")
        assert sorted(told["dossiers"]) == sorted(str(one.pk) for one in known)

    @pytest.mark.parametrize(
        ("decision", "expected"), [("new", "create"), ("skip", "skipped"), ("", "update")]
    )
    def test_which_a_person_answers(self, firm: World, decision: str, expected: str) -> None:
        known = make_dossier("Martin", siren="732829320")
        made = plan(firm.admin, [MARTIN])
        decide(actor=firm.admin, source=made, number=2, dossier=decision or str(known.pk))
        read(made)
        assert actions(made) == [expected]

    def test_nor_is_it_created_where_such_a_dossier_came_since(self, firm: World) -> None:
        made = plan(firm.admin, [MARTIN])
        make_dossier("Martin", siren="732829320")
        confirm_import(actor=firm.admin, source=made)
        apply(made)
        assert (Dossier.objects.count(), rows_of(made)[0].outcome) == (1, "exists")

    def test_the_firms_own_dossier_is_never_matched(self, firm: World) -> None:
        make_dossier("Cabinet", siren="732829320", is_own=True)
        assert actions(plan(firm.admin, [("732829320", "Autre")], ("SIREN", "Nom"))) == ["create"]

    def test_dossiers_of_another_firm_are_never_matched(self, lemoine: World, bertrand: World) -> None:
        with scope(firm=bertrand.firm):
            make_dossier("Chez Bertrand", reference="M1", siret="73282932000074")
        with scope(firm=lemoine.firm):
            made = run(lemoine.admin, [MARTIN])
            assert made.counts["created"] == 1
        with scope(firm=bertrand.firm):
            assert [dossier.legal_name for dossier in Dossier.objects.all()] == ["Chez Bertrand"]


class TestRowsThatStayOut:
    @pytest.mark.parametrize(
        ("siret", "code"),
        [
            ("73282932000079", "checksum"),
            ("7,32829E+13", "digits_lost"),
            ("73282900000000", "digits_lost"),  # the same, saved once more as a number
            ("73282932OOOO74", "digits"),
        ],
    )
    def test_a_broken_number_keeps_only_its_row_out(self, firm: World, siret: str, code: str) -> None:
        made = run(firm.admin, [("A1", "Cassé", siret, "", ""), MARTIN])
        bad, good = rows_of(made)
        assert (bad.action, codes(bad), bad.number) == ("error", [code], 2)
        assert (good.action, Dossier.objects.get().reference) == ("create", "M1")

    def test_a_row_without_a_name_creates_nothing(self, firm: World) -> None:
        (row,) = rows_of(plan(firm.admin, [("A1", "", "73282932000074", "", "")]))
        assert (row.action, codes(row)) == ("error", ["no_name"])

    def test_but_it_changes_a_dossier_that_has_one(self, firm: World) -> None:
        make_dossier("Martin", reference="A1")
        assert actions(plan(firm.admin, [("A1", "", "73282932000074", "", "")])) == ["update"]

    @pytest.mark.parametrize(
        "twice",
        [
            [("A1", "Un", "", "", ""), ("A1", "Deux", "", "", "")],
            [("A1", "Un", "73282932000074", "", ""), ("A2", "Deux", "73282932000074", "", "")],
            [("", "Durand Paul", "", "p@durand.fr", ""), ("", "DURAND  PAUL", "", "p@durand.fr", "")],
        ],
    )
    def test_the_second_of_two_like_rows_is_a_duplicate_of_the_first(
        self, firm: World, twice: list[tuple[str, ...]]
    ) -> None:
        first, second = rows_of(plan(firm.admin, twice))
        assert (first.action, second.action, second.duplicate_of) == ("create", "duplicate", 2)

    def test_titles_of_groups_and_totals_are_told_and_left_out(self, firm: World) -> None:
        made = plan(firm.admin, [("Groupe Nord", "", "", "", ""), MARTIN, ("", "Total : 1", "", "", "")])
        assert actions(made) == ["skipped", "create", "skipped"]
        assert made.notes == [{"code": "rows_without_client", "params": {"count": 2, "rows": "2, 4"}}]


class TestRepairs:
    def test_zeros_that_excel_removed_are_restored(self, firm: World) -> None:
        made = run(firm.admin, [("A1", "Un", 6520086700045, "", "")])
        assert Dossier.objects.get().siret == "06520086700045"
        assert codes(rows_of(made)[0]) == ["zeros"]

    def test_phone_postcode_and_address(self, firm: World) -> None:
        headers = ("Nom", "Tél.", "CP", "Mél")
        made = run(firm.admin, [("Un", 123456789, 1000, "Jean <Jean@Exemple.FR>")], headers)
        dossier = Dossier.objects.get()
        assert (dossier.phone, dossier.postcode, dossier.email) == (
            "01 23 45 67 89",
            "01000",
            "jean@exemple.fr",
        )
        assert codes(rows_of(made)[0]) == ["phone_zero", "email_extracted", "email_case", "postcode_zero"]

    def test_siren_and_nic_in_two_columns(self, firm: World) -> None:
        run(firm.admin, [("Martin", 732829320, 74)], ("Nom", "SIREN", "NIC"))
        assert Dossier.objects.get().siret == "73282932000074"

    def test_an_individual_is_guessed_from_a_last_name(self, firm: World) -> None:
        run(firm.admin, [("Dupont", "Marie")], ("Nom", "Prénom"))
        dossier = Dossier.objects.get()
        assert (dossier.kind, dossier.name) == ("individual", "Dupont Marie")


class TestAssignees:
    def test_a_member_named_in_the_list_gets_the_dossier(self, firm: World) -> None:
        firm.collaborator.refresh_from_db()
        run(firm.admin, [("Un", "MARTIN Chloe"), ("Deux", firm.colleague.email)], ("Nom", "Collaborateur"))
        assert can(firm.collaborator, Perm.VIEW_DOSSIER, Dossier.objects.get(legal_name="Un"))
        assert not can(firm.collaborator, Perm.VIEW_DOSSIER, Dossier.objects.get(legal_name="Deux"))
        again = plan(firm.admin, [("Un", "MARTIN Chloe"), ("Deux", "Chloé Martin")], ("Nom", "Collaborateur"))
        assert actions(again) == ["identical", "update"]

    def test_a_stranger_is_listed_and_left_out(self, firm: World) -> None:
        made = run(firm.admin, [("Un", "Jean Inconnu")], ("Nom", "Collaborateur"))
        assert (made.unknown_assignees, made.counts["created"]) == (["Jean Inconnu"], 1)


class TestEvents:
    def test_each_dossier_has_its_event_and_the_import_tells_once(self, firm: World) -> None:
        make_dossier("Ancien", reference="A1")
        portfolio = make_portfolio("Sarah")
        grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
        Notification.objects.all().delete()
        made = run(firm.admin, [MARTIN, ("A1", "Nouveau", "", "", "")])
        kinds = list(Event.objects.filter(group=made.pk).order_by("id").values_list("type", flat=True))
        assert kinds == ["clients.dossier.created", "clients.dossier.changed", "clients.import.applied"]
        assert set(Notification.objects.values_list("address", flat=True)) == {firm.collaborator.email}
        changed = Event.objects.get(type="clients.dossier.changed")
        assert changed.changes == {"legal_name": ["Ancien", "Nouveau"]}

    def test_those_whose_portfolio_a_dossier_leaves_are_told_too(self, firm: World) -> None:
        former = make_portfolio("Léa")
        make_dossier("Ancien", reference="A1", portfolio=former)
        grant_portfolio(actor=firm.admin, portfolio=former, member=firm.colleague)
        Notification.objects.all().delete()
        run(firm.admin, [("A1", "Ancien", "", "", "Sarah")])
        assert Dossier.objects.get(reference="A1").portfolio == Portfolio.objects.get(name="Sarah")
        assert set(Notification.objects.values_list("address", flat=True)) == {firm.colleague.email}

    def test_identical_rows_write_no_event(self, firm: World) -> None:
        make_dossier("Ancien", reference="A1")
        run(firm.admin, [MARTIN, ("A1", "Ancien", "", "", "")])
        assert not Event.objects.filter(type="clients.dossier.changed").exists()


class TestSheets:
    NOTICE = (("Mode d’emploi",), ("Remplissez la feuille suivante",))

    def test_the_only_list_among_the_sheets_is_taken(self, firm: World) -> None:
        book = workbook(self.NOTICE, [HEADERS, MARTIN], [HEADERS, MARTIN], names=("A", "B", "C"), hidden=(2,))
        made = plan(firm.admin, book)
        assert (made.state, made.sheet_name) == (ImportState.READY, "B")

    def test_of_several_lists_a_person_chooses(self, firm: World) -> None:
        made = plan(
            firm.admin, workbook([HEADERS, MARTIN], [HEADERS, ("Z9", "Autre", "", "", "")], names=("A", "B"))
        )
        assert made.state == ImportState.CHOOSING
        choose_sheet(actor=firm.admin, source=made, sheet=1)
        read(made)
        made.refresh_from_db()
        assert [row.legal_name for row in rows_of(made)] == ["Autre"]

    def test_another_sheet_may_be_chosen_after_a_look_at_the_plan(self, firm: World) -> None:
        made = plan(
            firm.admin, workbook([HEADERS, MARTIN], [HEADERS, ("Z9", "Autre", "", "", "")], names=("A", "B"))
        )
        for sheet in (0, 1):
            choose_sheet(actor=firm.admin, source=made, sheet=sheet)
            read(made)
        assert [row.legal_name for row in rows_of(made)] == ["Autre"]

    def test_a_book_without_any_known_column_is_refused(self, firm: World) -> None:
        made = plan(firm.admin, workbook([("Couleur", "Taille"), ("bleu", 3)]))
        assert (made.state, made.refusal_code) == (ImportState.FAILED, "no_columns")


class TestBetweenPlanAndConfirmation:
    def test_a_dossier_edited_since_is_kept_and_named(self, firm: World) -> None:
        dossier = make_dossier("Ancien", reference="A1")
        made = plan(firm.admin, [("A1", "Du fichier", "", "", ""), MARTIN])
        dossier.refresh_from_db()
        dossier.legal_name = "De la main"
        dossier.save(update_fields=["legal_name"])
        confirm_import(actor=firm.admin, source=made)
        apply(made)
        made.refresh_from_db()
        dossier.refresh_from_db()
        assert dossier.legal_name == "De la main"
        assert (made.counts["updated"], made.counts["passed_over"]) == (0, 1)
        assert rows_of(made)[0].outcome == "changed"

    @pytest.mark.parametrize("made_since", [{"reference": "M1"}, {"siret": "73282932000074"}])
    def test_a_client_created_since_is_not_created_twice(
        self, firm: World, made_since: dict[str, str]
    ) -> None:
        made = plan(firm.admin, [MARTIN])
        make_dossier("Martin", **made_since)
        confirm_import(actor=firm.admin, source=made)
        apply(made)
        assert Dossier.objects.count() == 1
        assert rows_of(made)[0].outcome == "exists"

    def test_two_plans_of_one_list_create_it_once(self, firm: World) -> None:
        first, second = plan(firm.admin, [MARTIN]), plan(firm.admin, [MARTIN])
        for made in (first, second):
            confirm_import(actor=firm.admin, source=made)
            apply(made)
        assert Dossier.objects.count() == 1

    def test_a_portfolio_created_since_is_used(self, firm: World) -> None:
        made = plan(firm.admin, [MARTIN])
        portfolio = make_portfolio("sarah")
        confirm_import(actor=firm.admin, source=made)
        apply(made)
        assert Dossier.objects.get().portfolio == portfolio

    def test_who_has_lost_the_right_imports_nothing(self, firm: World) -> None:
        made = plan(firm.admin, [MARTIN])
        confirm_import(actor=firm.admin, source=made)
        firm.admin.state = MemberState.SUSPENDED
        firm.admin.save()
        apply(made)
        made.refresh_from_db()
        assert (made.state, made.refusal_code) == (ImportState.FAILED, "not_allowed")
        assert not Dossier.objects.exists()

    def test_a_cancelled_import_keeps_nothing(self, firm: World) -> None:
        made = plan(firm.admin, [MARTIN])
        cancel_import(actor=firm.admin, source=made)
        assert not ImportFile.objects.exists()
        assert not ImportRow.objects.exists()
        with pytest.raises(NotNow):
            confirm_import(actor=firm.admin, source=made)


def test_collaborators_import_nothing(firm: World) -> None:
    with pytest.raises(PermissionDenied):
        start_import(actor=firm.collaborator, file_name="a.csv", content=b"Nom\nUn")
    assert not Import.objects.exists()


def test_confirming_twice_is_refused(firm: World) -> None:
    made = plan(firm.admin, [MARTIN])
    confirm_import(actor=firm.admin, source=made)
    with pytest.raises(NotNow):
        confirm_import(actor=firm.admin, source=made)


# --- Dossiers that nobody may change ------------------------------------------------------------------------------


def test_a_row_of_an_archived_dossier_is_refused_and_says_what_to_do(firm: World) -> None:
    dossier = make_dossier("Boulangerie Martin", reference="C1", archived_at=timezone.now())
    made = run(firm.admin, [["C1", "Boulangerie Martin et Fils", "", "", ""], ["C2", "Autre", "", "", ""]])
    refused, created = rows_of(made)
    assert (refused.action, codes(refused)) == ("error", ["archived"])
    assert created.action == "create"
    dossier.refresh_from_db()
    assert dossier.legal_name == "Boulangerie Martin"


def test_the_running_dossier_of_a_number_comes_before_an_archived_one(firm: World) -> None:
    make_dossier("Ancien", siret="73282932000074", siren="732829320", archived_at=timezone.now())
    running = make_dossier("Nouveau", siret="73282932000074", siren="732829320")
    made = run(firm.admin, [["", "Nouveau nom", "73282932000074", "", ""]])
    assert actions(made) == ["update"]
    running.refresh_from_db()
    assert running.legal_name == "Nouveau nom"


def test_a_dossier_archived_after_the_plan_is_passed_over(firm: World) -> None:
    dossier = make_dossier("Boulangerie Martin", reference="C1")
    made = plan(firm.admin, [["C1", "Boulangerie Martin et Fils", "", "", ""]])
    confirm_import(actor=firm.admin, source=made)
    archive_dossiers(actor=firm.admin, dossiers=Dossier.objects.all())
    apply(made)
    assert [row.outcome for row in rows_of(made)] == ["changed"]
    dossier.refresh_from_db()
    assert dossier.legal_name == "Boulangerie Martin"


def test_an_import_that_moves_dossiers_says_so_in_their_history(firm: World) -> None:
    make_portfolio("Léa")
    make_dossier("A", reference="C1", portfolio=make_portfolio("Sarah"))
    run(firm.admin, [["C1", "A bis", "", "", "Léa"]])
    moved = Event.objects.get(type="clients.dossier.moved")
    assert moved.changes == {"portfolio": ["Sarah", "Léa"]}
    assert Event.objects.get(type="clients.dossier.changed").changes == {"legal_name": ["A", "A bis"]}


def test_a_name_of_a_terminated_portfolio_makes_a_new_one(firm: World) -> None:
    terminate_portfolio(actor=firm.admin, portfolio=(ended := make_portfolio("Sarah")))
    run(firm.admin, [["C1", "A", "", "", "Sarah"]])
    assert Dossier.objects.get().portfolio != ended
    assert not Dossier.objects.in_portfolio(ended).exists()
