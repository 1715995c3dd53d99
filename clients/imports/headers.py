"""Which sheet, which row and which column hold what: guesses, kept with the import, shown, and changed by people."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clients.imports import guessing
from clients.imports.asked import Asked
from clients.resources import OURS, TOGETHER, TOLD, synonyms
from spreadsheets.cells import column_letters
from spreadsheets.headers import Grammar, Header, guess_header, header_at, match_headers
from spreadsheets.reading import Chunk, SheetInfo
from spreadsheets.text import fold

_SAMPLE_ROWS = 4
_SAMPLE_COLUMNS = 12
_LONGEST_HEADER = 80
_LONGEST_CELL = 60
# A row above the header with no more cells than this, and no more than a third of the table's, is a title.
_TITLE_CELLS = 2
_FEWEST_COLUMNS, _FEWEST_ROWS = 3, 2

# A list of clients has at least one of these columns.
ESSENTIAL = frozenset({"reference", "legal_name", "last_name", "siren", "siret"})
# Of several columns for one of these, the texts are put together; of others, the first filled cell is taken.
JOINED = frozenset({"legal_name", "last_name", "first_name", "address", "legal_representative"})

# How it is known what a column holds: `SIMILAR` by a word in the header. Of nothing, "" is known.
HEADER, SIMILAR, CONTENT, PERSON, REMEMBERED = "header", "similar", "content", "person", "remembered"
_DOUBTFUL = (SIMILAR, CONTENT)

GRAMMAR = Grammar(
    near=("address", "postcode", "city", "country"),
    parts={
        "address": (
            "Adresse 2", "Adresse 3", "Adresse (suite)", "Adresse suite", "Complément", "Complément d'adresse",
            "Complément adresse", "complement_adresse", "Adresse complémentaire", "Address 2", "Lieu-dit",
        ),
        "legal_representative": ("Prénom dirigeant", "Prénom du dirigeant", "Prénom gérant", "Prénom du gérant"),
    },
    of_group={"legal_representative": ("legal_name", "last_name", "first_name", "civility")},
)  # fmt: skip


@dataclass(frozen=True)
class Laid:
    """How a sheet is read. `header_row` is the header's number in the sheet, 0 where the sheet has none; `columns` is
    what the pages show. `doubtful`: a person should look at it before anything else."""

    header_row: int
    columns: list[dict[str, Any]]
    doubtful: bool = False
    remembered: bool = False

    @property
    def fields(self) -> dict[int, str]:
        return {column["index"]: column["field"] for column in self.columns if column["field"]}


@dataclass(frozen=True)
class Preview:
    """The first filled rows of a sheet, by their numbers."""

    numbers: Sequence[int]
    rows: Sequence[Sequence[str]]

    @classmethod
    def of(cls, sheet: Mapping[str, Any]) -> "Preview":
        """As `described` kept them."""
        kept = sheet.get("preview", ())
        return cls([number for number, _cells in kept], [cells for _number, cells in kept])

    def under(self, header_row: int) -> "Preview":
        first = next((i for i, number in enumerate(self.numbers) if number > header_row), len(self.numbers))
        return Preview(self.numbers[first:], self.rows[first:])

    def column(self, index: int) -> list[str]:
        return [row[index] if index < len(row) else "" for row in self.rows]

    @property
    def width(self) -> int:
        return max(map(len, self.rows), default=0)

    def header(self, header_row: int) -> Header:
        """The header in that row; an empty one where no such row is known."""
        if header_row in self.numbers:
            return header_at(self.rows, self.numbers.index(header_row))
        return Header(-1, ())


# --- Guessing -----------------------------------------------------------------------------------------------------


def guessed(preview: Preview, known: Mapping[str, frozenset[str]]) -> Laid | None:
    """The likeliest reading of a sheet; None where there is no filled row. `known`: see `guessing.field_of_cells`."""
    header = guess_header(preview.rows, synonyms())
    if header is None:
        return None
    row = 0 if _is_data(header) else preview.numbers[header.index]
    columns = columns_under(preview, row, known)
    return Laid(row, columns, _is_doubtful(preview, row, columns))


def _is_data(header: Header) -> bool:
    """The row likest to a header holds a client: the list has none."""
    return any(
        guessing.is_siret(cell) or guessing.is_siren(cell) or ("@" in cell and "." in cell)
        for cell in header.cells
    )


def columns_under(
    preview: Preview, header_row: int, known: Mapping[str, frozenset[str]]
) -> list[dict[str, Any]]:
    """Every column that has a header or something below it: what it is taken for, and by what."""
    header, below = preview.header(header_row), preview.under(header_row)
    width = max(below.width, len(header.cells))
    cells = {column: below.column(column) for column in range(width)}
    texts = {column: header.cells[column] if column < len(header.cells) else "" for column in range(width)}
    by_header = match_headers(
        header.cells,
        synonyms(),
        together=TOGETHER,
        grammar=GRAMMAR,
        groups=header.groups,
        fitting=lambda column, field: _may_hold(field, column, header, cells[column]),
    )
    found = {column: (field, HEADER) for column, field in by_header.fields.items()}
    free = {
        column: texts[column]
        for column in range(width)
        if column not in found and column not in by_header.repeated
    }
    _by_words(free, cells, found)
    _by_contents(free, cells, found, known)
    return [
        {
            "index": column,
            "letter": column_letters(column),
            "header": _shown(texts, header.groups, column),
            "field": found.get(column, ("", ""))[0],
            "how": found.get(column, ("", ""))[1],
            "filled": len(guessing.filled(cells[column])),
        }
        for column in range(width)
        if texts[column].strip() or guessing.filled(cells[column])
    ]


def _may_hold(field: str, column: int, header: Header, cells: Sequence[str]) -> bool:
    """The name of a group above an empty column is no header of that column."""
    is_group = column < len(header.groups) and header.cells[column] == header.groups[column]
    return guessing.fits(field, cells) and not (is_group and not guessing.filled(cells))


def _shown(texts: Mapping[int, str], groups: Sequence[str], column: int) -> str:
    """The header on one line; with its group, where another column is called the same."""
    text = " ".join(texts[column].split())[:_LONGEST_HEADER]
    group = " ".join(groups[column].split()) if column < len(groups) else ""
    twins = [other for other, cell in texts.items() if fold(cell) == fold(text)]
    if group and text and len(twins) > 1 and fold(group) != fold(text):
        text = f"{text} – {group}"
    return text if len(text) <= _LONGEST_HEADER else f"{text[: _LONGEST_HEADER - 1]}…"


_Found = dict[int, tuple[str, str]]


def _by_words(free: Mapping[int, str], cells: Mapping[int, Sequence[str]], found: _Found) -> None:
    """Headers of which a part is known, for fields that no other column has."""
    for column, text in free.items():
        field = guessing.field_of_header(text)
        if field and guessing.fits(field, cells[column]):
            _claim(column, field, SIMILAR, cells, found)


def _by_contents(
    free: Mapping[int, str],
    cells: Mapping[int, Sequence[str]],
    found: _Found,
    known: Mapping[str, frozenset[str]],
) -> None:
    """What cells tell, for fields that no header names; then what only their place tells."""
    for column, text in free.items():
        if column in found:
            continue
        field = guessing.field_of_cells(cells[column], named=bool(fold(text)), known=known)
        if field:
            _claim(column, field, CONTENT, cells, found)
    left = {column: cells[column] for column in free if column not in found}
    nameless = {column: column_cells for column, column_cells in left.items() if not fold(free[column])}
    _by_place(nameless, found)
    if not _taken(found) & {"legal_name", "last_name"} and _taken(found):
        open_ones = {column: column_cells for column, column_cells in left.items() if column not in found}
        if (name := guessing.likeliest_name(open_ones)) is not None:
            found[name] = ("legal_name", CONTENT)


def _claim(column: int, field: str, how: str, cells: Mapping[int, Sequence[str]], found: _Found) -> None:
    """The field is the column's, unless another has it; one with nothing below its header gives way."""
    others = [other for other, (held, _how) in found.items() if held == field]
    if any(guessing.filled(cells[other]) for other in others) or (
        others and not guessing.filled(cells[column])
    ):
        return
    for other in others:
        del found[other]
    found[column] = (field, how)


def _by_place(nameless: Mapping[int, Sequence[str]], found: _Found) -> None:
    """Without a header: a city stands beside its postcode, and a client's code first."""
    postcode = next((column for column, (field, _how) in found.items() if field == "postcode"), None)
    if postcode is not None and "city" not in _taken(found):
        beside = [column for column in (postcode + 1, postcode - 1) if column in nameless]
        city = next((column for column in beside if guessing.reads_as_city(nameless[column])), None)
        if city is not None:
            found[city] = ("city", CONTENT)
    first = min(nameless, default=None)
    lacks_code = first == 0 and first not in found and bool(found) and "reference" not in _taken(found)
    if lacks_code and guessing.reads_as_reference(nameless[0]):
        found[0] = ("reference", CONTENT)


def _taken(found: _Found) -> set[str]:
    return {field for field, _how in found.values()}


def _is_doubtful(preview: Preview, header_row: int, columns: Sequence[Mapping[str, Any]]) -> bool:
    """Is there anything that a person should look at before the plan is made?"""
    return (
        any(column["how"] in _DOUBTFUL or (column["filled"] and not column["field"]) for column in columns)
        or not any(column["field"] in ESSENTIAL for column in columns)
        or not _is_sure(preview, header_row, columns)
    )


def _is_sure(preview: Preview, header_row: int, columns: Sequence[Mapping[str, Any]]) -> bool:
    """Is that the header for certain? The first filled row, or one that only titles stand above."""
    above = [row for number, row in zip(preview.numbers, preview.rows, strict=True) if number < header_row]
    known = sum(1 for column in columns if column["how"] == HEADER)
    most = max(_TITLE_CELLS, known // 3)
    return bool(header_row) and all(sum(1 for cell in row if cell.strip()) <= most for row in above)


# --- What people said, and what is remembered ---------------------------------------------------------------------


def shape(header: Header) -> str:
    """A digest of the headers in their places; "" where there are none, which tells lists apart no more. A list that
    was given back to be mended, with our column at its end, has the shape that it had."""
    told = fold(OURS[TOLD])
    words = ["" if word == told else word for word in map(fold, header.cells)]
    while words and not words[-1]:
        words.pop()
    return hashlib.sha256("\x1f".join(words).encode()).hexdigest() if any(words) else ""


def shapes(preview: Preview) -> dict[str, int]:
    """The shape of each row that may be the header, with the row's number; of equals the first."""
    found: dict[str, int] = {}
    for place, number in enumerate(preview.numbers):
        found.setdefault(shape(header_at(preview.rows, place)), number)
    found.pop("", None)
    return found


def laid_out(sheet: Mapping[str, Any], asked: Asked, known: Mapping[str, frozenset[str]]) -> Laid:
    """How this sheet is to be read: as a person said, or as remembered; what nobody has said is guessed."""
    preview = Preview.of(sheet)
    if not is_said(asked):
        return Laid(sheet["header_row"], sheet["columns"], sheet["doubtful"])
    row = sheet["header_row"] if asked.header_row is None else asked.header_row
    columns = sheet["columns"] if row == sheet["header_row"] else columns_under(preview, row, known)
    return Laid(row, _as_said(columns, asked), remembered=asked.remembered)


def is_said(asked: Asked) -> bool:
    """Has anybody said what the columns hold?"""
    return bool(asked.fields) or asked.header_row is not None


def _as_said(columns: Iterable[Mapping[str, Any]], asked: Asked) -> list[dict[str, Any]]:
    by = REMEMBERED if asked.remembered else PERSON
    laid = []
    for column in columns:
        field = asked.fields.get(column["index"], column["field"])
        field = field if field in synonyms() else ""
        same = field == column["field"] and not asked.remembered
        how = column["how"] if same else by if field else ""
        laid.append({**column, "field": field, "how": how})
    return laid


# --- Sheets, and the cells of a field -----------------------------------------------------------------------------


def described(sheet: SheetInfo, known: Mapping[str, frozenset[str]]) -> dict[str, Any]:
    """What the pages need to let a person choose between sheets, and between headers and columns."""
    preview = Preview(
        [row.number for row in sheet.preview],
        [[cell[:_LONGEST_CELL] for cell in row.cells] for row in sheet.preview],
    )
    whole = Preview(preview.numbers, [row.cells for row in sheet.preview])
    laid = guessed(whole, known) or Laid(0, [])
    after = preview.under(laid.header_row).rows[:_SAMPLE_ROWS]
    return {
        "index": sheet.index,
        "name": sheet.name,
        "visible": sheet.visible,
        "rows": sheet.rows,
        "header_row": laid.header_row,
        "columns": laid.columns,
        "doubtful": laid.doubtful,
        "open": sheet.refusal is None and bool(laid.fields or _may_be_list(preview)),
        "recognised": len(laid.fields),
        "sample": [list(row[:_SAMPLE_COLUMNS]) for row in after],
        "preview": [[number, list(row)] for number, row in zip(preview.numbers, preview.rows, strict=True)],
        "refusal": {"code": sheet.refusal.code, "params": sheet.refusal.params} if sheet.refusal else None,
    }


def _may_be_list(preview: Preview) -> bool:
    """A table that a person may tell the columns of, though none is recognised: no page of text, no pair of lists."""
    wide = sum(1 for row in preview.rows if sum(1 for cell in row if cell.strip()) >= _FEWEST_COLUMNS)
    return wide >= _FEWEST_ROWS


def filled_besides(rows: Chunk, listed: Collection[int], header_row: int) -> set[int]:
    """The columns that nobody has listed, for there was nothing in them as far as the guessing looks, and that hold
    something below the header after all."""
    late = [column for column, texts in enumerate(rows.columns) if column not in listed and any(texts)]
    if not late:
        return set()
    first = next((i for i, number in enumerate(rows.numbers) if number > header_row), len(rows.numbers))
    return {column for column in late if any(text.strip() for text in rows.columns[column][first:])}


def listed_late(columns: Iterable[int]) -> list[dict[str, Any]]:
    """As `Import.columns` holds them: without a header, and not read."""
    return [
        {"index": column, "letter": column_letters(column), "header": "", "field": "", "how": "", "filled": 1}
        for column in sorted(columns)
    ]


def gathered(rows: Chunk, fields: Mapping[int, str], first: int = 0) -> dict[str, tuple[Sequence[str], str]]:
    """The cells of these rows from the first one on, and how the file held them, by field."""
    raw: dict[str, tuple[Sequence[str], str]] = {}
    for column, field in sorted(fields.items()):
        texts, kinds = rows.column(column)[first:], rows.kind(column)[first:]
        raw[field] = _with(field, raw[field], (texts, kinds)) if field in raw else (texts, kinds)
    return raw


def _with(
    field: str, had: tuple[Sequence[str], str], more: tuple[Sequence[str], str]
) -> tuple[Sequence[str], str]:
    """Two columns of one field as one."""
    kinds = "".join([a if text.strip() else b for text, a, b in zip(had[0], had[1], more[1], strict=True)])
    pairs = zip(had[0], more[0], strict=True)
    if field in JOINED:
        return [f"{a} {b}".strip() if a.strip() and b.strip() else a or b for a, b in pairs], kinds
    return [a if a.strip() else b for a, b in pairs], kinds
