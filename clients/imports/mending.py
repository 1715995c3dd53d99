"""A file on its way back to whoever sent it: what is to be said of its cells, and where."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from clients.imports.asked import Asked
from clients.imports.remarks import Level, worded
from clients.models import Import, ImportCorrection, ImportRow, RowAction, RowOutcome
from clients.models.imports import KEPT
from clients.resources import OURS, TOLD, columns_by_name, header_of
from spreadsheets.cells import column_letters
from spreadsheets.marks import Added, Marked, MarkedRow, Marks, Tone

# A repair is made again next time; and what a person has corrected shows in the cell.
TONES: Mapping[str, Tone] = {
    Level.ERROR: Tone.ERROR,
    Level.IGNORED: Tone.IGNORED,
    Level.DOUBT: Tone.DOUBT,
}
_WORST = (Tone.ERROR, Tone.IGNORED, Tone.DOUBT)
_WIDTH, _NARROW = 60, 18
# Columns of digits, by which a row is known or reached: text, or a spreadsheet takes their zeros.
_DIGITS = ("reference", "siren", "siret", "nic", "urssaf_account", "vat_number", "phone", "postcode", "naf_code",
           "legal_form")  # fmt: skip
_SAID = ("number", "action", "outcome", "duplicate_of", "remarks")
_LOT = 2_000


def to_mend(source: Import) -> QuerySet[ImportRow]:
    """The rows about which something is to be said."""
    noted = Q()
    for level in TONES:
        noted |= Q(remarks__contains=[{"level": level}])
    stays_out = Q(action__in=(RowAction.ERROR, RowAction.DUPLICATE, RowAction.KNOWN, RowAction.CONFLICT))
    passed_over = ~Q(outcome="") & ~Q(outcome__in=KEPT)
    return source.rows.filter(stays_out | noted | passed_over).order_by("number")


def marks_of(source: Import) -> Marks:
    """The whole of what the workbook will say: of rows, and in place of cells what people have corrected."""
    sheet = next(one for one in source.sheets if one["index"] == source.sheet)
    said = Asked.of(source.asked).header_row
    writer = _Writer(source)
    rows = writer.rows()
    return Marks(
        sheet=sheet["index"],
        name=sheet["name"],
        header_row=sheet["header_row"] if said is None else said,
        added=writer.added(),
        rows=rows,
    )


def digits_in(source: Import) -> list[int]:
    """The columns that stay text."""
    return [column["index"] for column in source.columns if column["field"] in _DIGITS]


class _Writer:
    """Knows which field stands where; a corrected field that the file has not gets a column of its own."""

    def __init__(self, source: Import) -> None:
        self.source = source
        self.places: dict[str, list[int]] = {}
        for column in source.columns:
            self.places.setdefault(column["field"], []).append(column["index"])
        told = self.places.get(TOLD, [None])[0]
        self.columns: list[tuple[str, Added]] = [(TOLD, Added(OURS[TOLD], _WIDTH, told))]

    def added(self) -> list[Added]:
        return [column for _field, column in self.columns]

    def rows(self) -> list[MarkedRow]:
        corrections = self._corrections()
        rows = {row.number: self._row(row, corrections.pop(row.number, {})) for row in self._told()}
        for number, texts in corrections.items():
            rows[number] = self._marked(number, {}, [], None, texts)
        return [rows[number] for number in sorted(rows)]

    def _told(self) -> Iterator[ImportRow]:
        return to_mend(self.source).only("source", *_SAID).iterator(_LOT)

    def _corrections(self) -> dict[int, dict[str, str]]:
        found: dict[int, dict[str, str]] = {}
        made = ImportCorrection.objects.filter(source=self.source, field__in=columns_by_name())
        for number, name, text in made.values_list("number", "field", "text").iterator(_LOT):
            found.setdefault(number, {})[name] = text
        return found

    def _row(self, row: ImportRow, corrected: Mapping[str, str]) -> MarkedRow:
        tones: dict[str, Tone] = {}
        lines = list(self._about_row(row))
        worst = Tone.ERROR if lines else None
        for remark in row.problems:
            if (tone := TONES.get(remark["level"])) is None:
                continue
            lines.append(self._line(remark))
            tones[remark["field"]] = _worse(tone, tones.get(remark["field"]))
            worst = _worse(tone, worst)
        return self._marked(row.number, tones, lines, worst, corrected)

    def _about_row(self, row: ImportRow) -> Iterator[str]:
        if row.outcome and row.outcome not in KEPT:
            yield str(RowOutcome(row.outcome).label)
        if row.action == RowAction.DUPLICATE and row.duplicate_of:
            yield _("Same client as row %(number)s, which goes first.") % {"number": row.duplicate_of}
        if row.action == RowAction.CONFLICT:
            yield _("Somebody has modified this client file since your export: export the list again first.")

    def _line(self, remark: Mapping[str, Any]) -> str:
        name = remark["field"]
        params = {"field": header_of(name), "text": worded(remark)}
        if name not in self.places:
            return _("%(field)s: %(text)s") % params
        letter = column_letters(self.places[name][0])
        return _("%(field)s (column %(letter)s): %(text)s") % {**params, "letter": letter}

    def _marked(
        self,
        number: int,
        tones: Mapping[str, Tone],
        lines: list[str],
        worst: Tone | None,
        corrected: Mapping[str, str],
    ) -> MarkedRow:
        cells = {place: Marked(tone) for name, tone in tones.items() for place in self.places.get(name, ())}
        added = {0: Marked(worst, "\n".join(lines))} if lines else {}
        for name, text in corrected.items():
            marked = Marked(tones.get(name, Tone.CORRECTED), text)
            if name not in self.places:
                added[self._column_for(name)] = marked
                continue
            first, *others = self.places[name]
            cells |= {first: marked, **{place: Marked(marked.tone, "") for place in others}}
        return MarkedRow(number, cells, added)

    def _column_for(self, name: str) -> int:
        """Of the added ones; it stands after what is told."""
        known = [field for field, _column in self.columns]
        if name not in known:
            self.columns.append((name, Added(header_of(name), _NARROW)))
            return len(known)
        return known.index(name)


def _worse(tone: Tone, other: Tone | None) -> Tone:
    return min(tone, other or tone, key=_WORST.index)
