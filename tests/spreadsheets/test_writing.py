"""Workbooks that we write: safe to open, and read back as they were."""

import datetime as dt
import io
import re
import zipfile
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spreadsheets import writing
from spreadsheets.reading import list_sheets
from spreadsheets.rendering import is_exact
from spreadsheets.text import clean
from spreadsheets.writing import (
    Sheet,
    TemplateColumn,
    sheet_title,
    write_sheets,
    write_template,
    write_workbook,
)

from .files import read_all

DANGEROUS = ["=1+1", "+33612345678", "-Dupont", "@SUM(1)", "\t=1+1", '=HYPERLINK("http://x.invalid")']


def written(rows, headers=("A", "B")) -> bytes:
    target = io.BytesIO()
    write_workbook(target, headers, rows, sheet_name="Dossiers")
    return target.getvalue()


@pytest.mark.parametrize("text", DANGEROUS)
def test_data_is_never_a_formula(text):
    sheet = openpyxl.load_workbook(io.BytesIO(written([(text, "x")]))).active
    assert sheet is not None
    assert (sheet["A2"].data_type, sheet["A2"].value) == ("s", text)
    assert sheet["A2"].quotePrefix


def test_links_and_digits_stay_text():
    sheet = openpyxl.load_workbook(io.BytesIO(written([("https://exemple.fr", "00732")]))).active
    assert sheet is not None
    assert (sheet["A2"].hyperlink, sheet["B2"].value, sheet["B2"].data_type) == (None, "00732", "s")


def test_values_come_back_as_they_were():
    row = (
        "Élan",
        42,
        Decimal("1.5"),
        True,
        dt.date(2025, 1, 31),
        dt.datetime(2025, 1, 31, 12, 30, tzinfo=dt.UTC),
    )
    content = written([(*row, None, 123456789012345678)], headers=list("ABCDEFGH"))
    assert read_all(content)[1] == (
        "Élan", "42", "1.5", "TRUE", "2025-01-31", "2025-01-31T12:30:00", "", "123456789012345678",
    )  # fmt: skip


def test_impossible_characters_are_left_out():
    impossible = "a\x00b\x0bc\ud800d\uffffe"
    assert clean(impossible) == "abcde"
    assert read_all(written([(impossible, "y")]))[1] == ("abcde", "y")


def test_escapes_of_excel_are_not_taken_for_what_they_spell():
    assert read_all(written([("_x0041_", "b")]))[1] == ("_x0041_", "b")


@pytest.mark.parametrize(
    ("name", "title"),
    [("A/B: [c]*?", "A B   c"), ("x" * 40, "x" * 31), ("''", "1"), ("Dossiers d'été", "Dossiers d'été")],
)
def test_sheet_names_are_made_possible(name, title):
    assert sheet_title(name) == title


def test_a_template_has_notice_examples_text_columns_and_drop_downs():
    target = io.BytesIO()
    columns = [
        TemplateColumn("SIRET", examples=["00732829320074"], required=True, help="14 chiffres"),
        TemplateColumn("Portefeuille", choices=["Sarah, Paul", "=Équipe"]),
        TemplateColumn("Notes", text=False),
    ]
    write_template(
        target, columns, ["Mode d'emploi", "Remplissez la feuille Clients."],
        sheet_name="Clients", notice_name="Notice", lists_name="Listes",
    )  # fmt: skip
    book = openpyxl.load_workbook(io.BytesIO(target.getvalue()))
    sheet = book["Clients"]
    assert book.sheetnames == ["Notice", "Clients", "Listes"]
    assert book["Listes"].sheet_state == "hidden"
    assert (sheet["A1"].value, sheet["A2"].value, sheet.column_dimensions["A"].number_format) == (
        "SIRET*", "00732829320074", "@",
    )  # fmt: skip
    rules = {str(rule.sqref): rule.formula1 for rule in sheet.data_validations.dataValidation}
    assert rules["B2:B120001"] == "'Listes'!$A$1:$A$2"
    assert [cell.value for cell in book["Listes"]["A"]] == ["Sarah, Paul", "=Équipe"]
    assert list_sheets(target.getvalue()).sheets[1].rows == 2


TEXTS = st.text(st.sampled_from("aé<>&\"'=+-@_x0041 \t\n\r\x0b\x1f\u2028\ud83d\ufffe%s{}#\0")) | st.text(
    max_size=8
)
FIRST = dt.datetime(1900, 1, 1)  # noqa: DTZ001 - hypothesis adds the zone itself
VALUES = (
    TEXTS | st.none() | st.booleans() | st.integers() | st.floats()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.dates(dt.date(1900, 1, 1)) | st.datetimes(FIRST, timezones=st.just(dt.UTC))
)  # fmt: skip


@given(
    st.lists(st.lists(TEXTS, min_size=3, max_size=3) | st.lists(VALUES, min_size=3, max_size=3), max_size=30)
)
@example([(" a", "b\n", "=c "), (dt.date(1900, 2, 28), dt.date(1900, 3, 1), "_x0041_"), ("\r", "%s", None)])
@settings(max_examples=40, deadline=None)
def test_rows_are_what_xlsxwriter_makes_of_them(rows):
    """To the letter but for the formats' numbers."""
    ours, theirs = written(rows, headers=("A", "B", "C")), by_xlsxwriter([("A", "B", "C"), *rows])
    assert cells(ours) == cells(theirs)


def by_xlsxwriter(rows) -> bytes:
    """A call for each cell."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"constant_memory": True}) as book:
        sheet, quoted = book.add_worksheet(), book.add_format({"quote_prefix": True})
        moment, day = book.add_format({"num_format": "hh:mm"}), book.add_format({"num_format": "dd/mm"})
        for place, value in ((place, value) for place, value in places(rows) if value is not None):
            if isinstance(value, bool):
                sheet.write_boolean(*place, value)
            elif isinstance(value, dt.date):
                local = value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value
                sheet.write_datetime(*place, local, moment if isinstance(value, dt.datetime) else day)
            elif not isinstance(value, str) and is_exact(value):
                sheet.write_number(*place, value)
            elif text := clean(str(value)):
                sheet.write_string(*place, text, quoted if text.startswith(tuple("=+-@\t\r\n")) else None)
    return target.getvalue()


def places(rows) -> list[tuple[tuple[int, int], Any]]:
    return [((number, column), value) for number, row in enumerate(rows) for column, value in enumerate(row)]


def cells(content: bytes) -> list[str]:
    """As XML, below the header."""
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        xml = parts.read("xl/worksheets/sheet1.xml").decode()
    found: list[str] = re.findall("<c r.*?</c>", re.sub(' s="[0-9]+"', " s", xml), re.DOTALL)
    return found[3:]


def test_rows_beyond_a_sheet_go_on_in_another(monkeypatch):
    monkeypatch.setattr(writing, "_MOST_ROWS", 301)
    target = io.BytesIO()
    lines = [(f"a{number}", number) for number in range(601)]
    counts = write_sheets(
        target,
        [Sheet("Liste", ("A", "B", "C"), lines, widths=(30,), hidden=1), Sheet("Vide", ("A",), [])],
        notice=["Lisez-moi", "<b>"],
        notice_name="Notice",
    )
    book = openpyxl.load_workbook(io.BytesIO(target.getvalue()))
    assert counts == [601, 0]
    assert [(sheet.title, sheet.dimensions) for sheet in book.worksheets] == [
        ("Liste", "A1:C301"), ("Liste (2)", "A1:C301"), ("Liste (3)", "A1:C2"), ("Vide", "A1:A1"), ("Notice", "A1:A2"),
    ]  # fmt: skip
    assert [book["Liste (2)"]["A2"].value, book["Liste (3)"]["B2"].value, book["Notice"]["A2"].value] == [
        "a300", 600, "<b>",
    ]  # fmt: skip
    first = book["Liste (2)"]
    assert (first["A1"].font.bold, first.freeze_panes, first.auto_filter.ref) == (True, "A2", "A1:C301")
    assert (first.column_dimensions["A"].width > 29, first.column_dimensions["C"].hidden) == (True, True)


def test_a_text_that_is_rich_text_in_itself_stays_a_text():
    rich = "<r><t>=1+1</t></r>"
    sheet = openpyxl.load_workbook(io.BytesIO(written([(rich, "x")], headers=(rich, "B")))).active
    assert sheet is not None
    assert (sheet["A1"].value, sheet["A2"].value) == (rich, rich)
