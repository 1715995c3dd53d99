"""From what parsers yield (floats, dates, text…) to columns of text with a kind per cell, in frames."""

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, cast

from .limits import CHUNK_CHARACTERS, CHUNK_ROWS, MAX_CELL_CHARACTERS, MAX_COLUMNS, MAX_SHEET_CHARACTERS
from .refusals import Refused

Value = str | float | int | bool | dt.date | dt.datetime | dt.time | dt.timedelta
NumberedRow = tuple[int, Sequence[Value]]


class Kind(StrEnum):
    """How the file held a cell: a SIRET that is a NUMBER may have lost zeros, and digits beyond the
    fifteenth."""

    EMPTY = "e"
    TEXT = "t"
    NUMBER = "n"
    DATE = "d"
    TIME = "h"
    BOOLEAN = "b"


def column_letters(index: int) -> str:
    """0 → A, 26 → AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def is_blank(row: Sequence[Value]) -> bool:
    return not any(map(_is_filled, row))


def _is_filled(value: Value) -> bool:
    return not isinstance(value, str) or not (value == "" or value.isspace())


def number_text(value: float) -> str:
    """As a person would type it: no `.0`, no exponent up to 21 digits, no digits beyond what Excel keeps."""
    if value == int(value) and abs(value) < 1e21:
        return f"{int(value)}"
    return format(value, ".15g")


def _cell(value: Value) -> tuple[str, str]:
    match value:
        case str():
            return value, Kind.TEXT if value else Kind.EMPTY
        case bool():
            return ("TRUE" if value else "FALSE"), Kind.BOOLEAN
        case int() | float():
            return (number_text(value), Kind.NUMBER) if abs(value) < float("inf") else ("", Kind.EMPTY)
        case _:
            return _moment(value)


def _moment(value: dt.date | dt.datetime | dt.time | dt.timedelta) -> tuple[str, str]:
    match value:
        case dt.timedelta():
            return _duration(value), Kind.TIME
        case dt.datetime() if value.time() == dt.time():
            return value.date().isoformat(), Kind.DATE
        case dt.date():
            return value.isoformat(), Kind.DATE
        case _:
            return value.isoformat(), Kind.TIME


def _duration(value: dt.timedelta) -> str:
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}"


def texts_and_kinds(column: Sequence[Value]) -> tuple[list[str], str]:
    """A whole column at once: text columns, nearly all of a client list, are not looked at cell by cell."""
    if set(map(type, column)) == {str}:
        texts = cast(list[str], list(column))
        kinds = "t" * len(texts) if "" not in texts else "".join(["t" if text else "e" for text in texts])
    else:
        pairs = [_cell(value) for value in column]
        texts = [text for text, _ in pairs]
        kinds = "".join([kind for _, kind in pairs])
    if "\x00" in "".join(texts):  # `_x0000_` in a workbook; PostgreSQL cannot hold it
        texts = [text.replace("\x00", "") for text in texts]
    return texts, kinds


class Packer:
    """Cuts a sheet's rows into frames, and holds the limits that only show while reading."""

    def __init__(self, sheet: str, first_column: int = 0) -> None:
        self.sheet = sheet
        self.first_column = first_column
        self.characters = 0

    def frames(self, rows: Iterable[NumberedRow]) -> Iterator[dict[str, Any]]:
        rows = iter(rows)
        while batch := list(itertools.islice(rows, CHUNK_ROWS)):
            yield from self._halve(batch)

    def _halve(self, batch: list[NumberedRow]) -> Iterator[dict[str, Any]]:
        """One frame, or several where long cells would make one too heavy to hold."""
        frame, characters = self._frame(batch)
        if characters <= CHUNK_CHARACTERS or len(batch) == 1:
            self._count(characters)
            yield frame
            return
        del frame
        middle = len(batch) // 2
        yield from self._halve(batch[:middle])
        yield from self._halve(batch[middle:])

    def _frame(self, batch: list[NumberedRow]) -> tuple[dict[str, Any], int]:
        numbers = [number for number, _ in batch]
        columns, kinds, characters = self._margin(len(batch)), ["e" * len(batch)] * self.first_column, 0
        for index, column in enumerate(itertools.zip_longest(*[row for _, row in batch], fillvalue="")):
            texts, kind = texts_and_kinds(column)
            lengths = list(map(len, texts))
            if max(lengths) > MAX_CELL_CHARACTERS:
                self._refuse_long_cell(index, numbers[lengths.index(max(lengths))])
            characters += sum(lengths)
            columns.append(texts)
            kinds.append(kind)
        self._refuse_wide(numbers, kinds)
        return {"frame": "rows", "numbers": numbers, "columns": columns, "kinds": kinds}, characters

    def _margin(self, height: int) -> list[list[str]]:
        return [[""] * height for _ in range(self.first_column)]

    def _count(self, characters: int) -> None:
        self.characters += characters
        if self.characters > MAX_SHEET_CHARACTERS:
            raise Refused("too_much_text", sheet=self.sheet, limit=MAX_SHEET_CHARACTERS)

    def _refuse_long_cell(self, index: int, number: int) -> None:
        cell = f"{column_letters(self.first_column + index)}{number}"
        raise Refused("cell_too_long", sheet=self.sheet, cell=cell, limit=MAX_CELL_CHARACTERS)

    def _refuse_wide(self, numbers: list[int], kinds: list[str]) -> None:
        """Columns past the limit are dropped where they are empty: formatting alone is no reason."""
        for index in range(MAX_COLUMNS, len(kinds)):
            at = len(kinds[index]) - len(kinds[index].lstrip(Kind.EMPTY))
            if at < len(kinds[index]):
                cell = f"{column_letters(index)}{numbers[at]}"
                raise Refused("too_many_columns", sheet=self.sheet, cell=cell, limit=MAX_COLUMNS)
