"""Every URL × method × person × own, foreign or absent object. A pattern without its line in the matrix fails.

Foreign is what belongs to another firm, and what the same firm holds for another client.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import JournalCheck, Membership
from accounts.permissions import ObjectRole, give, pairs_of
from accounts.places import places_of, record_visit
from activity.models import Event
from clients.actions.departing import complete_departure
from clients.actions.files import Handed, drop_for_client, drop_for_firm
from clients.actions.following import register_space
from clients.actions.support import SupportDuration, authorise_support
from clients.exports import DossierExport
from clients.files.recognising import FileKind
from clients.models import (
    ClientSpace,
    ColumnMapping,
    Connection,
    ConnectionKind,
    ConsentRequest,
    Dossier,
    ExchangedFile,
    Fetch,
    FileCategory,
    SavedView,
    SpaceLink,
    SpaceMember,
    SpacePerm,
    SpaceProfile,
    SupportAuthorisation,
)
from clients.models.imports import Import
from exports.models import KEPT_FOR, Export, ExportState
from invitations.models import Invitation, InvitationKind, Letter, Sending, SendingKind
from portfolios.models import PortfolioGrant
from tenancy.keys import uuid7
from tenancy.scopes import scope
from tests.accounts.test_replacements import arranged
from tests.conftest import OutsideClient
from tests.invitations.asked import ask as ask_firm
from tests.invitations.asked import receive
from tests.web.matrix import (
    IN_SPACES,
    MATRIX,
    MEMBERS,
    OTHERWISE,
    PEOPLE,
    PROFILES,
    Row,
)
from tests.web.pages import stable
from tests.web.routes import Pattern, all_patterns
from tests.worlds import World, make_dossier, make_firm, make_member, make_person, make_portfolio

PATTERNS = {pattern.name: pattern for pattern in all_patterns()}
METHODS = ("GET", "POST", "PATCH", "DELETE")
ANSWERED = {200, 204, 302, 303, 400, 409, 410, 422}
LOGIN = "/connexion/"
# Stand in whatever is called something: the client's whose pages are tried, another's of the same firm, another firm's.
OWN, NEIGHBOUR, FOREIGN = "kanariquatre", "kanaricinq", "kanarisix"
INSIDE = "kanarisept"  # what the firm keeps of the client to itself
ALL = frozenset({OWN, NEIGHBOUR, FOREIGN, INSIDE})
# What a profile leaves out, of one's own: the files that are no bills, the people and firms that are invited.
GENERAL, INVITED = f"{OWN}-bilan", f"{OWN}-invite"
# Which of them no answer to that person may hold, be it in a header.
UNTOLD: dict[str, frozenset[str]] = {
    "admin": frozenset({FOREIGN}),
    "accountant": frozenset({FOREIGN, NEIGHBOUR}),
    "reader": frozenset({FOREIGN, NEIGHBOUR}),
    "outsider": ALL,
    "stranger": ALL - {FOREIGN},
    "client": ALL - {OWN},
    "client_full": ALL - {OWN} | {INVITED},
    "client_billing": ALL - {OWN} | {INVITED, GENERAL},
    "client_reader": ALL - {OWN} | {INVITED},
    "neighbour": ALL - {NEIGHBOUR},
    "other_client": ALL - {FOREIGN},
    "anonymous": ALL,
}
# Which of them that person does read somewhere among the pages that they may see.
TOLD = {
    "admin": {OWN, NEIGHBOUR, INSIDE},
    "accountant": {OWN, INSIDE},
    "reader": {OWN, INSIDE},
    "client": {OWN},
    "client_full": {OWN},
    "client_billing": {OWN},
    "client_reader": {OWN},
    "other_client": {FOREIGN},
}
# What stands in a URL besides places and objects.
WORDS = {
    "token": "x" * 43,
    "code": "0" * 16,
    "key": "MQ:1abc:def",
    "uidb36": "1abc",
    "mail_id": UUID(int=1),
    "number": 2,
    "service": "brevo",
    "kind": "client",
    "language": "en",
    "name": "no-such-mail",
}


def make_objects(world: World, mark: str, inside: str = "") -> dict[str, Any]:
    """One of each thing that a URL may name, in the world's firm, called by the mark. Call in its scope."""
    portfolio = make_portfolio(f"Sarah {inside or mark}")
    details = {"reference": inside or mark, "email": f"{mark}@exemple.fr", "city": mark}
    dossier = make_dossier(f"Boulangerie {mark}", portfolio=portfolio, **details)
    invited = make_dossier(f"Menuiserie {mark}", portfolio=portfolio, email=f"invite.{mark}@exemple.fr")
    invitation = Invitation.objects.create(
        kind=InvitationKind.CLIENT, email=invited.email, dossier=invited, invited_by=world.admin
    )
    letter = Letter.objects.create(dossier=invited, printed_by=world.admin, code_hash=uuid7().hex)
    sending = Sending.objects.create(asked_by=world.admin, kind=SendingKind.INVITE, total=1)
    file_name = f"clients-{inside or mark}.xlsx"
    sent = Import.objects.create(created_by=world.admin, file_name=file_name, size=1)
    export = Export.objects.create(
        asked_by=world.collaborator,
        kind=DossierExport.name,
        file_name="dossiers.xlsx",
        state=ExportState.READY,
        expires_at=timezone.now() + KEPT_FOR,
    )
    connection = Connection.objects.create(
        kind=ConnectionKind.PENNYLANE, secret=b"sealed", made_by=world.admin
    )
    fetch = Fetch.objects.create(connection=connection, kind=connection.kind, asked_by=world.admin)
    assert world.collaborator.user is not None
    view = SavedView.objects.create(owner=world.collaborator.user, name="Bâtiment", is_shared=True)
    mapping = ColumnMapping.objects.create(
        shape="a" * 64, headers=["Nom"], asked={"fields": {"0": "legal_name"}}, saved_by=world.admin
    )
    return {
        "portfolio": portfolio,
        "dossier": dossier,
        "invitation": invitation,
        "letter": letter,
        "sending": sending,
        "member": world.collaborator,
        "departed": make_departed(world),
        "replacement": arranged(world),
        "import": sent,
        "mapping": mapping,
        "connection": connection,
        "fetch": fetch,
        "export": export,
        "journal_check": JournalCheck.objects.create(asked_by=world.admin),
        "view": view,
        "event": Event.objects.earliest("id"),
    }


def make_departed(world: World) -> Membership:
    """Somebody who has left by the wizard."""
    denis = make_member(world.firm, "Denis")
    complete_departure(actor=world.admin, member=denis, takers={}, revoke={})
    return denis


def make_client(world: World, dossier: Dossier, email: str) -> SpaceMember:
    key = uuid7()
    with scope(space=key):
        ClientSpace.objects.create(id=key, legal_name=dossier.legal_name)
        person = SpaceMember.objects.create(user=make_person(email), email=email)
        SpaceLink.objects.create(
            firm_id=world.firm.pk, dossier_id=dossier.pk, space_id=key, firm_name=world.firm.name
        )
    return person


def make_colleague(client: SpaceMember, profile: SpaceProfile) -> SpaceMember:
    """Somebody else of the client's."""
    email = f"{profile}.{client.email}"
    with scope(space=client.space_id):
        return SpaceMember.objects.create(user=make_person(email), email=email, profile=profile)


def make_people(client: SpaceMember, mark: str) -> dict[str, Any]:
    """Somebody else of the client, and an invitation for a third one."""
    person = make_colleague(client, SpaceProfile.READER)
    with scope(space=client.space_id):
        personal = Invitation.objects.create(
            firm=None,
            space_id=client.space_id,
            space_name=f"Boulangerie {mark}",
            kind=InvitationKind.PERSON,
            email=f"{mark}-invitee@exemple.fr",
            asked_by=client,
        )
    return {"person": person, "personal": personal}


def make_asked(client: SpaceMember, world: World, mark: str) -> dict[str, Any]:
    """An invitation of the client for some firm, and one of another client that the world's firm has received."""
    email = f"ailleurs.{client.email}"
    elsewhere = register_space(
        user=make_person(email), details={"kind": "company", "legal_name": "Une autre entreprise"}
    )
    return {
        "to_a_firm": ask_firm(client, f"{mark}-invite@exemple.fr"),
        "received": receive(ask_firm(elsewhere), world.admin),
    }


def authorise(space: UUID | None) -> SupportAuthorisation:
    """The client of the space lets technical support in."""
    with scope(space=space):
        member, link = SpaceMember.objects.select_related("space").get(), SpaceLink.objects.running().get()
        return authorise_support(actor=member, link=link, duration=SupportDuration.DAY)


def exchange(world: World, link: SpaceLink, mark: str) -> dict[str, ExchangedFile]:
    """Each side drops a file and a bill for the other."""
    dropped: dict[str, ExchangedFile] = {}
    for name, word, about in (
        ("file", "bilan", FileCategory.GENERAL),
        ("bill", "facture", FileCategory.BILLING),
    ):
        handed = [Handed(f"{mark}-{word}.pdf", FileKind.PDF, 5, BytesIO(b"%PDF-"))]
        with scope(firm=world.firm):
            dossier = Dossier.objects.get(pk=link.dossier_id)
            ours = drop_for_client(actor=world.admin, dossier=dossier, handed=handed, category=about)
        with scope(space=link.space_id):
            theirs = drop_for_firm(actor=SpaceMember.objects.get(), link=link, handed=handed, category=about)
        dropped |= {name: ours[0], f"client_{name}": theirs[0]}
    return dropped


def ask(by: World, space: Any, **asked: Any) -> ConsentRequest:
    """The firm asks whether it may be linked."""
    with scope(firm=by.firm):
        common = {"firm": by.firm, "firm_name": by.firm.name}
        dossier = make_dossier("Demandée")
        link = SpaceLink(dossier=dossier, space_id=space, waiting=True, **common)
        link.save(force_insert=True)
        return ConsentRequest.objects.create(link=link, siren="443061841", **common, **asked)


def make_neighbour(world: World) -> dict[str, Any]:
    """Another client of the world's firm, in a portfolio that no collaborator holds."""
    with scope(firm=world.firm):
        portfolio = make_portfolio(f"Voisins {NEIGHBOUR}")
        dossier = make_dossier(f"Garage {NEIGHBOUR}", portfolio=portfolio, email=f"{NEIGHBOUR}@exemple.fr")
        invited = make_dossier(f"Fleurs {NEIGHBOUR}", portfolio=portfolio, email=f"i.{NEIGHBOUR}@exemple.fr")
        invitation = Invitation.objects.create(
            kind=InvitationKind.CLIENT, email=invited.email, dossier=invited, invited_by=world.admin
        )
        letter = Letter.objects.create(dossier=invited, printed_by=world.admin, code_hash=uuid7().hex)
    return {"portfolio": portfolio, "dossier": dossier, "invitation": invitation, "letter": letter}


def make_client_side(
    things: dict[str, Any], client: SpaceMember, mark: str, *, followed: World, asking: World
) -> None:
    """What stands in a client's space, beside the firm's things: they share the link and the files."""
    things["support"] = authorise(client.space_id)
    things["request"] = ask(asking, client.space_id, asked_space_id=client.space_id)
    with scope(space=client.space_id):
        things["link"] = SpaceLink.objects.running().get()
    things.update(exchange(followed, things["link"], mark))
    things.update(make_people(client, mark))
    things.update(make_asked(client, followed, mark))


class Stage:
    """Two firms with the same things in them, a second client of the first one, and the people who try every page."""

    def __init__(self, ours: World, theirs: World) -> None:
        self.firm = ours.firm
        with scope(firm=ours.firm):
            self.own = make_objects(ours, OWN, INSIDE)
            reader = make_member(ours.firm, "Rémi")
            outsider = make_member(ours.firm, "Olga")
            for member, role in ((ours.collaborator, ObjectRole.ACCOUNTANT), (reader, ObjectRole.READER)):
                give(
                    PortfolioGrant,
                    pairs_of([self.own["portfolio"]], [member]),
                    role=role,
                    by=ours.admin,
                )
        with scope(firm=theirs.firm):
            self.foreign = make_objects(theirs, FOREIGN)
        self.neighbours = make_neighbour(ours)
        client = make_client(ours, self.own["dossier"], "client@exemple.fr")
        neighbour = make_client(ours, self.neighbours["dossier"], "voisin@exemple.fr")
        other = make_client(theirs, self.foreign["dossier"], "autre@exemple.fr")
        self.space = client.space_id
        make_client_side(self.own, client, OWN, followed=ours, asking=theirs)
        make_client_side(self.neighbours, neighbour, NEIGHBOUR, followed=ours, asking=theirs)
        make_client_side(self.foreign, other, FOREIGN, followed=theirs, asking=ours)
        self.own["asked"] = ask(theirs, client.space_id, asked_firm=ours.firm)
        self.foreign["asked"] = ask(ours, other.space_id, asked_firm=theirs.firm)
        users = {
            "admin": ours.admin.user,
            "accountant": ours.collaborator.user,
            "reader": reader.user,
            "outsider": outsider.user,
            "stranger": theirs.admin.user,
            "client": client.user,
            "client_reader": self.own["person"].user,
            "client_full": make_colleague(client, SpaceProfile.FULL).user,
            "client_billing": make_colleague(client, SpaceProfile.BILLING).user,
            "neighbour": neighbour.user,
            "other_client": other.user,
            "anonymous": None,
        }
        self.clients = {person: self._signed_in(user) for person, user in users.items()}
        self.cookies = {person: copy(client.cookies) for person, client in self.clients.items()}
        self.told: dict[str, set[str]] = {person: set() for person in users}

    @staticmethod
    def _signed_in(user: Any) -> OutsideClient:
        client = OutsideClient()
        if user is not None:
            client.force_login(user)
            # Here before, so that their session's activity and their visit, which no answer here is about, are not
            # noted each time.
            client.get(reverse("accounts:terms"))
            for place in places_of(user.pk):
                record_visit(place)
        return client

    def url(self, pattern: Pattern, key: object = None) -> str:
        values = {
            **WORDS,
            "firm_slug": self.firm.slug,
            "space_id": self.space,
            "pk": key or (uuid7() if "<uuid:pk>" in pattern.route else 1),
            "member": self.own["member"].pk,
            "portfolio": self.own["portfolio"].pk,
        }
        return reverse(pattern.name, kwargs={name: values[name] for name in pattern.parameters})

    def ask(self, person: str, method: str, url: str) -> Any:
        """The answer, which tells the person nothing that they are not to know; what it changed is taken back."""
        client = self.clients[person]
        client.cookies = copy(self.cookies[person])  # a logout must not outlive its own request
        with transaction.atomic():
            response = client.generic(method, url)
            if not response.streaming:
                response.content  # noqa: B018 - rendered before the database is put back
            transaction.set_rollback(True)
        text = "" if response.streaming else response.content.decode(errors="replace")
        text = f"{response.headers} {response.cookies} {text}".lower()
        leaked = sorted(mark for mark in UNTOLD[person] if mark in text)
        assert not leaked, f"{method} {url} tells {person} {leaked}"
        self.told[person] |= {mark for mark in ALL if mark in text}
        return response


@contextmanager
def no_logs_of_refusals() -> Iterator[None]:
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: Any) -> Iterator[Stage]:
    """One for all of these tests: each request's changes are taken back, in the end all of it is.

    Thousands of refusals would each write a line that nobody reads; what fails still does.
    """
    with (
        django_db_blocker.unblock(),
        no_logs_of_refusals(),
        override_settings(ACCOUNT_RATE_LIMITS=False),
        transaction.atomic(),
    ):
        yield Stage(make_firm("Cabinet Lemoine", "732829320"), make_firm("Bertrand Conseil", "552100554"))
        transaction.set_rollback(True)


def expected(row: Row, pattern: Pattern, person: str, method: str) -> set[int]:
    """The statuses that are right for this person and method."""
    if row.allows(person, method):
        return ANSWERED | row.also
    if person in row.who:
        return {405} | row.also
    if person == "anonymous":
        return {302}
    at_home = MEMBERS if "firm_slug" in pattern.parameters else PROFILES
    if person in at_home and {"firm_slug", "space_id"} & pattern.parameters:
        refused = 403 if person in row.seen_by else row.refused
        return {refused} if method in row.methods.split() else {refused, 405}
    return {404}


def tried_by(person: str, pattern: Pattern) -> bool:
    return person not in IN_SPACES or "space_id" in pattern.parameters


def test_the_matrix_names_every_pattern_and_no_other() -> None:
    optional = {"activity:catcher", "activity:caught", "activity:caught_html", "kit"}
    optional |= {"dev_mails", "dev_mail", "dev_mail_frame"}
    assert set(MATRIX) - optional == set(PATTERNS) - optional
    assert {name for name, _row in OTHERWISE} <= set(MATRIX)


def test_the_matrix_tries_every_profile_and_all_that_one_may_do() -> None:
    """What a profile may is read from its one table; each line of that is what some page asks for."""
    assert set(PROFILES.values()) == set(SpaceProfile)
    asked = {MATRIX[name].perm for name, pattern in PATTERNS.items() if "space_id" in pattern.parameters}
    of_lists = {category.perm for category in FileCategory}  # what they let one see, each list and file says
    assert asked | of_lists == {None, *SpacePerm}
    assert {row.on for _name, row in OTHERWISE} == {"bill", "client_bill"}


@pytest.mark.parametrize("person", PEOPLE)
def test_each_person_gets_what_the_matrix_says(stage: Stage, person: str) -> None:
    wrong = []
    for name, row in (*MATRIX.items(), *OTHERWISE):
        pattern = PATTERNS.get(name)
        if pattern is None or not tried_by(person, pattern):
            continue
        url = stage.url(pattern, stage.own[row.on].pk if row.on else None)
        for method in METHODS:
            response = stage.ask(person, method, url)
            right = expected(row, pattern, person, method)
            if response.status_code not in right:
                wrong.append(f"{method} {url}: {response.status_code}, not {sorted(right)}")
            led_to_log_in = response.get("Location", "").startswith(LOGIN)
            if person == "anonymous" and person not in row.who and not led_to_log_in:
                wrong.append(f"{method} {url} does not lead to log in")
    assert not wrong, "\n".join(wrong)
    assert stage.told[person] == TOLD.get(person, set()), "a mark that nobody ever reads proves nothing"


def test_a_foreign_object_and_an_absent_one_answer_alike(stage: Stage) -> None:
    """Another firm's, and the same firm's for another client; but its administrators see all of their firm's."""
    for name, row in (*MATRIX.items(), *OTHERWISE):
        if not row.on:
            continue
        pattern, absent_key = PATTERNS[name], uuid7()
        for person in PEOPLE:
            if person == "anonymous" or not tried_by(person, pattern):
                continue
            foreign_keys = foreign_to(stage, person, pattern, row.on)
            for method in row.methods.split():
                absent = stable(stage.ask(person, method, stage.url(pattern, absent_key)), absent_key)
                right = {404} if person in row.who else {403, 404, row.refused}
                assert absent[0] in right, f"{person} {method} {name}"
                for key in foreign_keys:
                    foreign = stable(stage.ask(person, method, stage.url(pattern, key)), key)
                    assert foreign == absent, f"{person} {method} {name}"


def foreign_to(stage: Stage, person: str, pattern: Pattern, thing: str) -> list[Any]:
    """The keys of such things that the person must not know of."""
    keys = [stage.foreign[thing].pk]
    theirs = "space_id" in pattern.parameters or person != "admin"
    if theirs and thing in stage.neighbours:
        keys.append(stage.neighbours[thing].pk)
    return keys


def test_another_firms_places_answer_as_absent_ones_for_every_page(stage: Stage) -> None:
    compare_places(stage, "firm_slug", stage.firm.slug, "nulle-part", ["stranger"])


def test_another_clients_space_answers_as_an_absent_one_for_every_page(stage: Stage) -> None:
    """For another client of the same firm, for that firm, for another one."""
    compare_places(stage, "space_id", str(stage.space), str(uuid7()), ["neighbour", "admin", "stranger"])


def compare_places(stage: Stage, parameter: str, own: str, absent: str, people: list[str]) -> None:
    for name, pattern in PATTERNS.items():
        if parameter not in pattern.parameters:
            continue
        url = stage.url(pattern, uuid7())
        for person in people:
            for method in ("GET", "POST"):
                foreign = stable(stage.ask(person, method, url), own)
                assert foreign == stable(stage.ask(person, method, url.replace(own, absent)), absent), name
                assert foreign[0] == 404, name
