"""The export of the client list: the files that its filters let through, in its order, as the import reads them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Firm, Membership
from accounts.permissions import Perm, permitted
from clients.events.access import DossiersExported
from clients.exports.asking import chosen, in_words, refuse_others
from clients.forms.dossiers import DossierFilter
from clients.models import Dossier
from clients.paging import Order
from clients.resources import KEY, OURS, VERSION, DossierField, columns_by_name
from clients.selection import filters_of
from exports.kinds import Book, Kind, Parameters, counted
from spreadsheets.writing import CellValue, Target, write_workbook
from tenancy.expressions import among
from tenancy.leases import Progress

_LOT = 2_000
_FILTERS = ("q", "portfolio", "member", "kind", "state", "archived", "sort")
# Who is assigned is told, with its reasons, by the export of accesses.
_LEFT_OUT = ("assignee",)
# By which an import of the same workbook finds each file again, and knows whether somebody changed it meanwhile.
_HIDDEN = (KEY, VERSION)
_KEY_BYTES = 16
Row = list[CellValue]


@dataclass
class DossierBook(Book):
    """These dossiers in this order, with the names of the portfolios that the member sees."""

    dossiers: QuerySet[Dossier]
    order: Order
    portfolios: Mapping[UUID, str]
    asked: str = ""

    def expected(self) -> int:
        return self.dossiers.order_by().count()

    def write(self, target: Target, progress: Progress) -> int:
        columns = {name: one for name, one in columns_by_name().items() if name not in _LEFT_OUT}
        headers = [*(str(one.header) for one in columns.values()), *(OURS[name] for name in _HIDDEN)]
        widths = [one.width for one in columns.values()]
        keys = bytearray()
        rows = counted(self._rows(columns, keys), progress)
        lines = write_workbook(
            target, headers, rows, sheet_name=_("Client files"), widths=widths, hidden=len(_HIDDEN)
        )
        self.subjects = bytes(keys)
        return lines

    def _rows(self, columns: Mapping[str, DossierField], keys: bytearray) -> Iterator[Row]:
        """Notes the key of each row that it gives."""
        for lot in self.order.lots(self.dossiers.defer("search_key"), _LOT):
            for dossier in lot:
                keys += dossier.pk.bytes
                hidden = (str(dossier.pk), dossier.updated_at.isoformat())
                yield [*(self._cell(dossier, name) for name in columns), *hidden]

    def _cell(self, dossier: Dossier, name: str) -> CellValue:
        if name == "portfolio":
            return self.portfolios.get(dossier.portfolio_id) if dossier.portfolio_id else None
        value = str(getattr(dossier, name))
        return self._choices[name].get(value, value) if name in self._choices else value

    @cached_property
    def _choices(self) -> dict[str, dict[str, str]]:
        """The words of each field that holds a choice, translated once."""
        fields = [field for field in Dossier._meta.concrete_fields if field.choices]
        return {one.name: {str(value): str(label) for value, label in one.flatchoices} for one in fields}


class DossierExport(Kind):
    """For every member, of what they see."""

    name = "clients.dossiers"
    label = gettext_lazy("Client files")
    stem = gettext_lazy("client-files")
    exported = DossiersExported

    def book(self, member: Membership, parameters: Parameters) -> DossierBook:
        filters = filters_of(parameters, member)
        refuse_others(filters, parameters)
        seen = permitted(Dossier.objects.clients(), member, Perm.VIEW_DOSSIER)
        told = {name: value for name, value in parameters.items() if name != "sort"}
        return DossierBook(
            dossiers=filters.narrow(seen),
            order=filters.order,
            portfolios=filters.portfolios,
            asked=in_words(filters, told),
        )

    def page(self, firm: Firm, parameters: Parameters) -> str:
        return f"{firm.url('clients:list')}?{urlencode(parameters)}".removesuffix("?")

    def still_open(self, member: Membership, subjects: bytes) -> bool:
        keys = [UUID(bytes=subjects[at : at + _KEY_BYTES]) for at in range(0, len(subjects), _KEY_BYTES)]
        told = Dossier.objects.clients().filter(among(keys))
        return permitted(told, member, Perm.VIEW_DOSSIER).count() == len(keys)


def asked_for(filters: DossierFilter) -> dict[str, str]:
    """What the list's filters and order say."""
    return chosen(filters, _FILTERS)
