"""The plan, made in a worker: every row of the sheet cleaned, staged and classified."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.models import Membership
from clients.imports import staging
from clients.imports.rows import check_columns, join_nic
from clients.imports.working import keep
from clients.models import Import, ImportRow, ImportState, RowAction
from clients.resources import OURS, columns_by_name
from portfolios.models import Portfolio
from spreadsheets.reading import Chunk as Rows
from spreadsheets.reading import read_sheet
from spreadsheets.text import fold
from tenancy.keys import uuid7
from tenancy.leases import Progress

_NAMES = ("legal_name", "last_name")
_TOTALS = ("total", "sous total", "totaux")
_ROWS_NAMED = 20


@dataclass
class _Firm:
    """What the firm has, by the names that the file uses; and what it has not."""

    people: dict[str, UUID]
    portfolios: dict[str, UUID]
    new: dict[UUID, str] = field(default_factory=dict)
    strangers: set[str] = field(default_factory=set)

    @classmethod
    def loaded(cls) -> "_Firm":
        keys = {key: user for member in Membership.objects.open() for key, user in _called(member)}
        return cls(keys, dict(Portfolio.objects.running().values_list("name_key", "id")))

    def portfolio_keys(self, names: Sequence[str]) -> dict[str, UUID]:
        """A key for each name: the portfolio's, or the one that it will have."""
        found = {}
        for name in filter(None, dict.fromkeys(names)):
            if not (key := fold(name)):
                continue
            if key not in self.portfolios:
                self.portfolios[key] = uuid7()
                self.new[self.portfolios[key]] = name
            found[name] = self.portfolios[key]
        return found

    def assignee_keys(self, names: Sequence[str]) -> dict[str, UUID | None]:
        """The member behind each name; None for a stranger to the firm, who is listed."""
        found = {name: self.people.get(fold(name)) for name in set(names) - {""}}
        self.strangers |= {name for name, key in found.items() if key is None}
        return found


def _called(member: Membership) -> list[tuple[str, UUID]]:
    """The ways in which a list may name a member."""
    assert member.user_id is not None  # of an open membership
    first, last = member.first_name, member.last_name
    names = (f"{first} {last}", f"{last} {first}", member.email)
    return [(fold(name), member.user_id) for name in names if fold(name)]


@dataclass
class _Skipped:
    """Rows that hold no client: titles of groups, subtotals."""

    numbers: list[int] = field(default_factory=list)

    def notes(self) -> list[dict[str, Any]]:
        if not self.numbers:
            return []
        shown = ", ".join(map(str, self.numbers[:_ROWS_NAMED])) + (
            "…" if len(self.numbers) > _ROWS_NAMED else ""
        )
        return [{"code": "rows_without_client", "params": {"count": len(self.numbers), "rows": shown}}]


def make_plan(held: Import, content: bytes, sheet: Mapping[str, Any], progress: Progress) -> None:
    """Every row of the chosen sheet into the plan, in the surrounding transaction. Of `sheet`: header_row, columns (as
    `Import.columns`), rows."""
    began = timezone.now()
    named = {column["index"]: column["field"] for column in sheet["columns"] if column["field"]}
    fields = {column: name for column, name in named.items() if name not in OURS}
    firm, skipped = _Firm.loaded(), _Skipped()
    progress.step, progress.total = 0, sheet["rows"]
    held.rows.all().delete()
    staging.open_stage()
    present: set[str] = set()
    with read_sheet(content, held.sheet or 0) as reading:
        for rows in reading:
            numbers, raw = _data(rows, sheet["header_row"], fields, skipped)
            if numbers:
                present |= _stage(numbers, raw, firm)
            progress.step = reading.rows
        notes = [{"code": note.code, "params": dict(note.params)} for note in reading.notes]
    counts = staging.classify(held, sorted(present)) if present else {}
    _keep_plan(held, sheet, counts, firm, [*notes, *skipped.notes()], began)


def _stage(numbers: Sequence[int], raw: dict[str, tuple[Sequence[str], str]], firm: _Firm) -> set[str]:
    chunk = check_columns(columns_by_name(), join_nic(raw))
    portfolios = firm.portfolio_keys(chunk.values.get("portfolio", ()))
    staging.add(numbers, chunk, portfolios, firm.assignee_keys(chunk.values.get("assignee", ())))
    return set(chunk.values)


def _data(
    rows: Rows, header_row: int, fields: Mapping[int, str], skipped: _Skipped
) -> tuple[Sequence[int], dict[str, tuple[Sequence[str], str]]]:
    """The rows under the header, those without a client left out: their numbers, and texts and kinds by field."""
    numbers = rows.numbers
    first = next((i for i, number in enumerate(numbers) if number > header_row), len(numbers))
    raw = {name: (rows.column(c)[first:], rows.kind(c)[first:]) for c, name in fields.items()}
    numbers = numbers[first:]
    left_out = set(_without_client(raw, len(numbers)))
    if not left_out:
        return numbers, raw
    skipped.numbers += [numbers[i] for i in sorted(left_out)]
    kept = [i for i in range(len(numbers)) if i not in left_out]
    chosen: dict[str, tuple[Sequence[str], str]] = {
        name: ([texts[i] for i in kept], "".join([kinds[i] for i in kept]))
        for name, (texts, kinds) in raw.items()
    }
    return [numbers[i] for i in kept], chosen


def _without_client(raw: Mapping[str, tuple[Sequence[str], str]], height: int) -> list[int]:
    """The places of rows that say nothing but a title or a total, or nothing in the columns that are known."""
    nothing = [""] * height
    legal, last = (raw.get(name, (nothing, ""))[0] for name in _NAMES)
    titles = [i for i, (a, b) in enumerate(zip(legal, last, strict=True)) if not (a.strip() or b.strip())]
    totals = [i for i, name in enumerate(legal) if name[:5].lower() in ("total", "sous-", "sous ", "totau")]
    found = []
    for i in titles:
        filled = sum(1 for texts, _kinds in raw.values() if texts[i].strip())
        if filled == 0 or (filled == 1 and len(raw) > 2):
            found.append(i)
    return found + [i for i in totals if fold(legal[i]).startswith(_TOTALS) and _has_no_identifier(raw, i)]


def _has_no_identifier(raw: Mapping[str, tuple[Sequence[str], str]], place: int) -> bool:
    return not any(
        raw[name][0][place].strip() for name in ("siren", "siret", "email", "reference") if name in raw
    )


def _keep_plan(
    held: Import,
    sheet: Mapping[str, Any],
    counts: dict[str, int],
    firm: _Firm,
    notes: list[dict[str, Any]],
    began: datetime,
) -> None:
    used = ImportRow.objects.filter(
        source=held, action__in=[RowAction.CREATE, RowAction.UPDATE], portfolio_key__in=list(firm.new)
    )
    keys = set(used.values_list("portfolio_key", flat=True)) if firm.new else set()
    keep(
        held,
        state=ImportState.READY,
        columns=sheet["columns"],
        counts=counts,
        notes=notes,
        new_portfolios={str(key): name for key, name in firm.new.items() if key in keys},
        unknown_assignees=sorted(firm.strangers),
        planned_at=began,
        step=0,
        total=0,
    )
