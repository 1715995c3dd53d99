"""`fold` for whole columns: what lists sort by and search in, for many rows at once."""

import re
import unicodedata
from collections.abc import Sequence

from spreadsheets import text

_NEW_LINE = "\n"
_NOT_A_WORD = re.compile(r"(?:[^\w\n]|_)+")
_AT_THE_EDGES = re.compile(r"^ | $", re.MULTILINE)
_NAME_KEY = 250


def fold_column(column: Sequence[str]) -> list[str]:
    """`[fold(cell) for cell in column]`, by one pass over the joined text."""
    joined = _NEW_LINE.join(column)
    if joined.count(_NEW_LINE) != max(len(column) - 1, 0):
        return [text.fold(cell) for cell in column]
    if joined.isascii():
        letters = joined.lower()
    else:
        letters = unicodedata.normalize("NFKD", joined.translate(text._BEFORE)).casefold()
        marks = {ord(letter): None for letter in set(letters) if unicodedata.combining(letter)}
        letters = letters.translate(marks) if marks else letters
    folded = _AT_THE_EDGES.sub("", _NOT_A_WORD.sub(" ", letters)).split(_NEW_LINE)
    return folded if len(folded) == len(column) else [text.fold(cell) for cell in column]


def keys(names: Sequence[str], *others: Sequence[str]) -> tuple[list[str], list[str]]:
    """`name_key` and `search_key` of dossiers, as `Dossier.derive_keys` makes them.

    `others`: references, SIRETs (or SIRENs), Urssaf account numbers.
    """
    folded = fold_column(names)
    columns = [folded, *(fold_column(column) for column in others)]
    searched = [" ".join(filter(None, words)) for words in zip(*columns, strict=True)]
    return [key[:_NAME_KEY] for key in folded], searched
