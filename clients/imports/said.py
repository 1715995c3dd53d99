"""What people, and the hidden columns of an exported list, say about single rows of a file: laid over what it holds."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from clients.imports.remarks import Level, Remark, remark
from clients.imports.rows import Raw
from clients.imports.staging import NULL
from clients.models import Decision, Import, ImportCorrection
from spreadsheets.cells import Kind


@dataclass(frozen=True)
class Said:
    """By row: texts by field, and which dossier it is about (a key, or a `Decision`)."""

    cells: dict[int, dict[str, str]]
    dossiers: dict[int, str]

    @classmethod
    def about(cls, held: Import) -> "Said":
        cells: dict[int, dict[str, str]] = defaultdict(dict)
        dossiers: dict[int, str] = {}
        for number, name, text in held.corrections.values_list("number", "field", "text"):
            if name == ImportCorrection.DOSSIER:
                dossiers[number] = text
            else:
                cells[number][name] = text
        return cls(dict(cells), dossiers)

    def lay(self, numbers: Sequence[int], raw: Raw) -> tuple[Raw, dict[int, list[Remark]]]:
        """The cells with their corrections laid over them, and by place what is to be told of that."""
        places = [(i, self.cells[number]) for i, number in enumerate(numbers) if number in self.cells]
        if not places:
            return raw, {}
        height = len(numbers)
        named = {name for _i, texts in places for name in texts}
        columns = {
            name: (list(texts), list(kinds))
            for name, (texts, kinds) in {
                **dict.fromkeys(named, ([""] * height, Kind.EMPTY * height)),
                **raw,
            }.items()
        }
        told: dict[int, list[Remark]] = {}
        for i, texts in places:
            for name, text in texts.items():
                former, columns[name][0][i], columns[name][1][i] = columns[name][0][i], text, Kind.TEXT
                if former != text:
                    told.setdefault(i, []).append(_corrected(name, former))
        return {name: (texts, "".join(kinds)) for name, (texts, kinds) in columns.items()}, told

    def kept(self, number: int) -> bool:
        """Has a person said enough of the row that it is not left out for saying little?"""
        return number in self.cells or self.dossiers.get(number, Decision.SKIP) != Decision.SKIP

    def is_skipped(self, number: int) -> bool:
        return self.dossiers.get(number) == Decision.SKIP

    def columns(self, numbers: Sequence[int], given: Sequence[str] | None) -> dict[str, Sequence[str]]:
        """Of the stage: which dossier the rows are about. `given`: what `keys` made of the list's hidden column."""
        if not self.dossiers:
            return {} if given is None else {"about": given}
        said = [self.dossiers.get(number, "") for number in numbers]
        found = given or [NULL] * len(numbers)
        return {
            "about": [
                key if not one else NULL if one in Decision.values else one
                for one, key in zip(said, found, strict=True)
            ],
            "settled": ["t" if one else "f" for one in said],
            "is_new": ["t" if one == Decision.NEW else "f" for one in said],
        }


def _corrected(name: str, former: str) -> Remark:
    return remark(Level.CORRECTED, name, "corrected" if former.strip() else "filled_in", former)


# --- The hidden columns of an exported list -----------------------------------------------------------------------


def keys(column: Sequence[str]) -> list[str]:
    """Dossiers' keys, as the stage takes them; NULL for what is none."""
    return [_key(text) for text in column]


def _key(text: str) -> str:
    try:
        return str(UUID(text.strip())) if text else NULL
    except ValueError:
        return NULL


def versions(column: Sequence[str]) -> list[str]:
    """Moments, as the stage takes them; NULL for what is none."""
    return [_version(text) for text in column]


def _version(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text.strip()) if text else None
        return moment.isoformat() if moment and moment.tzinfo else NULL
    except ValueError:
        return NULL
