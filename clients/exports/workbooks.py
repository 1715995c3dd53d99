"""The workbook of an import, given back to be mended: what somebody sent, with an added column and coloured cells."""

from dataclasses import dataclass
from pathlib import PurePath
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Firm, Membership
from accounts.permissions import Perm
from clients.events.access import ImportWorkbookTaken
from clients.imports.mending import digits_in, marks_of, to_mend
from clients.models import Import, ImportFile, ImportState
from exports.kinds import Book, Gone, Kind, Parameters
from spreadsheets.guard import inflated_size
from spreadsheets.refusals import Refused
from spreadsheets.returning import give_back
from spreadsheets.writing import Target
from tenancy.leases import Progress

# A megabyte of a workbook's XML takes about half a second, as 4,000 lines of a plain list do.
_BYTES_OF_A_LINE = 256
# Before there is a plan there is nothing to say; afterwards the file is kept for a while.
GIVEN_BACK = (ImportState.READY, ImportState.DONE, ImportState.UNDONE)
IMPORT = "import"


@dataclass
class MendingBook(Book):
    source: Import
    content: bytes

    def expected(self) -> int:
        return to_mend(self.source).count()

    def weight(self) -> int:
        return max(self.expected(), inflated_size(self.content) // _BYTES_OF_A_LINE)

    def name(self) -> str:
        return _("%(file)s – to mend.xlsx") % {"file": PurePath(self.source.file_name).stem}

    def write(self, target: Target, progress: Progress) -> int:
        assert not isinstance(target, str | PurePath)
        marks = marks_of(self.source)
        try:
            give_back(self.content, marks, target, texts=digits_in(self.source))
        except Refused as refused:  # it was read once: the limits have changed since
            raise Gone(self.source.pk) from refused
        progress.step = progress.total
        return len(marks.rows)


class ImportWorkbook(Kind):
    """For those who may import."""

    name = "clients.import_workbook"
    label = gettext_lazy("Client list to mend")
    stem = gettext_lazy("client-list-to-mend")
    perm = Perm.IMPORT_DOSSIERS
    exported = ImportWorkbookTaken

    def book(self, member: Membership, parameters: Parameters) -> MendingBook:
        file = ImportFile.objects.filter(
            source=_key(parameters), source__state__in=GIVEN_BACK, source__sheet__isnull=False
        ).select_related("source")
        if (found := file.first()) is None:
            raise Gone(parameters)
        return MendingBook(found.source, bytes(found.content))

    def page(self, firm: Firm, parameters: Parameters) -> str:
        return firm.url("clients:import", pk=_key(parameters))


def _key(parameters: Parameters) -> UUID:
    try:
        return UUID(parameters[IMPORT])
    except (KeyError, ValueError) as error:
        raise Gone(parameters) from error
