"""The plan, made in a worker: every row of the sheet cleaned, staged and classified."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.models import Membership
from clients.imports import elsewhere, staging
from clients.imports.asked import WITHOUT, Asked
from clients.imports.classifying import classify
from clients.imports.examples import examples_in
from clients.imports.headers import filled_besides, gathered, listed_late
from clients.imports.remarks import Level, Remark, remark
from clients.imports.rows import Chunk, Raw, check_columns, join_nic
from clients.imports.said import Said, keys, versions
from clients.imports.staging import EMPTIABLE
from clients.imports.working import keep
from clients.models import Import, ImportRow, ImportState, RowAction
from clients.resources import KEY, OURS, THERE, VERSION, columns_by_name
from portfolios.models import Portfolio
from spreadsheets.reading import Chunk as Rows
from spreadsheets.reading import SheetReading
from spreadsheets.text import fold
from tenancy.keys import uuid7
from tenancy.leases import Progress

_LONGEST_TEXT = 10_000
_NAMES = ("legal_name", "last_name")
_TOTALS = ("total", "sous total", "totaux")
_ROWS_NAMED = 20


@dataclass
class _Firm:
    """What the firm has, by the names that the file uses; and what it has not."""

    people: dict[str, UUID]
    portfolios: dict[str, UUID]
    # By folded name, the name of the portfolio that a person chose in its stead, "" for none; and of the member.
    chosen: dict[str, str]
    chosen_people: dict[str, str]
    new: dict[UUID, str] = field(default_factory=dict)
    strangers: set[str] = field(default_factory=set)
    replaced: Counter[str] = field(default_factory=Counter)
    replaced_people: Counter[str] = field(default_factory=Counter)

    @classmethod
    def loaded(cls, asked: Asked) -> "_Firm":
        members = list(Membership.objects.open())
        running = list(Portfolio.objects.running().values_list("id", "name", "name_key"))
        names = {str(key): name for key, name, _name_key in running} | {WITHOUT: ""}
        chosen = {fold(name): names[one] for name, one in asked.portfolios.items() if one in names}
        people = _people(members)
        shown = {str(member.pk): _shown(member, people) for member in members}
        people |= {fold(shown[str(member.pk)]): member.user_id for member in members if member.user_id}
        shown[WITHOUT] = ""
        chosen_people = {fold(name): shown[one] for name, one in asked.assignees.items() if one in shown}
        return cls(people, {name_key: key for key, _name, name_key in running}, chosen, chosen_people)

    def as_chosen(self, values: dict[str, list[str]]) -> None:
        """Put those that a person chose in the place of the names of a chunk."""
        for name, chosen, replaced in (
            ("portfolio", self.chosen, self.replaced),
            ("assignee", self.chosen_people, self.replaced_people),
        ):
            if chosen and name in values:
                values[name] = _instead(values[name], chosen, replaced)

    def notes(self) -> list[dict[str, Any]]:
        """What became of the names of portfolios and assignees for which a person chose something."""
        return [
            *_chosen_notes("portfolio", self.chosen, self.replaced),
            *_chosen_notes("assignee", self.chosen_people, self.replaced_people),
        ]

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


def _instead(names: list[str], chosen: Mapping[str, str], replaced: Counter[str]) -> list[str]:
    instead = {name: chosen[fold(name)] for name in set(names) - {""} if fold(name) in chosen}
    replaced.update(name for name in names if name in instead)
    return [instead.get(name, name) for name in names]


def _chosen_notes(
    what: str, chosen: Mapping[str, str], replaced: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    for name, count in replaced.items():
        instead = chosen[fold(name)]
        code = f"{what}_chosen" if instead else f"{what}_without"
        yield {"code": code, "params": {"name": name, "chosen": instead, "count": count}}


def _people(members: Iterable[Membership]) -> dict[str, UUID]:
    """Each by the ways in which a list may name them; a name that two of them bear names nobody."""
    users: dict[str, set[UUID]] = {}
    for member in members:
        for key, user in called(member):
            users.setdefault(key, set()).add(user)
    return {key: next(iter(found)) for key, found in users.items() if len(found) == 1}


def _shown(member: Membership, people: Mapping[str, UUID]) -> str:
    """The member's name; with the address, where another bears the same."""
    is_only = people.get(fold(member.name)) == member.user_id
    return member.name if is_only else f"{member.name} ({member.email})"


def called(member: Membership) -> list[tuple[str, UUID]]:
    """The ways in which a list may name a member."""
    assert member.user_id is not None  # of an open membership
    first, last = member.first_name, member.last_name
    names = (f"{first} {last}", f"{last} {first}", member.email)
    return [(fold(name), member.user_id) for name in names if fold(name)]


@dataclass
class _Skipped:
    """Rows that hold no client: titles of groups, subtotals; and the template's own examples."""

    numbers: list[int] = field(default_factory=list)
    examples: list[int] = field(default_factory=list)
    # Not left out as such: their clients have ended at another platform.
    ended: list[int] = field(default_factory=list)

    def notes(self) -> list[dict[str, Any]]:
        found = (
            ("rows_without_client", self.numbers),
            ("rows_of_examples", self.examples),
            ("ended_there", self.ended),
        )
        return [_rows_note(code, numbers) for code, numbers in found if numbers]


def _rows_note(code: str, numbers: Sequence[int]) -> dict[str, Any]:
    shown = ", ".join(map(str, numbers[:_ROWS_NAMED])) + ("…" if len(numbers) > _ROWS_NAMED else "")
    return {"code": code, "params": {"count": len(numbers), "rows": shown}}


def make_plan(held: Import, reading: SheetReading, sheet: Mapping[str, Any], progress: Progress) -> None:
    """Every row that is read of the chosen sheet into the plan, in the surrounding transaction. Of `sheet`: header_row,
    columns (as `Import.columns`), rows."""
    began = timezone.now()
    fields = {column["index"]: column["field"] for column in sheet["columns"] if column["field"]}
    asked = Asked.of(held.asked)
    planner = _Planner(
        _Firm.loaded(asked), Said.about(held), frozenset(asked.emptying).intersection(EMPTIABLE)
    )
    progress.step, progress.total = 0, sheet["rows"]
    held.rows.all().delete()
    staging.open_stage()
    listed, late = {column["index"] for column in sheet["columns"]}, set[int]()
    with reading:
        for rows in reading:
            planner.stage(rows, sheet["header_row"], fields)
            late |= filled_besides(rows, listed | late, sheet["header_row"])
            progress.step = reading.rows
        notes = [{"code": note.code, "params": dict(note.params)} for note in reading.notes]
    present = sorted(planner.present)
    counts = classify(held, present, told=planner.told) if present else {}
    notes += [*planner.skipped.notes(), *planner.firm.notes()]
    sheet = {**sheet, "columns": [*sheet["columns"], *listed_late(late)]}
    _keep_plan(held, sheet, counts, planner.firm, notes, began)


class _Planner:
    """Stages the file, chunk by chunk."""

    def __init__(self, firm: _Firm, said: Said, emptying: frozenset[str]) -> None:
        self.firm, self.said, self.emptying = firm, said, emptying
        self.skipped = _Skipped()
        # The fields that the file has, corrections included.
        self.present: set[str] = set()
        self.told = bool(said.dossiers)

    def stage(self, rows: Rows, header_row: int, fields: Mapping[int, str]) -> None:
        """The rows under the header."""
        first = next((i for i, number in enumerate(rows.numbers) if number > header_row), len(rows.numbers))
        numbers, cells = rows.numbers[first:], gathered(rows, fields, first)
        ours = {name: cells.pop(name)[0] for name in OURS if name in cells}
        raw, corrected = self.said.lay(numbers, cells)
        blank, left_out = self._left_out(numbers, raw)
        if blank:
            kept = [i for i in range(len(numbers)) if i not in blank]
            places = {place: i for i, place in enumerate(kept)}
            numbers, raw = [numbers[i] for i in kept], _only(raw, kept)
            ours = {name: [texts[i] for i in kept] for name, texts in ours.items()}
            left_out = {places[i] for i in left_out}
            corrected = {places[i]: told for i, told in corrected.items()}
        if numbers and raw:
            self._add(numbers, raw, ours, left_out, corrected)

    def _left_out(self, numbers: Sequence[int], raw: Raw) -> tuple[set[int], set[int]]:
        """The places of rows of which nothing is known, and of those that hold no client, or that a person left out."""
        blank, titles = _without_client(raw, len(numbers))
        examples = examples_in(raw)
        if self.said.cells or self.said.dossiers:
            blank = {i for i in blank if not self.said.kept(numbers[i])}
            titles = {i for i in titles if not self.said.kept(numbers[i])}
            examples = {i for i in examples if not self.said.kept(numbers[i])}
        self.skipped.numbers += [numbers[i] for i in sorted(blank | titles)]
        self.skipped.examples += [numbers[i] for i in sorted(examples)]
        skipped = {i for i, number in enumerate(numbers) if self.said.is_skipped(number)}
        return blank - skipped, titles | examples | skipped

    def _add(
        self,
        numbers: Sequence[int],
        raw: Raw,
        ours: Mapping[str, Sequence[str]],
        left_out: Collection[int],
        corrected: Mapping[int, list[Remark]],
    ) -> None:
        chunk = check_columns(columns_by_name(), join_nic(dict(raw)))
        self.firm.as_chosen(chunk.values)
        for i, told in corrected.items():
            chunk.remarks[i] = [*told, *chunk.remarks.get(i, [])]
        for i in left_out:
            _leave_out(chunk, i)
        portfolios = self.firm.portfolio_keys(chunk.values.get("portfolio", ()))
        people = self.firm.assignee_keys(chunk.values.get("assignee", ()))
        noted = {*chunk.remarks, *left_out}
        _tell_strangers(chunk, people)
        ended = elsewhere.tell(chunk, ours.get(THERE, ()), left_out)
        self.skipped.ended += [numbers[i] for i in sorted(ended)]
        more = {
            **self._about(numbers, ours),
            **_places_column("skipped", left_out, len(numbers)),
            **_places_column("ended", ended, len(numbers)),
            # What is said of names and states besides stands in its own columns: often in every row of a list.
            **_raw_column(raw, noted, len(numbers)),
            **_emptied_column(raw, chunk.values, self.emptying),
        }
        staging.add(numbers, chunk, portfolios, people, more)
        self.present |= set(chunk.values)

    def _about(self, numbers: Sequence[int], ours: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
        """Which dossiers the rows are about, where a person or an exported list says so."""
        given = keys(ours[KEY]) if KEY in ours else None
        found = self.said.columns(numbers, given)
        if given is not None:
            self.told = True
            found["given_key"] = given
            if VERSION in ours:
                found["given_version"] = versions(ours[VERSION])
        return found


def _tell_strangers(chunk: Chunk, people: Mapping[str, UUID | None]) -> None:
    """In each row that names somebody whom the firm has not."""
    strangers = {name for name, key in people.items() if key is None}
    if strangers:
        for i, name in enumerate(chunk.values["assignee"]):
            if name in strangers:
                told = remark(Level.IGNORED, "assignee", "stranger", name)
                chunk.remarks[i] = [*chunk.remarks.get(i, []), told]


def _leave_out(chunk: Chunk, place: int) -> None:
    """Nothing is told of this row, and it names nobody."""
    chunk.remarks.pop(place, None)
    for name in ("portfolio", "assignee"):
        if name in chunk.values:
            chunk.values[name][place] = ""


def _places_column(name: str, places: Collection[int], height: int) -> dict[str, Sequence[str]]:
    return {name: ["t" if i in places else "f" for i in range(height)]} if places else {}


def _raw_column(raw: Raw, places: Collection[int], height: int) -> dict[str, Sequence[str]]:
    """The texts of the rows of which something is told, as the file has them, corrections included."""
    if not places:
        return {}
    column = [""] * height
    for i in places:
        texts = {name: texts[i][:_LONGEST_TEXT] for name, (texts, _kinds) in raw.items() if texts[i]}
        column[i] = json.dumps(texts, ensure_ascii=False)
    return {"raw": column}


def _emptied_column(
    raw: Raw, values: Mapping[str, Sequence[str]], emptying: Collection[str]
) -> dict[str, Sequence[str]]:
    """Which fields are to be emptied: those of cells that are blank, not of those whose text was left out."""
    names = [name for name in sorted(emptying) if name in raw]
    if not names:
        return {}
    emptied: list[list[str]] = [[] for _value in values[names[0]]]
    for name in names:
        for i, (text, value) in enumerate(zip(raw[name][0], values[name], strict=True)):
            if not value and not text.strip():
                emptied[i].append(name)
    return {"emptied": [f"{{{','.join(found)}}}" if found else staging.NULL for found in emptied]}


def _only(raw: Raw, kept: Sequence[int]) -> Raw:
    return {
        name: ([texts[i] for i in kept], "".join([kinds[i] for i in kept]))
        for name, (texts, kinds) in raw.items()
    }


def _without_client(raw: Raw, height: int) -> tuple[set[int], set[int]]:
    """The places of rows that say nothing in the columns that are known, and of those that say nothing but a title or a
    total."""
    nothing = [""] * height
    legal, last = (raw.get(name, (nothing, ""))[0] for name in _NAMES)
    nameless = [i for i, (a, b) in enumerate(zip(legal, last, strict=True)) if not (a.strip() or b.strip())]
    totals = [i for i, name in enumerate(legal) if name[:5].lower() in ("total", "sous-", "sous ", "totau")]
    blank, titles = set(), set()
    for i in nameless:
        filled = sum(1 for texts, _kinds in raw.values() if texts[i].strip())
        if filled == 0:
            blank.add(i)
        elif filled == 1 and len(raw) > 2:
            titles.add(i)
    titles |= {i for i in totals if fold(legal[i]).startswith(_TOTALS) and _has_no_identifier(raw, i)}
    return blank, titles


def _has_no_identifier(raw: Raw, place: int) -> bool:
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
