"""Files between a firm and its client: who may drop, take and take back; what the other side learns, and when."""

from datetime import timedelta
from io import BytesIO
from typing import IO, Any
from uuid import UUID

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Membership, User
from accounts.permissions import ObjectRole, give, pairs_of
from activity.models import Event
from clients.actions.archiving import archive_dossiers
from clients.actions.files import (
    Handed,
    NoRoom,
    NotThere,
    drop_for_client,
    drop_for_firm,
    files_of_member,
    files_of_person,
    put_back,
    take_back,
    take_for_client,
    take_for_firm,
)
from clients.actions.space import open_space
from clients.actions.support import NotFollowed
from clients.files import quarantine
from clients.files.quarantine import scan_file
from clients.files.recognising import FileKind
from clients.models import (
    AccessKind,
    AccessRecord,
    Assignment,
    Dossier,
    ExchangedFile,
    ExchangedFilePart,
    FileCategory,
    FileState,
    LinkRight,
    SpaceLink,
    SpaceMember,
    SpaceProfile,
)
from tenancy.scopes import scope
from tests.outbox import Outbox
from tests.worlds import World, make_dossier, make_person

CONTENT = b"%PDF-1.7 " + b"x" * (1 << 20)
GENERAL, BILLING = FileCategory.GENERAL, FileCategory.BILLING


def handed(name: str = "bilan.pdf", content: bytes = CONTENT) -> Handed:
    return Handed(name, FileKind.PDF, len(content), BytesIO(content))


class Pair:
    """A firm and one of its clients, linked."""

    def __init__(self, world: World, person: User) -> None:
        self.world, self.person = world, person
        with scope(firm=world.firm):
            self.dossier = make_dossier()
            self.link = open_space(
                person=person,
                firm=world.firm,
                dossier=self.dossier,
                email=person.email,
            )

    def member(self) -> SpaceMember:
        return SpaceMember.objects.select_related("user", "space").get(user=self.person)

    def to_client(self, actor: Membership | None = None, about: FileCategory = GENERAL) -> ExchangedFile:
        with scope(firm=self.world.firm):
            (file,) = drop_for_client(
                actor=actor or self.world.admin, dossier=self.dossier, handed=[handed()], category=about
            )
            return file

    def to_firm(self) -> ExchangedFile:
        with scope(space=self.link.space_id):
            (file,) = drop_for_firm(
                actor=self.member(), link=self.link, handed=[handed("releve.pdf")], category=GENERAL
            )
            return file

    def seen_by_client(self, profile: SpaceProfile = SpaceProfile.MANAGER) -> list[str]:
        with scope(space=self.link.space_id):
            SpaceMember.objects.update(profile=profile)
            return [file.name for file in files_of_person(self.member())]

    def seen_by(self, member: Membership) -> list[str]:
        with scope(firm=self.world.firm):
            return [file.name for file in files_of_member(member)]

    def as_client(self) -> Any:
        return scope(space=self.link.space_id)

    def as_firm(self) -> Any:
        return scope(firm=self.world.firm)

    def owners(self, from_firm: ExchangedFile, from_client: ExchangedFile) -> list[Any]:
        """Each side's scope, who of it acts there, and its file."""
        return [
            (self.as_firm(), lambda: self.world.admin, from_firm),
            (self.as_client(), self.member, from_client),
        ]

    def end(self) -> None:
        with self.as_firm():
            SpaceLink.objects.filter(pk=self.link.pk).update(until=timezone.now())

    def come_back(self) -> SpaceLink:
        with self.as_firm():
            return open_space(
                person=self.person,
                firm=self.world.firm,
                dossier=self.dossier,
                email=self.person.email,
                space_id=self.link.space_id,
            )

    def journal(self) -> list[str]:
        with self.as_firm():
            firms = Event.objects.of_scope().filter(type__contains=".file_").order_by("id")
            found = list(firms.values_list("type", flat=True))
        with self.as_client():
            spaces = Event.objects.of_scope().filter(type__contains=".file_").order_by("id")
            return [*found, *spaces.values_list("type", flat=True)]


@pytest.fixture
def pair(lemoine: World) -> Pair:
    return Pair(lemoine, make_person("claire@boulangerie.test", first_name="Claire"))


@pytest.fixture
def reader(pair: Pair) -> Membership:
    return assigned(pair, pair.world.collaborator, ObjectRole.READER)


@pytest.fixture
def found() -> dict[str, str]:
    """What the scanner of `scanned` says: `answer`, or a fault for its absence."""
    return {"answer": ""}


@pytest.fixture
def scanned(settings: Any, monkeypatch: pytest.MonkeyPatch, found: dict[str, str]) -> list[bytes]:
    """A scanner is set up; the contents that it was shown."""
    settings.FILE_SCANNER = "call:tests.clients.test_files.look"
    shown: list[bytes] = []

    def look(file: IO[bytes]) -> str:
        shown.append(file.read())
        return found["answer"]

    monkeypatch.setattr("tests.clients.test_files.look", look, raising=False)
    return shown


def assigned(pair: Pair, member: Membership, role: ObjectRole) -> Membership:
    with pair.as_firm():
        give(Assignment, pairs_of([pair.dossier], [member]), role=role, by=pair.world.admin)
    return member


# --- Dropping ---------------------------------------------------------------------------------------------------


def test_what_one_side_drops_the_other_sees_and_takes_byte_by_byte(pair: Pair) -> None:
    file = pair.to_client()
    assert pair.seen_by_client() == ["bilan.pdf"] == pair.seen_by(pair.world.admin)
    target = BytesIO()
    with pair.as_client():
        assert ExchangedFilePart.objects.count() == 2, "pieces of a megabyte"
        take_for_client(actor=pair.member(), file=file, target=target)
        assert ExchangedFile.objects.get().taken_at is not None
    assert target.getvalue() == CONTENT
    assert pair.journal() == [
        "clients.dossier.file_dropped",
        "clients.space.file_received",
        "clients.space.file_taken",
    ]


def test_an_accountant_drops_a_reader_reads_and_others_see_nothing(pair: Pair, reader: Membership) -> None:
    accountant = assigned(pair, pair.world.colleague, ObjectRole.ACCOUNTANT)
    file = pair.to_client(accountant)
    assert pair.seen_by(reader) == ["bilan.pdf"]
    with pair.as_firm():
        take_for_firm(actor=reader, file=file, target=BytesIO())
        with pytest.raises(PermissionDenied):
            drop_for_client(actor=reader, dossier=pair.dossier, handed=[handed()], category=GENERAL)
        with pytest.raises(PermissionDenied):
            take_back(actor=reader, file=file)


@pytest.mark.parametrize("role", [ObjectRole.SUPPORT, None])
def test_technical_support_and_who_has_no_access_see_no_file(pair: Pair, role: ObjectRole | None) -> None:
    file, member = pair.to_client(), pair.world.colleague
    if role:
        assigned(pair, member, role)
    assert pair.seen_by(member) == []
    with pair.as_firm(), pytest.raises(NotThere):
        take_for_firm(actor=member, file=file, target=BytesIO())


def test_a_right_to_read_caps_everybody_and_so_does_the_archive(pair: Pair) -> None:
    admin, file = pair.world.admin, pair.to_client()
    with pair.as_firm():
        SpaceLink.objects.update(right=LinkRight.READ)
        for act in (
            lambda: drop_for_client(actor=admin, dossier=pair.dossier, handed=[handed()], category=GENERAL),
            lambda: take_back(actor=admin, file=file),
        ):
            with pytest.raises(PermissionDenied):
                act()
        take_for_firm(actor=admin, file=file, target=BytesIO())
        SpaceLink.objects.update(right=LinkRight.MANAGE)
        archive_dossiers(actor=admin, dossiers=Dossier.objects.filter(pk=pair.dossier.pk))
        with pytest.raises(PermissionDenied):
            drop_for_client(actor=admin, dossier=pair.dossier, handed=[handed()], category=GENERAL)


def test_another_dossier_of_the_same_firm_gives_no_right_to_these_files(pair: Pair, lemoine: World) -> None:
    other = Pair(lemoine, make_person("ivan@ailleurs.test"))
    file = pair.to_client()
    assigned(other, lemoine.colleague, ObjectRole.ACCOUNTANT)
    assert pair.seen_by(lemoine.colleague) == []
    with pair.as_firm(), pytest.raises(NotThere):
        take_for_firm(actor=lemoine.colleague, file=file, target=BytesIO())
    with other.as_client(), pytest.raises(NotThere):
        take_for_client(actor=other.member(), file=file, target=BytesIO())
    assert other.seen_by_client() == []


@pytest.mark.parametrize(
    ("profile", "general", "billing", "adds"),
    [
        (SpaceProfile.MANAGER, True, True, True),
        (SpaceProfile.FULL, True, True, True),
        (SpaceProfile.BILLING, False, True, False),
        (SpaceProfile.READER, True, True, False),
    ],
)
def test_a_profile_may_what_the_table_says(
    pair: Pair, profile: SpaceProfile, general: bool, billing: bool, adds: bool
) -> None:
    files = {pair.to_client(): general, pair.to_client(about=BILLING): billing}
    assert len(pair.seen_by_client(profile)) == general + billing
    with pair.as_client():
        actor = pair.member()
        for file, may in files.items():
            if may:
                take_for_client(actor=actor, file=file, target=BytesIO())
            else:
                with pytest.raises(PermissionDenied):
                    take_for_client(actor=actor, file=file, target=BytesIO())
        if not adds:
            with pytest.raises(PermissionDenied):
                drop_for_firm(actor=actor, link=pair.link, handed=[handed()], category=BILLING)


def test_the_right_is_asked_for_anew_by_every_download(pair: Pair, reader: Membership) -> None:
    file = pair.to_client()
    with pair.as_firm():
        take_for_firm(actor=reader, file=file, target=BytesIO())
        Assignment.objects.all().delete()
        with pytest.raises(NotThere):
            take_for_firm(actor=reader, file=file, target=BytesIO())
    with pair.as_client():
        gone = pair.member()
        SpaceMember.objects.update(ended_at=timezone.now())
        with pytest.raises(PermissionDenied):
            take_for_client(actor=gone, file=file, target=BytesIO())


def test_a_link_holds_so_much_and_no_more(pair: Pair, settings: Any) -> None:
    settings.EXCHANGE_MOST_BYTES = len(CONTENT) + 10
    pair.to_client()
    with pytest.raises(NoRoom):
        pair.to_firm()
    assert pair.seen_by_client() == ["bilan.pdf"]
    with pair.as_firm():
        take_back(actor=pair.world.admin, file=ExchangedFile.objects.get())
    with pytest.raises(NoRoom):
        pair.to_firm()
    with pair.as_firm():
        long_ago = timezone.now() - timedelta(days=31)
        ExchangedFile.objects.update(ended_at=long_ago, dropped_at=long_ago)
    assert pair.to_firm().name == "releve.pdf"


def test_a_file_can_stand_between_no_other_two_than_its_link(pair: Pair, bertrand: World) -> None:
    other = Pair(bertrand, make_person("ivan@ailleurs.test"))
    file = pair.to_client()
    for side in ({"space_id": other.link.space_id}, {"link_id": other.link.pk}):
        with pair.as_firm(), pytest.raises(IntegrityError), transaction.atomic():
            ExchangedFile.objects.filter(pk=file.pk).update(**side)
            constraints_now()


def constraints_now() -> None:
    from django.db import connection

    connection.check_constraints()


# --- Who is told ------------------------------------------------------------------------------------------------


def test_one_mail_tells_the_other_side_of_all_that_was_dropped_together(
    pair: Pair, outbox: Outbox, reader: Membership
) -> None:
    outbox.clear()
    with pair.as_client():
        several = [handed("un.pdf"), handed("deux.pdf"), handed("trois.pdf")]
        drop_for_firm(actor=pair.member(), link=pair.link, handed=several, category=GENERAL)
    assert outbox.recipients() == sorted([pair.world.admin.email, reader.email])
    mail = outbox.to(reader.email)
    assert all(name in str(mail.body) for name in ("un.pdf", "deux.pdf", "trois.pdf"))
    assert "Boulangerie" not in mail.subject


def test_a_file_about_billing_tells_whom_it_concerns_and_one_taken_back_at_once_nobody(
    pair: Pair, outbox: Outbox
) -> None:
    outbox.clear()
    pair.seen_by_client(SpaceProfile.BILLING)
    pair.to_client()
    assert outbox.recipients() == []
    file = pair.to_client(about=BILLING)
    with pair.as_firm():
        take_back(actor=pair.world.admin, file=file)
    assert outbox.recipients() == []
    pair.to_client(about=BILLING)
    assert outbox.recipients() == [pair.person.email]


# --- Taking back --------------------------------------------------------------------------------------------------


def test_what_is_taken_back_is_gone_for_both_at_once_and_may_be_put_back(pair: Pair) -> None:
    file, admin = pair.to_client(), pair.world.admin
    with pair.as_firm():
        take_back(actor=admin, file=file)
        with pytest.raises(NotThere):
            take_for_firm(actor=admin, file=file, target=BytesIO())
    assert pair.seen_by_client() == []
    assert pair.seen_by(admin) == ["bilan.pdf"], "its own side sees that it was taken back"
    with pair.as_firm():
        put_back(actor=admin, file=file)
    assert pair.seen_by_client() == ["bilan.pdf"]
    with pair.as_firm(), pytest.raises(NotThere):
        put_back(actor=admin, file=file)


def test_nobody_takes_back_what_the_other_side_dropped(pair: Pair) -> None:
    theirs, ours = pair.to_firm(), pair.to_client()
    with pair.as_firm(), pytest.raises(NotThere):
        take_back(actor=pair.world.admin, file=theirs)
    with pair.as_client(), pytest.raises(NotThere):
        take_back(actor=pair.member(), file=ours)


def test_after_thirty_days_the_content_is_deleted_and_the_line_stays(pair: Pair) -> None:
    file, admin = pair.to_client(), pair.world.admin
    with pair.as_firm():
        take_back(actor=admin, file=file)
    quarantine.sweep()
    with pair.as_firm():
        assert ExchangedFilePart.objects.exists(), "not before"
        long_ago = timezone.now() - timedelta(days=31)
        ExchangedFile.objects.update(ended_at=long_ago, dropped_at=long_ago)
        with pytest.raises(NotThere):
            put_back(actor=admin, file=file)
    assert quarantine.sweep() == 1
    assert quarantine.sweep() == 0
    with pair.as_firm():
        assert not ExchangedFilePart.objects.exists()
        assert ExchangedFile.objects.get().state == FileState.REMOVED


# --- Once the link has ended --------------------------------------------------------------------------------------


def test_after_the_end_each_side_keeps_what_it_has_and_nothing_new_is_exchanged(pair: Pair) -> None:
    file, theirs = pair.to_client(), pair.to_firm()
    pair.end()
    assert len(pair.seen_by_client()) == 2 == len(pair.seen_by(pair.world.admin))
    with pair.as_firm():
        take_for_firm(actor=pair.world.admin, file=theirs, target=BytesIO())
        with pytest.raises(NotFollowed):
            drop_for_client(actor=pair.world.admin, dossier=pair.dossier, handed=[handed()], category=GENERAL)
        with pytest.raises(NotThere):
            take_back(actor=pair.world.admin, file=file)
    with pair.as_client():
        take_for_client(actor=pair.member(), file=file, target=BytesIO())
        with pytest.raises(NotFollowed):
            drop_for_firm(actor=pair.member(), link=pair.link, handed=[handed()], category=GENERAL)
        with pytest.raises(NotThere):
            take_back(actor=pair.member(), file=theirs)


def test_once_the_client_is_back_each_side_handles_its_own_files_again(pair: Pair, outbox: Outbox) -> None:
    from_firm, from_client = pair.to_client(), pair.to_firm()
    pair.end()
    back = pair.come_back()
    outbox.clear()
    for side, actor, file in pair.owners(from_firm, from_client):
        with side:
            assert take_back(actor=actor(), file=file).link_id == back.pk
    assert outbox.recipients() == sorted([pair.world.admin.email, pair.person.email]), (
        "the other side is told"
    )
    for side, actor, file in pair.owners(from_firm, from_client):
        with side:
            put_back(actor=actor(), file=ExchangedFile.objects.get(pk=file.pk))
    assert pair.seen_by(pair.world.admin) == pair.seen_by_client() == ["releve.pdf", "bilan.pdf"]


def test_another_firms_link_handles_no_file_of_the_former_one(pair: Pair, bertrand: World) -> None:
    file = pair.to_firm()
    pair.end()
    with scope(firm=bertrand.firm):
        link = open_space(
            person=pair.person,
            firm=bertrand.firm,
            dossier=make_dossier("Ailleurs"),
            email=pair.person.email,
            space_id=pair.link.space_id,
        )
    assert link.space_id == pair.link.space_id
    with pair.as_client(), pytest.raises(NotThere):
        take_back(actor=pair.member(), file=file)


def test_what_waits_for_the_scanner_when_the_link_ends_never_arrives(
    pair: Pair, scanned: list[bytes]
) -> None:
    file = pair.to_firm()
    pair.end()
    scan_file(pair.world.firm.pk, file.pk)
    assert state_of(pair, file) == (FileState.TURNED_AWAY, "ended")
    assert pair.seen_by(pair.world.admin) == []
    assert pair.journal()[-1] == "clients.space.file_turned_away"


# --- The scanner ----------------------------------------------------------------------------------------------------


def test_a_file_arrives_once_the_scanner_has_looked(pair: Pair, scanned: list[bytes], outbox: Outbox) -> None:
    outbox.clear()
    file = pair.to_client()
    assert pair.seen_by_client() == [] and outbox.recipients() == []
    with pair.as_client(), pytest.raises(NotThere):
        take_for_client(actor=pair.member(), file=file, target=BytesIO())
    assert quarantine.sweep() == 1, "what no nudge announced"
    scan_file(pair.world.firm.pk, file.pk)
    assert scanned == [CONTENT]
    assert pair.seen_by_client() == ["bilan.pdf"]
    assert outbox.recipients() == [pair.person.email]
    scan_file(pair.world.firm.pk, file.pk)
    assert len(scanned) == 1 and outbox.recipients() == [pair.person.email]


def test_an_infected_file_is_deleted_and_told_to_whoever_dropped_it_alone(
    pair: Pair, scanned: list[bytes], found: dict[str, str], outbox: Outbox
) -> None:
    outbox.clear()
    file, found["answer"] = pair.to_firm(), "Eicar-Test"
    scan_file(pair.world.firm.pk, file.pk)
    assert state_of(pair, file) == (FileState.TURNED_AWAY, "infected")
    assert pair.seen_by(pair.world.admin) == []
    assert outbox.recipients() == [pair.person.email]
    with pair.as_client():
        assert not ExchangedFilePart.objects.exists()
    assert pair.journal() == ["clients.space.file_dropped", "clients.space.file_turned_away"]


def test_a_scanner_that_is_away_keeps_the_file_waiting_for_a_day(
    pair: Pair, scanned: list[bytes], settings: Any
) -> None:
    settings.FILE_SCANNER = "clamd:/nowhere/clamd.ctl"
    file = pair.to_client()
    scan_file(pair.world.firm.pk, file.pk)
    assert state_of(pair, file)[0] == FileState.QUARANTINED
    with pair.as_firm():
        rests_until = ExchangedFile.objects.get().lease_until
        assert rests_until is not None and rests_until > timezone.now() + timedelta(seconds=10)
        past = timezone.now() - timedelta(days=1, minutes=1)
        ExchangedFile.objects.update(lease_until=past, dropped_at=past)
    assert quarantine.sweep() == 1
    scan_file(pair.world.firm.pk, file.pk)
    assert state_of(pair, file) == (FileState.TURNED_AWAY, "unchecked")
    assert pair.journal()[-1] == "clients.dossier.file_turned_away"


def test_what_was_taken_back_while_the_scanner_looked_does_not_arrive(
    pair: Pair, scanned: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = pair.to_client()

    def meanwhile(_file: IO[bytes]) -> str:
        with pair.as_firm():
            take_back(actor=pair.world.admin, file=file)
        return ""

    monkeypatch.setattr("tests.clients.test_files.look", meanwhile)
    scan_file(pair.world.firm.pk, file.pk)
    assert state_of(pair, file)[0] == FileState.REMOVED
    assert pair.seen_by_client() == []
    assert "clients.space.file_received" not in pair.journal()


def state_of(pair: Pair, file: ExchangedFile) -> tuple[str, str]:
    with pair.as_firm():
        held = ExchangedFile.objects.get(pk=file.pk)
        return held.state, held.reason


# --- Accesses -------------------------------------------------------------------------------------------------------


def test_each_download_by_the_firm_counts_as_an_access(pair: Pair) -> None:
    file, admin = pair.to_firm(), pair.world.admin
    with pair.as_firm():
        for _each in range(2):
            take_for_firm(actor=admin, file=file, target=BytesIO())
        kept = AccessRecord.objects.get()
        whose: UUID | None = admin.user_id
        assert (kept.kind, kept.user_id, kept.count) == (AccessKind.DOWNLOADED, whose, 2)
        assert kept.last_at > kept.first_at
        taken = Event.objects.of_scope().filter(type="clients.dossier.file_taken")
        assert taken.count() == 2
