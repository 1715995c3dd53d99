"""How one cell becomes a value: what spreadsheets did to it is repaired, then `clients.cleaning` has its say.

Each rule takes a tidied text and how the file held it (a letter of `spreadsheets.cells.Kind`).
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from django.core.exceptions import ValidationError
from stdnum.fr import siren as siren_rules

from accounts.identifiers import bare, has_checksum
from clients.cleaning import CLEANERS, clean_text, likely_email
from clients.imports import offers
from clients.imports.remarks import Level, Remark, refused, remark
from clients.models import DossierKind
from spreadsheets.cells import Kind
from spreadsheets.text import fold


class Cell(NamedTuple):
    """`value` for the cell's own field, "" for none; `elsewhere`: what belongs into other fields."""

    value: str
    remarks: tuple[Remark, ...] = ()
    elsewhere: Mapping[str, str] | None = None


Rule = Callable[[str, str], Cell]
EMPTY = Cell("")

_SIREN, _SIRET = 9, 14
_FEWEST_SIREN_DIGITS = 5
_FRENCH_PHONE = 10
_SERIALS = range(20_000, 80_000)
_SERIAL_ORIGIN = dt.date(1899, 12, 30)


def _cases(*words: str) -> frozenset[str]:
    return frozenset(form for word in words for form in (word, word.upper(), word.capitalize()))


# What people write into a cell instead of leaving it empty.
PLACEHOLDERS = _cases(
    "-", "--", "---", "–", "—", "#", "##", "/", ".", "?", "n/a", "#n/a", "n.a.", "néant", "neant", "null", "none",
    "nan", "non renseigné", "non renseigne",
)  # fmt: skip
_NO_VALUE = re.compile(r"(?:pas d|sans |aucun|en cours|inconnu|n\.?[acr]\.?$)", re.IGNORECASE)
# What 7.32829E+13 or 7.3282932E+13 ends with, once a program has written it out.
_ROUNDED = "000000"
_FLOAT = re.compile(r"(\d+)[.,]0+")
_EXPONENT = re.compile(r"(\d)(?:[.,](\d+))?E\+?(\d+)", re.IGNORECASE)
_RNA = re.compile(r"W\d{9}", re.IGNORECASE)
_BETWEEN_BRACKETS = re.compile(r"[^<>]*<\s*([^<>\s]+@[^<>\s]+)\s*>")
_BETWEEN_ADDRESSES = re.compile(r"\s*[;,/]\s*|\s+(?:et|ou|and|or|-)\s+|\s+")
_BETWEEN_PHONES = re.compile(r"\s*[;/,]\s*|\s+(?:et|ou|-)\s+")
_NAF_FIRST = re.compile(r"(\d{2}[. ]?\d{2} ?[A-Za-z])(?:\s*[-–:(,].*|\s+.*)")
_ISO_DATE = re.compile(r"\d{4}-(\d{2})-(\d{2})")
_SERIAL = re.compile(r"[0-9]{5}")
_DAY_AND_WORD = re.compile(r"(\d{1,2})(?:er)? ([a-z]+)\.?(?: \d{2,4})?")

KINDS = {
    DossierKind.COMPANY.value: (
        "entreprise", "societe", "personne morale", "pm", "company", "association", "morale", "professionnel", "pro",
    ),
    DossierKind.INDIVIDUAL.value: (
        "particulier", "personne physique", "pp", "individual", "physique", "individuel", "prive",
    ),
}  # fmt: skip
CIVILITIES = {
    "mme": ("mme", "madame", "mlle", "mademoiselle", "ms", "mrs", "miss", "f"),
    "m": ("m", "mr", "monsieur", "mister", "h"),
}

# INSEE's categories of the forms that client lists name in words (nomenclature of 2022, level III).
LEGAL_FORMS = {
    "1000": ("ei", "entreprise individuelle", "entrepreneur individuel", "micro entreprise", "micro entrepreneur",
             "auto entrepreneur", "auto entreprise", "me", "ae", "eirl", "profession liberale", "pl", "artisan",
             "commercant"),
    "5202": ("snc", "societe en nom collectif"),
    "5410": ("sarl", "societe a responsabilite limitee", "s a r l"),
    "5498": ("eurl", "sarl unipersonnelle", "e u r l"),
    "5485": ("selarl", "selarlu"),
    "5585": ("selafa",),
    "5599": ("sa", "societe anonyme", "s a"),
    "5710": ("sas", "societe par actions simplifiee", "s a s"),
    "5720": ("sasu", "sas unipersonnelle", "s a s u"),
    "5785": ("selas", "selasu"),
    "6220": ("gie",),
    "6521": ("scpi",),
    "6533": ("gaec",),
    "6540": ("sci", "societe civile immobiliere", "s c i"),
    "6589": ("scm", "societe civile de moyens"),
    "6597": ("scea",),
    "6598": ("earl",),
    "6599": ("sc", "societe civile"),
    "9220": ("association", "asso", "association declaree", "association loi 1901", "loi 1901"),
    "9300": ("fondation",),
}  # fmt: skip
INDIVIDUAL_FORMS = ("particulier", "personne physique")
_MONTHS = {
    1: ("janvier", "janv", "jan", "january"), 2: ("fevrier", "fevr", "fev", "february", "feb"),
    3: ("mars", "march", "mar"), 4: ("avril", "avr", "april", "apr"), 5: ("mai", "may"), 6: ("juin", "june", "jun"),
    7: ("juillet", "juil", "july", "jul"), 8: ("aout", "august", "aug"), 9: ("septembre", "sept", "september", "sep"),
    10: ("octobre", "oct", "october"), 11: ("novembre", "nov", "november"), 12: ("decembre", "dec", "december"),
}  # fmt: skip


def _by_word(table: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    return {word: key for key, words in table.items() for word in (key, *words)}


_KIND_OF, _CIVILITY_OF, _FORM_OF = _by_word(KINDS), _by_word(CIVILITIES), _by_word(LEGAL_FORMS)
_MONTH_OF = {word: month for month, words in _MONTHS.items() for word in words}


def tidy(text: str) -> str:
    """On one line, composed, without invisible characters; "" where it only says that there is nothing."""
    if text.isascii() and text.isprintable() and "  " not in text and text[:1] != " " != text[-1:]:
        return "" if text in PLACEHOLDERS else text
    if not (text.isascii() and text.isprintable()):
        text = "".join(c for c in clean_text(text) if c.isprintable())
        text = unicodedata.normalize("NFC", text)
    text = clean_text(text)
    return "" if text in PLACEHOLDERS else text


def fitting(field: str, value: str, limit: int) -> Cell:
    """The value, refused where it is longer than what the dossier holds."""
    if len(value) <= limit:
        return Cell(value)
    return Cell(
        "",
        (
            remark(
                Level.ERROR,
                field,
                "too_long",
                value,
                offers=offers.cut(field, value, limit),
                count=len(value),
                limit=limit,
            ),
        ),
    )


def plain(field: str) -> Rule:
    """Text as it is."""
    return lambda text, kind: Cell(text)


def cleaned(field: str, level: Level) -> Rule:
    """What the field's own cleaner makes of it."""
    return lambda text, kind: _cleaned(field, level, text, text)


def _cleaned(
    field: str,
    level: Level,
    text: str,
    written: str,
    *remarks: Remark,
    offer: Callable[[], offers.Offer] | None = None,
) -> Cell:
    try:
        return Cell(CLEANERS[field](text), remarks)
    except ValidationError as error:
        return Cell("", (refused(level, field, written, error, offer() if offer else None),))


class _Number(NamedTuple):
    text: str
    remarks: tuple[Remark, ...] = ()
    lost: bool = False


def _number(field: str, text: str) -> _Number:
    """Without what Excel adds to long numbers; `lost` where digits are gone."""
    if found := _FLOAT.fullmatch(text):
        return _Number(found[1], (remark(Level.REPAIRED, field, "float", text),))
    if not (found := _EXPONENT.fullmatch(text)):
        return _Number(text)
    digits, wanted = found[1] + (found[2] or ""), int(found[3]) + 1
    if len(digits) == wanted:
        return _Number(digits, (remark(Level.REPAIRED, field, "exponent", text),))
    return _Number(text, lost=True)


def company_number(field: str) -> Rule:
    """A SIREN or a SIRET, in either column: what it is shows by its length."""
    return lambda text, kind: _company_number(field, text)


def _company_number(field: str, text: str) -> Cell:
    number = _number(field, text)
    digits = bare(number.text)
    if number.lost or _is_rounded(digits):
        return Cell("", (remark(Level.ERROR, field, "digits_lost", text),))
    if not (digits.isascii() and digits.isdigit()):
        return _no_company_number(field, text)
    if not digits.strip("0"):
        return Cell("", (remark(Level.IGNORED, field, "zeros_only", text),))
    whole = _restored(digits)
    repairs = number.remarks
    if whole != digits:
        repairs += (remark(Level.REPAIRED, field, "zeros", text),)
    belongs = {_SIREN: "siren", _SIRET: "siret"}.get(len(whole), field)
    if belongs == field:
        return _cleaned(field, Level.ERROR, whole, text, *repairs)
    found = _cleaned(belongs, Level.ERROR, whole, text)
    if found.remarks:  # no valid one of the other kind either: say what is wrong in this column's terms
        return _cleaned(field, Level.ERROR, digits, text)
    return Cell(
        "", (*repairs, remark(Level.REPAIRED, field, f"{belongs}_in_{field}", text)), {belongs: whole}
    )


def _is_rounded(digits: str) -> bool:
    """A SIRET of which only the exponent's first digits were saved: no establishment has a number of zeros."""
    return len(digits) == _SIRET and digits.endswith(_ROUNDED) and not has_checksum(digits)


def _restored(digits: str) -> str:
    """With the leading zeros that a number cell loses, where that makes it a valid number; else as it is."""
    if _SIREN < len(digits) < _SIRET and has_checksum(digits.zfill(_SIRET)):
        return digits.zfill(_SIRET)
    if _FEWEST_SIREN_DIGITS <= len(digits) < _SIREN and siren_rules.is_valid(digits.zfill(_SIREN)):
        return digits.zfill(_SIREN)
    return digits


def _no_company_number(field: str, text: str) -> Cell:
    if _NO_VALUE.match(text):
        return EMPTY
    if _RNA.fullmatch(bare(text)):
        return Cell("", (remark(Level.IGNORED, field, "rna", text),))
    vat = _cleaned("vat_number", Level.ERROR, text, text)
    if field == "siret" and not vat.remarks and vat.value.startswith("FR"):
        siren = vat.value[-_SIREN:]
        extra = {"vat_number": vat.value} | ({"siren": siren} if siren_rules.is_valid(siren) else {})
        return Cell("", (remark(Level.REPAIRED, field, "vat_in_siret", text),), extra)
    return _cleaned(field, Level.ERROR, text, text, offer=lambda: offers.company_number(field, text))


def vat_number(text: str, kind: str) -> Cell:
    return EMPTY if _NO_VALUE.match(text) else _cleaned("vat_number", Level.ERROR, text, text)


def urssaf_account(text: str, kind: str) -> Cell:
    number = _number("urssaf_account", text)
    if number.lost:
        return Cell("", (remark(Level.IGNORED, "urssaf_account", "digits_lost", text),))
    return _cleaned("urssaf_account", Level.IGNORED, number.text, text, *number.remarks)


def email(text: str, kind: str) -> Cell:
    """The first address in the cell; `marie,dupont@…` is no two addresses, but a mistake."""
    if _NO_VALUE.match(text) and "@" not in text:
        return EMPTY
    address, remarks = _one_address(text)
    cell = _cleaned("email", Level.ERROR, address, text, offer=lambda: offers.email(address))
    if cell.remarks:
        return cell
    if cell.value != address:
        remarks += (remark(Level.REPAIRED, "email", "email_case", text),)
    name, _at, domain = cell.value.rpartition("@")
    if meant := _likely_domain(domain):
        likely = f"{name}@{meant}"
        remarks += (
            remark(Level.DOUBT, "email", "email_typo", cell.value, offers={"email": likely}, meant=likely),
        )
    return Cell(cell.value, remarks)


@lru_cache(maxsize=10_000)
def _likely_domain(domain: str) -> str:
    return likely_email(f"x@{domain}").partition("@")[2]


def _one_address(text: str) -> tuple[str, tuple[Remark, ...]]:
    bare_text = text.removeprefix("mailto:")
    if found := _BETWEEN_BRACKETS.fullmatch(bare_text):
        return found[1], (remark(Level.REPAIRED, "email", "email_extracted", text),)
    parts = [part for part in _BETWEEN_ADDRESSES.split(bare_text) if part]
    if len(parts) > 1 and all("@" in part for part in parts):
        return parts[0], (remark(Level.REPAIRED, "email", "email_first", text),)
    return bare_text, ()


def phone(text: str, kind: str) -> Cell:
    """The first number in the cell, with the zero that a number cell loses."""
    if _NO_VALUE.match(text):
        return EMPTY
    number = _number("phone", text)
    first, remarks = _one_phone(number.text)
    digits = bare(first)
    if digits.isascii() and digits.isdigit() and len(digits) == _FRENCH_PHONE - 1 and digits[0] != "0":
        first = f"0{digits}"
        remarks += (remark(Level.REPAIRED, "phone", "phone_zero", text),)
    elif kind == Kind.NUMBER and digits.startswith("33") and len(digits) == _FRENCH_PHONE + 1:
        first = f"+{digits}"
    return _cleaned("phone", Level.IGNORED, first, text, *remarks)


def _one_phone(text: str) -> tuple[str, tuple[Remark, ...]]:
    parts = [part for part in _BETWEEN_PHONES.split(text) if part]
    if len(parts) > 1 and all(len(bare(part)) >= _FRENCH_PHONE - 1 for part in parts):
        return parts[0], (remark(Level.REPAIRED, "phone", "phone_first", text),)
    return text, ()


def postcode(text: str, kind: str) -> Cell:
    """Its zero and its length are looked at with the row, which tells the country."""
    return Cell(number[1] if (number := _FLOAT.fullmatch(text)) else text)


def naf_code(text: str, kind: str) -> Cell:
    code = found[1] if (found := _NAF_FIRST.fullmatch(text)) else text
    return _cleaned("naf_code", Level.IGNORED, code, text)


def legal_form(text: str, kind: str) -> Cell:
    """INSEE's code, or the form in words."""
    words = fold(text)
    if words in INDIVIDUAL_FORMS:
        told = remark(Level.REPAIRED, "legal_form", "form_is_individual", text)
        return Cell("", (told,), {"kind": DossierKind.INDIVIDUAL.value})
    code = _FORM_OF.get(words) or _number("legal_form", text).text
    if code.isascii() and code.isdigit():
        return _cleaned("legal_form", Level.IGNORED, code, text)
    return Cell("", (remark(Level.IGNORED, "legal_form", "unknown_form", text),))


def kind_of_client(text: str, kind: str) -> Cell:
    found = _KIND_OF.get(fold(text), "")
    return Cell(found, () if found else (remark(Level.IGNORED, "kind", "unknown_kind", text),))


def civility(text: str, kind: str) -> Cell:
    found = _CIVILITY_OF.get(fold(text), "")
    return Cell(found, () if found else (remark(Level.IGNORED, "civility", "unknown_civility", text),))


def fiscal_year_end(text: str, kind: str) -> Cell:
    """Day and month, from a date, a date's serial number, or words."""
    day = text
    if found := _ISO_DATE.fullmatch(text):
        day = f"{found[2]}/{found[1]}"
    elif kind == Kind.NUMBER and _SERIAL.fullmatch(text) and int(text) in _SERIALS:
        day = f"{_SERIAL_ORIGIN + dt.timedelta(days=int(text)):%d/%m}"
    elif (found := _DAY_AND_WORD.fullmatch(fold(text))) and found[2] in _MONTH_OF:
        day = f"{found[1]}/{_MONTH_OF[found[2]]}"
    return _cleaned("fiscal_year_end", Level.IGNORED, day, text)
