"""Every URL × method × person × own, foreign or absent object. A pattern without its line in the matrix fails."""

from copy import copy
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions import ObjectRole, give, pairs_of
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
from tests.web.matrix import EVERYBODY, MATRIX, MEMBERS, PEOPLE, Row
from tests.web.pages import stable
from tests.web.routes import Pattern, all_patterns
from tests.worlds import World, make_dossier, make_member, make_person, make_portfolio

PATTERNS = {pattern.name: pattern for pattern in all_patterns()}
METHODS = ("GET", "POST", "PATCH", "DELETE")
ANSWERED = {200, 204, 302, 303, 400, 409, 410, 422}
LOGIN = "/connexion/"
# What stands in a URL besides places and objects.
WORDS = {
    "token": "x" * 43,
    "code": "0" * 16,
    "key": "MQ:1abc:def",
    "uidb36": "1abc",
    "mail_id": UUID(int=1),
    "number": 2,
    "service": "brevo",
}


def make_objects(world: World) -> dict[str, Any]:
    """One of each thing that a URL may name, in the world's firm. Call in its scope."""
    portfolio = make_portfolio()
    dossier = make_dossier(portfolio=portfolio, email="client@exemple.fr")
    invited = make_dossier("Menuiserie Béranger", portfolio=portfolio, email="beranger@exemple.fr")
    invitation = Invitation.objects.create(
        kind=InvitationKind.CLIENT, email=invited.email, dossier=invited, invited_by=world.admin
    )
    letter = Letter.objects.create(dossier=invited, printed_by=world.admin, code_hash=uuid7().hex)
    sending = Sending.objects.create(asked_by=world.admin, kind=SendingKind.INVITE, total=1)
    sent = Import.objects.create(created_by=world.admin, file_name="clients.xlsx", size=1)
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
        "view": view,
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


def make_people(client: SpaceMember) -> dict[str, Any]:
    """Somebody else of the client, and an invitation for a third one; with the second, the client may be ended."""
    with scope(space=client.space_id):
        email = f"assistante.{client.email}"
        person = SpaceMember.objects.create(user=make_person(email), email=email, profile=SpaceProfile.READER)
        personal = Invitation.objects.create(
            firm=None,
            space_id=client.space_id,
            space_name="Un client",
            kind=InvitationKind.PERSON,
            email="stagiaire@exemple.fr",
            asked_by=client,
        )
    return {"person": person, "personal": personal}


def make_asked(client: SpaceMember, world: World) -> dict[str, Any]:
    """An invitation of the client for some firm, and one of another client that the world's firm has received."""
    email = f"ailleurs.{client.email}"
    elsewhere = register_space(
        user=make_person(email), details={"kind": "company", "legal_name": "Une autre entreprise"}
    )
    return {
        "to_a_firm": ask_firm(client, "contact@exemple.fr"),
        "received": receive(ask_firm(elsewhere), world.admin),
    }


def authorise(space: UUID | None) -> SupportAuthorisation:
    """The client of the space lets technical support in."""
    with scope(space=space):
        member, link = SpaceMember.objects.select_related("space").get(), SpaceLink.objects.running().get()
        return authorise_support(actor=member, link=link, duration=SupportDuration.DAY)


def exchange(world: World, link: SpaceLink) -> dict[str, ExchangedFile]:
    """Each side drops a file for the other."""
    handed = [Handed("bilan.pdf", FileKind.PDF, 5, BytesIO(b"%PDF-"))]
    about = FileCategory.GENERAL
    with scope(firm=world.firm):
        dossier = Dossier.objects.get(pk=link.dossier_id)
        ours = drop_for_client(actor=world.admin, dossier=dossier, handed=handed, category=about)
    with scope(space=link.space_id):
        theirs = drop_for_firm(actor=SpaceMember.objects.get(), link=link, handed=handed, category=about)
    return {"file": ours[0], "client_file": theirs[0]}


def ask(by: World, space: Any, **asked: Any) -> ConsentRequest:
    """The firm asks whether it may be linked."""
    with scope(firm=by.firm):
        common = {"firm": by.firm, "firm_name": by.firm.name}
        dossier = make_dossier("Demandée")
        link = SpaceLink(dossier=dossier, space_id=space, waiting=True, **common)
        link.save(force_insert=True)
        return ConsentRequest.objects.create(link=link, siren="443061841", **common, **asked)


class Stage:
    """Two firms with the same things in them, and the people who try every page of the first one."""

    def __init__(self, ours: World, theirs: World) -> None:
        self.firm = ours.firm
        with scope(firm=ours.firm):
            self.own = make_objects(ours)
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
            self.foreign = make_objects(theirs)
        client = make_client(ours, self.own["dossier"], "client@exemple.fr")
        other = make_client(theirs, self.foreign["dossier"], "autre@exemple.fr")
        self.space = client.space_id
        for things, asking, asked, person in (
            (self.own, theirs, ours, client),
            (self.foreign, ours, theirs, other),
        ):
            things["support"] = authorise(person.space_id)
            things["request"] = ask(asking, person.space_id, asked_space_id=person.space_id)
            things["asked"] = ask(asking, person.space_id, asked_firm=asked.firm)
            with scope(space=person.space_id):
                things["link"] = SpaceLink.objects.running().get()
            things.update(exchange(asked, things["link"]))
            things.update(make_people(person))
            things.update(make_asked(person, asked))
        self.users = {
            "admin": ours.admin.user,
            "accountant": ours.collaborator.user,
            "reader": reader.user,
            "outsider": outsider.user,
            "stranger": theirs.admin.user,
            "client": client.user,
            "other_client": other.user,
        }
        self.clients = {person: self._signed_in(person) for person in PEOPLE}

    def _signed_in(self, person: str) -> OutsideClient:
        client = OutsideClient()
        if person in self.users:
            user = self.users[person]
            assert user is not None
            client.force_login(user)
            # Here before, so that their session's activity, which no answer here is about, is not noted each time.
            client.get(reverse("accounts:terms"))
        return client

    def url(self, pattern: Pattern, key: object = None) -> str:
        values = {
            **WORDS,
            "firm_slug": self.firm.slug,
            "space_id": self.space,
            "pk": key or 1,
            "member": self.own["member"].pk,
            "portfolio": self.own["portfolio"].pk,
        }
        return reverse(pattern.name, kwargs={name: values[name] for name in pattern.parameters})

    def ask(self, person: str, method: str, url: str) -> Any:
        """The answer, with everything that it changed taken back."""
        client = OutsideClient()
        client.cookies = copy(self.clients[person].cookies)  # a logout must not outlive its own request
        with transaction.atomic():
            response = client.generic(method, url)
            if not response.streaming:
                response.content  # noqa: B018 - rendered before the database is put back
            transaction.set_rollback(True)
        return response


@pytest.fixture
def stage(lemoine: World, bertrand: World, settings: Any) -> Stage:
    settings.ACCOUNT_RATE_LIMITS = False
    return Stage(lemoine, bertrand)


def expected(row: Row, pattern: Pattern, person: str, method: str) -> set[int]:
    """The statuses that are right for this person and method."""
    if row.allows(person, method):
        return ANSWERED | row.also
    if person in row.who:
        return {405} | row.also
    if person == "anonymous":
        return {302}
    if "firm_slug" in pattern.parameters and person in MEMBERS:
        refused = 403 if person in row.seen_by else row.refused
        return {refused} if method in row.methods.split() else {refused, 405}
    return {404}


def test_the_matrix_names_every_pattern_and_no_other() -> None:
    optional = {"activity:catcher", "activity:caught", "activity:caught_html", "kit"}
    assert set(MATRIX) - optional == set(PATTERNS) - optional


@pytest.mark.parametrize("person", PEOPLE)
def test_each_person_gets_what_the_matrix_says(stage: Stage, person: str) -> None:
    wrong = []
    for name, pattern in PATTERNS.items():
        row = MATRIX[name]
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


def test_a_foreign_object_and_an_absent_one_answer_alike(stage: Stage) -> None:
    objects = {name: row for name, row in MATRIX.items() if row.on}
    for name, row in objects.items():
        pattern, foreign_key, absent_key = PATTERNS[name], stage.foreign[row.on].pk, uuid7()
        for person in sorted(EVERYBODY - {"anonymous"}):
            for method in row.methods.split():
                foreign = stable(stage.ask(person, method, stage.url(pattern, foreign_key)), foreign_key)
                absent = stable(stage.ask(person, method, stage.url(pattern, absent_key)), absent_key)
                assert foreign == absent, f"{person} {method} {name}"
                right = {404} if person in row.who else {403, 404, row.refused}
                assert foreign[0] in right, f"{person} {method} {name}"
                assert "Bertrand" not in foreign[1], f"{person} {method} {name}"


def test_another_firms_places_answer_as_absent_ones_for_every_page(stage: Stage) -> None:
    for name, pattern in PATTERNS.items():
        if "firm_slug" not in pattern.parameters:
            continue
        url = stage.url(pattern, uuid7())
        absent = url.replace(stage.firm.slug, "nulle-part")
        for method in ("GET", "POST"):
            foreign = stable(stage.ask("stranger", method, url), stage.firm.slug)
            assert foreign == stable(stage.ask("stranger", method, absent), "nulle-part"), name
            assert foreign[0] == 404, name
