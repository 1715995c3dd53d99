"""What is told of an import that was written: by whom, when, from what file; what can still be done about it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.cache import cache
from django.db.models import Case, Exists, F, OuterRef, QuerySet, UUIDField, When

from clients.imports.touches import touches
from clients.imports.undoing import UndoImpact, classified, may_be_undone, undo_until
from clients.imports.words import refusal
from clients.imports.working import row_by_row
from clients.models import Dossier, Import, ImportFile, ImportRow, ImportState, RowAction, RowOutcome

_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_NAMED = 5
# Of so many clients that may be invited, it is told how many they are.
COUNTED = 1_000
# That none is left stays so; how many are left of a large import, for which all its rows are looked at, changes.
_NONE_LEFT_FOR, _SOME_LEFT_FOR = 600, 60
_LARGE = 10_000


def report(source: Import) -> dict[str, Any]:
    """The context of `clients/_import_report.html`, beside the plan's."""
    return {
        "may_undo": may_be_undone(source),
        "undo_until": undo_until(source) if source.applied_at else None,
        "undo_failed": refusal(source.refusal_code, source.refusal_params) if source.refusal_code else "",
        "has_file": ImportFile.objects.filter(source=source).exists(),
        "invitable": invitable(source) if source.state == ImportState.DONE else 0,
        "counted": COUNTED,
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


def invitable(source: Import) -> int:
    """How many of these have a client who was never invited and has no space: COUNTED + 1 of many more.

    Row by row, and no further: of a hundred thousand, nobody needs the exact number before they want to do it. What is
    found by a look at all of them is kept for a while.
    """
    kept: int | None = cache.get(_key_of(source))
    if kept is not None:
        return kept
    with row_by_row():
        found = _invitable(source)[: COUNTED + 1].count()
    is_large = source.count("created") + source.count("updated") >= _LARGE
    if not found or (is_large and found <= COUNTED):
        cache.set(_key_of(source), found, _SOME_LEFT_FOR if found else _NONE_LEFT_FOR)
    return found


def count_anew(source: Import) -> None:
    """Some of its clients were invited just now."""
    cache.delete(_key_of(source))


def _key_of(source: Import) -> str:
    return f"invitable:{source.pk}"


def _invitable(source: Import) -> QuerySet[ImportRow]:
    about = Case(
        When(action=RowAction.CREATE, then=F("id")), default=F("dossier_id"), output_field=UUIDField()
    )
    its = Dossier.objects.clients().active().filter(pk=OuterRef("about")).exclude(email="").order_by()
    for touch in touches(Dossier):
        if touch.outcome in (RowOutcome.LINKED, RowOutcome.INVITED):
            its = its.exclude(touch.of(OuterRef("pk"), _EVER))
    rows = source.rows.filter(action__in=(RowAction.CREATE, RowAction.UPDATE), outcome="").order_by()
    return rows.annotate(about=about).filter(Exists(its))


@dataclass(frozen=True)
class Kept:
    """The dossiers that an undo would keep for one reason: how many, and the first of them by name."""

    reason: str
    count: int
    names: list[str]

    @property
    def more(self) -> int:
        return self.count - len(self.names)


def kept_by_reason(source: Import, meant: UndoImpact) -> list[Kept]:
    """In the order of the counts. One query, none where nothing is kept."""
    names: dict[str, list[str]] = {}
    if counts := meant.kept:
        rows = (
            classified(source, meant.looked_at).exclude(kept="").select_related("dossier").order_by("number")
        )
        for row in rows.defer("raw", "remarks").iterator(1_000):
            if len(its := names.setdefault(row.kept, [])) < _NAMED:
                its.append(row.title)
            elif all(len(names.get(outcome, ())) >= min(count, _NAMED) for outcome, count in counts):
                break
    return [Kept(str(outcome.label), count, names.get(outcome, [])) for outcome, count in counts]
