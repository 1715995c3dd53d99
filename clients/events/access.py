"""What is done with the knowledge of who has access."""

from django.utils.translation import gettext_lazy as _

from activity.events import ACCESSES, EventType


class AccessExported(EventType):
    """Concerns nobody else: no access has changed. Details: `lines`, how many the workbook holds."""

    name = "clients.access.exported"
    family = ACCESSES
    summary = _("The accesses were exported")
    sentence = _("%(actor)s exported who has access to what (%(lines)s lines).")


class DossiersExported(EventType):
    """Concerns nobody else: nothing of the client files has changed. Details: `lines`."""

    name = "clients.dossiers.exported"
    family = ACCESSES
    summary = _("Client files were exported")
    sentence = _("%(actor)s exported client files (%(lines)s lines).")


class ImportFileTaken(EventType):
    """Concerns nobody else: nothing of the firm has changed."""

    name = "clients.import.file_taken"
    family = ACCESSES
    summary = _("The file of an import was downloaded")
    sentence = _("%(actor)s downloaded the file of an import: %(subject)s.")
    route = "clients:import"


class ImportWorkbookTaken(EventType):
    """Concerns nobody else: nothing of the firm has changed. Details: `lines`."""

    name = "clients.import.workbook_taken"
    family = ACCESSES
    summary = _("A client list was taken back to be mended")
    sentence = _("%(actor)s took a client list back to mend it (%(lines)s lines to look at).")
