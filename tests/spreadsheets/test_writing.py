"""Workbooks that we write: safe to open, and read back as they were."""

import datetime as dt
import io
from decimal import Decimal

import openpyxl
import pytest

from spreadsheets.reading import list_sheets
from spreadsheets.text import clean
from spreadsheets.writing import TemplateColumn, sheet_title, write_template, write_workbook

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
