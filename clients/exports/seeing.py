"""The export of who saw a client file between two days."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Firm, Membership
from accounts.permissions import Perm, permitted
from clients.events.journal import AccessesExported
from clients.exports.asking import chosen, in_words, refuse_others
from clients.forms.seeing import SeenFilter
from clients.models import AccessRecord, Dossier
from clients.seeing import seen, told, who_saw
from exports.kinds import Book, Gone, Kind, Parameters, counted
from spreadsheets.writing import CellValue, Target, write_workbook
from tenancy.leases import Progress

_FILTERS = ("person", "kind", "since", "until")
_LOT = 2_000


@dataclass
class SeenBook(Book):
    """Who saw this file, as the filters say."""

    records: QuerySet[AccessRecord]
    asked: str = ""

    def expected(self) -> int:
        return self.records.order_by().count()

    def write(self, target: Target, progress: Progress) -> int:
        columns = {
            _("Day"): 12,
            _("Person"): 28,
            _("What they did"): 26,
            _("First time"): 17,
            _("Last time"): 17,
            _("Times"): 8,
        }
        rows: Iterable[list[CellValue]] = (
            [one.day, one.name, one.what, localtime(one.first_at), localtime(one.last_at), one.count]
            for one in told(self.records.iterator(chunk_size=_LOT))
        )
        return write_workbook(
            target,
            list(columns),
            counted(rows, progress),
            sheet_name=_("Who saw it"),
            widths=list(columns.values()),
        )


class SeenExport(Kind):
    """For those who may read the journal; `dossier` is the client file's key."""

    name = "clients.accesses"
    label = gettext_lazy("Who saw a client file")
    stem = gettext_lazy("who-saw")
    perm = Perm.VIEW_JOURNAL
    exported = AccessesExported

    def book(self, member: Membership, parameters: Parameters) -> SeenBook:
        try:
            key = UUID(parameters.get("dossier", ""))
        except ValueError as error:
            raise Gone("dossier") from error
        dossier = permitted(Dossier.objects.clients(), member, Perm.VIEW_DOSSIER).filter(pk=key).first()
        if dossier is None:
            raise Gone(key)
        filters = SeenFilter(parameters, people=who_saw(dossier))
        refuse_others(filters, parameters)
        words = in_words(filters, {name: value for name, value in parameters.items() if name in _FILTERS})
        return SeenBook(seen(dossier, filters.asked()), asked=", ".join(filter(None, (str(dossier), words))))

    def page(self, firm: Firm, parameters: Parameters) -> str:
        kept = urlencode({name: value for name, value in parameters.items() if name in _FILTERS})
        return f"{firm.url('clients:seen', pk=parameters['dossier'])}?{kept}".removesuffix("?")


def asked_for(dossier: Dossier, filters: SeenFilter) -> dict[str, str]:
    """What the page's filters say of this file."""
    return {"dossier": str(dossier.pk), **chosen(filters, _FILTERS)}
