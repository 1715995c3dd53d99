"""What happens to the files that firm and client exchange, on both sides, and whom it concerns.

One line in the journal of whoever did it, and one on the other side, which is told. Details: `file` (its name),
`file_id`, and on the client's side `firm` and `category`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from accounts.permissions import Perm, holders
from activity.events import ACCESSES, EventType, Recipient
from clients.models import ClientSpace, Dossier, FileCategory, SpaceMember

# --- In the firm's journal ----------------------------------------------------------------------------------------


class FileEvent(EventType):
    """Concerns nobody else in the firm."""

    route = "clients:files"
    topic = "exchange"


class FileDropped(FileEvent):
    name = "clients.dossier.file_dropped"
    summary = _("A file was dropped for a client")
    sentence = _("%(actor)s dropped the file %(file)s for the client %(subject)s.")


class FileTakenBack(FileEvent):
    name = "clients.dossier.file_taken_back"
    summary = _("A file for a client was taken back")
    sentence = _("%(actor)s took the file %(file)s for the client %(subject)s back.")


class FilePutBack(FileEvent):
    name = "clients.dossier.file_put_back"
    summary = _("A file for a client was put back")
    sentence = _("%(actor)s put the file %(file)s for the client %(subject)s back.")


class FileDeleted(FileEvent):
    name = "clients.dossier.file_deleted"
    summary = _("The content of a file was deleted")
    sentence = _(
        "The content of the file %(file)s for the client %(subject)s, taken back a while ago, was deleted."
    )


class FileTaken(FileEvent):
    """An access to the client's data: see also `AccessRecord`."""

    name = "clients.dossier.file_taken"
    family = ACCESSES
    summary = _("An exchanged file was downloaded")
    sentence = _("%(actor)s downloaded the file %(file)s of %(subject)s.")


class FileTurnedAway(FileEvent):
    """Details: also `reason`, a key of `clients.files.words`; `dropped_by`, the person's key in a list."""

    name = "clients.dossier.file_turned_away"
    summary = _("A file that you dropped was refused")
    sentence = _("The file %(file)s for the client %(subject)s was refused: the page of its files says why.")
    concerns = _("Whoever dropped it")

    @classmethod
    def audience(cls, subject: Dossier, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return Membership.objects.open().with_person().filter(user_id__in=details["dropped_by"])


class _FromClient(FileEvent):
    concerns = _("Those of the firm who may see the client's files")

    @classmethod
    def audience(cls, subject: Dossier, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return holders(Perm.SEE_FILES, subject)


class FileReceived(_FromClient):
    name = "clients.dossier.file_received"
    summary = _("A client dropped a file for you")
    sentence = _("%(actor)s, of the client, dropped the file %(file)s in %(subject)s.")
    opposite = "clients.dossier.file_withdrawn"


class FileWithdrawn(_FromClient):
    name = "clients.dossier.file_withdrawn"
    summary = _("A client took a file back")
    sentence = _("%(actor)s, of the client, took the file %(file)s of %(subject)s back.")
    opposite = FileReceived.name


# Their sentences name the file: for those alone who see the files.
NAMING_FILES = [
    kind.name
    for kind in (
        FileDropped,
        FileTakenBack,
        FilePutBack,
        FileDeleted,
        FileTaken,
        FileTurnedAway,
        FileReceived,
        FileWithdrawn,
    )
]


# --- In the journal of the client's space --------------------------------------------------------------------------


class _OfSpace(EventType):
    """Concerns nobody else of the client."""

    route = "clients:space_files"
    topic = "exchange"


class SpaceFileDropped(_OfSpace):
    name = "clients.space.file_dropped"
    summary = _("A file was dropped for the firm")
    sentence = _("%(actor)s dropped the file %(file)s for %(firm)s.")


class SpaceFileTakenBack(_OfSpace):
    name = "clients.space.file_taken_back"
    summary = _("A file for the firm was taken back")
    sentence = _("%(actor)s took the file %(file)s for %(firm)s back.")


class SpaceFilePutBack(_OfSpace):
    name = "clients.space.file_put_back"
    summary = _("A file for the firm was put back")
    sentence = _("%(actor)s put the file %(file)s for %(firm)s back.")


class SpaceFileDeleted(_OfSpace):
    name = "clients.space.file_deleted"
    summary = _("The content of a file was deleted")
    sentence = _("The content of the file %(file)s for %(firm)s, taken back a while ago, was deleted.")


class SpaceFileTaken(_OfSpace):
    name = "clients.space.file_taken"
    family = ACCESSES
    summary = _("An exchanged file was downloaded")
    sentence = _("%(actor)s downloaded the file %(file)s exchanged with %(firm)s.")


class SpaceFileTurnedAway(_OfSpace):
    """As the firm's."""

    name = "clients.space.file_turned_away"
    summary = _("A file that you dropped was refused")
    sentence = _("The file %(file)s for %(firm)s was refused: the page of your files says why.")
    concerns = _("Whoever dropped it")

    @classmethod
    def audience(cls, subject: ClientSpace, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return SpaceMember.objects.present().filter(space=subject, user_id__in=details["dropped_by"])


class _FromFirm(_OfSpace):
    concerns = _("The people of the client's space who may see files of that category")

    @classmethod
    def audience(cls, subject: ClientSpace, details: Mapping[str, Any]) -> Iterable[Recipient]:
        perm = FileCategory(details["category"]).perm
        return SpaceMember.objects.who_may(perm).filter(space=subject)


class SpaceFileReceived(_FromFirm):
    name = "clients.space.file_received"
    summary = _("Your accounting firm dropped a file for you")
    sentence = _("%(actor)s (%(firm)s) dropped the file %(file)s for you.")
    opposite = "clients.space.file_withdrawn"


class SpaceFileWithdrawn(_FromFirm):
    name = "clients.space.file_withdrawn"
    summary = _("Your accounting firm took a file back")
    sentence = _("%(actor)s (%(firm)s) took the file %(file)s back.")
    opposite = SpaceFileReceived.name
