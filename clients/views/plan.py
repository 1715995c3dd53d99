"""The plan of an import, and its report: what the page of `clients.views.imports` shows of its rows."""

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.middleware.csrf import get_token
from django.utils.http import urlencode

from accounts.places import FirmRequest
from clients.forms.imports import PlanFilter
from clients.imports import reporting, showing
from clients.imports.findings import Counted, counted, findings, portfolios, under
from clients.imports.lines import Look, lines_of
from clients.imports.paging import in_their_order, page_of
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
    hits = counted(source, narrowing, rows) if narrowing else None
    tabs = showing.tabs(source, request.GET.get("action", ""), hits.counts if hits else None)
    current = next(tab for tab in tabs if tab.current)
    page = _page(request, under(rows, current.key), current, hits)
    shown = Teller(source, request.firm).rows(page.rows)
    is_ready = source.state == ImportState.READY
    look = _look(request, source, current.key, shown)
    return {
        "summary": showing.summary(source),
        "tabs": tabs,
        "current": current.key,
        "filters": filters,
        "is_narrowed": bool(narrowing),
        "page": page,
        "previous_url": _with(request, before=page.previous) if page.previous else "",
        "next_url": _with(request, after=page.following) if page.following else "",
        "lines": lines_of(shown, look),
        "back": look.back,
        "offers": [one for one in found if one.offers] if is_ready else [],
        "has_portfolio": look.has_portfolio,
        "tells": look.tells,
        "followed": _followed(request, source, shown),
        "is_ready": is_ready,
        "may_choose": is_ready and sum(map(may_be_chosen, source.sheets)) > 1,
        "take_url": look.take_url,
        "seconds": _seconds(source),
        "report": {} if is_ready else reporting.report(source),
    }


def _page(
    request: FirmRequest, rows: QuerySet[ImportRow], tab: showing.Tab, hits: Counted | None
) -> Page[ImportRow]:
    """Of a filter's few hits, these alone are looked at once more, and nothing where there are none; of many, no more
    than the page needs."""
    if hits is None:
        return page_of(rows, request.GET, tab.count)
    if tab.key in hits.numbers or not tab.count:
        return page_of(rows.filter(number__in=hits.numbers.get(tab.key, ())), request.GET, tab.count)
    with in_their_order():
        return page_of(rows, request.GET, tab.count)


def back_to(query: QueryDict) -> str:
    """The query string that leads back to the list as it stands."""
    return urlencode({name: text for name in _SAID if (text := query.get(name, ""))})


def _with(request: FirmRequest, **place: str) -> str:
    """This list, from another place on."""
    query = {name: text for name in _SAID[:-2] if (text := request.GET.get(name, ""))}
    return f"?{urlencode({**query, **place})}"


def _look(request: FirmRequest, source: Import, tab: str, rows: list[dict[str, Any]]) -> Look:
    """Which columns the table has, how many, and what is in each of its rows."""
    has_portfolio = tab == RowAction.CREATE and any(
        column["field"] == "portfolio" for column in source.columns
    )
    said = ("changes", "remarks", "duplicate_of", "outcome", "corrections", "decision", "since")
    tells = any(row[name] for row in rows for name in said)
    is_ready = source.state == ImportState.READY
    return Look(
        has_portfolio=has_portfolio,
        tells=tells,
        is_ready=is_ready,
        span=3 + has_portfolio + tells + is_ready,
        back=back_to(request.GET),
        take_url=request.firm.url("clients:import_mine", pk=source.pk),
        keep_url=request.firm.url("clients:import_theirs", pk=source.pk),
        csrf_token=get_token(request),
        focus=_focus(request, rows),
    )


def _focus(request: FirmRequest, rows: list[dict[str, Any]]) -> int:
    """Where the person goes on who has corrected a row: the next one of the list."""
    corrected = _corrected(request)
    return next((row["number"] for row in rows if row["number"] >= corrected), 0) if corrected else 0


def _corrected(request: FirmRequest) -> int:
    """The number of the row that was corrected last."""
    text = request.GET.get("row", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _followed(request: FirmRequest, source: Import, rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What became of the row that was corrected last."""
    number = _corrected(request)
    row = ImportRow.objects.filter(source=source, number=number).first() if number else None
    if row is None:
        return None
    return {
        "number": number,
        "title": row.title,
        "action": row.action,
        "word": RowAction(row.action).label,
        "is_here": any(one["number"] == number for one in rows),
        "url": _place_of(row),
    }


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
