"""The words of an invitation: ours, or the firm's own, with marks in curly brackets for what differs from mail to mail.

A firm's text is plain: it is escaped wherever it stands in HTML, and holds no link, for a mail of ours has one button,
and whoever could write here must not be able to lead people elsewhere in our name.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from invitations.models import InvitationKind
from spreadsheets.text import fold

SUBJECTS = {
    InvitationKind.CLIENT: _("%(firm)s invites you to its online space"),
    InvitationKind.MEMBER: _("%(firm)s invites you to join the firm"),
    InvitationKind.PERSON: _("You are invited to share an online space"),
    InvitationKind.FIRM: _("A client invites your firm to follow them"),
}
MOST_LINES = 40


class Mark(StrEnum):
    """What stands for something that differs."""

    FIRM = "firm"
    SENDER = "sender"
    CLIENT = "client"
    ROLE = "role"
    DEADLINE = "deadline"


MEANINGS = {
    Mark.FIRM: _("the firm's name"),
    Mark.SENDER: _("whoever invites"),
    Mark.CLIENT: _("the client file's name"),
    Mark.ROLE: _("the role in the firm"),
    Mark.DEADLINE: _("the link's last day"),
}
# How they are written: by the language of the text.
_WRITTEN = {
    "fr": {
        Mark.FIRM: "cabinet",
        Mark.SENDER: "expediteur",
        Mark.CLIENT: "client",
        Mark.ROLE: "role",
        Mark.DEADLINE: "echeance",
    },
    "en": {mark: mark.value for mark in Mark},
}
_READ = {word: mark for words in _WRITTEN.values() for mark, word in words.items()}
_IN_BODY = {
    InvitationKind.CLIENT: (Mark.CLIENT, Mark.FIRM, Mark.SENDER, Mark.DEADLINE),
    InvitationKind.MEMBER: (Mark.FIRM, Mark.SENDER, Mark.ROLE, Mark.DEADLINE),
}
# A subject stands where others look on (a phone's lock screen): it names no client.
_IN_SUBJECT = (Mark.FIRM, Mark.SENDER, Mark.DEADLINE)
_MARK = re.compile(r"\{([^{}\n]{1,40})\}")
_BLANK_LINES = re.compile(r"\n{3,}")
_SPACES = re.compile(r"[ \t\r\n\f\v]+")  # not those that keep French signs with their words
# Marks that turn a text's direction, or take no room.
_UNSEEN = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
# What mail programs make a link of by themselves. An e-mail address may stand: it leads to no page.
_ENDINGS = (
    "fr|com|net|org|eu|info|io|co|biz|pro|expert|online|site|app|dev|shop|store|website|web|tech|link|click|top|xyz|me|tv|ly|"
    "gl|to|be|ch|lu|mc|de|at|it|es|pt|nl|uk|ie|us|ca|re|gp|mq|gf|nc|pf|yt|pm|ru|cn|su|pl|ro|bg|cz|se|no|fi|dk|bzh|alsace|"
    "corsica|paris|email|cloud|gouv|live|page|one|vip|club|world|finance|tax|accountant|accountants|law|legal"
)
_LINK = re.compile(
    r"\b[a-z][a-z0-9+.-]*://\S+|\bwww\.\S+|"
    rf"(?<![\w@.-])(?:[\w-]+\.)+(?:{_ENDINGS})(?![\w@-]|\.[\w])(?:[/?#:]\S*)?|(?<![\d.])(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?!\.?\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Wording:
    """A subject and paragraphs, as a firm types them."""

    subject: str
    body: str


def standard(kind: InvitationKind, language: str) -> Wording:
    """Ours, as a firm would have typed it."""
    said = {str(mark): written(mark, language) for mark in Mark}
    with translation.override(language):
        subject = str(SUBJECTS[kind]) % said
        return Wording(subject, "\n\n".join(paragraph % _named(said) for paragraph in _standard_body(kind)))


def _standard_body(kind: InvitationKind) -> list[str]:
    if kind == InvitationKind.MEMBER:
        return [
            gettext("%(inviter)s invites you to join %(firm)s on Firm Portal, as: %(role)s."),
            gettext(
                "With your account you work on the firm's client files and see who has access to what. It takes two "
                "minutes: you choose a password, and you are in."
            ),
        ]
    return [
        gettext(
            "%(inviter)s (%(firm)s) invites you to the firm's online space, for the following client file:"
        ),
        "%(client)s",
        gettext(
            "With your account you keep your details up to date, and your firm has them at once; you see who follows "
            "your file. It takes two minutes: you choose a password, and you are in."
        ),
    ]


def _named(said: Mapping[str, str]) -> dict[str, str]:
    return {**said, "inviter": said[Mark.SENDER]}


def written(mark: Mark, language: str) -> str:
    return f"{{{_WRITTEN.get(language, _WRITTEN['en'])[mark]}}}"


def marks_of_body(kind: InvitationKind) -> tuple[Mark, ...]:
    return _IN_BODY[kind]


def marks_of_subject() -> tuple[Mark, ...]:
    return _IN_SUBJECT


def meant(word: str) -> Mark | None:
    """What somebody means by it, whatever case and accents."""
    return _READ.get(fold(word))


def filled(text: str, values: Mapping[Mark, str]) -> str:
    """With each mark's value. What a value holds is never taken for a mark; one without a value stays as it is."""

    def value(found: re.Match[str]) -> str:
        mark = meant(found[1])
        return values.get(mark, found[0]) if mark else found[0]

    return _MARK.sub(value, text)


def names(text: str, mark: Mark) -> bool:
    return any(meant(word) == mark for word in _MARK.findall(text))


def unknown_marks(text: str, allowed: tuple[Mark, ...]) -> list[str]:
    """As they are typed, each once."""
    return list(dict.fromkeys(f"{{{word}}}" for word in _MARK.findall(text) if meant(word) not in allowed))


def links_in(text: str) -> list[str]:
    """What reads as the address of a page, each once."""
    return list(dict.fromkeys(_LINK.findall(text)))


def paragraphs(text: str) -> list[str]:
    """Each with its own line breaks."""
    return [paragraph for paragraph in text.split("\n\n") if paragraph.strip()]


def one_line(text: str) -> str:
    return _SPACES.sub(" ", _seen(text)).strip()


def tidy(text: str) -> str:
    """Lines without spaces at their ends, at most one blank one between two; nothing that can't be seen."""
    lines = (_seen(line).strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")


def _seen(text: str) -> str:
    plain = unicodedata.normalize("NFC", _UNSEEN.sub("", text)).replace("\u2028", " ").replace("\u2029", " ")
    return "".join(" " if unicodedata.category(sign) == "Cc" else sign for sign in plain)
