"""A word that stands in all that belongs to one client is found nowhere else.

Two clients of one firm, each in the hands of another collaborator, and a client of another firm. All sides do all that
they may; whatever then reaches anybody (pages, notices, redirects, downloads and their names, exports, letters, mails)
is read for the words of the others; the log for any of them. The matrix reads every single URL so.
"""

import io
import zipfile
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, User
from accounts.permissions import ObjectRole, give, pairs_of
from clients.actions.dossiers import update_dossier
from clients.actions.space import open_space
from clients.models import ClientSpace, Dossier, ExchangedFile, SpaceLink
from invitations.models import Invitation, InvitationKind
from invitations.sweeping import remind_due
from portfolios.models import PortfolioGrant
from tenancy.scopes import NOWHERE, _standing_in, scope
from tests.conftest import OutsideClient
from tests.invitations.links import link_to
from tests.invitations.test_letters import texts
from tests.outbox import Outbox
from tests.web.matrix import MATRIX
from tests.web.routes import all_patterns
from tests.worlds import World, make_dossier, make_person, make_portfolio

ONE, TWO, THREE = WORDS = ("kanariun", "kanarideux", "kanaritrois")
ROUTES = [
    (pattern.name, pattern.parameters)
    for pattern in all_patterns()
    if pattern.name in MATRIX and "GET" in MATRIX[pattern.name].methods.split()
]


@dataclass
class Ears:
    """What was heard, by way of what: of words that were theirs to hear, and of others."""

    heard: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    leaks: list[str] = field(default_factory=list)

    def hear(self, way: str, where: str, text: str, allowed: set[str]) -> None:
        for word in WORDS:
            if word not in text.lower():
                continue
            self.heard[way].add(word)
            if word not in allowed:
                self.leaks.append(f"{way}: {where} says {word}")


class Listening(OutsideClient):
    """Somebody's browser, to which these words may be told."""

    def __init__(self, ears: Ears, allowed: set[str], user: Any = None) -> None:
        super().__init__()
        self.ears, self.allowed, self.who = ears, allowed, str(getattr(user, "email", "nobody"))
        if user is not None:
            self.force_login(getattr(user, "user", user))

    def request(self, **request: Any) -> Any:
        answer = super().request(**request)
        where = f"{request['REQUEST_METHOD']} {request['PATH_INFO']} for {self.who}"
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        self.ears.hear(_way(content), where, unpacked(content), self.allowed)
        headers = " ".join(f"{name}: {value}" for name, value in answer.items())
        self.ears.hear("header", where, f"{headers} {answer.cookies}", self.allowed)
        answer.taken = content
        return answer


def _way(content: bytes) -> str:
    kinds = {b"PK\x03\x04": "workbook", b"%PDF-": "PDF"}
    return next((way for start, way in kinds.items() if content.startswith(start)), "page")


def unpacked(content: bytes) -> str:
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            return " ".join(book.read(name).decode(errors="replace") for name in book.namelist())
    text = content.decode(errors="replace")
    return f"{text} {texts(content)}" if content.startswith(b"%PDF-1.4") else text


@dataclass(frozen=True)
class Side:
    """A client, whose every name is this word, and those at the firm whose business they are."""

    word: str
    world: World
    member: Membership
    dossier: Dossier
    invited: Dossier
    person: User
    link: SpaceLink

    @property
    def space(self) -> ClientSpace:
        return ClientSpace(pk=self.link.space_id)

    def details(self) -> dict[str, str]:
        return {"legal_name": f"Boulangerie {self.word}", "city": f"{self.word}-ville"}


def make_side(word: str, world: World, member: Membership) -> Side:
    person = make_person(f"gerant@{word}.test", first_name=word, last_name=word)
    with scope(firm=world.firm):
        portfolio = make_portfolio(f"Portefeuille {word}")
        give(PortfolioGrant, pairs_of([portfolio], [member]), role=ObjectRole.ACCOUNTANT, by=world.admin)
        dossier = make_dossier(
            f"Boulangerie {word}",
            portfolio=portfolio,
            email=person.email,
            reference=word,
            address=f"1 rue {word}",
        )
        invited = make_dossier(f"Filiale {word}", portfolio=portfolio, email=f"filiale@{word}.test")
        link = open_space(person=person, firm=world.firm, dossier=dossier, email=person.email)
    return Side(word, world, member, dossier, invited, person, link)


def upload(name: str) -> dict[str, Any]:
    return {"file": [SimpleUploadedFile(name, b"%PDF-1.7 nothing")], "category": "general"}


def newest_file(side: Side, *, from_client: bool) -> Any:
    with scope(space=side.link.space_id):
        return ExchangedFile.objects.filter(from_client=from_client).latest("id").pk


def firm_acts(side: Side, browser: Listening, admin: Listening) -> None:
    """What the collaborator does with the dossier, and the administrator about the client."""
    url, pk = side.world.firm.url, side.dossier.pk
    browser.post(url("clients:drop_files", pk=pk), upload(f"{side.word}-bilan.pdf"), follow=True)
    browser.post(
        url("clients:kept", pk=pk), {"fields_kept": ["vat_number"], "reason": side.word}, follow=True
    )
    browser.post(url("clients:take_file", pk=newest_file(side, from_client=True)))
    for asked in ("clients:dossier", "clients:files", "clients:edit", "clients:kept"):
        browser.get(url(asked, pk=pk))
    browser.get(url("clients:dossier", pk=pk), headers={"HX-Request": "true", "HX-Target": "drawer-body"})
    browser.post(url("clients:export"), {})
    letter = browser_prints(admin, url("invitations:write_letter", pk=side.invited.pk))
    assert letter.taken.startswith(b"%PDF-")
    answer: Any = admin.post(
        url("invitations:invite_client", pk=side.invited.pk),
        {"email": side.invited.email, "profile": "manager"},
        follow=True,
    )
    assert answer.redirect_chain, unpacked(answer.taken)
    with scope(firm=side.world.firm):
        update_dossier(actor=side.member, dossier=side.dossier, values={"city": f"{side.word}-bourg"})


def browser_prints(admin: Listening, url: str) -> Any:
    return admin.post(url, {"confirmed": "1", "language": "fr"})


def client_acts(side: Side, browser: Listening) -> None:
    """What the client does in their space."""
    url = side.space.url
    browser.post(url("clients:space_edit"), {**side.details(), "email": side.person.email}, follow=True)
    browser.post(url("clients:space_drop_files"), upload(f"{side.word}-releve.pdf"), follow=True)
    invited = {"email": f"stagiaire@{side.word}.test", "profile": "reader"}
    browser.post(url("invitations:invite_person"), invited, follow=True)
    asked = {"email": f"cabinet@{side.word}.test", "right": "read", "ends_others": "beside"}
    browser.post(url("invitations:invite_firm"), asked, follow=True)
    support = url("clients:space_authorise_support", pk=side.link.pk)
    browser.post(support, {"duration": "day"}, follow=True)


def read_everything(browser: Listening, *, firm: Any = None, space: Any = None) -> int:
    """Every page of the place that stands for itself; how many there are."""
    parameters = {"firm_slug"} if firm else {"space_id"}
    here = firm.url if firm else space.url
    names = [name for name, wanted in ROUTES if wanted == parameters]
    for name in names:
        browser.get(here(name))
    return len(names)


@pytest.fixture
def sides(lemoine: World, bertrand: World) -> list[Side]:
    cache.clear()
    return [
        make_side(ONE, lemoine, lemoine.collaborator),
        make_side(TWO, lemoine, lemoine.colleague),
        make_side(THREE, bertrand, bertrand.collaborator),
    ]


def words_of(address: str, sides: list[Side]) -> set[str]:
    """The words that may be told to whoever reads at that address."""
    allowed = {side.word for side in sides if f"@{side.word}." in address}
    for side in sides:
        if address in (side.world.admin.email, side.member.email):
            allowed.add(side.word)
    return allowed


def hear_mails(ears: Ears, outbox: Outbox, sides: list[Side]) -> None:
    for mail in outbox.mails():
        (address,) = mail.to
        address = address.rpartition("<")[2].rstrip(">")
        allowed, where = words_of(address, sides), f"“{mail.subject}” to {address}"
        ears.hear("subject", where, str(mail.subject), set())
        ears.hear("mail", where, str(mail.body), allowed)
        for content, kind in mail.alternatives:
            ears.hear(str(kind), where, str(content), allowed)
        ears.hear("attachment", where, str(mail.attachments), allowed)
        ears.hear("mail header", where, f"{mail.from_email} {mail.reply_to} {mail.extra_headers}", allowed)


def test_the_words_of_one_client_reach_nobody_else(
    sides: list[Side], lemoine: World, bertrand: World, outbox: Outbox, printed: io.StringIO
) -> None:
    ears = Ears()
    admins = {
        world: Listening(ears, {side.word for side in sides if side.world is world}, world.admin)
        for world in (lemoine, bertrand)
    }
    people = [Listening(ears, {side.word}, side.person) for side in sides]
    members = [Listening(ears, {side.word}, side.member) for side in sides]
    for side, person in zip(sides, people, strict=True):
        client_acts(side, person)
    for side, member in zip(sides, members, strict=True):
        firm_acts(side, member, admins[side.world])
    for side, person in zip(sides, people, strict=True):
        taken = side.space.url("clients:space_take_file", pk=newest_file(side, from_client=False))
        assert f"{side.word}-bilan.pdf" in person.post(taken)["Content-Disposition"]
        assert read_everything(person, space=side.space) > 10
    for side, member in zip(sides, members, strict=True):
        assert read_everything(member, firm=side.world.firm) > 20
    for world, admin in admins.items():
        read_everything(admin, firm=world.firm)
        admin.post(world.firm.url("clients:export"), {})
        admin.post(world.firm.url("clients:export_access"), {})
    remind_all(sides)
    hear_mails(ears, outbox, sides)
    for side in sides:
        for address in (f"stagiaire@{side.word}.test", f"cabinet@{side.word}.test", side.invited.email):
            Listening(ears, {side.word}).get(link_to(outbox, address), follow=True)
    assert ears.leaks == []
    everywhere = {"page", "workbook", "PDF", "header", "mail", "text/html", "mail header"}
    assert {way: words for way, words in ears.heard.items() if words == set(WORDS)}.keys() >= everywhere
    assert "request_finished" in printed.getvalue()
    assert [word for word in WORDS if word in printed.getvalue().lower()] == []


def remind_all(sides: list[Side]) -> None:
    """The reminders of what waits, of every sender."""
    for side in sides:
        for owner in ({"firm": side.world.firm}, {"space": side.link.space_id}):
            with scope(**owner):
                Invitation.objects.filter(
                    kind__in=(InvitationKind.CLIENT, InvitationKind.PERSON, InvitationKind.FIRM)
                ).update(remind_at=timezone.now() - timedelta(hours=1))
    with _standing_in(NOWHERE, "default"):
        assert remind_due() >= 3 * len(sides)


def test_files_are_called_by_what_they_are_not_by_whom_they_are_about(
    sides: list[Side], lemoine: World, bertrand: World
) -> None:
    """An export or a letter lies in a folder of downloads, for all who look there."""
    for side in sides:
        admin = Listening(Ears(), {side.word}, side.world.admin)
        url = side.world.firm.url
        for answer in (
            admin.post(url("clients:export"), {}),
            admin.post(url("clients:export_access"), {}),
            browser_prints(admin, url("invitations:write_letter", pk=side.invited.pk)),
        ):
            called = answer["Content-Disposition"]
            assert "filename" in called and side.word not in called.lower()


def test_a_place_is_called_alike_in_the_log_whoevers_it_is(
    sides: list[Side], lemoine: World, printed: io.StringIO
) -> None:
    """Also where something goes wrong: a form refused, a page not found, a code without a letter, a wrong password."""
    side = sides[0]
    client = OutsideClient()
    client.post(reverse("account_login"), {"login": side.person.email, "password": f"faux {side.word}"})
    client.post(reverse("account_reset_password"), {"email": f"inconnue@{side.word}.test"})
    client.post("/lettre/", {"code": side.word})
    client.get(f"/{side.word}/", follow=True)
    browser = Listening(Ears(), {side.word}, side.person)
    browser.post(side.space.url("clients:space_edit"), {"legal_name": "", "email": side.word})
    browser.get(f"{side.space.url('clients:space_files')}?page={side.word}")
    written = printed.getvalue().lower().replace(f"/{side.word}/", "")  # an address that is no page of ours
    assert "request_finished" in written
    assert side.word not in written
