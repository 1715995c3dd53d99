"""What is told of an import that was written: by whom, when, from what file; what can still be done about it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from clients.imports.touches import touches
from clients.imports.undoing import classified, may_be_undone, undo_until
from clients.imports.words import refusal
from clients.models import Dossier, Import, ImportFile, ImportRow, ImportState, RowAction, RowOutcome

_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_NAMED = 5


def report(source: Import) -> dict[str, Any]:
    """The context of `clients/_import_report.html`, beside the plan's."""
    return {
        "may_undo": may_be_undone(source),
        "undo_until": undo_until(source) if source.applied_at else None,
        "undo_failed": refusal(source.refusal_code, source.refusal_params) if source.refusal_code else "",
        "has_file": ImportFile.objects.filter(source=source).exists(),
        "invitable": invitable(source).count() if source.state == ImportState.DONE else 0,
    }


def written(source: Import) -> QuerySet[Dossier]:
    """The dossiers that the import has created or changed, as far as they are there and in use."""
    rows = ImportRow.objects.filter(source=source, outcome="").order_by()
    created = Exists(rows.filter(pk=OuterRef("pk"), action=RowAction.CREATE))
    changed = Exists(rows.filter(dossier=OuterRef("pk"), action=RowAction.UPDATE))
    return Dossier.objects.clients().active().filter(created | changed)


def with_address(source: Import) -> QuerySet[Dossier]:
    """Of these, those whose client can be written to."""
    return written(source).exclude(email="")


def invitable(source: Import) -> QuerySet[Dossier]:
    """Of these, those whose client was never invited and has no space."""
    found = with_address(source)
    for touch in touches(Dossier):
        if touch.outcome in (RowOutcome.LINKED, RowOutcome.INVITED):
            found = found.exclude(touch.of(OuterRef("pk"), _EVER))
    return found


@dataclass(frozen=True)
class Kept:
    """The dossiers that an undo would keep for one reason: how many, and the first of them by name."""

    reason: str
    count: int
    names: list[str]

    @property
    def more(self) -> int:
        return self.count - len(self.names)


def kept_by_reason(source: Import, counts: list[tuple[RowOutcome, int]]) -> list[Kept]:
    """In the order of the counts. One query, none where nothing is kept."""
    names: dict[str, list[str]] = {}
    if counts:
        rows = classified(source).exclude(kept="").select_related("dossier").order_by("number")
        for row in rows.defer("raw", "remarks").iterator(1_000):
            if len(its := names.setdefault(row.kept, [])) < _NAMED:
                its.append(row.title)
            elif all(len(names.get(outcome, ())) >= min(count, _NAMED) for outcome, count in counts):
                break
    return [Kept(str(outcome.label), count, names.get(outcome, [])) for outcome, count in counts]
