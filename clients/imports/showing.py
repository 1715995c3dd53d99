"""A plan as its page shows it: counts, what the file will bring along, and its rows, worded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from clients.imports.asked import Asked
from clients.imports.findings import KEPT_BACK, PASSED_OVER, prepare
from clients.imports.words import note, refusal
from clients.models import OVER, Import, ImportState, MatchRule, RowAction
from clients.resources import header_of
from spreadsheets.text import fold
from tenancy.scopes import scope

_TABS = (
    RowAction.CREATE, RowAction.UPDATE, RowAction.ERROR, RowAction.CONFLICT, RowAction.DUPLICATE, RowAction.KNOWN,
    RowAction.IDENTICAL, RowAction.SKIPPED,
)  # fmt: skip


# Notes that tell what became of the names of portfolios and of assignees for which a person chose something.
_OF_PORTFOLIOS = ("portfolio_chosen", "portfolio_without")
_OF_PEOPLE = ("assignee_chosen", "assignee_without")


@dataclass(frozen=True)
class Tab:
    key: str
    label: str
    count: int
    current: bool


def tabs(source: Import, chosen: str, narrowed: Mapping[str, int] | None) -> list[Tab]:
    """One per action that has rows, and one for what was passed over. Where none is chosen, the first with rows.

    `narrowed`: how many rows of each the filters let through, if there are any in force.
    """
    counts = {key: count for key, count in _counts(source).items() if count}
    counts = counts or {RowAction.CREATE.value: 0}
    shown = counts if narrowed is None else {key: narrowed.get(key, 0) for key in counts}
    first = next((key for key, count in shown.items() if count), next(iter(shown)))
    current = chosen if chosen in shown else first
    labels = _labels(source)
    return [Tab(key, labels[key], count, key == current) for key, count in shown.items()]


def _counts(source: Import) -> dict[str, int]:
    counts = {action.value: source.count(action) for action in _TABS}
    if source.applied_at or source.state == ImportState.DONE:
        counts |= {
            RowAction.CREATE.value: source.count("created"),
            RowAction.UPDATE.value: source.count("updated"),
        }
    if source.state == ImportState.UNDONE:
        counts |= {
            RowAction.CREATE.value: source.count("deleted"),
            RowAction.UPDATE.value: source.count("restored"),
        }
    return {KEPT_BACK: source.count(KEPT_BACK), **counts, PASSED_OVER: source.count(PASSED_OVER)}


def _labels(source: Import) -> dict[str, str]:
    created, updated = _("To create"), _("To update")
    if source.applied_at:
        created, updated = _("Created"), _("Updated")
    if source.state == ImportState.UNDONE:
        created, updated = _("Taken back"), _("As they were before")
    return {
        KEPT_BACK: _("Kept"),
        RowAction.CREATE: created,
        RowAction.UPDATE: updated,
        RowAction.ERROR: _("In error"),
        RowAction.CONFLICT: _("Modified since your export"),
        RowAction.DUPLICATE: _("Duplicates in the file"),
        RowAction.KNOWN: _("Duplicates of client files"),
        RowAction.IDENTICAL: _("Identical"),
        RowAction.SKIPPED: pgettext("rows", "Left out"),
        PASSED_OVER: _("Passed over"),
    }


def prepare_page(firm_id: UUID, import_id: UUID) -> None:
    """What a look at all rows tells, once they are there: before anybody opens the page of a plan or of a report."""
    with scope(firm=firm_id):
        if source := Import.objects.filter(pk=import_id, state__in=(ImportState.READY, *OVER)).first():
            prepare(source)


def summary(source: Import) -> dict[str, Any]:
    """What the file brings along besides its rows, and what was made of its columns."""
    columns = [
        {**column, "label": header_of(column["field"]) if column["field"] else ""}
        for column in source.columns
    ]
    return {
        "has_rows": any(map(source.count, RowAction)),
        "columns": columns,
        "known": [column for column in columns if column["field"]],
        "unknown": [column for column in source.columns if not column["field"]],
        "portfolios": sorted(source.new_portfolios.values(), key=fold),
        "assignees": source.unknown_assignees,
        "notes": [
            note(one["code"], one["params"])
            for one in source.notes
            if one["code"] not in (*_OF_PORTFOLIOS, *_OF_PEOPLE)
        ],
        "placed": [note(one["code"], one["params"]) for one in source.notes if one["code"] in _OF_PORTFOLIOS],
        "assigned": [note(one["code"], one["params"]) for one in source.notes if one["code"] in _OF_PEOPLE],
        "refusal": refusal(source.refusal_code, source.refusal_params) if source.refusal_code else "",
        "left_out": sum(map(source.count, (RowAction.ERROR, RowAction.DUPLICATE, RowAction.KNOWN))),
        "conflicts": source.count(RowAction.CONFLICT),
        "rule": MatchRule(source.rule).label,
        "has_chosen": bool(Asked.of(source.asked).portfolios),
        "has_chosen_people": bool(Asked.of(source.asked).assignees),
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
            "open": sheet["open"],
        }
        for sheet in source.sheets
    ]
