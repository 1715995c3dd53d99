"""The words for every refusal and note, in the language that is active when `describe` is called."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .refusals import Param

REFUSALS: Mapping[str, str | Promise] = {
    "empty": _(
        "This file is empty (0 bytes): it was probably cut off on its way. "
        "Export it again from your software, then send the new file."
    ),
    "no_rows": _("This file holds no filled row. Check that you chose the right file, then send it again."),
    "no_sheet": _(
        "This workbook holds no sheet with cells, only charts. "
        "Copy your list into an ordinary sheet, then send the file again."
    ),
    "sheet_missing": _(
        "The sheet “%(sheet)s” is not in this workbook any more. Choose a sheet from the list again."
    ),
    "too_big": _(
        "This file weighs more than %(limit)s MB, the most that can be imported at once. "
        "Remove pictures and needless sheets, or split the list into several files."
    ),
    "too_many_parts": _(
        "This workbook is made of %(count)s parts; at most %(limit)s are read. "
        "Copy your list into a new workbook, without pictures and charts, and send that one."
    ),
    "inflates_too_much": _(
        "Once decompressed, this file exceeds %(limit)s MB, the most that is read. "
        "Copy only your list into a new workbook, and send that one."
    ),
    "has_doctype": _(
        "This file holds a document type declaration (DOCTYPE), which an ordinary workbook never does"
        " and which can "
        "hide an attack. Open it in Excel or LibreOffice, save it as .xlsx, and send the new file."
    ),
    "bad_part_names": _(
        "The inner parts of this file have duplicate or forbidden names: it is damaged or was tampered with. "
        "Open it in Excel or LibreOffice, save it as .xlsx, and send the new file."
    ),
    "macros": _(
        "This workbook holds macros, which are never accepted. "
        "Save it as “Excel workbook (.xlsx)”, without macros, and send the new file."
    ),
    "encrypted": _(
        "This file is protected by a password, so it cannot be read. "
        "Remove the password (File → Info → Protect Workbook), save, and send it again."
    ),
    "embedded_objects": _(
        "This workbook holds embedded objects (another document, a control). "
        "Copy your list into a new workbook, and send that one."
    ),
    "pdf": _(
        "This file is a PDF, not a spreadsheet. Export the list from your software to Excel (.xlsx) or CSV, "
        "and send that file."
    ),
    "old_excel": _(
        "This workbook comes from a version of Excel that is too old to be read. "
        "Open it in Excel or LibreOffice, save it as .xlsx, and send the new file."
    ),
    "binary_workbook": _(
        "Binary workbooks (.xlsb) are not read. Save it as “Excel workbook (.xlsx)”, and send the new file."
    ),
    "not_a_workbook": _(
        "This file is not a spreadsheet, whatever its name says. "
        "Send an Excel (.xlsx, .xls), LibreOffice (.ods) or CSV file."
    ),
    "damaged": _(
        "This file is damaged or incomplete: it cannot be opened. Open it in Excel or LibreOffice, "
        "which may be able "
        "to repair it, save it as .xlsx, and send the new file; or export it again from your software."
    ),
    "unbalanced_quotes": _(
        "A quotation mark opened on line %(line)s of this file is never closed, so the end of that "
        "row cannot be known. "
        "Correct that line, or send the list as .xlsx."
    ),
    "too_many_sheets": _(
        "This workbook has %(count)s sheets; at most %(limit)s are read. "
        "Keep only those that hold your list, and send the file again."
    ),
    "too_many_rows": _(
        "The sheet “%(sheet)s” has more than %(limit)s filled rows, the most that is read at once. "
        "Split the list over several sheets or files."
    ),
    "too_many_columns": _(
        "The sheet “%(sheet)s” holds something in cell %(cell)s, beyond the %(limit)s columns that are read. "
        "Empty that cell or delete the needless columns, and send the file again."
    ),
    "cell_too_long": _(
        "Cell %(cell)s of the sheet “%(sheet)s” holds more than %(limit)s characters. "
        "Shorten it, and send the file again."
    ),
    "too_much_text": _(
        "The sheet “%(sheet)s” holds more than %(limit)s characters in all. Split the list over "
        "several files."
    ),
    "too_slow": _(
        "This file takes more than %(limit)s seconds to read, so reading was stopped. "
        "Copy only your list into a new workbook, and send that one."
    ),
    "too_heavy": _(
        "Reading this file takes more than %(limit)s MB of memory, so it was stopped. Often a single "
        "cell, far from the "
        "list, is the cause. Copy only your list into a new workbook, and send that one."
    ),
    "unreadable": _(
        "Reading this file failed and was stopped: it is damaged, or a cell lies very far from the list. "
        "Copy only your list into a new workbook, and send that one."
    ),
}

NOTES: Mapping[str, str | Promise] = {
    "ended_by_blank_rows": _(
        "Row %(row)s is followed by more than %(limit)s blank rows: "
        "what may stand further down in this sheet was not read."
    ),
    "error_cells": _(
        "Cells with an Excel error (such as #N/A) were read as empty: %(count)s in all (%(cells)s)."
    ),
    "uncalculated_formulas": _(
        "Formulas whose result is not stored in the file were read as empty: %(count)s in all (%(cells)s). "
        "Open the file in Excel, save it and send it again to have their values."
    ),
    "nul_removed": _("Invisible NUL characters were removed: %(count)s in all."),
    "characters_lost": _(
        "Characters that could not be decoded were replaced by “�”: %(count)s in all. "
        "Save the file as “CSV UTF-8” or .xlsx to keep them."
    ),
    "quotes_kept": _(
        "From line %(line)s on, the quotation marks of this file do not pair up: they were read as "
        "ordinary characters."
    ),
}


def describe(code: str, params: Mapping[str, Param]) -> str:
    """The sentence for a refusal's or a note's code, in the active language. Raises KeyError for an "
    "unknown code."""
    return str(REFUSALS.get(code) or NOTES[code]) % params
