"""What the columns of a list hold: asked where it is not certain, said by people, remembered for the firm."""

import pytest
from django.core.exceptions import PermissionDenied

from activity.models import Event
from clients.imports.asked import Asked
from clients.jobs import NotNow, choose_sheet, confirm_import, forget_mapping, map_columns
from clients.models import ColumnMapping, Import, ImportState
from tenancy.scopes import scope
from tests.clients.lists import HEADERS, plan, read, rows_of, workbook
from tests.worlds import World

UNKNOWN = ("Mandant", "Numéro", "Remarque")
MARTIN = ("Boulangerie Martin", "73282932000074", "bon client")
SAID = Asked(header_row=1, fields={0: "legal_name", 1: "siret", 2: ""})


def said(firm: World, made: Import, asked: Asked = SAID, *, remember: bool = True) -> Import:
    map_columns(actor=firm.admin, source=made, asked=asked, remember=remember)
    read(made)
    made.refresh_from_db()
    return made


def hows(made: Import) -> list[str]:
    return [column["how"] for column in made.columns]


def test_a_plain_list_goes_straight_to_its_plan(firm: World) -> None:
    made = plan(firm.admin, [("M1", "Martin", "73282932000074", "", "")])
    assert made.state == ImportState.READY
    assert not ColumnMapping.objects.exists()


def test_columns_that_are_not_certain_are_asked_about_before_any_plan(firm: World) -> None:
    made = plan(firm.admin, [MARTIN], UNKNOWN)
    assert (made.state, rows_of(made)) == (ImportState.MAPPING, [])
    assert [column["field"] for column in made.columns] == ["legal_name", "siret", ""]
    assert hows(made) == ["content", "content", ""]


def test_the_plan_goes_by_what_was_said(firm: World) -> None:
    made = said(
        firm, plan(firm.admin, [MARTIN], UNKNOWN), Asked(fields={0: "city", 1: "siret", 2: "legal_name"})
    )
    (row,) = rows_of(made)
    assert (made.state, row.legal_name, row.city, row.siret) == (
        ImportState.READY, "bon client", "Boulangerie Martin", "73282932000074",
    )  # fmt: skip
    assert hows(made) == ["person", "content", "person"]


def test_it_may_be_said_again_after_a_look_at_the_plan(firm: World) -> None:
    made = said(firm, plan(firm.admin, [MARTIN], UNKNOWN))
    made = said(firm, made, Asked(fields={0: "legal_name", 1: "", 2: ""}))
    assert rows_of(made)[0].siret == ""


def test_another_row_may_be_the_header(firm: World) -> None:
    rows = [("Code", "Nom", "Ville"), ("Réf", "Client", "Lieu"), ("A1", "Martin", "Lyon")]
    made = plan(firm.admin, workbook(rows))
    assert len(rows_of(made)) == 2
    made = said(firm, made, Asked(header_row=2, fields={0: "reference", 1: "legal_name", 2: "city"}))
    assert [row.reference for row in rows_of(made)] == ["A1"]


def test_several_columns_may_hold_one_field(firm: World) -> None:
    rows = [("Garage", "du Centre", "73282932000074")]
    made = plan(firm.admin, rows, ("Nom", "Suite", "SIRET"))
    made = said(firm, made, Asked(fields={0: "legal_name", 1: "legal_name", 2: "siret"}))
    assert rows_of(made)[0].legal_name == "Garage du Centre"


def test_what_nobody_knows_as_a_field_is_no_field(firm: World) -> None:
    made = said(
        firm, plan(firm.admin, [MARTIN], UNKNOWN), Asked(fields={0: "legal_name", 1: "firm_id", 9: "siret"})
    )
    assert [column["field"] for column in made.columns] == ["legal_name", "", ""]


def test_a_column_that_begins_far_below_is_listed_with_the_plan(firm: World) -> None:
    rows = [("", "", "", "au-dessus"), ("Code", "Nom"), *((f"C{i}", f"Client {i}") for i in range(40))]
    made = plan(firm.admin, workbook([*rows, ("C99", "Dernier", "sans en-tête")]))
    assert made.state == ImportState.READY
    assert [(one["letter"], one["field"]) for one in made.columns] == [
        ("A", "reference"),
        ("B", "legal_name"),
        ("C", ""),
    ]


class TestRemembering:
    def test_the_next_list_of_that_shape_needs_nobody(self, firm: World) -> None:
        said(firm, plan(firm.admin, [MARTIN], UNKNOWN))
        again = plan(firm.admin, [("Durand", "55210055400013", "")], ("MANDANT", "numero", "Remarque "))
        assert again.state == ImportState.READY
        assert rows_of(again)[0].siret == "55210055400013"
        assert hows(again) == ["remembered", "remembered", ""]
        assert Asked.of(again.asked).remembered

    def test_also_where_its_header_stands_lower(self, firm: World) -> None:
        said(firm, plan(firm.admin, [MARTIN], UNKNOWN))
        again = plan(firm.admin, workbook([("Export de mars",), (), UNKNOWN, MARTIN]))
        assert (again.state, [row.number for row in rows_of(again)]) == (ImportState.READY, [4])

    def test_of_several_sheets_the_one_of_that_shape_is_meant(self, firm: World) -> None:
        said(firm, plan(firm.admin, [MARTIN], UNKNOWN))
        other = [HEADERS, ("M1", "Martin", "", "", "")]
        again = plan(firm.admin, workbook(other, other, [UNKNOWN, MARTIN], names=("A", "B", "C")))
        assert (again.state, again.sheet_name) == (ImportState.READY, "C")

    def test_another_shape_is_asked_about(self, firm: World) -> None:
        said(firm, plan(firm.admin, [MARTIN], UNKNOWN))
        assert plan(firm.admin, [MARTIN[::-1]], UNKNOWN[::-1]).state == ImportState.MAPPING

    def test_only_where_it_was_wished(self, firm: World) -> None:
        said(firm, plan(firm.admin, [MARTIN], UNKNOWN), remember=False)
        assert plan(firm.admin, [MARTIN], UNKNOWN).state == ImportState.MAPPING

    def test_the_last_word_counts_and_the_same_again_is_no_event(self, firm: World) -> None:
        for asked in (SAID, Asked(header_row=1, fields={0: "legal_name", 1: "", 2: ""}), SAID, SAID):
            made = said(firm, plan(firm.admin, [MARTIN], UNKNOWN), asked)
        assert ColumnMapping.objects.count() == 1
        assert rows_of(made)[0].siret == "73282932000074"
        assert Event.objects.filter(type="clients.columns.remembered").count() == 3

    def test_a_list_without_headers_has_no_shape(self, firm: World) -> None:
        made = plan(firm.admin, workbook([MARTIN[:2], ("Durand SARL", "55210055400013")]))
        assert made.state == ImportState.MAPPING
        made = said(firm, made, Asked(header_row=0, fields={0: "legal_name", 1: "siret"}))
        assert len(rows_of(made)) == 2
        assert not ColumnMapping.objects.exists()

    def test_what_is_forgotten_is_guessed_again(self, firm: World) -> None:
        said(firm, plan(firm.admin, [MARTIN], UNKNOWN))
        mapping = ColumnMapping.objects.get()
        for _ in range(2):
            forget_mapping(actor=firm.admin, mapping=mapping)
        assert plan(firm.admin, [MARTIN], UNKNOWN).state == ImportState.MAPPING
        assert Event.objects.filter(type="clients.columns.forgotten").count() == 1

    def test_each_firm_remembers_its_own(self, lemoine: World, bertrand: World) -> None:
        with scope(firm=bertrand.firm):
            said(bertrand, plan(bertrand.admin, [MARTIN], UNKNOWN))
        with scope(firm=lemoine.firm):
            assert plan(lemoine.admin, [MARTIN], UNKNOWN).state == ImportState.MAPPING


def test_another_sheet_is_asked_about_anew(firm: World) -> None:
    made = plan(firm.admin, workbook([UNKNOWN, MARTIN], [UNKNOWN[::-1], MARTIN[::-1]], names=("A", "B")))
    choose_sheet(actor=firm.admin, source=made, sheet=0)
    read(made)
    made = said(firm, Import.objects.get(), remember=False)
    choose_sheet(actor=firm.admin, source=made, sheet=1)
    read(made)
    made.refresh_from_db()
    assert (made.state, rows_of(made), made.counts) == (ImportState.MAPPING, [], {})


def test_it_is_too_late_once_the_import_is_confirmed(firm: World) -> None:
    made = said(firm, plan(firm.admin, [MARTIN], UNKNOWN))
    confirm_import(actor=firm.admin, source=made)
    with pytest.raises(NotNow):
        map_columns(actor=firm.admin, source=made, asked=SAID, remember=True)


def test_only_those_who_may_import_say_it(firm: World) -> None:
    made = said(firm, plan(firm.admin, [MARTIN], UNKNOWN))
    with pytest.raises(PermissionDenied):
        map_columns(actor=firm.collaborator, source=made, asked=SAID, remember=True)
    with pytest.raises(PermissionDenied):
        forget_mapping(actor=firm.collaborator, mapping=ColumnMapping.objects.get())
