"""The words of an invitation as a firm types them: marks, links, what can't be seen. Pure."""

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from invitations.models import FROM_FIRMS, InvitationKind
from invitations.wording import (
    MEANINGS,
    Mark,
    filled,
    links_in,
    marks_of_body,
    marks_of_subject,
    meant,
    one_line,
    standard,
    tidy,
    unknown_marks,
    written,
)

VALUES = {Mark.FIRM: "Lemoine", Mark.CLIENT: "Boulangerie {cabinet}", Mark.SENDER: "Alice"}


def test_marks_are_filled_in_whatever_their_case_accents_and_language() -> None:
    text = "{client} / {Cabinet} / {EXPÉDITEUR} / {firm} / { sender }"
    assert filled(text, VALUES) == "Boulangerie {cabinet} / Lemoine / Alice / Lemoine / Alice"


def test_what_a_value_holds_is_never_filled_in() -> None:
    assert filled("{client}", {**VALUES, Mark.CLIENT: "{cabinet}{client}"}) == "{cabinet}{client}"


@pytest.mark.parametrize("text", ["{", "}", "{}", "{{cabinet}", "{0.__class__}", "%(firm)s %s", "{inconnu}"])
def test_what_is_no_mark_stays_as_it_is(text: str) -> None:
    assert filled(text, {}) == text


@given(st.text(max_size=300))
def test_nothing_that_one_may_type_breaks_it(text: str) -> None:
    assert isinstance(filled(tidy(text), VALUES), str)
    links_in(text)
    unknown_marks(text, marks_of_subject())


def test_unknown_marks_are_named_as_they_were_typed() -> None:
    assert unknown_marks("{clients} {cabinet} {Prénom}", marks_of_body(InvitationKind.CLIENT)) == [
        "{clients}",
        "{Prénom}",
    ]
    assert unknown_marks("{client}", marks_of_subject()) == ["{client}"]


@pytest.mark.parametrize(
    "text",
    [
        "https://exemple.fr/x",
        "HTTP://EXEMPLE.FR",
        "javascript://x",
        "voir www.exemple.museum",
        "notre site cabinet-lemoine.fr",
        "sur lemoine.fr.",
        "(bit.ly/abc)",
        "portail.cabinet-lemoine.fr:8080/connexion",
        "192.168.0.1",
        "ftp://x.y",
    ],
)
def test_what_a_mail_program_would_make_a_link_of_is_found(text: str) -> None:
    assert links_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "Écrivez à contact@cabinet-lemoine.fr",
        "S.A.R.L. Martin",
        "M.Dupont vous appelle.Merci",
        "à 18h30, au 01.99.00.12.34",
        "le 31.12.2026",
        "fichier bilan.xlsx",
        "etc.",
        "1.200,50 €",
    ],
)
def test_what_it_would_not_is_left(text: str) -> None:
    assert links_in(text) == []


def test_a_text_is_tidied_and_loses_what_cannot_be_seen() -> None:
    assert tidy(" Bonjour, \r\n\r\n\r\n\r\nà\u202ebientôt\u200b \x07 ! \n\n") == "Bonjour,\n\nàbientôt   !"
    assert one_line("a\r\nBcc: x@y.test\t b") == "a Bcc: x@y.test b"


def test_no_break_spaces_of_french_stay() -> None:
    assert one_line("Bienvenue\u00a0!") == "Bienvenue\u00a0!"
    assert tidy("Bienvenue\u202f!") == "Bienvenue\u202f!"


@pytest.mark.parametrize("kind", FROM_FIRMS)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_ours_is_what_a_firm_might_have_typed(kind: InvitationKind, language: str) -> None:
    ours = standard(kind, language)
    assert (one_line(ours.subject), tidy(ours.body)) == (ours.subject, ours.body)
    assert unknown_marks(ours.subject, marks_of_subject()) == []
    assert unknown_marks(ours.body, marks_of_body(kind)) == []
    assert links_in(ours.subject + " " + ours.body) == []
    assert ("vous" in ours.body) == (language == "fr")


def test_ours_is_of_the_texts_language_not_of_the_readers() -> None:
    with translation.override("en"):
        assert standard(InvitationKind.CLIENT, "fr") != standard(InvitationKind.CLIENT, "en")


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("mark", list(Mark))
def test_each_mark_is_written_so_that_it_is_understood(mark: Mark, language: str) -> None:
    assert meant(written(mark, language).strip("{}")) == mark
    assert MEANINGS[mark]
