"""Handing files over between a firm and its client: dropped by one side, taken by the other, or taken back.

Nothing is exchanged over a link that has ended, and nothing taken back: each side keeps what it has
(docs/decisions/0020-files.md). With a virus scanner, a file arrives once a worker has had it looked at.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions import Perm, permitted, require
from activity.actions import record
from activity.events import Actor, EventType
from activity.origin import Origin, coming_from
from clients.actions.accesses import note_access
from clients.actions.support import NotFollowed
from clients.events.files import (
    FileDeleted,
    FileDropped,
    FilePutBack,
    FileReceived,
    FileTaken,
    FileTakenBack,
    FileTurnedAway,
    FileWithdrawn,
    SpaceFileDeleted,
    SpaceFileDropped,
    SpaceFilePutBack,
    SpaceFileReceived,
    SpaceFileTaken,
    SpaceFileTakenBack,
    SpaceFileTurnedAway,
    SpaceFileWithdrawn,
)
from clients.files.limits import PIECE
from clients.files.recognising import FileKind
from clients.files.scanning import scanner
from clients.models import (
    AccessKind,
    ClientSpace,
    Dossier,
    ExchangedFile,
    ExchangedFilePart,
    FileCategory,
    FileState,
    SpaceLink,
    SpaceMember,
    SpacePerm,
)
from clients.models.files import ExchangedFileQuerySet
from clients.profiles import require_profile
from tenancy.scopes import Purpose, crossing, current
from tenancy.tasks import nudge

SCAN = "clients.scan_file"


class NoRoom(Exception):
    """Firm and client have exchanged as much as one link may hold."""


class NotThere(Exception):
    """The file is not to be had (any more), or is not one that this side may take back."""


@dataclass(frozen=True)
class Handed:
    """A file as it comes in: recognised, with its safe name; `content` is at its beginning."""

    name: str
    kind: FileKind
    size: int
    content: IO[bytes]


@dataclass(frozen=True)
class _Dropper:
    """Whoever dropped a file, for what a worker says in their name."""

    user_id: UUID | None
    name: str


# --- What each side may see -------------------------------------------------------------------------------------------


def files_of_member(member: Membership) -> ExchangedFileQuerySet:
    """The files of the dossiers whose files the member may see now, in the firm's scope."""
    dossiers = permitted(Dossier.objects.all(), member, Perm.SEE_FILES)
    of_dossiers = ExchangedFile.objects.filter(link__dossier__in=dossiers.order_by().values("pk"))
    return of_dossiers.shown_to(client=False)


def categories_of(member: SpaceMember) -> list[FileCategory]:
    """The categories of files that the person may see."""
    return [category for category in FileCategory if member.may(category.perm)]


def files_of_person(member: SpaceMember) -> ExchangedFileQuerySet:
    """The files that the person may see in their space."""
    of_space = ExchangedFile.objects.filter(space=member.space_id).of_categories(categories_of(member))
    return of_space.shown_to(client=True)


# --- Dropping -----------------------------------------------------------------------------------------------------


@transaction.atomic
def drop_for_client(
    *, actor: Membership, dossier: Dossier, handed: Iterable[Handed], category: FileCategory
) -> list[ExchangedFile]:
    """Hand files over to the dossier's client; in the firm's scope. Raises NotFollowed, NoRoom."""
    link = _held(SpaceLink.objects.running().filter(dossier=dossier))
    require(actor, Perm.ADD_FILES, dossier)
    if link is None:
        raise NotFollowed(dossier.pk)
    return _drop(actor, link, handed, category, from_client=False)


@transaction.atomic
def drop_for_firm(
    *, actor: SpaceMember, link: SpaceLink, handed: Iterable[Handed], category: FileCategory
) -> list[ExchangedFile]:
    """Hand files over to the firm of the link; in the space's scope. Raises NotFollowed, NoRoom."""
    held = _held(SpaceLink.objects.running().filter(pk=link.pk, space=actor.space_id))
    require_profile(actor, SpacePerm.ADD_FILES)
    require_profile(actor, category.perm)
    if held is None:
        raise NotFollowed(link.pk)
    return _drop(actor, held, handed, category, from_client=True)


def _held(links: QuerySet[SpaceLink]) -> SpaceLink | None:
    """The link, which nobody ends until the transaction does. What the actor may is asked after it, not before: a file
    may have been coming in for a while (docs/decisions/0032-the-locks-of-what-hangs-on-a-link.md)."""
    return links.select_for_update(no_key=True, of=("self",)).first()


def _drop(
    actor: Membership | SpaceMember,
    link: SpaceLink,
    handed: Iterable[Handed],
    category: FileCategory,
    *,
    from_client: bool,
) -> list[ExchangedFile]:
    handed = list(handed)
    kept = ExchangedFile.objects.filter(link=link).with_content()
    total = (kept.aggregate(total=Sum("size"))["total"] or 0) + sum(one.size for one in handed)
    if total > settings.EXCHANGE_MOST_BYTES:
        raise NoRoom(link.pk)
    common = {"firm_id": link.firm_id, "space_id": link.space_id, "link": link, "category": category}
    dropped = []
    for one in handed:
        file = ExchangedFile(**common, name=one.name, kind=one.kind, size=one.size, from_client=from_client)
        file.dropped_by_id, file.dropped_by_name = actor.user_id, actor.name
        _come_in(file, SpaceFileDropped if from_client else FileDropped, actor, one)
        dropped.append(file)
    return dropped


def _come_in(file: ExchangedFile, event: type[EventType], actor: Actor, handed: Handed) -> None:
    file.state = FileState.QUARANTINED if scanner() else FileState.AVAILABLE
    file.save(force_insert=True)
    for number, content in enumerate(_pieces(handed.content)):
        ExchangedFilePart.objects.create(
            firm_id=file.firm_id, space_id=file.space_id, file=file, number=number, content=content
        )
    _record_here(event, file, actor)
    _hand_on(file)


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    content.seek(0)
    while piece := content.read(PIECE):
        yield piece


def _hand_on(file: ExchangedFile) -> None:
    """To the scanner, or to the other side at once."""
    if file.state == FileState.QUARANTINED:
        nudge(SCAN, file.firm_id, file.pk)
    else:
        announce(file)


# --- Taking ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def take_for_firm(*, actor: Membership, file: ExchangedFile, target: IO[bytes]) -> ExchangedFile:
    """Copy the content into the target; the right is asked for anew, and the access is kept. Raises NotThere."""
    held = _available(files_of_member(actor), file)
    dossier = Dossier.objects.get(pk=held.link.dossier_id)
    require(actor, Perm.SEE_FILES, dossier)
    _copy(held, target, for_client=False)
    note_access(actor, dossier, AccessKind.DOWNLOADED)
    _record_here(FileTaken, held, actor)
    return held


@transaction.atomic
def take_for_client(*, actor: SpaceMember, file: ExchangedFile, target: IO[bytes]) -> ExchangedFile:
    """The same, for a person of the client."""
    held = _available(ExchangedFile.objects.filter(space=actor.space_id), file)
    require_profile(actor, FileCategory(held.category).perm)
    _copy(held, target, for_client=True)
    _record_here(SpaceFileTaken, held, actor)
    return held


def _available(files: QuerySet[ExchangedFile], file: ExchangedFile) -> ExchangedFile:
    """The file, which nobody takes back until the transaction ends."""
    rows = files.filter(pk=file.pk, state=FileState.AVAILABLE).select_related("link")
    held = rows.select_for_update(no_key=True, of=("self",)).first()
    if held is None:
        raise NotThere(file.pk)
    return held


def _copy(file: ExchangedFile, target: IO[bytes], *, for_client: bool) -> None:
    copy_content(file, target)
    if file.from_client != for_client and file.taken_at is None:
        file.taken_at = timezone.now()
        file.save(update_fields=["taken_at"])


def copy_content(file: ExchangedFile, target: IO[bytes]) -> None:
    """Piece by piece: the file is never whole in memory."""
    for content in file.parts.values_list("content", flat=True).iterator(chunk_size=1):
        target.write(content)


# --- Taking back, and putting there again ---------------------------------------------------------------------------


@transaction.atomic
def take_back(*, actor: Membership | SpaceMember, file: ExchangedFile) -> ExchangedFile:
    """Take a file of one's own side away from both, at once; for 30 days it can be put back.

    Raises NotThere for the other side's, one that is gone already, and once firm and client are no longer linked.
    """
    held = _own(actor, file, FileState.QUARANTINED, FileState.AVAILABLE)
    had_arrived = held.state == FileState.AVAILABLE
    held.state, held.ended_at, held.ended_by_name = FileState.REMOVED, timezone.now(), actor.name
    held.lease_until = None
    held.save(update_fields=["link", "state", "ended_at", "ended_by_name", "lease_until"])
    _record_here(SpaceFileTakenBack if held.from_client else FileTakenBack, held, actor)
    if had_arrived:
        _tell_other_side(FileWithdrawn if held.from_client else SpaceFileWithdrawn, held, actor)
    return held


@transaction.atomic
def put_back(*, actor: Membership | SpaceMember, file: ExchangedFile) -> ExchangedFile:
    """Hand a file that was taken back over again; it is looked at anew. Raises NotThere, also after 30 days."""
    held = _own(actor, file, FileState.REMOVED)
    if not held.may_be_put_back:
        raise NotThere(held.pk)
    held.state = FileState.QUARANTINED if scanner() else FileState.AVAILABLE
    held.ended_at, held.ended_by_name, held.dropped_at = None, "", timezone.now()
    held.save(update_fields=["link", "state", "ended_at", "ended_by_name", "dropped_at"])
    _record_here(SpaceFilePutBack if held.from_client else FilePutBack, held, actor)
    _hand_on(held)
    return held


def _own(actor: Membership | SpaceMember, file: ExchangedFile, *states: FileState) -> ExchangedFile:
    """A file of the actor's side in one of these states, which they may handle; with the link that runs, locked.

    Of a client who came back that is another link than the one over which the file came, between the same two: what is
    done with the file now is done over it, and belongs to it.
    """
    between = {"firm": file.link.firm_id, "space": file.link.space_id, "dossier": file.link.dossier_id}
    link = _held(SpaceLink.objects.running().filter(**between))
    rows = ExchangedFile.objects.filter(pk=file.pk)
    list(rows.select_for_update(no_key=True).values_list("pk"))  # before what the actor may is asked
    if isinstance(actor, SpaceMember):
        require_profile(actor, SpacePerm.ADD_FILES)
        require_profile(actor, FileCategory(file.category).perm)
        own = ExchangedFile.objects.filter(space=actor.space_id, from_client=True)
    else:
        require(actor, Perm.ADD_FILES, Dossier.objects.get(pk=file.link.dossier_id))
        own = files_of_member(actor).filter(from_client=False)
    held = own.filter(pk=file.pk, state__in=states).select_related("link").first()
    if held is None or link is None:
        raise NotThere(file.pk)
    held.link = link
    return held


# --- What a worker does, and what both sides read of it ------------------------------------------------------------


def announce(file: ExchangedFile) -> None:
    """Tell the other side that the file has arrived, in the name of whoever dropped it; from the side that did."""
    dropper = _Dropper(file.dropped_by_id, file.dropped_by_name)
    _tell_other_side(FileReceived if file.from_client else SpaceFileReceived, file, dropper)


def turn_away(file: ExchangedFile, reason: str, found: str = "") -> None:
    """Delete the content of a file that must not arrive, and tell whoever dropped it; on their side."""
    file.state, file.ended_at, file.lease_until = FileState.TURNED_AWAY, timezone.now(), None
    file.reason, file.found = reason, found
    file.save(update_fields=["state", "ended_at", "reason", "found", "lease_until"])
    file.parts.all().delete()
    event = SpaceFileTurnedAway if file.from_client else FileTurnedAway
    whom = [str(file.dropped_by_id)] if file.dropped_by_id else []
    _record_here(event, file, None, reason=reason, dropped_by=whom)


@transaction.atomic
def delete_content(file: ExchangedFile) -> None:
    """Delete the content of a file that was taken back long ago; on the side that had dropped it. Once."""
    deleted, _kinds = file.parts.all().delete()
    if deleted:
        _record_here(SpaceFileDeleted if file.from_client else FileDeleted, file, None)


def _record_here(event: type[EventType], file: ExchangedFile, actor: Actor | None, **more: Any) -> None:
    """In the journal of the side on which the code stands."""
    details = {"file": file.name, "file_id": str(file.pk), **more}
    if current().firm_id:
        record(event, actor=actor, subject=Dossier.objects.get(pk=file.link.dossier_id), details=details)
    else:
        details |= {**file.link.by_firm, "category": file.category}
        record(event, actor=actor, subject=ClientSpace.objects.get(pk=file.space_id), details=details)


def _tell_other_side(event: type[EventType], file: ExchangedFile, actor: Actor) -> None:
    with _across(file):
        _record_here(event, file, actor)


@contextmanager
def _across(file: ExchangedFile) -> Generator[None]:
    """The other side learns who, not from which address."""
    with crossing(file.link, Purpose.EXCHANGE_FILES), coming_from(Origin()):
        yield
