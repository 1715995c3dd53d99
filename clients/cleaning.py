"""How each field of a dossier is cleaned: once, for the form, the import and the API.

A cleaner takes text as written and gives the stored form, "" for an empty one; it raises ValidationError with a
sentence for the person.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from accounts import identifiers
from spreadsheets.text import fold

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

_SPACES = re.compile(r"\s+")
_PHONE = re.compile(r"\+?[\d\s().\-/]{6,}")
_FRANCE = {"", "france", "fr", "france metropolitaine"}

# Where most French clients have their mailbox: an address that is one slip of the finger away gets a question.
MAIL_DOMAINS = (
    "gmail.com", "hotmail.com", "hotmail.fr", "outlook.com", "outlook.fr", "live.fr", "yahoo.fr", "yahoo.com",
    "orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "icloud.com", "bbox.fr", "numericable.fr", "protonmail.com",
)  # fmt: skip
_NOT_TYPOS = {
    *MAIL_DOMAINS,
    "ymail.com",
    "mail.com",
    "email.com",
    "hotmail.de",
    "yahoo.de",
    "live.de",
    "tree.fr",
}
_OFTEN_MEANT = {
    "gmail.fr": "gmail.com",
    "gmail": "gmail.com",
    "laposte.fr": "laposte.net",
    "icloud.fr": "icloud.com",
}


def clean_text(text: str) -> str:
    """On one line, with single spaces."""
    return _SPACES.sub(" ", text).strip()


def clean_email(text: str) -> str:
    """In lower case."""
    address = text.strip().lower()
    if address:
        try:
            validate_email(address)
        except ValidationError:
            raise ValidationError(
                _("This is no complete e-mail address: it reads name@domain.fr."), code="email"
            ) from None
    return address


def likely_email(address: str) -> str:
    """The address that was probably meant (`marie@gmial.com` → `marie@gmail.com`), "" if there is no doubt."""
    name, _at, domain = address.strip().lower().rpartition("@")
    if not name or domain in _NOT_TYPOS:
        return ""
    meant = _OFTEN_MEANT.get(domain) or next(
        (known for known in MAIL_DOMAINS if _one_slip(domain, known)), ""
    )
    return f"{name}@{meant}" if meant else ""


def _one_slip(written: str, meant: str) -> bool:
    """Is it one letter too many, too few, wrong, or two neighbours exchanged?"""
    start = next((i for i, (a, b) in enumerate(zip(written, meant, strict=False)) if a != b), len(meant))
    mine, theirs = written[start:], meant[start:]
    if len(mine) == len(theirs):
        return mine[1:] == theirs[1:] or (mine[:2] == theirs[:2][::-1] and mine[2:] == theirs[2:])
    return mine[1:] == theirs or mine == theirs[1:]


def clean_phone(text: str) -> str:
    """A French number as `01 23 45 67 89`; any other as it is written."""
    number = clean_text(text)
    if number and not _PHONE.fullmatch(number):
        raise ValidationError(
            _("A phone number is made of digits, with + in front of a country code."), code="phone"
        )
    digits = re.sub(r"\D", "", number)
    if number.startswith(("+33", "0033")):
        digits = "0" + digits.removeprefix("00").removeprefix("33").removeprefix("0")
    if len(digits) == 10 and digits.startswith("0"):
        return " ".join(digits[i : i + 2] for i in range(0, 10, 2))
    return number


def is_france(country: str) -> bool:
    """No country at all means France."""
    return fold(country) in _FRANCE


def clean_postcode(text: str, country: str = "") -> str:
    """Five digits in France, kept as text for their leading zero; abroad as it is written."""
    if not is_france(country):
        return clean_text(text).upper()
    code = identifiers.bare(text)
    if code and not (len(code) == 5 and code.isascii() and code.isdigit()):
        raise ValidationError(
            _("A French postcode has 5 digits; for another country, fill in the country."), code="postcode"
        )
    return code


# Cleaners of one field alone. A postcode needs the country, a SIREN and its SIRET each other: see `clean_together`.
CLEANERS: Mapping[str, Callable[[str], str]] = {
    "reference": clean_text,
    "legal_name": clean_text,
    "first_name": clean_text,
    "last_name": clean_text,
    "siren": identifiers.clean_siren,
    "siret": identifiers.clean_siret,
    "vat_number": identifiers.clean_vat_number,
    "naf_code": identifiers.clean_naf_code,
    "legal_form": identifiers.clean_legal_form,
    "urssaf_account": identifiers.clean_urssaf_account,
    "fiscal_year_end": identifiers.clean_fiscal_year_end,
    "legal_representative": clean_text,
    "email": clean_email,
    "phone": clean_phone,
    "address": clean_text,
    "city": clean_text,
    "country": clean_text,
}


def clean_together(values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, ValidationError]]:
    """What only several (cleaned) fields tell together: the fields to change, and the errors by field.

    Fields that were in error themselves are left out of `values`.
    """
    changed: dict[str, str] = {}
    errors: dict[str, ValidationError] = {}
    try:
        changed["siren"] = identifiers.siren_of(siren=values.get("siren", ""), siret=values.get("siret", ""))
    except ValidationError as error:
        errors["siret"] = error
    try:
        changed["postcode"] = clean_postcode(values.get("postcode", ""), values.get("country", ""))
    except ValidationError as error:
        errors["postcode"] = error
    if not identifiers.vat_number_agrees(values.get("vat_number", ""), changed.get("siren", "")):
        errors["vat_number"] = ValidationError(
            _("This VAT number belongs to another SIREN than %(siren)s."), params={"siren": changed["siren"]}
        )
    if missing := missing_name(values):
        errors[missing[0]] = ValidationError(missing[1], code="required")
    return changed, errors


def missing_name(values: Mapping[str, str]) -> "tuple[str, _StrPromise] | None":
    """The field in which the dossier's name is missing, and what to say; None if it has one."""
    if values.get("kind") == "individual":
        if values.get("last_name") or values.get("legal_name"):
            return None
        return "last_name", _("Fill in the person's last name.")
    return None if values.get("legal_name") else ("legal_name", _("Fill in the company's legal name."))
