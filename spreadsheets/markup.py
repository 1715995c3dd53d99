"""HTML tables and XML Spreadsheet 2003: what many exports put behind the name .xls."""

import datetime as dt
import html.parser
import itertools
import xml.parsers.expat
from collections.abc import Iterator, Sequence

from .books import Grid, Sheet
from .cells import Value, column_letters
from .decoding import Note, decode_markup
from .limits import MAX_BLANK_ROWS, MAX_CELL_CHARACTERS, MAX_COLUMNS, MAX_ROWS
from .refusals import Refused

_SPREADSHEET = "urn:schemas-microsoft-com:office:spreadsheet"
_EXCEL = "urn:schemas-microsoft-com:office:excel"
_WIDEST = 16_384
_SHOWN = 5


class Table:
    """A sheet in the making."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.visible = True
        self.rows: dict[int, list[Value]] = {}
        self.errors: list[str] = []
        self.number = 0

    def begin_row(self, number: int | None = None) -> None:
        self.number = number or self.number + 1

    def put(self, column: int, value: Value) -> None:
        """An empty value leaves no trace: a sheet is as large as what it holds."""
        if value == "":
            return
        if column >= MAX_COLUMNS:
            cell = f"{column_letters(min(column, _WIDEST - 1))}{self.number}"
            raise Refused("too_many_columns", sheet=self.name, cell=cell, limit=MAX_COLUMNS)
        if isinstance(value, str) and len(value) > MAX_CELL_CHARACTERS:
            cell = f"{column_letters(column)}{self.number}"
            raise Refused("cell_too_long", sheet=self.name, cell=cell, limit=MAX_CELL_CHARACTERS)
        row = self.rows.setdefault(self.number, [])
        row.extend([""] * (column + 1 - len(row)))
        row[column] = value
        if len(self.rows) > MAX_ROWS:
            raise Refused("too_many_rows", sheet=self.name, limit=MAX_ROWS)

    def grid(self) -> Grid:
        notes: list[Note] = []
        if self.errors:
            shown = ", ".join(self.errors[:_SHOWN]) + (" …" if len(self.errors) > _SHOWN else "")
            notes.append(("error_cells", {"count": len(self.errors), "cells": shown}))
        return Grid(self._dense(), notes=notes)

    def _dense(self) -> Iterator[Sequence[Value]]:
        last = 0
        for number in sorted(self.rows):
            yield from itertools.repeat((), min(number - last - 1, MAX_BLANK_ROWS + 1))
            yield self.rows[number]
            last = number


class MarkupBook:
    def __init__(self, tables: list[Table]) -> None:
        self.tables = tables
        self.sheets = [Sheet(index, table.name, table.visible) for index, table in enumerate(tables)]

    def grid(self, sheet: Sheet) -> Grid:
        return self.tables[sheet.index].grid()


def read_html(content: bytes) -> MarkupBook:
    parser = _HtmlTables()
    parser.feed(decode_markup(content))
    parser.close()
    parser.end_table()
    return MarkupBook([table for table in parser.tables if table.rows])


class _HtmlTables(html.parser.HTMLParser):
    """Outermost tables become sheets; the text of a table within a cell belongs to that cell."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[Table] = []
        self.table: Table | None = None
        self.depth = 0
        self.hidden = 0
        self.column = 0
        self.cell: list[str] | None = None
        self.span = 1
        self.number: str | None = None
        self.spans: dict[int, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._begin_table()
        elif tag in ("script", "style"):
            self.hidden += 1
        elif self.table is not None and self.depth == 1 and tag == "tr":
            self._begin_row()
        elif self.table is not None and self.depth == 1 and tag in ("td", "th"):
            self._begin_cell(dict(attrs))
        elif self.cell is not None and tag in ("br", "p", "div") and self.cell:
            self.cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self.depth -= 1
            if self.depth <= 0:
                self.end_table()
        elif tag in ("script", "style"):
            self.hidden = max(self.hidden - 1, 0)
        elif tag in ("td", "th", "tr") and self.depth == 1:
            self._end_cell()

    def handle_data(self, data: str) -> None:
        if self.cell is not None and not self.hidden:
            self.cell.append(data)

    def end_table(self) -> None:
        self._end_cell()
        self.table = None
        self.depth = 0

    def _begin_table(self) -> None:
        self.depth += 1
        if self.depth == 1:
            self.table = Table(f"Table {len(self.tables) + 1}")
            self.tables.append(self.table)
            self.spans = {}

    def _begin_row(self) -> None:
        self._end_cell()
        if self.table is not None:
            self.table.begin_row()
        self.column = 0
        self.spans = {column: rows - 1 for column, rows in self.spans.items() if rows > 1}

    def _begin_cell(self, attrs: dict[str, str | None]) -> None:
        self._end_cell()
        while self.column in self.spans:
            self.column += 1
        self.cell = []
        self.span = _count(attrs.get("colspan"))
        self.number = attrs.get("x:num")
        rows = _count(attrs.get("rowspan"))
        if rows > 1:
            below = dict.fromkeys(range(self.column, self.column + min(self.span, MAX_COLUMNS)), rows)
            self.spans.update(below)

    def _end_cell(self) -> None:
        if self.cell is None or self.table is None:
            self.cell = None
            return
        if self.table.number == 0:
            self.table.begin_row()  # a cell outside any row: browsers make one
        self.table.put(self.column, self._value("".join(self.cell)))
        self.column += self.span
        self.cell = None

    def _value(self, text: str) -> Value:
        if self.number:
            try:
                return float(self.number)
            except ValueError:
                pass  # what is shown counts
        lines = (" ".join(line.split()) for line in text.replace("\r", "").split("\n"))
        return "\n".join(line for line in lines if line)


def _count(text: str | None) -> int:
    return min(max(int(text), 1), _WIDEST) if text is not None and text.isascii() and text.isdigit() else 1


def read_xml_2003(content: bytes) -> MarkupBook:
    """Source of the format: Microsoft's "XML Spreadsheet Reference" (ss:Index, ss:MergeAcross, ss:Type)."""
    tables = _XmlTables()
    parser = xml.parsers.expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = tables.start
    parser.EndElementHandler = tables.end
    parser.CharacterDataHandler = tables.characters
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(decode_markup(content).encode("utf-8", "replace"), True)
    except xml.parsers.expat.ExpatError as error:
        raise Refused("damaged") from error
    return MarkupBook(tables.tables)


def _refuse_doctype(*_: object) -> None:
    raise Refused("has_doctype")


class _XmlTables:
    def __init__(self) -> None:
        self.tables: list[Table] = []
        self.column = 0
        self.span = 1
        self.type = "String"
        self.text: list[str] = []
        self.listening = False

    def start(self, tag: str, attrs: dict[str, str]) -> None:
        if tag == f"{_SPREADSHEET} Worksheet":
            self.tables.append(Table(attrs.get(f"{_SPREADSHEET} Name", "")))
        elif tag == f"{_SPREADSHEET} Row" and self.tables:
            self.tables[-1].begin_row(_index(attrs))
            self.column = 0
        elif tag == f"{_SPREADSHEET} Cell":
            index = _index(attrs)
            self.column = index - 1 if index else self.column
            self.span = 1 + _index(attrs, "MergeAcross")
        elif tag == f"{_SPREADSHEET} Data":
            self.type = attrs.get(f"{_SPREADSHEET} Type", "String")
            self.text, self.listening = [], True
        elif tag == f"{_EXCEL} Visible":
            self.text, self.listening = [], True

    def end(self, tag: str) -> None:
        if tag == f"{_SPREADSHEET} Data" and self.tables:
            self._put("".join(self.text))
            self.listening = False
        elif tag == f"{_SPREADSHEET} Cell":
            self.column += self.span
        elif tag == f"{_SPREADSHEET} Row" and self.tables:
            self.column = 0
        elif tag == f"{_EXCEL} Visible" and self.tables:
            self.tables[-1].visible = "".join(self.text).strip() not in ("SheetHidden", "SheetVeryHidden")
            self.listening = False

    def characters(self, data: str) -> None:
        if self.listening:
            self.text.append(data)

    def _put(self, text: str) -> None:
        table = self.tables[-1]
        if self.type == "Error":
            table.errors.append(f"{column_letters(self.column)}{table.number}")
            return
        table.put(self.column, _typed(self.type, text))


def _index(attrs: dict[str, str], name: str = "Index") -> int:
    text = attrs.get(f"{_SPREADSHEET} {name}", "")
    return min(int(text), 1_048_576) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _typed(kind: str, text: str) -> Value:
    try:
        match kind:
            case "Number":
                return float(text)
            case "Boolean":
                return text.strip() == "1"
            case "DateTime":
                return dt.datetime.fromisoformat(text)
            case _:
                return text
    except ValueError:
        return text
