"""The quick path: a whole column is judged at once, and only rows with something to say go through the row check.

Each quick check gives the cleaned column and the places of the cells that it does not vouch for. What it vouches for is
exactly what the field's own rule gives, without any remark (tests/clients/test_import_columns.py holds it to that).
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from clients.cleaning import likely_email
from clients.imports.cells import PLACEHOLDERS, Rule, tidy


class Checked(NamedTuple):
    """`values` is right except at the places in `doubtful`."""

    values: Sequence[str]
    doubtful: Iterable[int]


Quick = Callable[[Sequence[str], str], Checked]

_NEW_LINE, _BAR = "\n", "|"


def by_distinct_value(rule: Rule) -> Quick:
    """For columns in which few values come often: the rule is asked once for each."""

    def check(column: Sequence[str], kinds: str) -> Checked:
        answers = {}
        for text, kind in set(zip(column, kinds, strict=True)):
            tidied = tidy(text)
            answers[text, kind] = rule(tidied, kind) if tidied else None
        cells = [answers[pair] for pair in zip(column, kinds, strict=True)]
        values = [cell.value if cell else "" for cell in cells]
        if not any(cell and (cell.remarks or cell.elsewhere) for cell in answers.values()):
            return Checked(values, ())
        return Checked(
            values, [i for i, cell in enumerate(cells) if cell and (cell.remarks or cell.elsewhere)]
        )

    return check


def free_text(limit: int) -> Quick:
    """For text that is kept as it is: nothing to tidy, nothing that stands for "empty", not too long."""

    def check(column: Sequence[str], kinds: str) -> Checked:
        if _is_tidy(column) and max(map(len, column), default=0) <= limit:
            return Checked(column, ())
        return Checked(
            column, [i for i, text in enumerate(column) if len(text) > limit or tidy(text) != text]
        )

    return check


def _is_tidy(column: Sequence[str]) -> bool:
    joined = _BAR + _BAR.join(column) + _BAR
    return (
        joined.isprintable()
        and "  " not in joined
        and "| " not in joined
        and " |" not in joined
        and PLACEHOLDERS.isdisjoint(column)
        and (joined.isascii() or unicodedata.is_normalized("NFC", joined))
    )


def by_pattern(
    pattern: str,
    *,
    verify: Callable[[str], bool] | None = None,
    reshape: tuple[str, str] | None = None,
    longest: int = 0,
) -> Quick:
    """For identifiers: one regular expression over the joined column, then `verify` on each cell.

    `reshape` (pattern and replacement, of whole lines) writes cells in their stored form first. `longest`: a cell with
    more characters is doubtful.
    """
    one = re.compile(pattern)
    whole = re.compile(f"(?:(?:{pattern})?\n)*")
    shape = re.compile(reshape[0], re.MULTILINE) if reshape else None

    def check(column: Sequence[str], kinds: str) -> Checked:
        joined = _NEW_LINE.join(column) + _NEW_LINE
        if shape and reshape:
            joined = shape.sub(reshape[1], joined)
        values: Sequence[str] = joined.split(_NEW_LINE)[:-1]
        if len(values) != len(column):  # a cell holds a line break
            return Checked(column, [i for i, text in enumerate(column) if text])
        doubtful = set()
        if not whole.fullmatch(joined):
            doubtful = {i for i, text in enumerate(values) if text and not one.fullmatch(text)}
        if verify:
            doubtful |= {
                i for i, text in enumerate(values) if text and i not in doubtful and not verify(text)
            }
        if longest and max(map(len, values), default=0) > longest:
            doubtful |= {i for i, text in enumerate(values) if len(text) > longest}
        return Checked(values, doubtful)

    return check


# --- Checksums, by tables of what a group of digits adds ----------------------------------------------------------


def _luhn_table(length: int, *, first_doubled: bool) -> dict[str, int]:
    def added(place: int, digit: int) -> int:
        doubled = digit * 2 if (place % 2 == 0) == first_doubled else digit
        return doubled - 9 if doubled > 9 else doubled

    groups = (f"{number:0{length}}" for number in range(10**length))
    return {group: sum(added(place, int(digit)) for place, digit in enumerate(group)) for group in groups}


_FOUR_DOUBLED = _luhn_table(4, first_doubled=True)
_TWO_DOUBLED = _luhn_table(2, first_doubled=True)
_FOUR = _luhn_table(4, first_doubled=False)
_NO_SIREN = "000000000"
_LA_POSTE = "356000000"


def siren_holds(number: str) -> bool:
    """Nine digits, not all zero, whose checksum holds."""
    total = _FOUR[number[:4]] + _FOUR[number[4:8]] + int(number[8])
    return total % 10 == 0 and number != _NO_SIREN


def siret_holds(number: str) -> bool:
    """Fourteen digits whose checksum and whose SIREN's hold; not of La Poste, which has a rule of its own."""
    total = _FOUR_DOUBLED[number[:4]] + _FOUR_DOUBLED[number[4:8]] + _FOUR_DOUBLED[number[8:12]]
    return (
        (total + _TWO_DOUBLED[number[12:]]) % 10 == 0
        and siren_holds(number[:9])
        and not number.startswith(_LA_POSTE)
    )


def vat_number_holds(number: str) -> bool:
    """`FR`, the key of the SIREN in two digits, the SIREN."""
    return siren_holds(number[4:]) and int(number[4:] + "12") % 97 == int(number[2:4])


# --- The columns of client lists ------------------------------------------------------------------------------------

_GAPS = ("[ \u00a0\u202f]+", "")

siren = by_pattern("[0-9]{9}", verify=siren_holds, reshape=_GAPS)
siret = by_pattern("[0-9]{14}", verify=siret_holds, reshape=_GAPS)
vat_number = by_pattern("FR[0-9]{11}", verify=vat_number_holds, reshape=_GAPS)
postcode = by_pattern("[0-9]{5}")
naf_code = by_pattern(r"[0-9]{2}\.[0-9]{2}[A-Z]")
urssaf_account = by_pattern("[0-9]{15}|[0-9]{18}", reshape=_GAPS)
phone = by_pattern(
    "0[1-9](?: [0-9]{2}){4}",
    reshape=(
        r"^(0[1-9])[ .-]?([0-9]{2})[ .-]?([0-9]{2})[ .-]?([0-9]{2})[ .-]?([0-9]{2})$",
        r"\1 \2 \3 \4 \5",
    ),
)
_addresses = by_pattern(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,20}", longest=63
)


def email(column: Sequence[str], kinds: str) -> Checked:
    """Well-formed addresses in lower case, none of whose domains looks like a slip."""
    values, doubtful = _addresses(column, kinds)
    domains = {text[text.rfind("@") :] for text in values}
    slips = {domain for domain in domains if likely_email(f"x{domain}")}
    if slips:
        doubtful = {*doubtful, *(i for i, text in enumerate(values) if text[text.rfind("@") :] in slips)}
    return Checked(values, doubtful)
