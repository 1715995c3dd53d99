"""Where the header row is, and which column holds which field: guesses to be shown, never to be trusted in
silence."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .reading import SheetInfo
from .text import fold

Synonyms = Mapping[str, Sequence[str]]
Rows = Sequence[Sequence[str]]

_PARENTHESIS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_VALUE = re.compile(r"[\d\s.,:/+€%-]+|\S+@\S+\.\S+|https?://.*|[\d-]{10}T.*", re.IGNORECASE)
_LONGEST_HEADER = 60


@dataclass(frozen=True, slots=True)
class Header:
    """`index` counts in the rows that were given, not in the sheet. `cells` are one line, two-row headers
    joined."""

    index: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeaderMatch:
    """Columns by what they are: `fields` (column → field), `unknown` headers, and `repeated` ones, whose
    field an earlier column has. Both latter map column → header as written. Columns without a header are in
    none of them."""

    fields: dict[int, str]
    unknown: dict[int, str]
    repeated: dict[int, str]


def guess_header(rows: Rows, synonyms: Synonyms | None = None) -> Header | None:
    """The row most like a header among the first rows of a sheet; None where there is no filled row.

    Likely: as wide as the table below it, short distinct words, no numbers or addresses; likelier with
    every cell that is a known synonym. Of equals the first.
    """
    width = max((_filled(row) for row in rows), default=0)
    if width == 0:
        return None
    known = _keys(synonyms or {})
    scores = [_likeness(row, width, known) for row in rows]
    index = scores.index(max(scores))
    return Header(index, header_cells(rows, index))


def header_cells(rows: Rows, index: int) -> tuple[str, ...]:
    """The cells of a header row; where one is empty, what a group header right above says (headers on two
    rows)."""
    cells = list(rows[index])
    above = rows[index - 1] if index else ()
    if _filled(above) > 1 and not any(_is_value(cell) for cell in above):
        cells += [""] * (len(above) - len(cells))
        for column, group in enumerate(above):
            cells[column] = cells[column] if cells[column].strip() else group
    return tuple(cells)


def match_headers(
    cells: Sequence[str], synonyms: Synonyms, *, together: Mapping[str, str] | None = None
) -> HeaderMatch:
    """Which column holds which field.

    A header that means several fields (`Nom`) goes to the first of them, in the order of `synonyms`, that
    no other header claims. `together` (`{"last_name": "first_name"}`) puts a field first where its
    companion is present.
    """
    known = _keys(synonyms)
    meanings = {column: _meanings(cell, known) for column, cell in enumerate(cells) if fold(cell)}
    fields: dict[int, str] = {}
    for column in sorted(meanings, key=lambda column: (len(meanings[column]) > 1, column)):
        free = [field for field in meanings[column] if field not in fields.values()]
        if free:
            fields[column] = _companion_first(free, fields, together or {})
    return HeaderMatch(
        fields=dict(sorted(fields.items())),
        unknown={column: cells[column] for column, fits in meanings.items() if not fits},
        repeated={
            column: cells[column] for column, fits in meanings.items() if fits and column not in fields
        },
    )


def guess_sheet(sheets: Sequence[SheetInfo], synonyms: Synonyms) -> SheetInfo | None:
    """The sheet that most likely holds the list: readable, visible if any is, most fields recognised, most
    rows."""
    filled = [sheet for sheet in sheets if sheet.rows and sheet.refusal is None]
    return max(
        filled, key=lambda sheet: (sheet.visible, _recognised(sheet, synonyms), sheet.rows), default=None
    )


def _recognised(sheet: SheetInfo, synonyms: Synonyms) -> int:
    header = guess_header([row.cells for row in sheet.preview], synonyms)
    return len(match_headers(header.cells, synonyms).fields) if header else 0


def _companion_first(free: Sequence[str], fields: Mapping[int, str], together: Mapping[str, str]) -> str:
    return next((field for field in free if together.get(field) in fields.values()), free[0])


def _keys(synonyms: Synonyms) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {}
    for field, words in synonyms.items():
        for word in words:
            meanings = keys.setdefault(_key(word), [])
            if field not in meanings:
                meanings.append(field)
    return keys


def _key(text: str) -> str:
    return fold(text).replace(" ", "")


def _meanings(cell: str, known: Mapping[str, list[str]]) -> list[str]:
    """As written, else without what stands in brackets: `SIRET (14 chiffres)`."""
    return known.get(_key(cell)) or known.get(_key(_PARENTHESIS.sub(" ", cell)) or "-", [])


def _filled(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell.strip())


def _is_value(cell: str) -> bool:
    return len(cell) > _LONGEST_HEADER or _VALUE.fullmatch(cell.strip()) is not None


def _likeness(row: Sequence[str], width: int, known: Mapping[str, list[str]]) -> float:
    cells = [cell for cell in row if cell.strip()]
    if not cells:
        return -1.0
    words = [cell for cell in cells if not _is_value(cell)]
    distinct = len(set(map(fold, words)))
    recognised = sum(1 for cell in cells if _meanings(cell, known))
    return (
        len(cells) / width + distinct / width - 2 * (len(cells) - len(words)) / width + 2 * recognised / width
    )
