"""What another platform says of a client's file there: whether it still runs."""

from collections.abc import Collection, Sequence
from enum import Enum

from clients.imports.remarks import Level, remark
from clients.imports.rows import Chunk
from clients.resources import THERE
from spreadsheets.text import fold


class Standing(Enum):
    """TOLD: something else, which people should know and decide for themselves."""

    RUNS = "runs"
    TOLD = "told"
    ENDED = "ended"


# Words that platforms use, folded. A company in liquidation is still a client: that is only told.
_RUNS = frozenset(
    (
        "",
        "actif",
        "active",
        "en activite",
        "en cours",
        "ouvert",
        "open",
        "enabled",
        "en production",
        "production",
    )
)
_ENDED = frozenset(
    (
        "archive", "archivee", "archived", "inactif", "inactive", "desactive", "desactivee", "disabled", "clos",
        "close", "cloture", "cloturee", "closed", "ferme", "fermee", "supprime", "supprimee", "deleted", "resilie",
        "resiliee", "terminated", "perdu", "ancien client", "sorti", "radie", "radiee", "dissolution",
        "cession cessation d activite", "cessation d activite", "sans activite",
    )
)  # fmt: skip


def standing(word: str) -> Standing:
    told = fold(word)
    if told in _ENDED:
        return Standing.ENDED
    return Standing.RUNS if told in _RUNS else Standing.TOLD


def tell(chunk: Chunk, words: Sequence[str], left_out: Collection[int]) -> set[int]:
    """Say it in the rows; returns the places of those that have ended there."""
    ended = set()
    for i, word in enumerate(words):
        if i in left_out or (found := standing(word)) == Standing.RUNS:
            continue
        code = "ended_there" if found == Standing.ENDED else "told_there"
        chunk.remarks[i] = [*chunk.remarks.get(i, []), remark(Level.DOUBT, THERE, code, word)]
        if found == Standing.ENDED:
            ended.add(i)
    return ended
