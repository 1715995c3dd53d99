"""The plan of an import, and its report: what the page of `clients.views.imports` shows of its rows."""

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.http import urlencode

from accounts.places import FirmRequest
from clients.forms.imports import PlanFilter
from clients.imports import reporting, showing
from clients.imports.findings import Counted, counted, findings, portfolios, under
from clients.imports.paging import page_of
from clients.imports.teller import Teller
from clients.jobs import may_be_chosen
from clients.models import Import, ImportRow, ImportState, RowAction
from clients.paging import Page

# What the address of a plan may say; `row` is the one that was corrected last.
_SAID = ("action", "q", "remark", "portfolio", "size", "after", "before")


def plan_of(request: FirmRequest, source: Import) -> dict[str, Any]:
    """The context of `clients/import_plan.html`."""
    found = findings(source)
    filters = PlanFilter(request.GET, findings=found, portfolios=portfolios(source))
    narrowing = filters.narrowing()
    rows = narrowing.of(ImportRow.objects.filter(source=source).select_related("dossier"))
    hits = counted(rows) if narrowing else None
    tabs = showing.tabs(source, request.GET.get("action", ""), hits.counts if hits else None)
    current = next(tab for tab in tabs if tab.current)
    page = _page(request, under(rows, current.key), current, hits)
    shown = Teller(source, request.firm).rows(page.rows)
    is_ready = source.state == ImportState.READY
    return {
        "summary": showing.summary(source),
        "tabs": tabs,
        "current": current.key,
        "filters": filters,
        "is_narrowed": bool(narrowing),
        "page": page,
        "previous_url": _with(request, before=page.previous) if page.previous else "",
        "next_url": _with(request, after=page.following) if page.following else "",
        "rows": shown,
        "back": back_to(request.GET),
        "offers": [one for one in found if one.offers] if is_ready else [],
        **_columns(source, current.key, shown, is_ready=is_ready),
        **_followed(request, source, shown),
        "is_ready": is_ready,
        "may_choose": is_ready and sum(map(may_be_chosen, source.sheets)) > 1,
        "take_url": request.firm.url("clients:import_mine", pk=source.pk),
        "keep_url": request.firm.url("clients:import_theirs", pk=source.pk),
        "seconds": _seconds(source),
        "report": {} if is_ready else reporting.report(source),
    }


def _page(
    request: FirmRequest, rows: QuerySet[ImportRow], tab: showing.Tab, hits: Counted | None
) -> Page[ImportRow]:
    """Of a filter's few hits, these alone are looked at once more."""
    if hits is not None and tab.key in hits.numbers:
        rows = rows.filter(number__in=hits.numbers[tab.key])
    return page_of(rows, request.GET, tab.count)


def back_to(query: QueryDict) -> str:
    """The query string that leads back to the list as it stands."""
    return urlencode({name: text for name in _SAID if (text := query.get(name, ""))})


def _with(request: FirmRequest, **place: str) -> str:
    """This list, from another place on."""
    query = {name: text for name in _SAID[:-2] if (text := request.GET.get(name, ""))}
    return f"?{urlencode({**query, **place})}"


def _columns(source: Import, tab: str, rows: list[dict[str, Any]], *, is_ready: bool) -> dict[str, Any]:
    """Which columns the table has, and how many."""
    has_portfolio = tab == RowAction.CREATE and any(
        column["field"] == "portfolio" for column in source.columns
    )
    said = ("changes", "remarks", "duplicate_of", "outcome", "corrections", "decision", "since")
    tells = any(row[name] for row in rows for name in said)
    return {
        "has_portfolio": has_portfolio,
        "tells": tells,
        "span": 3 + has_portfolio + tells + is_ready,
    }


def _followed(request: FirmRequest, source: Import, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What became of the row that was corrected last, and where its person goes on: the next row of the list."""
    text = request.GET.get("row", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    row = ImportRow.objects.filter(source=source, number=number).first() if number else None
    if row is None:
        return {"followed": None, "focus": 0}
    followed = {
        "number": number,
        "title": row.title,
        "action": row.action,
        "word": RowAction(row.action).label,
        "is_here": any(one["number"] == number for one in rows),
        "url": _place_of(row),
    }
    return {"followed": followed, "focus": next((r["number"] for r in rows if r["number"] >= number), 0)}


def _place_of(row: ImportRow) -> str:
    """The list from this row on."""
    above = ImportRow.objects.filter(source=row.source_id, action=row.action, number__lt=row.number).count()
    query = urlencode({"action": str(row.action), "after": f"{above}.{row.number - 1}"})
    return f"?{query}#row-{row.number}"


def _seconds(source: Import) -> str:
    """How long the writing took, in seconds; nothing before."""
    if source.confirmed_at is None or source.ended_at is None:
        return ""
    return f"{(source.ended_at - source.confirmed_at).total_seconds():.1f}"
