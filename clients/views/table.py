"""The table of dossiers, which the list and a portfolio's page show alike."""

from secrets import token_hex
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import Role
from accounts.permissions import Perm, allows
from accounts.places import FirmRequest
from clients.asked import PLACES, Asked, asked_of
from clients.chosen import COLUMNS, USUAL
from clients.lines import Look, lines_of
from clients.paging import Page, page_of, size_of
from clients.rows import Listed, fields_of, listed, rows_of
from clients.usual import usual_page, visible
from clients.views.saved import views_of
from portfolios.models import Portfolio


def table_of(request: FirmRequest, *, portfolio: Portfolio | None = None) -> dict[str, Any]:
    """The context of `clients/_table.html`; `portfolio` is the one whose dossiers alone it shows, on its page."""
    without = ("portfolio",) if portfolio else ()
    asked = asked_of(request.GET, request.member, without=without)
    filters = asked.filters
    columns = [name for name in asked.columns if name not in without]
    page = _page(request, asked, portfolio)
    rows = rows_of(
        page.rows,
        member=request.member,
        firm=request.firm,
        members=filters.members.values(),
        portfolios=filters.portfolios,
        columns=columns,
    )
    bulk_actions = _bulk_actions(request, archived=filters.shows_archived)
    role = Role(request.member.role)
    look = Look(
        columns=tuple((name, str(COLUMNS[name].label)) for name in columns if not COLUMNS[name].text),
        has_boxes=bool(bulk_actions),
        shows_archived=filters.shows_archived,
        may_assign=allows(role, Perm.ASSIGN_DOSSIER),
        may_archive=allows(role, Perm.ARCHIVE_DOSSIER),
    )
    # From here on, links and boxes go by what is shown, also where the address says it by a view's key alone.
    request.GET = asked.linked  # type: ignore[assignment]  # nothing changes it any more
    return {
        "filters": filters,
        "rows": rows,
        "lines": lines_of(rows, look),
        "page": page,
        "previous_url": _with(asked, before=page.previous) if page.previous else "",
        "next_url": _with(asked, after=page.following) if page.following else "",
        "bulk_actions": bulk_actions,
        "has_boxes": look.has_boxes,
        "bulk_hidden": [("portfolio", str(portfolio.pk))] if portfolio else [],
        "head": _head(columns),
        "is_usual": asked.columns == USUAL,
        "state": asked.state.urlencode(),
        "choice": _choice(asked, without),
        "views": None if portfolio else views_of(request, asked),
    }


def with_table(request: FirmRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """The page whose `table` is of `table_of`. The rows are put in when all else is there: each part of a template that
    holds others would copy them once more, and they are nine tenths of the page."""
    table = context["table"]
    response = render(request, template, {**context, "table": {**table, "lines": _ROWS}})
    response.content = response.content.replace(_ROWS.encode(), table["lines"].encode(), 1)
    return response


# Where the rows come. Nobody can know it, so no text that somebody wrote is taken for it.
_ROWS = SafeString(f"<!--{token_hex(16)}-->")


def _page(request: FirmRequest, asked: Asked, portfolio: Portfolio | None) -> Page[Listed]:
    filters, query = asked.filters, _at(request, asked.state)
    sparse = request.member.role != Role.ADMIN or filters.order.column == "id"
    elsewhere = portfolio or filters.is_narrowing or any(name in query for name in PLACES)
    if asked.columns == USUAL and not elsewhere:
        return usual_page(request.member, filters.order, size_of(query), sparse=sparse)
    dossiers = visible(request.member)
    page = page_of(
        filters.narrow(dossiers.in_portfolio(portfolio) if portfolio else dossiers).only(
            *fields_of(asked.columns)
        ),
        query,
        filters.order,
        sparse=sparse,
        sought=filters.is_searching,
    )
    return page.showing(listed(page.rows, asked.columns))


def _at(request: FirmRequest, state: QueryDict) -> QueryDict:
    """The state with the place in the list at which the request stands."""
    query = state.copy()
    query.update({name: request.GET[name] for name in PLACES if name in request.GET})
    return query


def _with(asked: Asked, **mark: str) -> str:
    """This list, from another place on."""
    query = asked.address.copy()
    query.update(mark)
    return f"?{query.urlencode()}"


def _head(columns: list[str]) -> list[dict[str, Any]]:
    """The heads of these columns and of the name, which stands first, or behind the reference."""
    head: list[dict[str, Any]] = [
        {"label": shown.label, "css": shown.css, "sort": shown.sort}
        for shown in map(COLUMNS.__getitem__, columns)
    ]
    name = {"label": _("Name"), "css": "col-main", "sort": "name", "default": "name"}
    head.insert(int("reference" in columns), name)
    return head


def _choice(asked: Asked, without: tuple[str, ...]) -> dict[str, Any]:
    """The columns to choose from, and what else the list's address says."""
    shown, kept = asked.columns, asked.linked.copy()
    kept.pop("cols", None)
    return {
        "columns": [
            (name, column.label, name in shown) for name, column in COLUMNS.items() if name not in without
        ],
        "kept": list(kept.items()),
        "usual_url": "" if shown == USUAL else f"?{kept.urlencode()}",
    }


def _bulk_actions(request: FirmRequest, *, archived: bool) -> list[dict[str, Any]]:
    """What may be done to the ticked rows. The page behind each address asks again who may."""
    offered: tuple[tuple[Perm, str, str, str, bool], ...] = (
        (Perm.INVITE_CLIENTS, _("Send the invitation"), "invitations:invite_clients", "send", True),
        (Perm.INVITE_CLIENTS, _("Print letters"), "invitations:write_letters", "mail", True),
        (Perm.ASSIGN_DOSSIER, _("Assign…"), "clients:assign", "user-plus", False),
        (Perm.CREATE_DOSSIER, pgettext("verb", "Move"), "clients:move_many", "briefcase", True),
        (Perm.ARCHIVE_DOSSIER, pgettext("verb", "Archive"), "clients:archive", "archive", True),
    )
    if archived:
        offered = (
            (Perm.ARCHIVE_DOSSIER, pgettext("verb", "Restore"), "clients:restore", "archive-off", True),
        )
    return [
        {"label": label, "url": request.firm.url(route), "icon": icon, "dialog": dialog}
        for perm, label, route, icon, dialog in offered
        if allows(Role(request.member.role), perm)
    ]
