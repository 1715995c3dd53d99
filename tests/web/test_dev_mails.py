"""/dev/mails/: every kind of mail has its preview, in both languages and in each of these alone."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.lookups import firms_of
from accounts.models import Firm, User
from activity.mails import REGISTRY, Message
from activity.models import Event, OutgoingEmail
from clients.models import SpaceMember, SpaceProfile
from firm_portal import demo
from firm_portal.previews import PREVIEWS, Demo, shown
from invitations.models import InvitationToken
from tenancy.scopes import scope
from tests.invitations.asked import make_client
from tests.worlds import make_member

KINDS = {name for name, kind in REGISTRY.items() if not type(kind).__module__.startswith("tests")}
# Words that stand in nearly every sentence of one language and in none of the other.
FRENCH = {
    "vous",
    "votre",
    "vos",
    "le",
    "les",
    "des",
    "une",
    "cette",
    "ce",
    "dans",
    "avec",
    "sur",
    "pour",
    "est",
    "été",
}
ENGLISH = {
    "you",
    "your",
    "the",
    "this",
    "that",
    "with",
    "was",
    "were",
    "is",
    "are",
    "to",
    "of",
    "have",
    "has",
    "and",
}


@pytest.fixture(scope="module")
def messages(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[tuple[str, str], Message]]:
    """Each preview in each language, of the demonstration, which is then taken back."""
    from django.db import transaction

    with django_db_blocker.unblock(), transaction.atomic():
        demo.load()
        come_into_more()
        yield {
            (key, language): shown(PREVIEWS[key], language) for key in PREVIEWS for language in ("fr", "en")
        }
        transaction.set_rollback(True)


def come_into_more() -> None:
    """Whoever tries the product lets its people come into other places, which stand first in their lists."""
    alice, claire, hugo = (
        User.objects.get(email=email)
        for email in (demo.ACCOUNTS[0].email, demo.CLIENT, demo.BERTRAND.people[0])
    )
    with scope(firm=firms_of(hugo.pk)[0]["firm_id"]):
        make_member(Firm.objects.get(), "Alice", user=alice)
    other = make_client("a@a.test", "Aaa")
    with scope(space=other.space_id):
        SpaceMember.objects.create(user=claire, email=claire.email, profile=SpaceProfile.READER)


def test_every_kind_of_mail_has_a_preview_and_no_preview_is_of_none() -> None:
    assert {preview.kind for preview in PREVIEWS.values()} == KINDS


@pytest.mark.parametrize("key", sorted(PREVIEWS))
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_preview_is_in_its_language_alone(messages: Any, key: str, language: str) -> None:
    message = messages[key, language]
    assert f'<html lang="{language}"' in message.html
    others = ENGLISH if language == "fr" else FRENCH
    for said in (message.subject, message.text, words_of(message.html)):
        # The letters of keys and signatures may happen to make a word.
        words = re.sub(r"\S+://\S+|\S+@\S+|[\w+/=-]{20,}", " ", said).lower()
        assert set(re.findall(r"[a-zàâçéèêëîïôûùü]+", words)) & others == set(), said


# « Vous êtes invité », « vous êtes administrateur »: to a woman, that is a mistake.
TO_A_MAN = re.compile(r"\bvous (êtes|serez|étiez|avez été|devenez) \w*(é|i|u|teur|seul)\b", re.IGNORECASE)


@pytest.mark.parametrize("key", sorted(PREVIEWS))
def test_no_mail_says_whether_its_reader_is_a_man_or_a_woman(messages: Any, key: str) -> None:
    assert TO_A_MAN.search("Vous êtes invité à partager")
    message = messages[key, "fr"]
    for said in (message.subject, message.text, words_of(message.html)):
        assert not TO_A_MAN.search(said), said


def words_of(html: str) -> str:
    """What is read of it."""
    seen = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", " ", seen))


@pytest.mark.parametrize("key", sorted(PREVIEWS))
def test_a_preview_says_the_same_as_html_and_as_text(messages: Any, key: str) -> None:
    message = messages[key, "fr"]
    links = {unescape(link) for link in re.findall(r'href="(http[^"]+)"', message.html)}
    assert links, "each mail leads somewhere"
    assert {link for link in links if link not in message.text} <= links_of_names(message)
    assert message.text.strip() and "{{" not in message.text and "{%" not in message.html


def links_of_names(message: Message) -> set[str]:
    """In the HTML, what a line is about is a link too."""
    return {
        unescape(link)
        for link in re.findall(r'href="(http[^"]+)"', message.html)
        if "/cabinets/" in link or "/espace/" in link
    }


# Of a kind that is not required, a person may switch off more by one press; every other kind says why it is required.
MAY_BE_SWITCHED_OFF = {"activity.changes", "clients.details_changed"}
SECURITY, ASKED_FOR = "concerns the security of an account", "is what somebody has just asked for"
INVITES = "is for one person by name, sent by another; its own link says no to it"
REQUIRED = {
    "accounts.security_notice": SECURITY,
    "accounts.account_exists": SECURITY,
    "accounts.password_reset": ASKED_FOR,
    "accounts.confirm_address": ASKED_FOR,
    "accounts.journal_head": "is the proof of the journal, worth something only where somebody else keeps it",
    "invitations.invitation": INVITES,
    "invitations.letter": ASKED_FOR,
    "invitations.test": ASKED_FOR,
}


def test_each_kind_of_mail_may_be_switched_off_or_says_why_it_is_required() -> None:
    assert MAY_BE_SWITCHED_OFF | REQUIRED.keys() == KINDS
    assert not MAY_BE_SWITCHED_OFF & REQUIRED.keys()


@pytest.mark.parametrize("key", sorted(PREVIEWS))
@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_may_be_switched_off_bears_both_headers_and_nothing_else_does(
    messages: Any, key: str, language: str
) -> None:
    """RFC 8058. The same address stands at the mail's foot."""
    message = messages[key, language]
    if PREVIEWS[key].kind not in MAY_BE_SWITCHED_OFF:
        assert not {"List-Unsubscribe", "List-Unsubscribe-Post"} & message.headers.keys()
        assert "/profil/courriels/arreter/" not in message.text + message.html
        return
    assert message.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = message.headers["List-Unsubscribe"]
    assert address.startswith("<http") and address.endswith(">")
    assert address.strip("<>") in message.text and address.strip("<>") in unescape(message.html)


@pytest.mark.parametrize("key", sorted(PREVIEWS))
def test_a_mail_fetches_nothing_as_it_is_opened(messages: Any, key: str) -> None:
    html = messages[key, "fr"].html
    assert re.findall(r"<(?:img|link|script|iframe)[^>]+(?:src|href)=\"http", html) == []
    assert "url(" not in html


def test_no_subject_names_a_client(messages: Any) -> None:
    for message in messages.values():
        assert demo.SHARED_CLIENT not in message.subject
        assert not re.search("Boulangerie|Menuiserie|Garage|Pharmacie", message.subject)


def test_the_pages_show_them_and_leave_nothing_behind(db: None) -> None:
    demo.load()
    client, before = Client(), rows()
    page = client.get(reverse("dev_mails")).content.decode()
    assert all(f"/dev/mails/{key}/{language}/" in page for key in PREVIEWS for language in ("fr", "en"))
    route = {"name": "invitation-client", "language": "en"}
    assert client.get(reverse("dev_mail", kwargs=route)).status_code == 200
    frame = client.get(reverse("dev_mail_frame", kwargs=route))
    assert "invites you to the firm" in unescape(frame.content.decode())
    assert frame["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    for preview in PREVIEWS.values():
        shown(preview, "fr")
    assert rows() == before


def rows() -> list[int]:
    """How many events, mails and links the firm and the client of the demonstration have."""
    counted = []
    for place in (Demo().in_firm(), Demo().in_space()):
        with place:
            counted += [model.objects.count() for model in (Event, OutgoingEmail, InvitationToken)]
    return counted


def test_without_the_demonstration_there_is_nothing_to_show(db: None) -> None:
    route = {"name": "invitation-client", "language": "fr"}
    assert Client().get(reverse("dev_mail", kwargs=route)).status_code == 404
    assert Client().get(reverse("dev_mails")).status_code == 200
