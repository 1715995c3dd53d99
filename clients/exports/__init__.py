"""What of the clients may be taken away as a workbook. Each kind is declared here, and made by `exports`."""

from clients.exports.access import AccessExport
from clients.exports.dossiers import DossierExport
from clients.exports.journal import JournalExport
from clients.exports.seeing import SeenExport
from clients.exports.workbooks import ImportWorkbook

__all__ = ["AccessExport", "DossierExport", "ImportWorkbook", "JournalExport", "SeenExport"]
