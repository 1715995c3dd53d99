"""Where the header row is, and which column holds which field: guesses to be shown, never to be trusted in
silence."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .reading import SheetInfo
from .text import fold

Synonyms = Mapping[str, Sequence[str]]
Rows = Sequence[Sequence[str]]

# May the column at this place hold that field? What its cells hold may speak against what its header says.
Fitting = Callable[[int, str], bool]

_PARENTHESIS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_VALUE = re.compile(r"[\d\s.,:/+€%-]+|\S+@\S+\.\S+|https?://.*|[\d-]{10}T.*", re.IGNORECASE)
_LONGEST_HEADER = 60


@dataclass(frozen=True, slots=True)
class Header:
    """`index` counts in the rows that were given, not in the sheet. `cells` are one line, two-row headers
    joined; `groups` is for each column what the row above calls a group of columns, "" where there is none."""

    index: int
    cells: tuple[str, ...]
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeaderMatch:
    """Columns by what they are: `fields` (column → field), `unknown` headers, and `repeated` ones, whose
    field an earlier column has. Both latter map column → header as written. Columns without a header are in
    none of them. Several columns may hold parts of one field."""

    fields: dict[int, str]
    unknown: dict[int, str]
    repeated: dict[int, str]


@dataclass(frozen=True, slots=True)
class Grammar:
    """What is known of headers besides their synonyms.

    `near`      fields that stand side by side: of two columns for one, that next to the others is meant
    `parts`     headers of columns that hold a further part of a field (`Adresse 2`)
    `of_group`  fields that a group of columns spells out (`Dirigeant`: `Nom`, `Prénom`), from those fields
    """

    near: Sequence[str] = ()
    parts: Synonyms = field(default_factory=dict)
    of_group: Mapping[str, Sequence[str]] = field(default_factory=dict)


PLAIN = Grammar()


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
    return header_at(rows, scores.index(max(scores)))


def header_at(rows: Rows, index: int) -> Header:
    """The header if it is that row."""
    return Header(index, header_cells(rows, index), _groups(rows, index))


def header_cells(rows: Rows, index: int) -> tuple[str, ...]:
    """The cells of a header row; where one is empty, what a group header right above says (headers on two
    rows)."""
    cells = list(rows[index])
    above = _group_row(rows, index)
    cells += [""] * (len(above) - len(cells))
    for column, group in enumerate(above):
        cells[column] = cells[column] if cells[column].strip() else group
    return tuple(cells)


def _group_row(rows: Rows, index: int) -> Sequence[str]:
    """The row right above, if it names groups of columns."""
    above = rows[index - 1] if index else ()
    return above if _filled(above) > 1 and not any(_is_value(cell) for cell in above) else ()


def _groups(rows: Rows, index: int) -> tuple[str, ...]:
    """A group reaches up to the next one."""
    groups, current = [], ""
    above = _group_row(rows, index)
    for column in range(max(len(above), len(rows[index])) if above else 0):
        cell = above[column] if column < len(above) else ""
        current = cell if cell.strip() else current
        groups.append(current)
    return tuple(groups)


def match_headers(
    cells: Sequence[str],
    synonyms: Synonyms,
    *,
    together: Mapping[str, str] | None = None,
    grammar: Grammar = PLAIN,
    groups: Sequence[str] = (),
    fitting: Fitting | None = None,
) -> HeaderMatch:
    """Which column holds which field.

    A header that means several fields (`Nom`) goes to the first of them, in the order of `synonyms`, that
    no other header claims. `together` (`{"last_name": "first_name"}`) puts a field first where its
    companion is present; of two such columns, the one that is nearer to it.
    """
    known = _keys(synonyms)
    meant = _Meant(cells, groups, known, grammar)
    all_meanings = {column: meant.by(column) for column, cell in enumerate(cells) if fold(cell)}
    meanings = {
        column: [name for name in fits if fitting is None or fitting(column, name)]
        for column, fits in all_meanings.items()
    }
    fields: dict[int, str] = {}
    companions = together or {}
    for column in _in_turn(meanings, grammar.near, companions):
        taken = set(fields.values())
        free = [name for name in meanings[column] if name not in taken or name in meant.shared(column)]
        if free:
            fields[column] = _companion_first(free, fields, companions)
    _add_parts(cells, fields, _keys(grammar.parts))
    return HeaderMatch(
        fields=dict(sorted(fields.items())),
        unknown={
            column: cells[column] for column, fits in meanings.items() if not fits and column not in fields
        },
        repeated={
            column: cells[column] for column, fits in meanings.items() if fits and column not in fields
        },
    )


@dataclass(frozen=True, slots=True)
class _Meant:
    """What the headers of a sheet mean, each with its group."""

    cells: Sequence[str]
    groups: Sequence[str]
    known: Mapping[str, list[str]]
    grammar: Grammar

    def by(self, column: int) -> list[str]:
        return self.shared(column) or _meanings(self.cells[column], self.known)

    def shared(self, column: int) -> list[str]:
        """The field that the column's group spells out over several columns."""
        group = self.groups[column] if column < len(self.groups) else ""
        if not group.strip():
            return []
        own = set(_meanings(self.cells[column], self.known))
        return [
            name
            for name in _meanings(group, self.known)
            if own and own <= set(self.grammar.of_group.get(name, ()))
        ]


def _in_turn(
    meanings: Mapping[int, Sequence[str]], near: Sequence[str], together: Mapping[str, str]
) -> list[int]:
    """Headers of one meaning first. Of several columns for one field, the one next to those that go with it."""
    single = {column: fits[0] for column, fits in meanings.items() if len(fits) == 1}

    def distance(column: int) -> int:
        own = single.get(column)
        if own is None:
            others = [place for place, name in single.items() if name in together.values()]
        else:
            others = [place for place, name in single.items() if own in near and name in near and name != own]
        return sum(abs(column - place) for place in others)

    return sorted(meanings, key=lambda column: (column not in single, distance(column), column))


def _add_parts(cells: Sequence[str], fields: dict[int, str], parts: Mapping[str, list[str]]) -> None:
    """Columns that go on where another one begins."""
    whole = set(fields.values())
    for column, cell in enumerate(cells):
        if column not in fields and fold(cell):
            fields.update((column, name) for name in _meanings(cell, parts) if name in whole)


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
    return next((name for name in free if together.get(name) in fields.values()), free[0])


def _keys(synonyms: Synonyms) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {}
    for name, words in synonyms.items():
        for word in words:
            meanings = keys.setdefault(_key(word), [])
            if name not in meanings:
                meanings.append(name)
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
