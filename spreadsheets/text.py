"""Comparing words as people do, without case, accents and punctuation; and what a cell can hold of a text."""

import re
import unicodedata

# NFKD would turn the ordinal sign of "Nº" into a letter, and leaves the ligatures alone.
_BEFORE = str.maketrans(
    {"º": " ", "°": " ", "№": "n ", "œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "ø": "o", "Ø": "o"}
)
_NOT_A_WORD = re.compile(r"[\W_]+")
_IMPOSSIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
LONGEST_CELL = 32_767


def fold(text: str) -> str:
    """Lower case, no accents, punctuation and white space as single spaces: `"N° de  SIRET*"` → `"n de
    siret"`."""
    letters = unicodedata.normalize("NFKD", text.translate(_BEFORE)).casefold()
    bare = "".join(c for c in letters if not unicodedata.combining(c))
    return _NOT_A_WORD.sub(" ", bare).strip()


def clean(text: str) -> str:
    """Without the characters that a workbook cannot hold, and no longer than a cell can be."""
    return _IMPOSSIBLE.sub("", text)[:LONGEST_CELL]
