"""Rows of a sheet as XML, some hundreds at a time: several times as quick as a call for each cell.

A column is looked at as a whole: texts that hold nothing to be escaped, nearly all of them, are taken as they are. Each
row is then filled into a pattern of its kinds of cells. As everywhere in `writing`, nothing that comes from data is
ever a formula, a link or a number.
"""

import datetime as dt
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import cast

from xlsxwriter.utility import xl_col_to_name

from .text import LONGEST_CELL, clean

CellValue = str | int | float | Decimal | bool | dt.date | dt.datetime | None

_AT_ONCE = 250
_PATTERNS = 4_096
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
_EXACT_DIGITS = 15
# Between the texts of a column, and where a row's number goes in its pattern: no cell can hold it.
_BETWEEN = "\0"
# What a text may hold that is not written as it stands; beside white space at its ends, and its first character.
_ESCAPED = re.compile("[&<>\x01-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_x[0-9a-fA-F]{4}_")
_AT_ENDS = re.compile(rf"(?:^|{_BETWEEN})[\s=+\-@]|\s(?:{_BETWEEN}|\Z)")
_SPELLS_ESCAPE = re.compile("_(?=x[0-9a-fA-F]{4}_)")
_DAY_NOUGHT = dt.datetime(1899, 12, 31, tzinfo=dt.UTC)
_SECONDS = 86_400
# Excel takes 1900 for a leap year, and so counts a day too many after its 28th of February.
_LAST_RIGHT_DAY = 59


class _Kind(StrEnum):
    EMPTY = "."
    TEXT = "t"
    SPACED = "s"  # a text that begins or ends with white space
    QUOTED = "q"  # a text that might be taken for a formula, once it is typed anew
    QUOTED_SPACED = "p"
    HEADER = "h"
    NUMBER = "n"
    TRUTH = "b"
    DATE = "d"
    MOMENT = "m"


@dataclass(frozen=True)
class Styles:
    """The numbers by which the workbook knows its formats."""

    header: int
    quoted: int
    date: int
    time: int


class Renderer:
    """Of one sheet with these styles."""

    def __init__(self, styles: Styles) -> None:
        self.pattern = lru_cache(_PATTERNS)(self._pattern)
        text = 't="inlineStr"><is><t>%s</t></is></c>'
        spaced = 't="inlineStr"><is><t xml:space="preserve">%s</t></is></c>'
        self.cells = {
            _Kind.EMPTY: "%.0s",
            _Kind.TEXT: f'<c r="{{}}" {text}',
            _Kind.SPACED: f'<c r="{{}}" {spaced}',
            _Kind.QUOTED: f'<c r="{{}}" s="{styles.quoted}" {text}',
            _Kind.QUOTED_SPACED: f'<c r="{{}}" s="{styles.quoted}" {spaced}',
            _Kind.HEADER: f'<c r="{{}}" s="{styles.header}" {spaced}',
            _Kind.NUMBER: '<c r="{}"><v>%s</v></c>',
            _Kind.TRUTH: '<c r="{}" t="b"><v>%s</v></c>',
            _Kind.DATE: f'<c r="{{}}" s="{styles.date}"><v>%s</v></c>',
            _Kind.MOMENT: f'<c r="{{}}" s="{styles.time}"><v>%s</v></c>',
        }

    def header(self, headers: Sequence[str]) -> bytes:
        texts = [_escaped(clean(header)) for header in headers]
        kinds = tuple(_Kind.HEADER if text else _Kind.EMPTY for text in texts)
        return self._row(kinds, tuple(texts), 1).encode()

    def rows(self, rows: Iterator[Sequence[CellValue]], first: int) -> Iterator[tuple[int, bytes]]:
        """How many, and their XML; some at a time. The first has that number."""
        while batch := list(itertools.islice(rows, _AT_ONCE)):
            columns = [_column(column) for column in itertools.zip_longest(*batch)]
            kinds = zip(*(kinds for kinds, _texts in columns), strict=True)
            texts = zip(*(texts for _kinds, texts in columns), strict=True)
            lines = enumerate(zip(kinds, texts, strict=True), first)
            yield len(batch), "".join([self._row(*line, number) for number, line in lines]).encode()
            first += len(batch)

    def _row(self, kinds: tuple[str, ...], texts: tuple[str, ...], number: int) -> str:
        return self.pattern(kinds).replace(_BETWEEN, str(number)) % texts

    def _pattern(self, kinds: tuple[str, ...]) -> str:
        cells = [
            self.cells[_Kind(kind)].format(f"{xl_col_to_name(place)}{_BETWEEN}")
            for place, kind in enumerate(kinds)
        ]
        return f'<row r="{_BETWEEN}">{"".join(cells)}</row>'


def _column(values: Sequence[CellValue]) -> tuple[Sequence[str], Sequence[str]]:
    """The kind of each cell, and what its pattern is filled with."""
    types = set(map(type, values))
    if types <= {str, type(None)}:
        texts = cast("Sequence[str]", [value or "" for value in values] if type(None) in types else values)
        if _is_plain(texts):
            if "" not in texts:
                return [_Kind.TEXT] * len(texts), texts
            return [_Kind.TEXT if text else _Kind.EMPTY for text in texts], texts
    kinds_and_texts = [_cell(value) for value in values]
    return [kind for kind, _text in kinds_and_texts], [text for _kind, text in kinds_and_texts]


def _is_plain(texts: Sequence[str]) -> bool:
    """Is each of them written as it stands?"""
    together = _BETWEEN.join(texts)
    return not (
        together.count(_BETWEEN) != len(texts) - 1
        or _ESCAPED.search(together)
        or _AT_ENDS.search(together)
        or len(max(texts, key=len)) > LONGEST_CELL
    )


def _cell(value: CellValue) -> tuple[str, str]:
    match value:
        case None | "":
            return _Kind.EMPTY, ""
        case bool():
            return _Kind.TRUTH, str(int(value))
        case int() | float() | Decimal() if is_exact(value):
            return _Kind.NUMBER, f"{value:.16G}"
        case dt.datetime():
            return _Kind.MOMENT, _days(value)
        case dt.date():
            return _Kind.DATE, _days(dt.datetime.combine(value, dt.time()))
        case _:
            return _text(clean(str(value)))


def _text(text: str) -> tuple[str, str]:
    if not text:
        return _Kind.EMPTY, ""
    xml = _escaped(text)
    spaced = xml[0].isspace() or xml[-1].isspace()
    if is_dangerous(text):
        return (_Kind.QUOTED_SPACED if spaced else _Kind.QUOTED), xml
    return (_Kind.SPACED if spaced else _Kind.TEXT), xml


def _escaped(text: str) -> str:
    """As XML. What spells an escape of Excel's has its own underscore escaped; a parser would turn \\r into \\n."""
    text = _SPELLS_ESCAPE.sub("_x005F_", text).replace("\r", "_x000D_")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _days(moment: dt.datetime) -> str:
    """As a sheet, which knows no time zones, counts them: since the last day of 1899."""
    since = moment.replace(tzinfo=dt.UTC) - _DAY_NOUGHT
    days = since.days + (since.seconds + since.microseconds / 1e6) / _SECONDS
    return f"{days + (days > _LAST_RIGHT_DAY):.16G}"


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
