"""One face for all formats: named sheets that yield their rows. Only the confined child opens books."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .cells import NumberedRow, Value, is_blank
from .decoding import Note
from .limits import MAX_BLANK_ROWS, MAX_ROWS
from .refusals import Refused


@dataclass
class Sheet:
    """`index` is the sheet's place in the file, charts included."""

    index: int
    name: str
    visible: bool = True


@dataclass
class Grid:
    """The cells of one sheet. `rows` begins at row 1 of the sheet, each row at column `first_column` (0 is
    A)."""

    rows: Iterator[Sequence[Value]]
    first_column: int = 0
    merged: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


class Book(Protocol):
    sheets: list[Sheet]

    def grid(self, sheet: Sheet) -> Grid:
        """Raises Refused where this sheet, and perhaps only this one, cannot be read."""


class FilledRows:
    """Iterates over the filled rows with their numbers, until the end or too many blank ones."""

    def __init__(self, sheet: Sheet, grid: Grid) -> None:
        self.sheet = sheet
        self.grid = grid
        self.notes = grid.notes
        self.count = 0

    def __iter__(self) -> Iterator[NumberedRow]:
        last = 0
        for number, row in enumerate(self.grid.rows, 1):
            if is_blank(row):
                continue
            if number - last > MAX_BLANK_ROWS + 1:
                self.notes.append(("ended_by_blank_rows", {"row": last, "limit": MAX_BLANK_ROWS}))
                return
            last = number
            self.count += 1
            if self.count > MAX_ROWS:
                raise Refused("too_many_rows", sheet=self.sheet.name, limit=MAX_ROWS)
            yield number, row
