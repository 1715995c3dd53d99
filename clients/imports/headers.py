"""Which sheet, which row and which column hold what: guesses, kept with the import and shown."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from clients.resources import TOGETHER, synonyms
from spreadsheets.cells import column_letters
from spreadsheets.headers import guess_header, match_headers
from spreadsheets.reading import SheetInfo

_SAMPLE_ROWS = 4
_SAMPLE_COLUMNS = 12


class Matched(NamedTuple):
    """`row` is the header's number in the sheet; `fields` maps columns to fields; `columns` is what the page shows."""

    row: int
    fields: Mapping[int, str]
    columns: list[dict[str, Any]]


def match(numbers: Sequence[int], rows: Sequence[Sequence[str]]) -> Matched | None:
    """The header among the first rows of a sheet; None where there is no filled row."""
    header = guess_header(rows, synonyms())
    if header is None:
        return None
    found = match_headers(header.cells, synonyms(), together=TOGETHER)
    shown = [
        {
            "index": column,
            "letter": column_letters(column),
            "header": " ".join(text.split())[:80],
            "field": found.fields.get(column, ""),
        }
        for column, text in enumerate(header.cells)
        if text.strip()
    ]
    return Matched(numbers[header.index], found.fields, shown)


def matched_sheet(sheet: SheetInfo) -> Matched | None:
    return match([row.number for row in sheet.preview], [row.cells for row in sheet.preview])


def described(sheet: SheetInfo) -> dict[str, Any]:
    """What the page needs to let a person choose between sheets."""
    matched = matched_sheet(sheet)
    after = [row for row in sheet.preview if matched and row.number > matched.row][:_SAMPLE_ROWS]
    return {
        "index": sheet.index,
        "name": sheet.name,
        "visible": sheet.visible,
        "rows": sheet.rows,
        "header_row": matched.row if matched else 0,
        "columns": matched.columns if matched else [],
        "recognised": len(matched.fields) if matched else 0,
        "sample": [list(row.cells[:_SAMPLE_COLUMNS]) for row in after],
        "refusal": {"code": sheet.refusal.code, "params": sheet.refusal.params} if sheet.refusal else None,
    }
