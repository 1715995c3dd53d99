"""Writing workbooks that are safe to open: nothing that comes from data is ever a formula, a link or a
number."""

import io
import itertools
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell

from . import rendering
from .limits import MAX_ROWS
from .rendering import Renderer, Styles, is_dangerous
from .text import clean

Target = IO[bytes] | Path | str
CellValue = rendering.CellValue

_SHEET_NAME = re.compile(r"[\[\]:*?/\\]")
# Of what XlsxWriter makes, around the rows that `rendering` makes.
_STYLE = re.compile(rb'<c r="[A-Z]+1" s="(\d+)"/>')
_FORMATS = re.compile(rb'<row r="1".*</row>')
_DIMENSION = re.compile(rb'<dimension ref="[^"]*"/>')
_PORTION = 1 << 20
# What a sheet holds, header included.
_MOST_ROWS = 1_048_576
_TEMPLATE_ROWS = MAX_ROWS
_OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


@dataclass(frozen=True, slots=True)
class TemplateColumn:
    """`text` keeps Excel from taking digits for a number; `choices` become a drop-down; `help` is shown on
    the cell."""

    header: str
    examples: Sequence[str] = ()
    text: bool = True
    choices: Sequence[str] = ()
    required: bool = False
    width: int = 20
    help: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook: a header row and what stands under it. The last `hidden` columns are there, unseen."""

    name: str
    headers: Sequence[str]
    rows: Iterable[Sequence[CellValue]]
    widths: Sequence[int] = ()
    hidden: int = 0


def write_workbook(
    target: Target,
    headers: Sequence[str],
    rows: Iterable[Sequence[CellValue]],
    *,
    sheet_name: str,
    widths: Sequence[int] = (),
    hidden: int = 0,
) -> int:
    """One sheet with a header row, in constant memory. Returns the number of rows written, header aside."""
    return write_sheets(target, [Sheet(sheet_name, headers, rows, widths, hidden)])[0]


def write_sheets(
    target: Target, sheets: Iterable[Sheet], *, notice: Sequence[str] = (), notice_name: str = ""
) -> list[int]:
    """Several sheets, one after the other, in constant memory; after them the notice, a line to each row.

    What is too long for a sheet goes on in another one of that name and a number. Returns how many rows each has.
    """
    with tempfile.TemporaryFile() as rows:
        renderer, counts, filled = Renderer(_styles()), [], []
        for sheet in sheets:
            parts = list(_fill(rows, sheet, renderer))
            counts.append(sum(part.count for part in parts))
            filled += parts
        frame = io.BytesIO()
        with xlsxwriter.Workbook(frame, {"in_memory": True}) as workbook:
            for part in filled:
                _write_frame(workbook, part)
            if notice:
                _write_notice(workbook, notice_name, notice)
        _put_in(target, frame, rows, filled)
    return counts


@dataclass(frozen=True)
class _Filled:
    """One sheet of the workbook, and where the XML of its rows stands in the file of all rows, header included."""

    name: str
    sheet: Sheet
    count: int
    begin: int
    end: int


def _fill(file: IO[bytes], sheet: Sheet, renderer: Renderer) -> Iterator[_Filled]:
    """As many sheets as the rows take: at least one."""
    rows, number = iter(sheet.rows), 1
    first: list[Sequence[CellValue]] = []
    while first or number == 1:
        begin, count = file.tell(), 0
        file.write(renderer.header(sheet.headers))
        for more, xml in renderer.rows(itertools.islice(itertools.chain(first, rows), _MOST_ROWS - 1), 2):
            count += more
            file.write(xml)
        name = sheet.name if number == 1 else f"{sheet.name} ({number})"
        yield _Filled(name, sheet, count, begin, file.tell())
        first, number = list(itertools.islice(rows, 1)), number + 1


def _styles() -> Styles:
    """The numbers of the formats in a workbook as it is made here."""
    frame = io.BytesIO()
    with xlsxwriter.Workbook(frame, {"in_memory": True}) as workbook:
        _write_formats(workbook, workbook.add_worksheet())
    with zipfile.ZipFile(frame) as parts:
        return Styles(*map(int, _STYLE.findall(parts.read(_part(1)))))


def _write_formats(workbook: Any, sheet: Any) -> None:
    """A first row of nothing but the formats, in whose place the rows are put."""
    writer = _Formats(workbook)
    for column, form in enumerate((writer.bold, writer.quoted, writer.date, writer.time)):
        sheet.write_blank(0, column, None, form)


def _write_frame(workbook: Any, part: _Filled) -> None:
    """All of a sheet but its rows."""
    sheet = workbook.add_worksheet(sheet_title(part.name))
    _write_formats(workbook, sheet)
    _lay_out(sheet, part.sheet.headers, part.sheet.widths, part.sheet.hidden)
    sheet.autofilter(0, 0, max(part.count, 1), max(len(part.sheet.headers) - 1, 0))


def _put_in(target: Target, frame: IO[bytes], rows: IO[bytes], filled: Sequence[_Filled]) -> None:
    """The workbook around the rows, and the rows in their places."""
    places = {_part(number): part for number, part in enumerate(filled, 1)}
    with zipfile.ZipFile(frame) as parts, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as book:
        for one in parts.infolist():
            part, xml = places.get(one.filename), parts.read(one)
            if part is None:
                book.writestr(one, xml)
                continue
            before, after = _FORMATS.split(_DIMENSION.sub(_dimension(part), xml))
            one.file_size = len(xml) + part.end - part.begin  # by it the archive knows how large it may get
            with book.open(one, "w") as entry:
                entry.write(before)
                for portion in _portions(rows, part):
                    entry.write(portion)
                entry.write(after)


def _portions(rows: IO[bytes], part: _Filled) -> Iterator[bytes]:
    rows.seek(part.begin)
    for at in range(part.begin, part.end, _PORTION):
        yield rows.read(min(_PORTION, part.end - at))


def _part(number: int) -> str:
    """What the sheet is called in the archive."""
    return f"xl/worksheets/sheet{number}.xml"


def _dimension(part: _Filled) -> bytes:
    last = xl_rowcol_to_cell(part.count, max(len(part.sheet.headers) - 1, 0))
    return f'<dimension ref="A1:{last}"/>'.encode()


def write_template(
    target: Target,
    columns: Sequence[TemplateColumn],
    notice: Sequence[str],
    *,
    sheet_name: str,
    notice_name: str,
    lists_name: str,
) -> None:
    """A workbook to fill in: a notice, the sheet of the list with example rows, and the drop-downs' values,
    hidden."""
    with xlsxwriter.Workbook(target, _OPTIONS) as workbook:
        _write_notice(workbook, notice_name, notice)
        writer = _TemplateWriter(workbook, sheet_name)
        writer.header(
            [column.header + ("*" if column.required else "") for column in columns],
            [c.width for c in columns],
        )
        lists = _Lists(workbook, lists_name) if any(column.choices for column in columns) else None
        for index, column in enumerate(columns):
            writer.column(index, column, lists)
        cells = f"A2:{xl_col_to_name(len(columns) - 1)}{_TEMPLATE_ROWS + 1}"
        writer.sheet.ignore_errors({"number_stored_as_text": cells})  # no green corner on each SIRET
        writer.sheet.activate()


class _Formats:
    """The formats that a workbook needs."""

    def __init__(self, workbook: Any) -> None:
        self.bold = workbook.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self.quoted = workbook.add_format({"quote_prefix": True})
        self.text = workbook.add_format({"num_format": "@"})
        self.date = workbook.add_format({"num_format": "dd/mm/yyyy"})
        self.time = workbook.add_format({"num_format": "dd/mm/yyyy hh:mm"})


def _lay_out(sheet: Any, headers: Sequence[str], widths: Sequence[int], hidden: int = 0) -> None:
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    for column in range(len(headers) - hidden, len(headers)):
        sheet.set_column(column, column, None, None, {"hidden": True})
    sheet.freeze_panes(1, 0)


class _TemplateWriter:
    """The sheet that is to be filled in."""

    def __init__(self, workbook: Any, name: str) -> None:
        self.sheet = workbook.add_worksheet(sheet_title(name))
        self.formats = _Formats(workbook)

    def header(self, headers: Sequence[str], widths: Sequence[int]) -> None:
        _lay_out(self.sheet, headers, widths)
        for column, header in enumerate(headers):
            self.sheet.write_string(0, column, clean(header), self.formats.bold)

    def column(self, index: int, column: TemplateColumn, lists: "_Lists | None") -> None:
        self.sheet.set_column(index, index, column.width, self.formats.text if column.text else None)
        for row, example in enumerate(column.examples, 1):
            self.sheet.write_string(row, index, clean(example), self.formats.text)
        rule: dict[str, Any] = {"validate": "any"}
        if column.choices and lists is not None:
            rule = {"validate": "list", "source": lists.add(column.choices), "error_type": "warning"}
        if column.help:
            rule |= {"input_title": clean(column.header)[:32], "input_message": clean(column.help)[:255]}
        if len(rule) > 1:
            self.sheet.data_validation(1, index, _TEMPLATE_ROWS, index, rule)


class _Lists:
    """The hidden sheet of the drop-downs' values: a list inside the rule itself may hold neither commas nor
    much."""

    def __init__(self, workbook: Any, name: str) -> None:
        self.name = sheet_title(name)
        self.sheet = workbook.add_worksheet(self.name)
        self.sheet.hide()
        self.quoted = workbook.add_format({"quote_prefix": True})
        self.column = 0

    def add(self, choices: Sequence[str]) -> str:
        """Returns the reference of the cells that hold the choices."""
        for row, choice in enumerate(choices):
            text = clean(choice)
            self.sheet.write_string(row, self.column, text, self.quoted if is_dangerous(text) else None)
        letters = xl_col_to_name(self.column)
        self.column += 1
        return f"='{self.name.replace(chr(39), chr(39) * 2)}'!${letters}$1:${letters}${len(choices)}"


def sheet_title(name: str) -> str:
    """What Excel takes as a sheet's name: 1 to 31 characters, none of []:*?/\\, no apostrophe at either
    end."""
    return _SHEET_NAME.sub(" ", clean(name))[:31].strip(" '") or "1"


def _write_notice(workbook: Any, name: str, notice: Sequence[str]) -> None:
    sheet = workbook.add_worksheet(sheet_title(name))
    title = workbook.add_format({"bold": True, "font_size": 14})
    line = workbook.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 100)
    for row, text in enumerate(notice):
        sheet.write_string(row, 0, clean(text), line if row else title)
