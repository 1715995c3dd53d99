"""What a person says about the columns of a list."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.imports.asked import Asked
from clients.imports.headers import CONTENT, ESSENTIAL, PERSON, REMEMBERED, SIMILAR, Laid, Preview, gathered
from clients.imports.remarks import Level
from clients.imports.rows import check_row, join_nic
from clients.imports.staging import EMPTIABLE
from clients.resources import OURS, columns_by_name, header_of, synonyms
from spreadsheets.cells import Kind
from spreadsheets.reading import Chunk

_ROWS_SHOWN = 6
_VALUES_SHOWN = 3
_HEADER_ROWS = 15
_HEADER_WORDS = 5


def _fields() -> list[tuple[str, str]]:
    """What a column may be taken for: a client's data, not what only our own workbooks have."""
    names = [name for name in synonyms() if name not in OURS]
    return [(name, header_of(name)) for name in names]


@dataclass(frozen=True)
class ColumnLine:
    """One column of the file, as the page shows it."""

    letter: str
    header: str
    field: BoundField
    values: list[str]
    note: str
    is_doubtful: bool
    is_read: bool
    is_ours: bool


class MappingForm(forms.Form):
    """The header row, and for each column the field that it holds. `laid` is how the file would be read as it stands;
    `state` what was said of it before, by which it shows whether somebody else has said otherwise since."""

    shown_row = forms.CharField(widget=forms.HiddenInput, required=False)
    seen = forms.CharField(widget=forms.HiddenInput, required=False)
    header_row = forms.TypedChoiceField(
        coerce=int,
        label=gettext_lazy("Row of the headers"),
        error_messages={"invalid_choice": gettext_lazy("Choose one of the rows shown.")},
    )
    emptying = forms.MultipleChoiceField(required=False)
    remember = forms.BooleanField(
        required=False, label=gettext_lazy("Remember this for the next file with the same headers")
    )

    def __init__(
        self, preview: Preview, laid: Laid, asked: Asked, data: "MultiValueDict[str, str] | None" = None
    ) -> None:
        self.preview, self.laid, self.asked = preview, laid, asked
        super().__init__(data, initial=self._initial())
        self.fields["header_row"].choices = [  # type: ignore[attr-defined]  # a choice field
            *((number, _row_label(number, cells)) for number, cells in self._rows()),
            (0, _("No header: the first row is a client")),
        ]
        self.fields["header_row"].widget.attrs["class"] = "form-select"
        self.fields["emptying"].choices = [(name, name) for name in EMPTIABLE]  # type: ignore[attr-defined]  # as above
        choices = [("", _("— not read —")), *_fields()]
        for column in self._open_columns():
            self.fields[_name(column)] = forms.ChoiceField(
                choices=choices,
                required=False,
                initial=column["field"],
                widget=forms.Select(attrs={"class": "form-select", "aria-label": _label_of(column)}),
            )

    def _initial(self) -> dict[str, Any]:
        return {
            "header_row": self.laid.header_row,
            "shown_row": str(self.laid.header_row),
            "seen": seen(self.asked),
            "emptying": list(self.asked.emptying),
            "remember": True,
        }

    def _rows(self) -> list[tuple[int, Any]]:
        """The rows that may be the header."""
        rows = list(zip(self.preview.numbers, self.preview.rows, strict=True))
        return [
            one for place, one in enumerate(rows) if place < _HEADER_ROWS or one[0] == self.laid.header_row
        ]

    def _open_columns(self) -> Iterator[dict[str, Any]]:
        return (column for column in self.laid.columns if column["field"] not in OURS)

    def clean(self) -> dict[str, Any]:
        if not ESSENTIAL.intersection(self.chosen.values()):
            self.add_error(
                None,
                _(
                    "Say which column holds the client's name, code, SIREN or SIRET: without one of them, nobody can "
                    "tell which client a row is about."
                ),
            )
        return self.cleaned_data

    @property
    def chosen(self) -> dict[int, str]:
        """By column: what it is to be read as, "" for not at all. Before anybody has said anything, as guessed."""
        return {column["index"]: self._chosen(column) for column in self.laid.columns}

    def _chosen(self, column: Mapping[str, Any]) -> str:
        if not self.is_bound or _name(column) not in self.fields:
            return str(column["field"])
        posted = self.data.get(_name(column), "")
        return posted if posted in dict(_fields()) else ""

    @property
    def emptied(self) -> list[str]:
        read = set(self.chosen.values())
        said = self.data.getlist("emptying") if self.is_bound else self.asked.emptying  # type: ignore[attr-defined]  # a QueryDict
        return [name for name in EMPTIABLE if name in said and name in read]

    def said(self) -> Asked:
        """Once valid."""
        return Asked(
            header_row=self.cleaned_data["header_row"], fields=self.chosen, emptying=tuple(self.emptied)
        )

    def again(self) -> "MappingForm":
        """The same choices, for a person who has now been told what others said."""
        data = MultiValueDict(self.data.lists())  # type: ignore[attr-defined]  # a QueryDict
        data["seen"] = seen(self.asked)
        return MappingForm(self.preview, self.laid, self.asked, data)

    # --- As the page shows it -------------------------------------------------------------------------------------

    def lines(self) -> list[ColumnLine]:
        below = self.preview.under(self.laid.header_row)
        return [self._line(column, below) for column in self.laid.columns]

    def _line(self, column: Mapping[str, Any], below: Preview) -> ColumnLine:
        values = [text for text in dict.fromkeys(below.column(column["index"])) if text.strip()]
        same = self._chosen(column) == column["field"]
        return ColumnLine(
            letter=column["letter"],
            header=column["header"],
            field=self[_name(column)] if _name(column) in self.fields else self["seen"],
            values=values[:_VALUES_SHOWN],
            note=str(_HOW[column["how"]]) if same and column["how"] in _HOW else "",
            is_doubtful=same and column["how"] in (SIMILAR, CONTENT),
            is_read=bool(self._chosen(column)),
            is_ours=column["field"] in OURS,
        )

    def not_read(self) -> list[str]:
        """What the filled columns are called of which nothing will be read."""
        chosen = self.chosen
        return [
            column["header"] or column["letter"]
            for column in self.laid.columns
            if column["filled"] and not chosen[column["index"]]
        ]

    def sample(self) -> dict[str, Any]:
        """The first rows as they would come out: `headers`, and `rows` of (number, cells); a cell is (text, level)."""
        fields = {column: name for column, name in self.chosen.items() if name and name not in OURS}
        below = self.preview.under(self.laid.header_row)
        names = [name for name in columns_by_name() if name in _with_joined(set(fields.values()))]
        rows = [
            (number, _cells(names, fields, row))
            for number, row in list(zip(below.numbers, below.rows, strict=True))[:_ROWS_SHOWN]
        ]
        return {"headers": [header_of(name) for name in names], "rows": rows}

    def emptiable(self) -> list[tuple[str, str, bool]]:
        """The fields that are read and may be emptied: name, label, whether an empty cell empties them."""
        read, said = set(self.chosen.values()), set(self.emptied)
        return [
            (name, header_of(name), name in said) for name in columns_by_name() if name in read & {*EMPTIABLE}
        ]


_HOW = {
    SIMILAR: gettext_lazy("guessed by a word of its header"),
    CONTENT: gettext_lazy("guessed by what it holds"),
    PERSON: gettext_lazy("as you chose"),
    REMEMBERED: gettext_lazy("as remembered"),
}


def seen(asked: Asked) -> str:
    """A digest of what was said of header and columns."""
    said = {
        key: value for key, value in asked.stored().items() if key in ("header_row", "fields", "emptying")
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def _name(column: Mapping[str, Any]) -> str:
    return f"column_{column['index']}"


def _label_of(column: Mapping[str, Any]) -> str:
    return _("What column %(letter)s %(header)s holds") % {
        "letter": column["letter"],
        "header": column["header"],
    }


def _row_label(number: int, cells: Any) -> str:
    words = [" ".join(cell.split())[:24] for cell in cells if cell.strip()]
    shown = " · ".join(words[:_HEADER_WORDS]) + (" …" if len(words) > _HEADER_WORDS else "")
    return f"{number} – {shown}"


def _with_joined(read: set[str]) -> set[str]:
    """A SIREN and a NIC come out as a SIRET."""
    return read | {"siret"} if {"siren", "nic"} <= read else read


def _cells(names: list[str], fields: Mapping[int, str], row: Any) -> list[tuple[str, str]]:
    """Cleaned as the plan will clean them; what the plan would leave out shows as it is written."""
    columns = [[cell] for cell in row]
    one = Chunk([1], columns, [Kind.TEXT if cell[0] else Kind.EMPTY for cell in columns])
    raw = join_nic(gathered(one, fields))
    written = {
        name: (texts[0], kinds[0]) for name, (texts, kinds) in raw.items() if name in columns_by_name()
    }
    checked = check_row(columns_by_name(), written)
    levels = {found.field: found.level.value for found in checked.remarks}
    cells = []
    for name in names:
        level = levels.get(name, "")
        text = checked.values.get(name, "")
        lost = level in (Level.ERROR, Level.IGNORED) and not text
        cells.append((written.get(name, ("", ""))[0] if lost else text, level))
    return cells
