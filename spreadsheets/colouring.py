"""A stranger's xlsx given back with marks in it, its formatting kept. Only the confined child calls this.

openpyxl opens the file here, as nothing of it may reach another process. What could run or reach out is not given back:
formulas become the results that the file holds, links to other workbooks, charts and pivot tables are left out.
"""

import io
import re
import zipfile
from typing import Any

import openpyxl
from openpyxl.cell.cell import MergedCell
from openpyxl.drawing.spreadsheet_drawing import SpreadsheetDrawing
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import column_index_from_string
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.writer.excel import ExcelWriter

from .cells import column_letters
from .limits import CHILD_MEMORY_BYTES, MAX_COLUMNS, MEGABYTE
from .marks import COLOURS, Added, Marked, Marks, Tone
from .refusals import Refused
from .text import clean

_MOST_SPANNED = 200_000
_SPAN = re.compile(
    rb"""<(?:\w+:)?(?:mergeCell|hyperlink)\b[^>]*?\bref=["']([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})["']"""
)
_FILLS = {tone: PatternFill("solid", start_color=f"FF{colour}") for tone, colour in COLOURS.items()}
_WRAPPED = Alignment(wrap_text=True, vertical="top")
_BOLD = Font(bold=True)


def coloured(content: bytes, marks: Marks) -> bytes:
    """The workbook with the marks. Raises Refused, or anything at all, for one that openpyxl cannot give back whole."""
    _refuse_large_ranges(content)
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True, keep_links=False)
    sheet = _sheet(book, marks)
    _disarm(book)
    places = marks.columns(_width(sheet), MAX_COLUMNS)
    for added, place in zip(marks.added, places, strict=True):
        if place is not None:
            _open_column(sheet, marks.header_row, added, place)
    for row in marks.rows:
        for index, marked in row.cells.items():
            _mark(sheet, row.number, index, marked)
        for which, marked in row.added.items():
            if (place := places[which]) is not None:
                _mark(sheet, row.number, place, marked)
                sheet.cell(row.number, place + 1).alignment = _WRAPPED
    return _saved(book)


def warm_up() -> None:
    """Everything that openpyxl imports or opens on its way, before the process may do neither."""
    target = io.BytesIO()
    book = openpyxl.Workbook()
    book.save(target)
    coloured(target.getvalue(), Marks(0, book.sheetnames[0], 1, [Added("A", 1)]))


def _sheet(book: Any, marks: Marks) -> Any:
    """The sheet that the marks are about, and shown first. Raises Refused where openpyxl sees another workbook than
    the reader did."""
    sheets = book._sheets
    if marks.sheet >= len(sheets) or sheets[marks.sheet].title != marks.name:
        raise Refused("sheet_missing", sheet=marks.name)
    for one in book.worksheets:
        one.sheet_view.tabSelected = one is sheets[marks.sheet]
    book.active = marks.sheet
    return sheets[marks.sheet]


def _disarm(book: Any) -> None:
    """Without what refers to other workbooks, which Excel would look for, or which it would find damaged."""
    for names in (book.defined_names, *(sheet.defined_names for sheet in book.worksheets)):
        for name in [name for name, one in names.items() if "[" in (one.attr_text or "")]:
            del names[name]
    for sheet in book.worksheets:
        sheet._charts, sheet._images, sheet._pivots = [], [], []
        rules = sheet.data_validations
        rules.dataValidation = [
            one for one in rules.dataValidation if "[" not in f"{one.formula1 or ''}{one.formula2 or ''}"
        ]


def _width(sheet: Any) -> int:
    """Up to the last column that holds anything."""
    return max((column for (_row, column), cell in sheet._cells.items() if cell.value is not None), default=0)


def _open_column(sheet: Any, header_row: int, added: Added, place: int) -> None:
    """Its header, its width; and nothing under it of an earlier time."""
    column = place + 1
    for at, cell in list(sheet._cells.items()):
        if at[1] == column and at[0] != header_row:
            del sheet._cells[at]
            if isinstance(cell, MergedCell):
                sheet._cells[at] = cell
    for dimension in list(sheet.column_dimensions.values()):  # one may stand for all that follow
        if dimension.min and dimension.min < column <= dimension.max:
            dimension.max = column - 1
    letters = column_letters(place)
    if letters in sheet.column_dimensions:
        del sheet.column_dimensions[letters]
    sheet.column_dimensions[letters].width = added.width
    _mark(sheet, header_row, place, Marked(None, added.header))
    header = sheet.cell(header_row, column)
    header.font, header.alignment = _BOLD, _WRAPPED


def _mark(sheet: Any, row: int, index: int, marked: Marked) -> None:
    cell = sheet.cell(row, index + 1)
    if marked.tone is not None:
        cell.fill = _FILLS[Tone(marked.tone)]
    if marked.text is not None and not isinstance(cell, MergedCell):
        cell.value, cell.hyperlink = None, None
        cell._value, cell.data_type = clean(marked.text), "s"  # text, whatever it begins with
        cell.number_format, cell.quotePrefix = "@", True


def _refuse_large_ranges(content: bytes) -> None:
    """openpyxl makes an object of every cell of a merged or linked range: 4 KB can ask for 17 billion of them."""
    room = _MOST_SPANNED
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if name.endswith(".xml"):
                for found in _SPAN.finditer(archive.read(name)):
                    room -= _area(*found.groups())
    if room < 0:
        raise Refused("too_heavy", limit=CHILD_MEMORY_BYTES // MEGABYTE)


def _area(left: bytes, top: bytes, right: bytes, bottom: bytes) -> int:
    width: int = column_index_from_string(right.decode()) - column_index_from_string(left.decode()) + 1
    return max(width, 0) * max(int(bottom) - int(top) + 1, 0)


class _Writer(ExcelWriter):  # type: ignore[misc]  # openpyxl has no types
    """openpyxl's, which would write each sheet into a file first: the child may open none."""

    def write_worksheet(self, ws: Any) -> None:
        ws._drawing = SpreadsheetDrawing()
        target = io.BytesIO()
        writer = WorksheetWriter(ws, target)
        writer.write()
        ws._rels = writer._rels
        self._archive.writestr(ws.path[1:], target.getvalue())
        self.manifest.append(ws)


def _saved(book: Any) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        _Writer(book, archive).save()
    return target.getvalue()
