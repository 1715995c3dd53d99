"""A file given back with marks in it: as it was, but for the marks, and harmless."""

import io
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import Font
from openpyxl.workbook.defined_name import DefinedName

from spreadsheets import returning
from spreadsheets.marks import Added, Marked, MarkedRow, Marks, Tone
from spreadsheets.refusals import Refused
from spreadsheets.returning import give_back

from . import files
from .files import ROWS, read_all

HEADER = "À corriger"
RED = "FFFFC7CE"
NEW = Added(HEADER, 40)


def marks(*rows: MarkedRow, name: str = "Sheet", added: Added = NEW, header_row: int = 1) -> Marks:
    return Marks(0, name, 1, [added], rows)


def wrong(number: int, column: int, text: str = "Ce numéro est faux") -> MarkedRow:
    return MarkedRow(number, {column: Marked(Tone.ERROR)}, {0: Marked(Tone.ERROR, text)})


def returned(content: bytes, asked: Marks, **options: Any) -> tuple[bool, bytes]:
    target = io.BytesIO()
    return give_back(content, asked, target, **options), target.getvalue()


def opened(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]


def test_the_workbook_comes_back_with_a_column_more_and_coloured_cells():
    def dress(book: Any, sheet: Any) -> None:
        sheet["B2"].font = Font(bold=True, color="FF0000FF")
        sheet.column_dimensions["B"].width = 33
        sheet.freeze_panes = "A2"

    kept, content = returned(files.by_openpyxl(dress), marks(wrong(3, 2)))
    sheet = opened(content)
    assert kept
    assert read_all(content) == [(*ROWS[0], HEADER), ROWS[1], (*ROWS[2], "Ce numéro est faux")]
    assert (sheet["C3"].fill.start_color.rgb, sheet["C2"].fill.fill_type) == (RED, None)
    assert (sheet["B2"].font.b, sheet.column_dimensions["B"].width, sheet.freeze_panes) == (True, 33, "A2")


@pytest.mark.parametrize(
    ("content", "name"),
    [(files.xls(), "Clients"), (files.ods(), "Clients"), (files.csv(), "CSV"), (files.xml_2003(), "Clients")],
)
def test_other_kinds_of_files_come_back_as_a_new_workbook_with_the_same_cells(content, name):
    kept, given = returned(content, marks(wrong(3, 2), name=name), texts=[2])
    assert not kept
    assert read_all(given) == [(*ROWS[0], HEADER), ROWS[1], (*ROWS[2], "Ce numéro est faux")]
    assert opened(given)["C3"].fill.start_color.rgb == RED


def test_rows_stay_where_they_were_in_a_new_workbook():
    content = files.csv([("Nom",), (), ("Élan",), (), (), ("Garage",)])
    _kept, given = returned(content, marks(wrong(6, 0), name="CSV"))
    assert [(row[0].row, row[0].value) for row in opened(given).iter_rows() if row[0].value] == [
        (1, "Nom"), (3, "Élan"), (6, "Garage"),
    ]  # fmt: skip


def test_a_strict_workbook_that_openpyxl_cannot_read_comes_back_all_the_same():
    strict = files.xlsx(
        files.sheet_xml(namespace=files.STRICT),
        namespace=files.STRICT,
        relations="http://purl.oclc.org/ooxml/officeDocument/relationships",
    )
    kept, given = returned(strict, marks(wrong(2, 0), name="Feuil1"))
    assert (kept, read_all(given)[1][-1]) == (False, "Ce numéro est faux")


def test_a_correction_takes_the_place_of_what_the_cell_held():
    corrected = MarkedRow(2, {2: Marked(Tone.CORRECTED, "55210055400013")}, {})
    for content, name in ((files.by_openpyxl(), "Sheet"), (files.csv(), "CSV")):
        assert read_all(returned(content, marks(corrected, name=name))[1])[1][2] == "55210055400013"


@pytest.mark.parametrize(("content", "name"), [(files.by_openpyxl(), "Sheet"), (files.csv(), "CSV")])
@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", '=cmd|"/c calc"!A1'])
def test_what_is_said_is_never_a_formula(content, name, text):
    said = MarkedRow(2, {1: Marked(Tone.CORRECTED, text)}, {0: Marked(Tone.ERROR, text)})
    sheet = opened(returned(content, marks(said, name=name))[1])
    for cell in (sheet["B2"], sheet["E2"]):
        assert (cell.data_type, cell.value, cell.quotePrefix) == ("s", text, True)


def test_formulas_come_back_as_their_results_and_nothing_reaches_out():
    def reach_out(book: Any, sheet: Any) -> None:
        sheet["D2"] = '=cmd|"/c calc"!A1'
        book.defined_names["Ailleurs"] = DefinedName("Ailleurs", attr_text="[1]Feuil1!$A$1")

    _kept, content = returned(files.by_openpyxl(reach_out), marks(wrong(3, 2)))
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert "f" not in {cell.data_type for row in book.worksheets[0].iter_rows() for cell in row}
    assert not book.defined_names


def test_a_column_of_ours_is_filled_anew_when_the_file_has_it_already():
    once = returned(files.by_openpyxl(), marks(wrong(2, 2, "avant"), wrong(3, 2, "avant")))[1]
    again = returned(once, marks(wrong(3, 2, "après"), added=Added(HEADER, 40, index=4)))[1]
    assert read_all(again) == [(*ROWS[0], HEADER), ROWS[1], (*ROWS[2], "après")]


def test_the_formatting_of_all_columns_that_follow_does_not_overlap_the_new_one():
    def dress(book: Any, sheet: Any) -> None:
        rest = sheet.column_dimensions["D"]
        rest.width, rest.min, rest.max = 9, 4, 16_384

    sheet = opened(returned(files.by_openpyxl(dress), marks(wrong(3, 2)))[1])
    assert (sheet.column_dimensions["D"].max, sheet.column_dimensions["E"].width) == (4, 40)


def test_a_list_as_wide_as_can_be_gets_no_column_more():
    wide = [tuple(f"C{n}" for n in range(100)), tuple(map(str, range(100)))]
    _kept, given = returned(files.csv(wide), marks(wrong(2, 5), name="CSV"))
    assert [len(row) for row in read_all(given)] == [100, 100]
    assert opened(given)["F2"].fill.start_color.rgb == RED


def test_merged_cells_without_end_cost_nothing_and_the_cells_come_back():
    merged = files.sheet_xml(after='<mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>')
    kept, given = returned(files.xlsx(merged), marks(wrong(2, 1), name="Feuil1"))
    assert (kept, len(read_all(given))) == (False, 3)


def test_a_merged_cell_is_left_in_one_piece():
    def merge(book: Any, sheet: Any) -> None:
        sheet.merge_cells("A4:D4")

    marked = MarkedRow(4, {1: Marked(Tone.ERROR, "x")}, {0: Marked(Tone.ERROR, "non")})
    kept, content = returned(files.by_openpyxl(merge), marks(marked))
    assert kept and [str(one) for one in opened(content).merged_cells.ranges] == ["A4:D4"]


def test_a_file_that_is_refused_is_not_given_back():
    with pytest.raises(Refused, match="macros"):
        returned(files.xlsx(extra={"xl/vbaProject.bin": b"x"}), marks(wrong(2, 0)))


def test_a_child_that_says_nonsense_is_not_believed(monkeypatch):
    monkeypatch.setattr(returning, "_PROGRAM", "spreadsheets.nothing")
    assert returned(files.by_openpyxl(), marks(wrong(3, 2)))[0] is False
