"""csv, tsv and their relatives: encoding, separator and the limits of quotation are found out, not asked."""

import collections
import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence

from .books import Grid, Sheet
from .cells import Value
from .decoding import Note, decode_text
from .limits import MAX_CELL_CHARACTERS, MAX_COLUMNS, MAX_ROWS
from .refusals import Refused

SEPARATORS = ";,\t|"

_SAMPLE_CHARACTERS = 100_000
_SAMPLE_ROWS = 200
_NAME = "CSV"
_DECLARED = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_LONGEST_FIELD = 1_000_000


class DelimitedBook:
    def __init__(self, content: bytes) -> None:
        csv.field_size_limit(_LONGEST_FIELD)
        self.text, self.notes = decode_text(content)
        self.sheets = [Sheet(0, _NAME)]

    def grid(self, sheet: Sheet) -> Grid:
        rows, notes = parse(self.text)
        cells: Iterator[Sequence[Value]] = iter(rows)
        return Grid(cells, notes=self.notes + notes)


def parse(text: str) -> tuple[list[list[str]], list[Note]]:
    """All rows, blank ones as empty lists. Raises Refused("unbalanced_quotes") where rows cannot be told
    apart."""
    declared = _DECLARED.match(text)
    if declared is not None:
        separator, text = declared[1], text[declared.end() :]
    else:
        separator = separator_of(text)
    rows, broken_line = _quoted(text, separator)
    if broken_line is None and not _swallowed_lines(rows, separator):
        return rows, []
    plain = _unquoted(text, separator)
    if _is_even(plain) and not (broken_line is None and _is_even(rows)):
        return plain, [("quotes_kept", {"line": broken_line or _first_swallowing(rows, separator)})]
    if broken_line is not None:
        raise Refused("unbalanced_quotes", line=broken_line)
    return rows, []


def separator_of(text: str) -> str:
    """The one that cuts most of the first lines into the same number of fields, more than one."""
    sample = text[:_SAMPLE_CHARACTERS]
    if len(sample) < len(text):
        sample = sample[: sample.rfind("\n") + 1] or sample
    return max(SEPARATORS, key=lambda separator: _evenness(sample, separator))


def _evenness(sample: str, separator: str) -> tuple[int, int]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    widths: collections.Counter[int] = collections.Counter()
    try:
        for row in itertools.islice(reader, _SAMPLE_ROWS):
            if len(row) > 1:
                widths[len(row)] += 1
    except csv.Error:
        pass  # a field without end: judge by the rows before it
    if not widths:
        return 0, 0
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    return count, width


def _quoted(text: str, separator: str) -> tuple[list[list[str]], int | None]:
    """The rows by the rules of quotation, and the line where these break (None: nowhere)."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    line, filled = 1, 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return rows, None
        except csv.Error as error:
            _refuse_long_field(error, line)
            return rows, line
        filled += any(row)
        _refuse_size(row, len(rows) + 1, filled)
        rows.append(row)
        line = reader.line_num + 1


def _refuse_long_field(error: csv.Error, line: int) -> None:
    if "field larger" in str(error):
        raise Refused("cell_too_long", sheet=_NAME, cell=f"A{line}", limit=MAX_CELL_CHARACTERS)


def _refuse_size(row: list[str], number: int, filled: int) -> None:
    """At once, not when the whole file is in memory as rows."""
    if filled > MAX_ROWS:
        raise Refused("too_many_rows", sheet=_NAME, limit=MAX_ROWS)
    if len(row) > MAX_COLUMNS and any(row[MAX_COLUMNS:]):
        raise Refused("too_many_columns", sheet=_NAME, cell=f"CW{number}", limit=MAX_COLUMNS)


def _unquoted(text: str, separator: str) -> list[list[str]]:
    """Each line a row; a pair of quotation marks around a whole field is dropped, any other is text."""
    rows = []
    for line in io.StringIO(text, newline=None):
        bare = line.rstrip("\n")
        rows.append([_unwrap(field) for field in bare.split(separator)] if bare else [])
    return rows


def _unwrap(field: str) -> str:
    if len(field) >= 2 and field[0] == field[-1] == '"':
        return field[1:-1].replace('""', '"')
    return field


def _is_even(rows: list[list[str]]) -> bool:
    """From the first full-width row on, all rows are as wide: a table, not the debris of a wrong reading."""
    widths = [len(row) for row in rows if row]
    usual, _ = max(collections.Counter(widths).items(), key=lambda item: item[1], default=(0, 0))
    return usual > 0 and set(widths[widths.index(usual) :]) == {usual} and max(widths) == usual


def _swallowed_lines(rows: list[list[str]], separator: str) -> bool:
    return any("\n" in field and separator in field for row in rows for field in row)


def _first_swallowing(rows: list[list[str]], separator: str) -> int:
    return next(
        number
        for number, row in enumerate(rows, 1)
        if any("\n" in field and separator in field for field in row)
    )
