"""French words that change before a name, or with who bears it."""

import re

import pytest
from django.utils.translation import override

from activity.events import REGISTRY
from activity.models import Event
from activity.wording import elided


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Alice Martin", "pour le compte d'Alice Martin"),
        ("Élodie", "pour le compte d'Élodie"),
        ("Hugo", "pour le compte d'Hugo"),
        ("Yves", "pour le compte d'Yves"),
        ("Yann", "pour le compte de Yann"),
        ("Hassan", "pour le compte de Hassan"),
        ("Paul", "pour le compte de Paul"),
        ("O\\1 (x)", "pour le compte d'O\\1 (x)"),
    ],
)
def test_de_is_elided_before_a_vowel_and_a_mute_h(name: str, shown: str) -> None:
    assert elided(f"pour le compte de {name}", name) == shown


def test_another_language_elides_nothing() -> None:
    with override("en"):
        assert elided("de Alice", "Alice") == "de Alice"


def test_an_event_says_on_whose_behalf_it_was_done() -> None:
    event = Event(actor_name="Paul", behalf_name="Inès Roy")
    assert event.who == "Paul, pour le compte d'Inès Roy"


# Somebody's name and, of them, a word that agrees with a man alone: « est entré », « n'est plus abonné ».
OF_A_MAN = re.compile(r"%\((actor|member|cover|to)\)s (s'|n')?(est|sera|était) (plus )?\w+(é|i|u)\b")


def test_no_event_says_whether_somebody_is_a_man_or_a_woman() -> None:
    assert OF_A_MAN.search("%(actor)s est entré")
    with override("fr"):
        sentences = [str(event.sentence) for event in REGISTRY.values()]
    assert [sentence for sentence in sentences if OF_A_MAN.search(sentence)] == []
