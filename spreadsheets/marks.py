"""What a workbook that is given back says about its cells: plain data, as JSON on its way to the confined child."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Self


class Tone(StrEnum):
    """Why a cell is coloured. Never by colour alone: the added column says it in words."""

    ERROR = "error"
    IGNORED = "ignored"
    DOUBT = "doubt"
    CORRECTED = "corrected"


# As Excel's own good, bad and neutral: dark text stays readable on them.
COLOURS: Mapping[Tone, str] = {
    Tone.ERROR: "FFC7CE",
    Tone.IGNORED: "FFD9B3",
    Tone.DOUBT: "FFEB9C",
    Tone.CORRECTED: "C6EFCE",
}


class Marked(NamedTuple):
    """`text` goes in the place of what the cell held; None leaves it as it was."""

    tone: Tone | None
    text: str | None = None


@dataclass(frozen=True)
class Added:
    """A column of our own: `index` where the sheet has it already (it is emptied first), None for the next free one."""

    header: str
    width: int
    index: int | None = None


class MarkedRow(NamedTuple):
    """`number` as a person sees it; `cells` by the column's index; `added` by the place of the added column."""

    number: int
    cells: Mapping[int, Marked]
    added: Mapping[int, Marked]


@dataclass(frozen=True)
class Marks:
    """Of one sheet, by its `SheetInfo.index` and name."""

    sheet: int
    name: str
    header_row: int
    added: Sequence[Added] = ()
    rows: Sequence[MarkedRow] = field(default_factory=list)

    def stored(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "sheet": self.sheet,
            "name": self.name,
            "header_row": self.header_row,
            "added": [(one.header, one.width, one.index) for one in self.added],
            "rows": [(row.number, list(row.cells.items()), list(row.added.items())) for row in self.rows],
        }

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            stored["sheet"],
            stored["name"],
            stored["header_row"],
            [Added(*one) for one in stored["added"]],
            [MarkedRow(number, _read(cells), _read(added)) for number, cells, added in stored["rows"]],
        )

    def columns(self, width: int, limit: int) -> list[int | None]:
        """Where the added columns go, in a sheet of this width; None for one that has no room."""
        free: Iterator[int] = iter(range(width, limit))
        return [next(free, None) if one.index is None else one.index for one in self.added]


def _read(cells: Iterable[Any]) -> dict[int, Marked]:
    return {index: Marked(Tone(tone) if tone else None, text) for index, (tone, text) in cells}
