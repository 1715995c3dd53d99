"""A mail's bytes: whatever stands in it comes out the same on the other side."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from anymail.utils import Attachment, parse_single_address
from hypothesis import given, settings
from hypothesis import strategies as st

from activity.wire import Inline, LetterToOne

LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=120)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00"), max_size=2_000)


def letter(**fields: Any) -> LetterToOne:
    given = {
        "subject": "Objet",
        "text": "texte",
        "html": "<p>texte</p>",
        "sender": ("Cabinet", "portail@portail.test"),
        "recipient": ("Claire", "claire@client.test"),
        "reply_to": None,
        "headers": {"Message-ID": "<1@portail.test>"},
        **fields,
    }
    return LetterToOne(**given)


def read(mail: LetterToOne) -> EmailMessage:
    return message_from_bytes(mail.message().as_bytes(), policy=policy.default)


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@given(TEXT, TEXT)
@settings(max_examples=200, deadline=None)
def test_text_and_html_arrive_as_they_were(text: str, html: str) -> None:
    sent = letter(text=text, html=html)
    message = read(sent)
    assert part(message, "plain").rstrip("\n") == text.rstrip("\n")
    assert part(message, "html").rstrip("\n") == html.rstrip("\n")
    assert max(len(line) for line in sent.message().as_bytes().split(b"\r\n")) < 998
    assert sent.message().as_bytes().isascii()


@given(LINE, LINE)
@settings(max_examples=200, deadline=None)
def test_subject_and_names_arrive_as_they_were(subject: str, name: str) -> None:
    words = " ".join(subject.split())
    message = read(letter(subject=words, sender=(name, "portail@portail.test")))
    assert " ".join(str(message["subject"] or "").split()) == words
    (sender,) = message["from"].addresses
    assert sender.addr_spec == "portail@portail.test"


@pytest.mark.parametrize(
    "name", ["Chloé Martin", "Martin, Chloé", 'La "Boulangerie"', "Müller & Cie <b>", ""]
)
def test_a_name_comes_with_its_address(name: str) -> None:
    (recipient,) = read(letter(recipient=(name, "chloe@client.test")))["to"].addresses
    assert (recipient.display_name, recipient.addr_spec) == (name, "chloe@client.test")


def test_a_domain_outside_of_ascii_is_written_as_its_servers_know_it() -> None:
    assert "<claire@xn--bcher-kva.test>" in letter(recipient=("Claire", "claire@bücher.test")).to[0]


@pytest.mark.parametrize(
    "fields",
    [{"subject": "a\nBcc: x@y.test"}, {"headers": {"X": "a\r\nb"}}, {"recipient": ("", "é@client.test")}],
)
def test_what_no_mail_can_hold_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"line break|ascii"):
        letter(**fields).message()


@given(LINE)
@settings(max_examples=100, deadline=None)
def test_a_mail_service_gets_names_in_their_own_letters(name: str) -> None:
    mail = letter(sender=(name, "portail@portail.test"), recipient=(name, "claire@maïs.test"))
    mail.as_fields()
    sender, recipient = parse_single_address(mail.from_email), parse_single_address(mail.to[0])
    assert (sender.display_name, sender.addr_spec) == (" ".join(name.split()), "portail@portail.test")
    assert (recipient.display_name, recipient.addr_spec) == (
        " ".join(name.split()),
        "claire@xn--mas-0ma.test",
    )
    assert "Message-ID" not in mail.extra_headers


PICTURE = Inline(b"\x89PNG" + bytes(range(256)) * 30, "logo-1@portal", 120, 40)
SHOWN = '<p><img src="cid:logo-1@portal" alt="Lemoine &amp; Associés" width="120"></p>'


def test_a_picture_travels_with_the_html_that_shows_it() -> None:
    message = read(letter(html=SHOWN, picture=PICTURE))
    assert message.get_content_type() == "multipart/alternative"
    plain, related = message.iter_parts()
    assert (plain.get_content_type(), related.get_content_type()) == ("text/plain", "multipart/related")
    html, image = related.iter_parts()
    assert (html.get_content_type(), image.get_content_type()) == ("text/html", "image/png")
    assert image["Content-ID"] == "<logo-1@portal>"
    assert image.get_content_disposition() == "inline"
    assert image.get_content() == PICTURE.content
    assert part(message, "html").rstrip("\n") == SHOWN
    assert list(message.iter_attachments()) == []


def test_a_mail_service_gets_the_picture_as_one_that_is_shown() -> None:
    mail = letter(html=SHOWN, picture=PICTURE)
    mail.as_fields()
    (attached,) = [Attachment(one) for one in mail.attachments]
    assert (attached.inline, attached.cid, attached.content) == (True, "logo-1@portal", PICTURE.content)


def test_a_mail_service_that_takes_no_picture_gets_its_words() -> None:
    mail = letter(html=SHOWN, picture=PICTURE)
    mail.as_fields(shows_pictures=False)
    assert mail.attachments == []
    assert [str(content) for content, _kind in mail.alternatives] == ["<p>Lemoine &amp; Associés</p>"]
