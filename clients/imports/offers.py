"""Repairs that are likely but not certain: offered with a remark, and made only when a person says so."""

import re
from collections.abc import Callable, Mapping

from django.core.exceptions import ValidationError

from accounts.identifiers import bare, clean_siret, suggested_vat_number
from clients.cleaning import CLEANERS, likely_email

_LETTERS_FOR_DIGITS = str.maketrans("oOqQiIlL|zZsSbB", "000011111225588")
_FIVE_DIGITS = re.compile(r"(?<!\d)\d{5}(?!\d)")
_AT = re.compile(r"\s*(?:[(\[]\s*(?:at|arobase|a)\s*[)\]]|\s(?:at|arobase)\s|@+)\s*", re.IGNORECASE)
_AROUND_AN_ADDRESS = " .,;:<>()[]\"'«»"
# Where a text that is too long may be cut: what it says remains clear.
_TEXTS = frozenset(
    (
        "legal_name",
        "last_name",
        "first_name",
        "address",
        "city",
        "country",
        "legal_representative",
        "portfolio",
    )
)

Offer = Mapping[str, str] | None


def company_number(field: str, text: str) -> Offer:
    """Letters that look like digits."""
    digits = bare(text).translate(_LETTERS_FOR_DIGITS)
    return _if_clean(field, digits, CLEANERS[field]) if digits != bare(text) else None


def email(text: str) -> Offer:
    """An address with the slips of the hand that are common: a comma for a dot, a space, a dot at the end."""
    if meant := likely_email(text):
        return _if_clean("email", meant, CLEANERS["email"])
    address = _AT.sub("@", text.strip(_AROUND_AN_ADDRESS).removeprefix("mailto:")).replace(",", ".")
    address = re.sub(r"\.{2,}", ".", re.sub(r"\s*\.\s*", ".", address)).strip(_AROUND_AN_ADDRESS)
    if address.count("@") != 1 or address == text:
        return None
    return _if_clean("email", address, CLEANERS["email"])


def cut(field: str, text: str, limit: int) -> Offer:
    return {field: text[:limit].rstrip()} if field in _TEXTS else None


def postcode(text: str) -> Offer:
    """The one group of five digits in it."""
    found = _FIVE_DIGITS.findall(text)
    return {"postcode": found[0]} if len(found) == 1 else None


def vat_number(siren: str) -> Offer:
    """The usual one of this SIREN."""
    number = suggested_vat_number(siren) if siren else ""
    return {"vat_number": number} if number else None


def siren_of_siret(siret: str) -> Offer:
    """Where a SIREN is not that of its SIRET."""
    return {"siren": siret[:9]} if _if_clean("siret", siret, clean_siret) else None


def _if_clean(field: str, text: str, clean: Callable[[str], str]) -> Offer:
    try:
        return {field: clean(text)}
    except ValidationError:
        return None
