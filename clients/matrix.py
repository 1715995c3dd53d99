"""The firm-wide matrix of accesses: a row for each portfolio or dossier of a page, a column for each member."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import Membership, Role
from accounts.permissions import RANKS, ObjectRole
from clients.access import Openings, Reason, Reasons, Source
from clients.models import Dossier
from clients.paging import Page
from portfolios.models import Portfolio

M = TypeVar("M", bound=models.Model)
# How many people stand side by side; the others are a step further.
MOST_COLUMNS = 100
_FEW = 6


@dataclass(frozen=True, slots=True)
class Cell:
    """What one member has of one thing, and why."""

    person: str
    reasons: list[Reason]
    row: UUID

    @property
    def role(self) -> Role | ObjectRole:
        """The one that reaches furthest."""
        return max((reason.role for reason in self.reasons), key=RANKS.__getitem__)

    @property
    def letter(self) -> str:
        letters = {
            ObjectRole.ACCOUNTANT.value: pgettext("letter of a role", "A"),
            ObjectRole.READER.value: pgettext("letter of a role", "R"),
        }
        return letters.get(self.role.value, pgettext("letter of a role", "S"))

    @property
    def sources(self) -> list[Source]:
        """By which ways, each once."""
        return list(dict.fromkeys(reason.source for reason in self.reasons))

    @property
    def mark(self) -> Source:
        """The way that is drawn: what lasts before what ends by itself."""
        return min(self.sources, key=_DRAWN.index)

    @property
    def words(self) -> str:
        """Role and ways, for whoever reads no letters; a lesser role is said with its own way."""
        ways: dict[str, list[str]] = {}
        for reason in sorted(self.reasons, key=lambda one: -RANKS[one.role]):
            said = ways.setdefault(str(reason.role.label), [])
            if (way := self._way(reason)) and way not in said:
                said.append(way)
        return " · ".join(", ".join([role, *said]) for role, said in ways.items())

    @property
    def title(self) -> str:
        return "\n".join(reason.text for reason in self.reasons)

    def _way(self, reason: Reason) -> str:
        """Nothing where the row is the very portfolio that was opened."""
        match reason.source:
            case Source.PORTFOLIO if reason.portfolio:
                named = _("by the portfolio %(name)s") % {"name": reason.portfolio.name}
                return "" if reason.portfolio.pk == self.row else named
            case Source.ASSIGNMENT:
                return _("by an assignment")
            case Source.REPLACEMENT:
                return _("in place of %(name)s") % {"name": reason.absent}
        return reason.label


_DRAWN = (Source.ASSIGNMENT, Source.PORTFOLIO, Source.REPLACEMENT)


@dataclass(frozen=True, slots=True)
class Line(Generic[M]):
    """One row of the matrix."""

    thing: M
    cells: list[Cell | None]
    is_open: bool  # to somebody besides the administrators, with a column here or not


@dataclass(frozen=True)
class Matrix(Generic[M]):
    """A page of rows with the columns `first` to `last` of `people`. Administrators reach all, so none is a column."""

    page: Page[M]
    administrators: list[Membership]
    people: list[Membership]
    start: int
    reasons: Reasons

    @cached_property
    def columns(self) -> list[Membership]:
        return self.people[self.start : self.start + MOST_COLUMNS]

    @property
    def lines(self) -> list[Line[M]]:
        return [self._line(row, self.reasons.get(row.pk, {})) for row in self.page.rows]

    @property
    def is_small(self) -> bool:
        """Is there room for words?"""
        return len(self.columns) <= _FEW

    @property
    def last(self) -> int:
        return self.start + len(self.columns)

    @property
    def earlier(self) -> int | None:
        return max(self.start - MOST_COLUMNS, 0) if self.start else None

    @property
    def later(self) -> int | None:
        return self.last if self.last < len(self.people) else None

    def _line(self, row: M, found: dict[UUID, list[Reason]]) -> Line[M]:
        cells = [Cell(one.name, found[one.pk], row.pk) if one.pk in found else None for one in self.columns]
        return Line(row, cells, any(one.pk in found for one in self.people))


def of_portfolios(
    page: Page[Portfolio], *, member: Membership | None = None, start: int = 0
) -> Matrix[Portfolio]:
    """Who has which of the page's portfolios. Five queries; `member` alone is a column, if given."""
    return _matrix(
        page, lambda openings: openings.of_portfolios([row.pk for row in page.rows]), member, start
    )


def of_dossiers(page: Page[Dossier], *, member: Membership | None = None, start: int = 0) -> Matrix[Dossier]:
    """Who sees which of the page's dossiers. Six queries."""
    return _matrix(page, lambda openings: openings.by_grants(page.rows), member, start)


def columns_of(people: Sequence[Membership]) -> list[Membership]:
    """Those who reach what is granted to them."""
    return [one for one in people if one.role != Role.ADMIN]


def _matrix(
    page: Page[M], read: Callable[[Openings], Reasons], member: Membership | None, start: int
) -> Matrix[M]:
    openings = Openings()
    columns = columns_of(openings.people)
    return Matrix(
        page=page,
        administrators=[one for one in openings.people if one.is_admin],
        people=[one for one in columns if member in (None, one)],
        start=start if 0 < start < len(columns) else 0,
        reasons=read(openings),
    )
