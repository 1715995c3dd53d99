"""One's own workbook back: what is wrong is said in it, and mended it is sent again."""

import io
from typing import Any

import openpyxl
import pytest

from activity.models import Event
from clients import jobs
from clients.exports.workbooks import ImportWorkbook
from clients.imports.asked import Asked
from clients.models import Import, ImportCorrection, ImportFile, ImportState
from exports.actions import export_now
from exports.kinds import REGISTRY, Gone
from tests.clients.lists import HEADERS, actions, codes, plan, read, rows_of, run
from tests.worlds import World

TOLD = "firm-portal : à corriger"
GOOD = ("M1", "Boulangerie Martin", "73282932000074", "contact@martin.fr", "")
BAD = ("M2", "Garage du Centre", "73282932000075", "pas une adresse", "")
TWICE = ("M1", "Boulangerie Martin bis", "", "", "")


def given_back(firm: World, made: Import) -> bytes:
    kind, target = REGISTRY[ImportWorkbook.name], io.BytesIO()
    book = kind.book(firm.admin, {"import": str(made.pk)})
    export_now(actor=firm.admin, kind=kind, book=book, target=target)
    return target.getvalue()


def sheet_of(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]


def told(sheet: Any) -> list[str]:
    """What the added column says, row by row."""
    (column,) = [cell.column_letter for cell in sheet[1] if cell.value == TOLD]
    return [cell.value or "" for cell in sheet[column]][1:]


def saved(sheet: Any) -> bytes:
    target = io.BytesIO()
    sheet.parent.save(target)
    return target.getvalue()


def test_the_workbook_says_row_by_row_what_is_wrong_and_where(firm: World) -> None:
    made = plan(firm.admin, [GOOD, BAD, TWICE])
    sheet = sheet_of(given_back(firm, made))
    good, bad, twice = told(sheet)
    assert good == ""
    assert "SIRET (colonne C)\xa0: " in bad
    assert "E-mail (colonne D)" in bad or "colonne D" in bad
    assert twice == "Même client que la ligne 2, qui passe en premier."
    assert [sheet[at].fill.fill_type for at in ("C2", "C3", "F3")] == [None, "solid", "solid"]
    assert Event.objects.latest("id").type == "clients.import.workbook_taken"


def test_mended_and_sent_again_it_is_a_good_list_and_the_added_column_is_left_out(firm: World) -> None:
    sheet = sheet_of(given_back(firm, plan(firm.admin, [GOOD, BAD])))
    sheet["C3"], sheet["D3"] = "55210055400013", "accueil@garage.fr"
    again = plan(firm.admin, saved(sheet))
    assert (again.state, actions(again)) == (ImportState.READY, ["create", "create"])
    assert [column["field"] for column in again.columns][-1] == "told"
    assert not any(codes(row) for row in rows_of(again))


def test_sent_again_and_taken_back_again_it_has_the_column_once(firm: World) -> None:
    once = given_back(firm, plan(firm.admin, [GOOD, BAD, TWICE]))
    sheet = sheet_of(once)
    sheet["C3"], sheet["D3"] = "55210055400013", "accueil@garage.fr"
    twice = sheet_of(given_back(firm, plan(firm.admin, saved(sheet))))
    assert [cell.value for cell in twice[1]] == [*HEADERS, TOLD]
    assert told(twice) == ["", "", "Même client que la ligne 2, qui passe en premier."]


def test_what_the_firm_remembers_of_its_shape_holds_for_the_mended_list(firm: World) -> None:
    headers = ("Code", "Raison sociale", "SIRET", "Divers")
    first = plan(firm.admin, [("M1", "Martin", "73282932000075", "tél. bureau")], headers)
    assert first.state == ImportState.MAPPING
    said = Asked(fields={0: "reference", 1: "legal_name", 2: "siret", 3: ""})
    jobs.map_columns(actor=firm.admin, source=first, asked=said, remember=True)
    read(first)
    first.refresh_from_db()
    again = plan(firm.admin, given_back(firm, first))
    assert (again.state, again.asked["remembered"]) == (ImportState.READY, True)


def test_what_was_corrected_in_place_stands_in_the_workbook(firm: World) -> None:
    made = plan(firm.admin, [GOOD, BAD])
    said = {"siret": "55210055400013", "city": "Évry"}
    for field, text in said.items():
        ImportCorrection.objects.create(source=made, number=3, field=field, text=text, made_by=firm.admin)
    sheet = sheet_of(given_back(firm, made))
    assert [cell.value for cell in sheet[1]] == [*HEADERS, TOLD, "Ville"]
    assert (sheet["C3"].value, sheet["G3"].value) == ("55210055400013", "Évry")


def test_a_csv_comes_back_as_a_workbook_with_its_zeros(firm: World) -> None:
    content = "Code;Raison sociale;SIRET;CP\r\n007;Martin;73282932000075;01000\r\n".encode("cp1252")
    sheet = sheet_of(given_back(firm, plan(firm.admin, content)))
    assert [cell.value for cell in sheet[2]][:4] == ["007", "Martin", "73282932000075", "01000"]
    assert "SIRET (colonne C)" in told(sheet)[0]


def test_the_report_still_gives_it_back_and_says_what_was_passed_over(firm: World) -> None:
    made = run(firm.admin, [GOOD, BAD])
    assert made.state == ImportState.DONE
    assert "colonne C" in told(sheet_of(given_back(firm, made)))[1]


def test_without_its_file_there_is_nothing_to_give_back(firm: World) -> None:
    made = plan(firm.admin, [GOOD, BAD])
    before = made.returns_workbook
    ImportFile.objects.all().delete()
    assert (before, made.returns_workbook) == (True, False)
    with pytest.raises(Gone):
        given_back(firm, made)


def test_a_plan_that_is_all_right_offers_nothing_to_mend(firm: World) -> None:
    assert not plan(firm.admin, [GOOD]).returns_workbook


def test_a_cancelled_import_gives_nothing_back(firm: World) -> None:
    made = plan(firm.admin, [BAD])
    jobs.cancel_import(actor=firm.admin, source=made)
    with pytest.raises(Gone):
        given_back(firm, made)
