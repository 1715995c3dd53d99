"""The development run's mail catcher: what it shows, and what a mail may not do in it."""

from pathlib import Path
from uuid import UUID

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.urls import reverse

from activity.catcher import CatcherBackend, caught
from activity.wire import Inline, LetterToOne
from tenancy.keys import uuid7

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings) -> Path:
    settings.MAIL_CATCHER_DIR = str(tmp_path / "mails")
    return tmp_path / "mails"


def send(to: str = "claire@client.test", html: str = "<html><head></head><a href='/x'>là</a></html>") -> UUID:
    message = EmailMultiAlternatives("Bienvenue à l’espace", "texte à lire", "Cabinet <a@b.test>", [to])
    message.attach_alternative(html, "text/html")
    CatcherBackend().send_messages([message])
    return next(caught()).key


def test_the_newest_mail_comes_first_and_a_recipient_can_be_searched() -> None:
    send("ancienne@client.test")
    send("nouvelle@client.test")
    page = Client().get(reverse("activity:catcher")).content.decode()
    assert page.index("nouvelle@") < page.index("ancienne@")
    found = Client().get(reverse("activity:catcher"), {"q": "ANCIENNE"}).content.decode()
    assert "ancienne@" in found
    assert "nouvelle@" not in found


def test_a_mail_is_shown_with_its_text_and_a_frame() -> None:
    page = Client().get(reverse("activity:caught", args=[send()]))
    assert "texte à lire" in page.content.decode()
    assert "frame-src 'self'" in page["Content-Security-Policy"]


def test_the_html_is_confined_and_its_links_open_in_the_whole_window() -> None:
    page = Client().get(reverse("activity:caught_html", args=[send()]))
    assert '<base target="_top">' in page.content.decode()
    assert page["Content-Security-Policy"].startswith(
        "sandbox allow-top-navigation-by-user-activation; default-src 'none'"
    )
    assert page["X-Frame-Options"] == "SAMEORIGIN"


def test_a_logo_that_travels_with_a_mail_is_shown_in_it() -> None:
    html = '<html><head></head><img src="cid:logo@portal" alt="Lemoine"></html>'
    mail = LetterToOne(
        subject="Bienvenue",
        text="texte",
        html=html,
        picture=Inline(b"\x89PNG", "logo@portal", 10, 10),
        sender=("Cabinet", "a@b.test"),
        recipient=("", "claire@client.test"),
        reply_to=None,
        headers={},
    )
    CatcherBackend().send_messages([mail])
    page = Client().get(reverse("activity:caught_html", args=[next(caught()).key]))
    assert 'src="data:image/png;base64,iVBORw=="' in page.content.decode()
    assert "img-src data:" in page["Content-Security-Policy"]


def test_an_absent_mail_is_not_found() -> None:
    assert Client().get(reverse("activity:caught", args=[uuid7()])).status_code == 404


def test_half_a_mail_is_never_listed(folder: Path) -> None:
    send()
    (folder / f"{uuid7()}.part").write_bytes(b"To: half")
    assert len(list(caught())) == 1
