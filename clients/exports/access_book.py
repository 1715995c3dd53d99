"""The workbook of accesses: who reaches which portfolio and which dossier, by which way, since when, until when."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.models import Membership
from clients.access import Openings, Reason, Source
from clients.models import Dossier
from clients.paging import Order
from exports.kinds import Book, counted
from portfolios.models import Portfolio
from spreadsheets.writing import CellValue, Sheet, Target, write_sheets
from tenancy.leases import Progress

_LOT = 2_000
_READ = (
    "id", "firm_id", "kind", "legal_name", "civility", "first_name", "last_name", "reference", "siren", "portfolio_id",
    "name_key", "is_own", "archived_at",
)  # fmt: skip
Row = list[CellValue]


@dataclass(frozen=True)
class AccessBook(Book):
    """What the workbook tells of: these portfolios and dossiers, for all members or one of them.

    `by` is who asks for it; `asked` says in words which filters it follows, "" for none. An administrator is one line,
    for they reach everything.
    """

    by: Membership
    portfolios: QuerySet[Portfolio]
    dossiers: QuerySet[Dossier]
    member: Membership | None = None
    asked: str = ""

    def write(self, target: Target, progress: Progress) -> int:
        of_portfolios = counted(self._portfolio_rows(), progress)
        of_dossiers = counted(self._dossier_rows(), progress)
        sheets = [
            Sheet(_("Portfolios"), self._headers([_("Portfolio")]), of_portfolios, _WIDTHS),
            Sheet(_("Client files"), self._headers(_of_a_dossier()), of_dossiers, _WIDE_WIDTHS),
        ]
        return sum(write_sheets(target, sheets, notice=self._notice(), notice_name=_("Read me")))

    def expected(self) -> int:
        """What client files take; three queries."""
        sizes = dict(self.dossiers.order_by().values_list("portfolio_id").annotate(size=Count("pk")))
        whole = self._openings.of_portfolios([key for key in sizes if key])
        lines: int = sum(
            int(sizes.get(key, 0)) * len(reasons)
            for key, of_one in whole.items()
            for reasons in of_one.values()
        )
        return lines + self._openings.count_single(self.dossiers)

    @cached_property
    def _openings(self) -> Openings:
        return Openings(only=[self.member] if self.member else None)

    @cached_property
    def _people(self) -> dict[UUID, Row]:
        """Who they are, as the first cells of their lines."""
        return {
            one.pk: [one.name, one.email, str(one.get_role_display()), str(one.get_state_display())]
            for one in self._openings.people
        }

    def _portfolio_rows(self) -> Iterator[Row]:
        yield from self._administrators([_("All portfolios")])
        portfolios = list(self.portfolios)
        reasons = self._openings.of_portfolios([one.pk for one in portfolios])
        for portfolio in portfolios:
            yield from self._lines(reasons.get(portfolio.pk, {}), [portfolio.name])

    def _dossier_rows(self) -> Iterator[Row]:
        yield from self._administrators([None, _("All client files"), None, None, None])
        for lot in Order("name_key").lots(self.dossiers.only(*_READ), _LOT):
            reasons = self._openings.by_grants(lot)
            names = self._openings.portfolio_names
            for one in lot:
                portfolio = names.get(one.portfolio_id) if one.portfolio_id else None
                about: Row = [one.reference, one.name, one.siren, portfolio, _local(one.archived_at)]
                yield from self._lines(reasons.get(one.pk, {}), about)

    def _administrators(self, about: Row) -> Iterator[Row]:
        yield from self._lines(self._openings.by_role(), about)

    def _lines(self, found: dict[UUID, list[Reason]], about: Row) -> Iterator[Row]:
        """A line for each member and way, members in the order of their names."""
        if not found:
            return
        for member, person in self._people.items():
            for reason in found.get(member, ()):
                yield [*person, *about, *_cells(reason)]

    def _headers(self, about: Iterable[str]) -> list[str]:
        person = [_("Person"), _("E-mail address"), _("Role in the firm"), _("State")]
        way = [_("Role"), _("Source"), _("Replaces"), _("By the portfolio"), _("Since"), _("By"), _("Until")]
        return [*person, *about, *way]

    def _notice(self) -> list[str]:
        now = date_format(timezone.localtime(), "DATETIME_FORMAT")
        filters = [_("Only what was asked for: %(filters)s.") % {"filters": self.asked}] if self.asked else []
        return [
            _("Who has access to what: %(firm)s") % {"firm": self.by.firm.name},
            _("As it was on %(now)s, exported by %(name)s.") % {"now": now, "name": self.by.name},
            *filters,
            _(
                "A line is one way by which a person reaches a portfolio or a client file; there may be several."
            ),
            _("Administrators reach everything: each is one line, and they alone see the firm's own file."),
            _(
                "Portfolio: it was opened to the person, with its client files. Assignment: a single client file."
            ),
            _("Replacement: what is open to the person who is away, for as long as the replacement runs."),
            _("Technical support ends with the client's authorisation, at the time given under “Until”."),
            _("Archived client files are included: access to them is kept."),
        ]


def _of_a_dossier() -> list[str]:
    return [_("Reference"), _("Client file"), _("SIREN"), _("Portfolio"), _("Archived on")]


def _cells(reason: Reason) -> Row:
    through = reason.portfolio.name if reason.portfolio and reason.source == Source.REPLACEMENT else None
    until = reason.until
    if until and reason.source == Source.REPLACEMENT:  # it ends as the day after its last begins
        until -= dt.timedelta(seconds=1)
    when = _local(reason.since), reason.by, _local(until)
    return [str(reason.role.label), str(reason.source.label), reason.absent, through, *when]


def _local(moment: dt.datetime | None) -> dt.datetime | None:
    return timezone.localtime(moment) if moment else None


_WAY_WIDTHS = (18, 16, 20, 20, 16, 20, 16)
_WIDTHS: Any = (24, 30, 16, 10, 28, *_WAY_WIDTHS)
_WIDE_WIDTHS: Any = (24, 30, 16, 10, 12, 34, 12, 24, 16, *_WAY_WIDTHS)
