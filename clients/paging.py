"""Pages by key: the next page begins behind a row, so the thousandth costs what the first does.

The place of a page stands in the URL as `after=50.<key>` (or `before=…`): how many rows lie before it, and the key of
the row next to it. A name, which a URL must not hold, is looked up again from the key.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Count, F, Q, QuerySet, Window
from django.http import QueryDict

from tenancy.expressions import IsAny

M = TypeVar("M", bound=models.Model)
R = TypeVar("R", bound="Listable")
S = TypeVar("S", bound="Listable")
SIZES = (20, 50, 100)
DEFAULT_SIZE = 50


class Listable(Protocol):
    """What a page may hold: rows as models, or what is shown of them."""

    @property
    def pk(self) -> Any: ...


@dataclass(frozen=True)
class Order:
    """By one column, the key deciding among equals."""

    column: str
    descending: bool = False

    def of(self, rows: QuerySet[M], *, backwards: bool = False) -> QuerySet[M]:
        sign = "-" if self.descending != backwards else ""
        return rows.order_by(f"{sign}{self.column}", *([] if self.column == "id" else [f"{sign}id"]))

    def behind(self, value: Any, key: UUID, *, backwards: bool = False) -> Q:
        """The rows behind this one. The first condition is what the index is entered by."""
        side = "lt" if self.descending != backwards else "gt"
        if self.column == "id":
            return Q(**{f"id__{side}": key})
        further = Q(**{f"{self.column}__{side}": value}) | Q(**{f"id__{side}": key})
        return Q(**{f"{self.column}__{side}e": value}) & further

    def lots(self, rows: QuerySet[M], size: int) -> Iterator[list[M]]:
        """All of the rows in this order, so many at a time."""
        ordered = self.of(rows)
        lot: list[M] = list(ordered[:size])
        while lot:
            yield lot
            behind = self.behind(getattr(lot[-1], self.column), lot[-1].pk)
            lot = list(ordered.filter(behind)[:size])


@dataclass(frozen=True)
class Page(Generic[R]):
    rows: Sequence[R]
    total: int
    size: int
    first: int
    previous: str
    following: str

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1 if self.rows else 0

    def showing(self, rows: Sequence[S]) -> "Page[S]":
        """The same page, with what is to be shown of each row."""
        return Page(rows, self.total, self.size, self.first, self.previous, self.following)


@dataclass(frozen=True)
class _Mark:
    """A place between rows: `position` rows lie before it, and the row `key` is next to it."""

    position: int
    key: UUID
    backwards: bool


def page_of(
    rows: QuerySet[M], query: QueryDict, order: Order, *, sparse: bool = False, sought: bool = False
) -> Page[M]:
    """The page that the query string names, of these rows in this order. An unknown place is the first page.

    `sparse` says that the rows lie thinly among others: then their keys are found in the order's index first, which
    spares a look at each of the others. `sought` says that finding them takes a look at every row: then the first page
    counts them in the same look.
    """
    size = size_of(query)
    mark = _mark(query)
    found = order.of(rows, backwards=bool(mark and mark.backwards))
    if mark:
        value = rows.filter(pk=mark.key).order_by().values_list(order.column, flat=True).first()
        if value is None:
            mark, found = None, order.of(rows)
        else:
            found = found.filter(order.behind(value, mark.key, backwards=mark.backwards))
    if sought and not sparse and mark is None:
        shown = list(found.annotate(_number=Window(Count("*")))[: size + 1])
        return _page(shown, size, cast(Any, shown[0])._number if shown else 0, mark)
    shown = list(first_of(found, size + 1, sparse=sparse))
    return _page(shown, size, rows.count(), mark) if mark else first_page(shown, size, rows.count)


def first_page(shown: list[R], size: int, count: Callable[[], int]) -> Page[R]:
    """The page of the first rows, of which one more than it holds are given.

    Whoever sees less than a page is spared the count, which is as dear as the search.
    """
    return _page(shown, size, count() if len(shown) > size else len(shown), None)


def first_of(found: QuerySet[M], most: int, *, sparse: bool = False) -> QuerySet[M]:
    """The first of these rows in their order, `sparse` being as for `page_of`."""
    if not sparse:
        return found[:most]
    keys = IsAny(F("pk"), ArraySubquery(found.values("pk")[:most]))
    read = found.model._default_manager.filter(keys).order_by(*found.query.order_by)
    read.query.deferred_loading = found.query.deferred_loading
    return read


def _page(shown: list[R], size: int, total: int, mark: _Mark | None) -> Page[R]:
    more, shown = len(shown) > size, shown[:size]
    backwards = bool(mark and mark.backwards)
    if backwards:
        shown.reverse()
    before = max(mark.position - len(shown), 0) if mark and backwards else mark.position if mark else 0
    has_previous = more if backwards else mark is not None
    has_next = backwards or more
    return Page(
        rows=shown,
        total=total,
        size=size,
        first=before + 1 if shown else 0,
        previous=f"{before}.{shown[0].pk}" if shown and has_previous else "",
        following=f"{before + len(shown)}.{shown[-1].pk}" if shown and has_next else "",
    )


def _mark(query: QueryDict) -> _Mark | None:
    for name in ("after", "before"):
        position, _dot, key = query.get(name, "").partition(".")
        try:
            return _Mark(int(position), UUID(key), backwards=name == "before")
        except ValueError:
            continue
    return None


def size_of(query: QueryDict, usual: int | None = None) -> int:
    """How many rows a page has: as many as are asked for, else `usual`."""
    text = query.get("size", "")
    return int(text) if text in map(str, SIZES) else usual or DEFAULT_SIZE
