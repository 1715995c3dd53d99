"""Pages of a plan: the next one begins behind a row's number, so the thousandth costs what the first does, and a plan
that was made anew opens where one was.

The place stands in the URL as `after=50.812` (or `before=…`): how many rows lie before it, and the number next to it.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

from django.db import connection
from django.db.models import QuerySet
from django.http import QueryDict

from clients.models import ImportRow
from clients.paging import DEFAULT_SIZE, SIZES, Page


class _Mark(NamedTuple):
    position: int
    number: int
    backwards: bool


def page_of(rows: QuerySet[ImportRow], query: QueryDict, known: int | None) -> Page[ImportRow]:
    """The page that the query string names; an unknown place is the first. `known`: how many there are, if known."""
    size = _size(query.get("size", ""))
    mark = _mark(query)
    total = rows.count() if known is None else known
    if mark and mark.backwards:
        found = list(rows.filter(number__lt=mark.number).order_by("-number")[: size + 1])
    elif mark:
        found = list(rows.filter(number__gt=mark.number).order_by("number")[: size + 1])
    else:
        found = list(rows.order_by("number")[: size + 1])
    if mark and not found:  # the last row of the page has gone elsewhere
        mark, found = None, list(rows.order_by("number")[: size + 1])
    return _page(found, size, total, mark)


@contextmanager
def in_their_order() -> Generator[None]:
    """For a filter that lets many rows through, of which the planner doesn't know: row by row until the page is full,
    instead of all of them, sorted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)"
        )
        yield
        cursor.execute(
            "SELECT set_config('enable_sort', 'on', true), set_config('enable_bitmapscan', 'on', true)"
        )


def _page(found: list[ImportRow], size: int, total: int, mark: _Mark | None) -> Page[ImportRow]:
    more, shown = len(found) > size, found[:size]
    if mark and mark.backwards:
        shown.reverse()
        before = max(mark.position - len(shown), 0) if more else 0
    else:
        before = min(mark.position, max(total - len(shown), 0)) if mark else 0
    has_previous = more if mark and mark.backwards else mark is not None
    has_next = bool(mark and mark.backwards) or more
    return Page(
        rows=shown,
        total=total,
        size=size,
        first=before + 1 if shown else 0,
        previous=f"{before}.{shown[0].number}" if shown and has_previous else "",
        following=f"{before + len(shown)}.{shown[-1].number}" if shown and has_next else "",
    )


def _mark(query: QueryDict) -> _Mark | None:
    for name in ("after", "before"):
        position, _dot, number = query.get(name, "").partition(".")
        if _is_number(position) and _is_number(number):
            return _Mark(int(position), int(number), backwards=name == "before")
    return None


def _size(text: str) -> int:
    return int(text) if text in map(str, SIZES) else DEFAULT_SIZE


def _is_number(text: str) -> bool:
    """As PostgreSQL's integers hold it."""
    return text.isascii() and text.isdigit() and len(text) < 10
