"""Writing workbooks that are safe to open: nothing that comes from data is ever a formula, a link or a
number."""

import datetime as dt
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from .limits import MAX_ROWS
from .text import clean

Target = IO[bytes] | Path | str
CellValue = str | int | float | Decimal | bool | dt.date | dt.datetime | None

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
_SHEET_NAME = re.compile(r"[\[\]:*?/\\]")
_EXACT_DIGITS = 15
# What a sheet holds, header included.
_MOST_ROWS = 1_048_576
_TEMPLATE_ROWS = MAX_ROWS
_OPTIONS = {
    "constant_memory": True,
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
    with xlsxwriter.Workbook(target, _OPTIONS) as workbook:
        counts = [_write_sheet(workbook, sheet) for sheet in sheets]
        if notice:
            _write_notice(workbook, notice_name, notice)
    return counts


def _write_sheet(workbook: Any, sheet: Sheet) -> int:
    rows = iter(sheet.rows)
    total, number = _fill(workbook, sheet, sheet.name, rows), 2
    while (first := next(rows, None)) is not None:
        further = itertools.chain([first], rows)
        total += _fill(workbook, sheet, f"{sheet.name} ({number})", further)
        number += 1
    return total


def _fill(workbook: Any, sheet: Sheet, name: str, rows: Iterator[Sequence[CellValue]]) -> int:
    """As many of the rows as one sheet holds."""
    writer, count = _Writer(workbook, name), 0
    writer.header(sheet.headers, sheet.widths, sheet.hidden)
    for count, row in enumerate(itertools.islice(rows, _MOST_ROWS - 1), 1):
        writer.row(count, row)
    writer.sheet.autofilter(0, 0, max(count, 1), max(len(sheet.headers) - 1, 0))
    return count


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
    with xlsxwriter.Workbook(target, _OPTIONS | {"constant_memory": False}) as workbook:
        _write_notice(workbook, notice_name, notice)
        writer = _Writer(workbook, sheet_name)
        writer.header(
            [column.header + ("*" if column.required else "") for column in columns],
            [c.width for c in columns],
        )
        lists = _Lists(workbook, lists_name) if any(column.choices for column in columns) else None
        for index, column in enumerate(columns):
            writer.template_column(index, column, lists)
        cells = f"A2:{xl_col_to_name(len(columns) - 1)}{_TEMPLATE_ROWS + 1}"
        writer.sheet.ignore_errors({"number_stored_as_text": cells})  # no green corner on each SIRET
        writer.sheet.activate()


class _Writer:
    """One sheet, and the formats it needs."""

    def __init__(self, workbook: Any, name: str) -> None:
        self.sheet = workbook.add_worksheet(sheet_title(name))
        self.bold = workbook.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self.quoted = workbook.add_format({"quote_prefix": True})
        self.text = workbook.add_format({"num_format": "@"})
        self.date = workbook.add_format({"num_format": "dd/mm/yyyy"})
        self.time = workbook.add_format({"num_format": "dd/mm/yyyy hh:mm"})

    def header(self, headers: Sequence[str], widths: Sequence[int], hidden: int = 0) -> None:
        for column, width in enumerate(widths):
            self.sheet.set_column(column, column, width)
        for column in range(len(headers) - hidden, len(headers)):
            self.sheet.set_column(column, column, None, None, {"hidden": True})
        self.sheet.freeze_panes(1, 0)
        for column, header in enumerate(headers):
            self.sheet.write_string(0, column, clean(header), self.bold)

    def row(self, number: int, values: Sequence[CellValue]) -> None:
        for column, value in enumerate(values):
            self.cell(number, column, value)

    def cell(self, row: int, column: int, value: CellValue) -> None:
        match value:
            case None | "":
                return
            case bool():
                self.sheet.write_boolean(row, column, value)
            case int() | float() | Decimal() if is_exact(value):
                self.sheet.write_number(row, column, value)
            case dt.datetime():
                self.sheet.write_datetime(row, column, value.replace(tzinfo=None), self.time)
            case dt.date():
                self.sheet.write_datetime(row, column, value, self.date)
            case _:
                self.string(row, column, str(value))

    def string(self, row: int, column: int, text: str) -> None:
        text = clean(text)
        self.sheet.write_string(row, column, text, self.quoted if is_dangerous(text) else None)

    def template_column(self, index: int, column: TemplateColumn, lists: "_Lists | None") -> None:
        self.sheet.set_column(index, index, column.width, self.text if column.text else None)
        for row, example in enumerate(column.examples, 1):
            self.sheet.write_string(row, index, clean(example), self.text)
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


def is_dangerous(text: str) -> bool:
    """Might a spreadsheet take it for a formula, once it is typed anew?"""
    return text.startswith(_DANGEROUS)


def is_exact(value: float | Decimal) -> bool:
    """Excel keeps fifteen digits: a longer number, or none at all, is written as text."""
    number = Decimal(str(value))
    return (
        number.is_finite()
        and len(number.normalize().as_tuple().digits) <= _EXACT_DIGITS
        and number.adjusted() < _EXACT_DIGITS
    )
