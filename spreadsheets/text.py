"""Comparing words as people do: without case, accents and punctuation."""

import re
import unicodedata

# NFKD would turn the ordinal sign of "Nº" into a letter, and leaves the ligatures alone.
_BEFORE = str.maketrans(
    {"º": " ", "°": " ", "№": "n ", "œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "ø": "o", "Ø": "o"}
)
_NOT_A_WORD = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """Lower case, no accents, punctuation and white space as single spaces: `"N° de  SIRET*"` → `"n de
    siret"`."""
    letters = unicodedata.normalize("NFKD", text.translate(_BEFORE)).casefold()
    bare = "".join(c for c in letters if not unicodedata.combining(c))
    return _NOT_A_WORD.sub(" ", bare).strip()
