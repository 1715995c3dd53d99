"""A file that somebody sent, given back with marks in it: an xlsx as it was, formatting and all; every other kind, and
an xlsx that openpyxl can't give back whole, as a new xlsx with the same cells."""

import base64
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import IO, Any

import xlsxwriter

from .cells import Kind
from .guard import Format, recognise
from .limits import MAX_COLUMNS, MAX_FILE_BYTES
from .marks import COLOURS, Marked, MarkedRow, Marks, Tone
from .reading import Child, distrusting, read_sheet
from .refusals import Refused
from .rendering import CellValue, is_dangerous, is_exact
from .text import clean
from .writing import sheet_title

_PROGRAM = "spreadsheets.marker"
_USUAL_WIDTH, _WIDEST = 12, 50
_UNMARKED = MarkedRow(0, {}, {})
Formats = dict[tuple[str, bool, Tone | None], Any]


def give_back(content: bytes, marks: Marks, target: IO[bytes], *, texts: Sequence[int] = ()) -> bool:
    """Write the workbook; returns whether it has kept its formatting. `texts`: the columns whose digits are no numbers.

    Raises Refused where the file cannot be read any more.
    """
    if recognise(content) is Format.XLSX and _coloured(content, marks, target):
        return True
    target.seek(0)
    target.truncate()
    _copied(content, marks, target, set(texts))
    return False


def _coloured(content: bytes, marks: Marks, target: IO[bytes]) -> bool:
    before = json.dumps(marks.stored(), ensure_ascii=False).encode("utf-8", "replace")
    size = 0
    try:
        told = len(before).to_bytes(4, "big") + before
        with Child(content, "mark", program=_PROGRAM, before=told) as child:
            while (frame := child.frame()).get("frame") == "piece":
                with distrusting():
                    piece = base64.b64decode(frame["content"], validate=True)
                size += len(piece)
                if size > 2 * MAX_FILE_BYTES:
                    return False
                target.write(piece)
    except Refused:
        return False
    return size > 0


# --- The same cells in a new workbook ---------------------------------------------------------------------------


def _copied(content: bytes, marks: Marks, target: IO[bytes], texts: set[int]) -> None:
    """In constant memory, the marks aside."""
    by_number = {row.number: row for row in marks.rows}
    with (
        xlsxwriter.Workbook(target, {"constant_memory": True}) as book,
        read_sheet(content, marks.sheet) as reading,
    ):
        writer = _Copy(book, marks, texts)
        for chunk in reading:
            writer.open(len(chunk.columns))
            kinds = [chunk.kind(column) for column in range(len(chunk.columns))]
            for place, (number, cells) in enumerate(chunk.rows()):
                row = by_number.get(number, _UNMARKED)
                writer.row(number, cells, [kind[place] for kind in kinds], row)


class _Copy:
    def __init__(self, book: Any, marks: Marks, texts: set[int]) -> None:
        self.book, self.marks, self.texts = book, marks, texts
        self.sheet = book.add_worksheet(sheet_title(marks.name))
        self.places: list[int | None] = []
        self.own: set[int] = set()
        self.formats: Formats = {}

    def open(self, width: int) -> None:
        """The added columns stand right of the first chunk's, which is wide enough for the header."""
        if self.places:
            return
        self.places = self.marks.columns(width, MAX_COLUMNS) or [None]
        self.own = {place for place in self.places if place is not None}
        self.sheet.set_column(0, width, _USUAL_WIDTH)
        for column in self.texts:
            self.sheet.set_column(column, column, _USUAL_WIDTH + 6, self._format("@", False, None))
        for added, place in zip(self.marks.added, self.places, strict=False):
            if place is not None:
                self.sheet.set_column(place, place, min(added.width, _WIDEST))

    def row(self, number: int, cells: Sequence[str], kinds: Sequence[str], marked: MarkedRow) -> None:
        said = {**marked.cells, **self._added(number, marked.added)}
        values: Mapping[int, CellValue] = {
            column: self._value(column, text, kind)
            for column, (text, kind) in enumerate(zip(cells, kinds, strict=True))
            if column not in self.own or number < self.marks.header_row
        }
        for column in sorted(values.keys() | said.keys()):
            one = said.get(column, Marked(None))
            self._cell(number - 1, column, values.get(column, "") if one.text is None else one.text, one.tone)

    def _added(self, number: int, added: Mapping[int, Marked]) -> dict[int, Marked]:
        headers = {which: Marked(None, one.header) for which, one in enumerate(self.marks.added)}
        told = headers if number == self.marks.header_row else added
        return {place: one for which, one in told.items() if (place := self.places[which]) is not None}

    def _value(self, column: int, text: str, kind: str) -> CellValue:
        if column in self.texts:
            return text
        match kind:
            case Kind.NUMBER if is_exact(Decimal(text)):
                return Decimal(text)
            case Kind.DATE:
                return dt.date.fromisoformat(text)
            case _:
                return text

    def _cell(self, row: int, column: int, value: CellValue, tone: Tone | None) -> None:
        match value:
            case Decimal():
                self.sheet.write_number(row, column, value, self._format("", False, tone))
            case dt.date():
                self.sheet.write_datetime(row, column, value, self._format("dd/mm/yyyy", False, tone))
            case "" if tone is not None:
                self.sheet.write_blank(row, column, None, self._format("@", False, tone))
            case "":
                return
            case _:
                text = clean(str(value))
                self.sheet.write_string(row, column, text, self._format("@", is_dangerous(text), tone))

    def _format(self, number: str, quoted: bool, tone: Tone | None) -> Any:
        key = number, quoted, tone
        if key not in self.formats:
            asked: dict[str, Any] = {"num_format": number} if number else {}
            asked |= {"quote_prefix": True} if quoted else {}
            asked |= {"bg_color": f"#{COLOURS[tone]}"} if tone else {}
            self.formats[key] = self.book.add_format(asked)
        return self.formats[key]
