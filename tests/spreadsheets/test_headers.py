"""Guessing the header row and what its columns mean."""

import pytest

from spreadsheets.headers import guess_header, guess_sheet, header_cells, match_headers
from spreadsheets.reading import list_sheets
from spreadsheets.text import fold

from .files import ROWS, rows_xml, sheet_xml, xlsx

SYNONYMS = {
    "reference": ["Code", "Code dossier", "N° dossier", "Réf."],
    "legal_name": ["Raison sociale", "Dénomination", "Nom", "Nom / Raison sociale"],
    "last_name": ["Nom de famille", "Nom"],
    "first_name": ["Prénom"],
    "siret": ["SIRET", "N° SIRET"],
    "email": ["E-mail", "Email(s)", "Mél", "Courriel"],
    "city": ["Ville", "Commune"],
}


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("N° de  SIRET*", "n de siret"),
        ("Nº dossier", "n dossier"),
        ("  Œuvre_Évêché ", "oeuvre eveche"),
        ("Code\npostal", "code postal"),
        ("STRASSE/Straße", "strasse strasse"),
        ("—", ""),
    ],
)
def test_fold_forgets_case_accents_and_punctuation(text, folded):
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("rows", "index"),
    [
        ([("Code", "Nom"), ("1", "A")], 0),
        ([("Liste des clients au 31/12/2025", "", ""), ("", "", ""), ("Code", "Nom", "Ville"), ("1", "A", "B")], 2),
        (
            [("destinataire", "date", "nb", ""), ("DGT", "2026-01-01", "21", ""), ("SIREN", "F1", "F2", "F3"),
             ("732829320", "1", "2", "3")],
            2,
        ),
        ([("Nom", "SIRET", "Mél"), ("Dupont", "73282932000074", "a@b.fr"), ("Durand", "", "c@d.fr")], 0),
        ([("A", "B")], 0),
    ],
)  # fmt: skip
def test_the_header_row_is_found_below_titles_and_metadata(rows, index):
    header = guess_header(rows)
    assert header is not None
    assert header.index == index


def test_known_words_outweigh_a_first_row_of_text():
    rows = [("Alpha", "Bravo", "Charlie"), ("SIRET", "Raison sociale", "Ville"), ("Delta", "Echo", "Foxtrot")]
    header = guess_header(rows, SYNONYMS)
    assert header is not None
    assert header.index == 1


def test_blank_rows_have_no_header():
    assert guess_header([("", " "), ()]) is None


def test_a_header_on_two_rows_takes_from_above_what_is_missing_below():
    rows = [("Dossier", "", "Responsable"), ("Code", "Nom", "")]
    assert header_cells(rows, 1) == ("Code", "Nom", "Responsable")


def test_a_title_is_no_part_of_the_header():
    assert header_cells([("Liste des clients", "", ""), ("Code", "Nom", "")], 1) == ("Code", "Nom", "")


def test_headers_match_whatever_their_order_case_accents_and_punctuation():
    match = match_headers(["e mail", "N° SIRET *", "SURFACE", "", "RAISON  SOCIALE", "Emails"], SYNONYMS)
    assert match.fields == {0: "email", 1: "siret", 4: "legal_name"}
    assert match.unknown == {2: "SURFACE"}
    assert match.repeated == {5: "Emails"}


def test_a_remark_in_brackets_does_not_hide_a_header():
    assert match_headers(["SIRET (14 chiffres)"], SYNONYMS).fields == {0: "siret"}


@pytest.mark.parametrize(
    ("cells", "fields"),
    [
        (["Nom", "SIRET"], {0: "legal_name", 1: "siret"}),
        (["Nom", "Raison sociale"], {0: "last_name", 1: "legal_name"}),
        (["Nom", "Prénom"], {0: "last_name", 1: "first_name"}),
        (["Nom", "Nom de famille"], {0: "legal_name", 1: "last_name"}),
    ],
)
def test_a_header_of_two_meanings_takes_the_one_that_fits_the_others(cells, fields):
    assert match_headers(cells, SYNONYMS, together={"last_name": "first_name"}).fields == fields


def test_the_sheet_with_the_known_columns_is_proposed():
    notice = sheet_xml("".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(1, 20)))
    workbook = list_sheets(xlsx(notice, sheet_xml(), sheet_xml(), states=["visible", "visible", "hidden"]))
    sheet = guess_sheet(workbook.sheets, SYNONYMS)
    assert sheet is not None
    assert sheet.index == 1


def test_a_hidden_sheet_is_proposed_only_where_nothing_else_is_filled():
    workbook = list_sheets(xlsx(sheet_xml(""), sheet_xml(rows_xml(ROWS)), states=["visible", "hidden"]))
    sheet = guess_sheet(workbook.sheets, SYNONYMS)
    assert sheet is not None
    assert sheet.index == 1
