"""The numbers by which French companies are known: each function gives the stored form, or says what is wrong.

All take text as people and spreadsheets write it, give "" for an empty one, and raise ValidationError with a sentence
for the person. Shared by the forms and the import. Checksums are python-stdnum's.
"""

import re
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from stdnum import exceptions
from stdnum.eu import vat
from stdnum.fr import siren as siren_rules
from stdnum.fr import siret as siret_rules
from stdnum.fr import tva as tva_rules

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# White space of all kinds (no-break ones too), dots and the hyphens that stdnum leaves in.
_SEPARATORS = re.compile(r"[\s.\-\u2010-\u2015\u2212]+")
_NAF = re.compile(r"(\d{2})(\d{2})([A-Z])")
_DAY_AND_MONTH = re.compile(r"(\d{1,2})[/.\- ](\d{1,2})(?:[/.\- ]\d{2,4})?|(\d{2})(\d{2})")
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
URSSAF_LENGTHS = (15, 18)
_SIREN_DIGITS, _SIRET_DIGITS = 9, 14


def bare(text: str) -> str:
    """Without the separators that people put into numbers."""
    return _SEPARATORS.sub("", text)


def clean_siren(text: str) -> str:
    """Nine digits whose checksum holds."""
    number = _digits(text, _("A SIREN is made of digits only."))
    _of_length(number, (_SIREN_DIGITS,), _("A SIREN has 9 digits; this one has %(count)s."))
    if number and not siren_rules.is_valid(number):
        raise ValidationError(
            _("The check digit of this SIREN does not match: one digit is probably mistyped."),
            code="checksum",
        )
    return number


def clean_siret(text: str, *, as_is: bool = False) -> str:
    """Fourteen digits whose checksum holds. `as_is` lets one pass whose checksum does not: some 5 in 70,000 official
    numbers are like that."""
    number = _digits(text, _("A SIRET is made of digits only."))
    _of_length(number, (_SIRET_DIGITS,), _("A SIRET has 14 digits; this one has %(count)s."))
    if number and not as_is and not has_checksum(number):
        raise ValidationError(
            _("The check digit of this SIRET does not match: one digit is probably mistyped."),
            code="checksum",
        )
    return number


def has_checksum(siret: str) -> bool:
    """Does the check digit of these fourteen digits hold?"""
    return bool(siret_rules.is_valid(siret))


def siren_of(*, siren: str, siret: str) -> str:
    """The SIREN that both (cleaned) numbers tell; the SIRET's first nine digits where the SIREN is empty."""
    if siren and siret and not siret.startswith(siren):
        raise ValidationError(
            _("The SIRET begins with %(found)s, which is not the SIREN %(siren)s."),
            code="disagree",
            params={"found": siret[:_SIREN_DIGITS], "siren": siren},
        )
    return siren or siret[:_SIREN_DIGITS]


def siren_and_siret(text: str) -> tuple[str, str]:
    """The SIREN or SIRET that a firm types of itself: both stored forms, the second one "" for a SIREN."""
    number = bare(text)
    if not number.isascii() or not number.isdigit() or len(number) not in (_SIREN_DIGITS, _SIRET_DIGITS):
        raise ValidationError(_("A SIREN has 9 digits, a SIRET has 14."), code="length")
    if len(number) == _SIREN_DIGITS:
        return clean_siren(number), ""
    return clean_siret(number)[:_SIREN_DIGITS], number


def clean_vat_number(text: str) -> str:
    """A French or other European VAT number, with its country's letters: `FR44732829320`."""
    number = bare(text).upper()
    try:
        return _valid_vat_number(number)
    except exceptions.ValidationError:
        raise ValidationError(
            _("This is no valid VAT number; a French one reads FR, two characters, then the SIREN."),
            code="vat",
        ) from None


def _valid_vat_number(number: str) -> str:
    if not number:
        return ""
    if number.startswith("FR") or len(number) == 11:
        return f"FR{tva_rules.validate(number)}"
    return str(vat.validate(number))


def suggested_vat_number(siren: str) -> str:
    """What the VAT number of this SIREN usually is. To be offered, never filled in: other keys exist."""
    return f"FR{bare(siren_rules.to_tva(siren))}" if siren_rules.is_valid(siren) else ""


def vat_number_agrees(vat_number: str, siren: str) -> bool:
    """Does the (cleaned) number belong to this SIREN? True where it can't tell: abroad, Monaco, or no SIREN."""
    if not siren or not vat_number.startswith("FR") or vat_number[4:7] == "000":
        return True
    return vat_number.endswith(siren)


def clean_naf_code(text: str) -> str:
    """`10.71C`, also written `1071C`: the activity's code in the French nomenclature (NAF, also called APE)."""
    code = bare(text).upper()
    if not code:
        return ""
    if not (parts := _NAF.fullmatch(code)):
        raise ValidationError(
            _("A NAF code is made of four digits and a letter: 10.71C or 1071C."), code="naf"
        )
    return "{}.{}{}".format(*parts.groups())


def clean_legal_form(text: str) -> str:
    """The four digits of the INSEE's legal category: 5710 for a SAS."""
    code = _digits(text, _("The legal form is the INSEE category: four digits, 5710 for a SAS."))
    _of_length(code, (4,), _("The legal form is the INSEE category: four digits, 5710 for a SAS."))
    return code


def clean_urssaf_account(text: str) -> str:
    """15 or 18 digits: published descriptions disagree, and none gives a checksum."""
    number = _digits(text, _("A Urssaf account number is made of digits only."))
    _of_length(
        number, URSSAF_LENGTHS, _("A Urssaf account number has 15 or 18 digits; this one has %(count)s.")
    )
    return number


def clean_fiscal_year_end(text: str) -> str:
    """Day and month: `31/12`. A year behind them is dropped."""
    text = text.strip()
    if not text:
        return ""
    found = _DAY_AND_MONTH.fullmatch(text)
    day, month = (int(part) for part in found.groups() if part is not None) if found else (0, 0)
    if not (1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]):
        raise ValidationError(_("Write the fiscal year end as day and month: 31/12."), code="fiscal_year_end")
    return f"{day:02}/{month:02}"


def _digits(text: str, otherwise: "_StrPromise") -> str:
    number = bare(text)
    if number and not (number.isascii() and number.isdigit()):
        raise ValidationError(otherwise, code="digits")
    return number


def _of_length(number: str, lengths: tuple[int, ...], otherwise: "_StrPromise") -> None:
    if number and len(number) not in lengths:
        raise ValidationError(otherwise, code="length", params={"count": len(number)})
