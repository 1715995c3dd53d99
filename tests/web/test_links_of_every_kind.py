"""What holds for the link of an invitation whatever its kind: firm → client, firm → colleague, client → firm, client →
person of theirs. Looking uses nothing up; what is accepted is what was shown; whoever holds it must be who was invited.
"""

import math
import re
import time
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, User
from invitations.models import InvitationKind, InvitationState
from tenancy.scopes import scope
from tests.invitations.asked import make_client
from tests.invitations.kinds import INVITED, KINDS, Sent, opened_to, send
from tests.invitations.links import link_to, token_to, url_to
from tests.invitations.test_letters import CLAIRE, printed
from tests.outbox import Outbox
from tests.web.pages import said, stable
from tests.web.test_invitations import everything, shown
from tests.web.test_letters import proof_path
from tests.worlds import PASSWORD, World, make_dossier, make_member, make_person

Browse = Callable[..., Client]
HERE = "/invitation/"
ABOUT_ME = {"first_name": "Nina", "last_name": "Roy", "password": PASSWORD, "terms": "on"}
# What each opens, as it was sent.
OPENS = {
    InvitationKind.CLIENT: [("manage", False)],
    InvitationKind.MEMBER: [("collaborator",)],
    InvitationKind.FIRM: [("read", False)],
    InvitationKind.PERSON: [("reader",)],
}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_tried_before(db: None) -> None:
    cache.clear()


@pytest.fixture(params=KINDS)
def sent(request: Any, lemoine: World, outbox: Outbox) -> Sent:
    return send(request.param, lemoine)


@pytest.fixture
def path(sent: Sent, outbox: Outbox) -> str:
    """The path of the link in the mail."""
    return link_to(outbox, INVITED)


def account(sent: Sent, bertrand: World) -> User:
    """Somebody's own, at the address that was invited; where a firm is asked, they work in one."""
    person = make_person(INVITED, first_name="Nina", last_name="Roy")
    if sent.invitation.kind == InvitationKind.FIRM:
        with scope(firm=bertrand.firm):
            make_member(bertrand.firm, "Nina", role=Role.ADMIN, user=person)
    return person


def holder(browse: Browse, sent: Sent, bertrand: World) -> Client:
    """Who may answer, at an address where nobody has an account: anybody, but for a firm one of its members."""
    return browse(bertrand.admin) if sent.invitation.kind == InvitationKind.FIRM else browse()


def accept(
    client: Client, sent: Sent, path: str, bertrand: World, *, between: Any = None, **more: str
) -> Any:
    """From the link to the last answer; `between` happens after the page that accepts was shown."""
    client.get(path)
    if sent.invitation.kind != InvitationKind.FIRM:
        posted = {**ABOUT_ME, "shown": shown(client.get(HERE)), **more}
        url = HERE
    else:
        url = client.post(HERE, {"firm": str(bertrand.firm.pk), **more})["Location"]
        posted = {**more, "shown": shown(client.get(url)), "dossier": "new"}
    if between:
        between()
    return client.post(url, posted)


# --- What is accepted is what was shown


def test_a_form_decides_nothing_of_what_is_opened(
    browse: Browse, sent: Sent, path: str, lemoine: World, bertrand: World
) -> None:
    with scope(firm=lemoine.firm):
        other = make_dossier("Un autre dossier")
    theirs = {
        "role": "admin", "profile": "manager", "right": "manage", "kind": "member", "email": "voleur@x.test",
        "ends_others": "instead", "to_firm": str(lemoine.firm.pk), "membership": str(lemoine.admin.pk),
        "dossier_id": str(other.pk), "space": str(sent.invitation.pk), "invitation": str(other.pk),
    }  # fmt: skip
    if sent.invitation.kind in (InvitationKind.CLIENT, InvitationKind.PERSON):
        theirs["dossier"] = str(other.pk)
    answer = accept(holder(browse, sent, bertrand), sent, path, bertrand, **theirs)
    assert answer.status_code == 302
    assert opened_to(sent) == OPENS[InvitationKind(sent.invitation.kind)]
    assert sent.now().state == InvitationState.ACCEPTED
    assert not User.objects.filter(email="voleur@x.test").exists()
    with scope(firm=lemoine.firm):
        assert not other.links.exists()


def test_what_changes_while_it_is_read_is_shown_again_and_opens_nothing(
    browse: Browse, sent: Sent, path: str, bertrand: World
) -> None:
    client = holder(browse, sent, bertrand)
    answer = accept(client, sent, path, bertrand, between=lambda: sent.rename("Tout autre chose"))
    assert opened_to(sent) == [] and sent.now().is_pending
    again = client.get(answer["Location"])
    assert "Quelque chose a changé entre-temps" in said(again)
    assert shown(again)


def test_whoever_sent_it_must_still_be_allowed_to(
    browse: Browse, sent: Sent, path: str, bertrand: World
) -> None:
    accept(holder(browse, sent, bertrand), sent, path, bertrand, between=sent.take_right_away)
    assert opened_to(sent) == [] and sent.now().is_pending
    late = browse()
    late.get(path)
    assert late.get(HERE).status_code == 404
    assert late.post(HERE, {**ABOUT_ME, "shown": "0" * 64}).status_code == 404
    assert late.post(f"{HERE}nouveau-lien/").status_code == 404
    assert not User.objects.filter(email=INVITED).exists()


# --- Whose account


def test_an_existing_account_is_proven_by_logging_in(
    browse: Browse, sent: Sent, path: str, bertrand: World
) -> None:
    nina = account(sent, bertrand)
    before = nina.password
    client = browse()
    client.get(path)
    page = client.get(HERE)
    assert page.context["case"] == "login"
    assert "/connexion/?next=/invitation/" in page.content.decode().replace("%2F", "/")
    client.post(HERE, {**ABOUT_ME, "shown": "0" * 64, "firm": str(bertrand.firm.pk)})
    nina.refresh_from_db()
    assert (opened_to(sent), nina.password) == ([], before), "the link alone changes nothing of an account"
    client.post("/connexion/?next=/invitation/", {"login": INVITED, "password": PASSWORD})
    assert accept(client, sent, path, bertrand).status_code == 302
    assert opened_to(sent) == OPENS[InvitationKind(sent.invitation.kind)]
    assert User.objects.filter(email=INVITED).count() == 1


def test_who_is_signed_in_as_another_is_told_and_may_switch(
    browse: Browse, sent: Sent, path: str, lemoine: World, bertrand: World
) -> None:
    account(sent, bertrand)
    client = browse(lemoine.colleague)
    client.get(path)
    page = client.get(HERE)
    assert page.context["case"] == "other"
    assert lemoine.colleague.email in said(page) and INVITED in said(page)
    assert 'action="/invitation/changer-de-compte/"' in page.content.decode()
    client.post(HERE, {"terms": "on", "shown": "0" * 64, "firm": str(lemoine.firm.pk)})
    assert opened_to(sent) == [] and sent.now().is_pending
    assert client.post(f"{HERE}changer-de-compte/")["Location"] == HERE
    assert "_auth_user_id" not in client.session
    assert client.get(HERE).context["case"] == "login", "the link survives the switch"


# --- Looking


HABITS: list[dict[str, str]] = [
    {},
    {"User-Agent": "Mozilla/5.0 (compatible; SafeLinks)", "Accept": "*/*"},
    {"Purpose": "prefetch", "Sec-Purpose": "prefetch;prerender"},
    {"X-Moz": "prefetch", "Sec-Fetch-Mode": "no-cors"},
    {"User-Agent": "BarracudaCentral", "Accept-Language": "en", "Range": "bytes=0-1023"},
]
_LEADS_ON = re.compile(r'(?:href|src|action|content)="(/[^"/][^"]*|/)"')


def look_like_a_scanner(browse: Browse, paths: list[str]) -> None:
    """Fifty times: HEAD, GET, prefetch; at times as a browser that runs the page, opening whatever it leads to."""
    for number in range(50):
        scanner, headers = browse(), HABITS[number % len(HABITS)]
        for path in paths:
            if number % 3 == 1:
                scanner.head(path, headers=headers)
                continue
            page = scanner.get(path, headers=headers, follow=True)
            if number % 25 == 0:
                open_all(scanner, page)


def open_all(scanner: Client, page: Any) -> None:
    """Each address of the page, also those of its forms, by a GET; and what stands on the pages behind them."""
    seen: set[str] = set()
    found = {unescape(url) for url in _LEADS_ON.findall(page.content.decode())}
    for url in sorted(found):
        if not url.startswith("/static/") and url not in seen:
            seen.add(url)
            scanner.get(url, follow=True)
            scanner.head(url)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", KINDS)
def test_fifty_looks_of_a_mail_scanner_use_nothing_up(
    browse: Browse, lemoine: World, bertrand: World, outbox: Outbox, kind: InvitationKind
) -> None:
    sent = send(kind, lemoine)
    body = str(outbox.to(INVITED).body)
    paths = sorted({urlsplit(url).path for url in re.findall(r"https?://\S+", body)} - {"/"})
    assert link_to(outbox, INVITED) in paths and f"{link_to(outbox, INVITED)}refuser/" in paths
    before = everything()
    look_like_a_scanner(browse, paths)
    assert changed(before) == []
    answer = accept(holder(browse, sent, bertrand), sent, link_to(outbox, INVITED), bertrand)
    assert (answer.status_code, sent.now().state) == (302, InvitationState.ACCEPTED)


@pytest.mark.django_db(transaction=True)
def test_fifty_looks_of_a_mail_scanner_use_no_letter_up(
    browse: Browse, lemoine: World, outbox: Outbox
) -> None:
    """Neither its code's square nor the link that shows an address to be somebody's."""
    with scope(firm=lemoine.firm):
        _letter, code = printed(lemoine)
    client = browse()
    client.post("/lettre/", {"code": code})
    client.post("/lettre/adresse/", {"email": CLAIRE})
    link = proof_path(outbox)
    before = everything()
    look_like_a_scanner(browse, [f"/lettre/{code}/", link])
    assert changed(before) == []
    other = browse()
    other.get(link)
    assert "Merci, votre adresse est confirmée" in said(other.post("/lettre/confirmer/"))


def changed(before: dict[str, list[Any]]) -> list[str]:
    """The tables that hold something else now; how often an address asked is counted, and is nobody's."""
    return [name for name, rows in everything().items() if rows != before[name] and name != "cache"]


# --- Links that open nothing


def closed_links(sent: Sent, outbox: Outbox) -> dict[str, tuple[str, Callable[[], None]]]:
    """The ways in which a link opens nothing: its path, and what makes it so (until the next one does)."""
    former = link_to(outbox, INVITED)
    sent.act("resend")
    path, alive = link_to(outbox, INVITED), sent.now().expires_at

    def becomes(state: str, expires_at: Any = alive) -> Callable[[], None]:
        return lambda: sent.change(state=state, expires_at=expires_at)

    return {
        "unknown": (f"{HERE}{'x' * 43}/", becomes(InvitationState.SENT)),
        "replaced": (former, becomes(InvitationState.SENT)),
        "expired": (path, becomes(InvitationState.SENT, timezone.now())),
        "revoked": (path, becomes(InvitationState.REVOKED)),
        "refused": (path, becomes(InvitationState.REFUSED)),
        "used": (path, becomes(InvitationState.ACCEPTED)),
    }


def test_links_that_open_nothing_get_one_status_and_one_class_of_time(
    browse: Browse, sent: Sent, outbox: Outbox
) -> None:
    """A password is hashed in none of them. The quickest of several is compared; they take turns, so that what slows
    the machine slows all of them, and more of them while it hides how quick one is: what takes longer always does."""
    moved, ends, quickest = set(), set(), dict[str, float]()
    links, holders = closed_links(sent, outbox), dict[str, Client]()
    for name, (path, make_it_so) in links.items():
        make_it_so()
        client = holders[name] = browse()
        first = client.get(path)
        kept = first.cookies["invitation"]
        moved.add((first.status_code, first["Location"], first.content, kept["path"], kept["max-age"]))
        ends.add((client.get(HERE).status_code, client.post(HERE, ABOUT_ME).status_code))
    for turn in range(1, 65):
        cache.clear()  # of how often they asked
        for name, (_path, make_it_so) in links.items():
            make_it_so()
            quickest[name] = min(quickest.get(name, math.inf), seconds_of(holders[name]))
        if turn >= 8 and max(quickest.values()) < 3 * min(quickest.values()) + 0.005:
            break
    assert len(moved) == 1
    assert ends == {(404, 404)}
    assert max(quickest.values()) < 3 * min(quickest.values()) + 0.005, quickest


def seconds_of(client: Client) -> float:
    """How long the page to which the link has led takes, as whoever asks for it can measure."""
    start = time.perf_counter()
    assert client.get(HERE).status_code == 404
    return time.perf_counter() - start


def test_a_revoked_link_says_no_more_than_an_unknown_one(
    browse: Browse, sent: Sent, path: str, lemoine: World
) -> None:
    """Nor how the firm is reached, which others' pages tell."""
    if sent.invitation.firm_id:
        with scope(firm=lemoine.firm):
            lemoine.firm.phone, lemoine.firm.email = "01 02 03 04 05", "contact@lemoine.test"
            lemoine.firm.save()
    unknown = browse().get(f"{HERE}{'x' * 43}/", follow=True)
    sent.act("revoke")
    assert stable(browse().get(path, follow=True)) == stable(unknown)


def test_a_new_link_goes_to_the_invited_address_alone_whatever_host_and_form_say(
    browse: Browse, sent: Sent, path: str, outbox: Outbox, settings: Any
) -> None:
    settings.BASE_URL, settings.ALLOWED_HOSTS = "https://portail.lemoine.test", ["*"]
    sent.change(expires_at=timezone.now())
    outbox.clear()
    client = browse()
    client.get(path, headers={"Host": "evil.test"})
    posted = {"email": "voleur@x.test", "next": "https://evil.test/"}
    answer = client.post(f"{HERE}nouveau-lien/", posted, headers={"Host": "evil.test"})
    assert answer.status_code == 200
    assert outbox.recipients() == [INVITED]
    mail = outbox.to(INVITED)
    assert "evil.test" not in str(mail.message()) + str(mail.body) + str(mail.alternatives)
    assert url_to(outbox, INVITED).startswith("https://portail.lemoine.test/invitation/")


# --- The token


@pytest.mark.parametrize("ending", ["", "refuser/"])
def test_the_token_leaves_the_address_at_once(
    browse: Browse, sent: Sent, path: str, outbox: Outbox, ending: str
) -> None:
    token, client = token_to(outbox, INVITED), browse()
    moved = client.get(f"{path}{ending}")
    page = client.get(moved["Location"])
    assert (moved.status_code, moved["Location"]) == (302, f"{HERE}{ending}")
    assert moved["Referrer-Policy"] == "no-referrer"
    kept = moved.cookies["invitation"]
    assert (kept["path"], kept["httponly"], kept["samesite"]) == (HERE, True, "Lax")
    for answer in (moved, page):
        assert answer["Cache-Control"] == "no-store"
        assert token not in f"{answer.content.decode()} {answer.headers} {client.cookies}"
    elsewhere = re.findall(r'(?:src|href|action)="(https?:)?//', page.content.decode())
    assert elsewhere == [], "nothing is loaded from elsewhere, to which a browser could say where it stands"


# --- Nobody learns who has an account


def test_inviting_tells_nobody_whether_an_address_has_an_account(
    browse: Browse, lemoine: World, outbox: Outbox
) -> None:
    known = make_person("connue@ailleurs.test").email
    client, firm = make_client(), lemoine.firm.url
    space = client.space.url
    with scope(firm=lemoine.firm):
        dossiers = [make_dossier("Un client"), make_dossier("Un client")]
    asked: list[tuple[Any, list[str], dict[str, str]]] = [
        (client, [space("invitations:invite_person")] * 2, {"profile": "reader"}),
        (client, [space("invitations:invite_firm")] * 2, {"right": "read"}),
        (lemoine.admin, [firm("invitations:invite_member")] * 2, {"role": "collaborator"}),
        (
            lemoine.admin,
            [firm("invitations:invite_client", pk=one.pk) for one in dossiers],
            {"profile": "manager"},
        ),
    ]
    for who, urls, form in asked:
        answers = set()
        for address, url in zip((known, "inconnue@ailleurs.test"), urls, strict=True):
            signed_in = browse(who)
            answer = signed_in.post(url, {**form, "email": address})
            assert answer.status_code == 302, said(answer)
            notice = next(iter(signed_in.get(answer["Location"]).context["messages"]))
            answers.add((answer["Location"].replace(str(dossiers[1].pk), str(dossiers[0].pk)),
                         str(notice).replace(address, "")))  # fmt: skip
        assert len(answers) == 1, answers


def test_a_space_of_ones_own_is_asked_for_by_everybody_in_the_same_words(
    browse: Browse, db: None, outbox: Outbox
) -> None:
    """The mail says it to the address's owner; the page says nothing to whoever types it."""
    known = make_person("connue@ailleurs.test").email
    form = {
        "kind": "company", "legal_name": "Une entreprise", "number": "", "first_name": "A", "last_name": "B",
        "password1": PASSWORD, "terms": "on",
    }  # fmt: skip
    answers = set()
    for address in (known, "inconnue@ailleurs.test"):
        client = browse()
        answer = client.post(reverse("clients:signup"), {**form, "email": address})
        page = said(client.get(answer["Location"]))
        answers.add(
            (answer.status_code, answer["Location"], re.sub(r"[\w+/=-]{20,}", "", page.replace(address, "")))
        )
    assert len(answers) == 1
