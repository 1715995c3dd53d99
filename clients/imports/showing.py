"""A plan as its page shows it: counts, what the file will bring along, and its rows, worded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Firm
from clients.imports.remarks import worded
from clients.imports.words import note, refusal
from clients.models import Import, ImportRow, ImportState, RowAction, RowOutcome
from clients.resources import columns_by_name, header_of
from spreadsheets.text import fold

PASSED_OVER = "passed_over"
_TABS = (
    RowAction.CREATE, RowAction.UPDATE, RowAction.ERROR, RowAction.DUPLICATE, RowAction.IDENTICAL,
)  # fmt: skip


_CHOICES = {field.name: dict(field.flatchoices) for field in ImportRow._meta.concrete_fields if field.choices}


@dataclass(frozen=True)
class Tab:
    key: str
    label: str
    count: int
    current: bool


def tabs(source: Import, chosen: str) -> list[Tab]:
    """One per action that has rows, and one for what was passed over; the first of them where none is chosen."""
    done = source.state == ImportState.DONE
    labels = {
        RowAction.CREATE: _("Created") if done else _("To create"),
        RowAction.UPDATE: _("Updated") if done else _("To update"),
        RowAction.ERROR: _("In error"),
        RowAction.DUPLICATE: _("Duplicates"),
        RowAction.IDENTICAL: _("Identical"),
    }
    counts = {action.value: source.count(action) for action in _TABS}
    if done:
        counts |= {
            RowAction.CREATE.value: source.count("created"),
            RowAction.UPDATE.value: source.count("updated"),
        }
    found = [(action.value, labels[action], counts[action.value]) for action in _TABS]
    found.append((PASSED_OVER, _("Passed over"), source.count(PASSED_OVER)))
    shown = [one for one in found if one[2]] or found[:1]
    current = chosen if chosen in {key for key, _label, _count in shown} else shown[0][0]
    return [Tab(key, label, count, key == current) for key, label, count in shown]


def rows_under(source: Import, tab: str, words: str) -> QuerySet[ImportRow]:
    """The rows of a tab, those that hold each of the words."""
    rows = ImportRow.objects.filter(source=source).select_related("dossier").order_by("number")
    rows = rows.exclude(outcome="") if tab == PASSED_OVER else rows.filter(action=tab, outcome="")
    for word in fold(words).split():
        rows = rows.filter(search_key__contains=word)
    return rows


class Teller:
    """Words the rows of one import."""

    def __init__(self, source: Import, firm: Firm) -> None:
        self.source, self.firm = source, firm
        self.letters = {column["field"]: column["letter"] for column in source.columns if column["field"]}

    def rows(self, rows: Iterable[ImportRow]) -> list[dict[str, Any]]:
        return [self._row(row) for row in rows]

    def _row(self, row: ImportRow) -> dict[str, Any]:
        return {
            "number": row.number,
            "title": row.title or _("(no name)"),
            "url": self._url(row),
            "reference": row.reference or (row.dossier.reference if row.dossier else ""),
            "siren": row.siren,
            "siret": row.siret,
            "place": " ".join(filter(None, (row.postcode, row.city))),
            "portfolio": row.portfolio,
            "changes": self._changes(row),
            "remarks": [self._remark(one) for one in row.problems],
            "duplicate_of": row.duplicate_of,
            "outcome": RowOutcome(row.outcome).label if row.outcome else "",
        }

    def _url(self, row: ImportRow) -> str:
        """The dossier's page, once there is one."""
        if row.dossier_id:
            return self.firm.url("clients:dossier", pk=row.dossier_id)
        created = row.action == RowAction.CREATE and self.source.state == ImportState.DONE and not row.outcome
        return self.firm.url("clients:dossier", pk=row.pk) if created else ""

    def _changes(self, row: ImportRow) -> list[dict[str, str]]:
        changes: Mapping[str, tuple[str, str]] = row.changes or {}
        return [
            {"label": header_of(name), "before": _shown(name, before), "after": _shown(name, after)}
            for name in columns_by_name()
            if name in changes
            for before, after in [changes[name]]
        ]

    def _remark(self, stored: Mapping[str, Any]) -> dict[str, str]:
        name = stored["field"]
        return {
            "level": stored["level"],
            "label": header_of(name),
            "letter": self.letters.get(name, ""),
            "value": stored.get("value", ""),
            "text": worded(stored),
        }


def _shown(name: str, value: str) -> str:
    """A choice by its label, nothing as a dash."""
    return str(_CHOICES.get(name, {}).get(value, value)) or "—"


def summary(source: Import) -> dict[str, Any]:
    """What the file brings along besides its rows, and what was made of its columns."""
    known = [column for column in source.columns if column["field"]]
    return {
        "known": [{**column, "label": header_of(column["field"])} for column in known],
        "unknown": [column for column in source.columns if not column["field"]],
        "portfolios": sorted(source.new_portfolios.values(), key=fold),
        "assignees": source.unknown_assignees,
        "notes": [note(one["code"], one["params"]) for one in source.notes],
        "refusal": refusal(source.refusal_code, source.refusal_params) if source.refusal_code else "",
        "left_out": source.count(RowAction.ERROR) + source.count(RowAction.DUPLICATE),
    }


def choices(source: Import) -> list[dict[str, Any]]:
    """The sheets to choose from; the likeliest is preset."""
    best = max(
        source.sheets, key=lambda sheet: (sheet["visible"], sheet["recognised"], sheet["rows"]), default=None
    )
    return [
        {
            **sheet,
            "checked": sheet["index"]
            == (source.sheet if source.sheet is not None else best and best["index"]),
            "data_rows": max(sheet["rows"] - 1, 0),
            "known": [header_of(column["field"]) for column in sheet["columns"] if column["field"]],
            "unknown": [column["header"] for column in sheet["columns"] if not column["field"]],
            "headers": [column["header"] for column in sheet["columns"]][:12],
            "refused": refusal(sheet["refusal"]["code"], sheet["refusal"]["params"])
            if sheet["refusal"]
            else "",
            "open": sheet["refusal"] is None and bool(sheet["recognised"]),
        }
        for sheet in source.sheets
    ]
