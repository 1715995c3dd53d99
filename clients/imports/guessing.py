"""What a column holds, told by its cells and by words in its header: a column of valid SIRETs is a SIRET column.

All of it is judged on the first rows of a sheet, and only proposed: a person sees it before anything comes of it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stdnum.fr import siren as siren_rules

from accounts.identifiers import bare, has_checksum
from clients.imports.cells import CIVILITIES, INDIVIDUAL_FORMS, KINDS, LEGAL_FORMS, tidy
from spreadsheets.text import fold

Cells = Sequence[str]
Test = Callable[[str], bool]

_SIREN, _SIRET, _PHONE = 9, 14, 10
# From how many filled cells on their contents may speak against the header.
_ENOUGH = 3
_A_FEW = 2

_DIGITS_WITHIN = re.compile(r"\d")
_LETTERS_WITHIN = re.compile(r"[^\W\d_]")
_EXPONENT = re.compile(r"\d[.,]\d{2,}E\+?1[0-4]", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}.*", re.DOTALL)
_PHONE_SHAPE = re.compile(r"(?:\+|00)?[\d .()/-]{9,22}")
_VAT = re.compile(r"FR[0-9A-Z]{2}\d{9}", re.IGNORECASE)
_NAF = re.compile(r"\d{2}[. ]?\d{2} ?[A-Z](?:\b.*)?", re.IGNORECASE)
_POSTCODE = re.compile(r"(?:0[1-9]|[1-8]\d|9[0-58])\d{3}")
_DAY_OF_YEAR = re.compile(r"(?:0?[1-9]|[12]\d|3[01])[/.-](?:0?[1-9]|1[0-2])")
_STREET = re.compile(
    r"(?:.*[ ,])?(?:rue|avenue|av|boulevard|bd|bld|chemin|impasse|allees?|place|route|quai|cours|square|lotissement"
    r"|residence|faubourg|passage|zone (?:artisanale|industrielle)|z ?a|z ?i|z ?a ?c|lieu dit|bp|hameau) .*"
)
_ORGANISATION = re.compile(
    r"(?:.* )?(?:sarl|sas|sasu|eurl|sci|sa|snc|scp|selarl|earl|gaec|scea|association|asso|societe|ste|ets"
    r"|etablissements?|cabinet|entreprise|groupe|compagnie|cie|holding|garage|boulangerie|pharmacie|restaurant"
    r"|menuiserie|plomberie|transports?|hotel|fondation|mairie|commune|club|centre|syndicat)(?: .*)?"
)


def _digits(text: str) -> str:
    """Without blanks, dots and a float's decimals; "" where it is no whole number."""
    digits = bare(re.sub(r"[.,]0+$", "", text))
    return digits if digits.isascii() and digits.isdigit() else ""


def is_siret(text: str) -> bool:
    """A SIRET, also without the zeros that Excel removes from its front."""
    digits = _digits(text)
    return (
        _SIREN + 1 < len(digits) <= _SIRET and bool(digits.strip("0")) and has_checksum(digits.zfill(_SIRET))
    )


def is_siren(text: str) -> bool:
    digits = _digits(text)
    return len(digits) == _SIREN and bool(digits.strip("0")) and siren_rules.is_valid(digits)


def _is_phone(text: str) -> bool:
    digits = bare(text).removeprefix("+")
    if not (_PHONE_SHAPE.match(text) and digits.isdigit()):
        return False
    return (
        (len(digits) == _PHONE and digits[0] == "0")
        or (len(digits) == _PHONE - 1 and digits[0] in "12345679")
        or (digits.startswith(("33", "0033")) and len(digits) in (_PHONE + 1, _PHONE + 2, _PHONE + 3))
    )


def _one_of(*tables: Mapping[str, Sequence[str]]) -> Test:
    words = {fold(word) for table in tables for words in table.values() for word in words}
    return lambda text: fold(text) in words


_is_kind, _is_civility = _one_of(KINDS), _one_of(CIVILITIES)
_is_form = _one_of(LEGAL_FORMS, {"": INDIVIDUAL_FORMS})


@dataclass(frozen=True)
class Sign:
    """`share` of the filled cells must pass the test, and at least `fewest` of them. A `weak` sign counts only for a
    column whose header says nothing."""

    field: str
    test: Test
    share: float
    fewest: int = 1
    weak: bool = False


# In the order in which they are asked: what can be mistaken for something else comes after that.
_SIGNS = (
    Sign("siret", is_siret, 0.5),
    Sign("siret", lambda text: len(_digits(text)) == _SIRET, 0.9, fewest=2),
    Sign("email", lambda text: _EMAIL.fullmatch(text) is not None, 0.5),
    Sign("vat_number", lambda text: _VAT.fullmatch(bare(text)) is not None, 0.6),
    Sign("siren", is_siren, 0.6, fewest=2),
    Sign("naf_code", lambda text: _NAF.fullmatch(text) is not None, 0.7),
    Sign("phone", _is_phone, 0.7),
    Sign("legal_form", _is_form, 0.7, fewest=2),
    Sign("civility", _is_civility, 0.9, fewest=2, weak=True),
    Sign("kind", _is_kind, 0.9, fewest=2, weak=True),
    Sign("fiscal_year_end", lambda text: _DAY_OF_YEAR.fullmatch(text) is not None, 0.8, fewest=2),
    Sign("postcode", lambda text: _POSTCODE.fullmatch(text) is not None, 0.8, weak=True),
    Sign("address", lambda text: _STREET.fullmatch(fold(text)) is not None, 0.5, fewest=2),
)

# Words by which a header says what its column holds, among other words that nobody has listed: `adresse_siege_social`,
# `email_contact`. Longer ones first.
_WORDS: Mapping[str, Sequence[str]] = {
    "siret": ("siret",),
    "siren": ("siren",),
    "email": ("adresse mail", "adresse e mail", "e mail", "email", "mail", "courriel", "mel"),
    "phone": ("telephone", "tel", "portable", "mobile"),
    "postcode": ("code postal", "cp", "code post"),
    "vat_number": ("tva intracommunautaire", "tva intracom", "numero tva", "n tva"),
    "naf_code": ("code naf", "code ape", "naf", "ape"),
    "legal_form": ("forme juridique", "categorie juridique"),
    "legal_representative": ("representant legal", "dirigeant", "gerant", "mandataire social"),
    "legal_name": ("raison sociale", "denomination sociale", "denomination", "nom entreprise", "nom societe",
                   "nom et prenom", "nom prenom", "prenom nom", "prenom et nom", "nom client", "nom beneficiaire",
                   "nom structure", "nom etablissement", "nom organisme", "nom adherent", "nom tiers", "nom du client"),
    "address": ("adresse",),
    "city": ("ville", "commune", "localite"),
    "portfolio": ("portefeuille",),
    "assignee": ("collaborateur", "chef de mission", "responsable dossier", "gestionnaire", "suivi par",
                 "charge de dossier", "charge de clientele"),
    "fiscal_year_end": ("cloture", "fin exercice"),
    "urssaf_account": ("urssaf",),
    "last_name": ("nom de famille", "nom naissance", "nom usage"),
    "first_name": ("prenom",),
    "reference": ("code client", "code dossier", "numero client", "numero dossier", "n dossier", "n client",
                  "ref client", "ref dossier", "ref interne", "reference interne", "code interne", "code adherent",
                  "reference client"),
}  # fmt: skip
# With one of these, a header speaks of something or somebody else.
_OF_OTHERS = frozenset((
    "insee", "nombre", "nb", "montant", "date", "fournisseur", "banque", "cabinet", "comptable", "expert", "url",
    "lien", "site", "web", "www", "secteur", "cuisine", "centrale", "mere", "parent", "conjoint", "secretaire", "taux",
    "total", "prix", "solde", "libelle", "fax",
))  # fmt: skip
_CAMEL = re.compile(r"(?<=[a-zéèà])(?=[A-Z])")


def filled(column: Cells) -> list[str]:
    """The cells that say something."""
    return [text for text in map(tidy, column) if text]


def field_of_header(header: str) -> str:
    """What a header says by one of its words, "" where it says nothing, or something of others."""
    words = fold(_CAMEL.sub(" ", header)).split()
    if _OF_OTHERS.intersection(words):
        return ""
    said = f" {' '.join(words)} "
    if "contact" in words and {"nom", "prenom"} & {*words}:
        return ""
    found = [(len(word), name) for name, of in _WORDS.items() for word in of if f" {word} " in said]
    return max(found, key=lambda one: one[0])[1] if found else ""


def fits(field: str, column: Cells) -> bool:
    """May the column hold the field? No where its cells speak against it: a commune's number is no city."""
    cells = filled(column)
    test = _AGAINST.get(field)
    return test is None or len(cells) < _ENOUGH or any(map(test, cells))


def _has_digits(text: str) -> bool:
    return _DIGITS_WITHIN.search(text) is not None


def _has_letters(text: str) -> bool:
    return _LETTERS_WITHIN.search(text) is not None


def _like_a_number(text: str) -> bool:
    return (
        len(_digits(text)) >= 5
        or _EXPONENT.fullmatch(text) is not None
        or _VAT.fullmatch(bare(text)) is not None
    )


# A column in which no cell passes is none of that field's.
_AGAINST: Mapping[str, Test] = {
    "siret": _like_a_number,
    "siren": _like_a_number,
    "vat_number": _has_digits,
    "email": lambda text: "@" in text,
    "phone": lambda text: len(re.sub(r"\D", "", text)) >= 6,
    "postcode": _has_digits,
    "city": _has_letters,
    "address": _has_letters,
    "legal_name": _has_letters,
    "last_name": _has_letters,
    "first_name": _has_letters,
    "legal_representative": _has_letters,
    "naf_code": _has_digits,
    "kind": _is_kind,
    "civility": _is_civility,
    "assignee": lambda text: _has_letters(text) or "@" in text,
    "fiscal_year_end": lambda text: _has_digits(text) or _has_letters(text),
}


def field_of_cells(column: Cells, *, named: bool, known: Mapping[str, frozenset[str]]) -> str:
    """What the cells of a column are, "" where they do not tell.

    `named`: its header says something, though nothing that is known. `known`: the firm's own portfolios and members
    (folded) by field.
    """
    cells = filled(column)
    if not cells:
        return ""
    own = [Sign(name, _among(words), 0.5) for name, words in known.items() if words]
    for sign in (*_SIGNS, *own):
        if sign.weak and named:
            continue
        passed = sum(map(sign.test, cells))
        if passed >= sign.fewest and passed >= sign.share * len(cells):
            return sign.field
    return ""


def _among(words: frozenset[str]) -> Test:
    return lambda text: fold(text) in words


def likeliest_name(columns: Mapping[int, Cells]) -> int | None:
    """Of columns that nobody knows, the one that reads most like names of clients; None if none does."""
    likeness = {column: _likeness_to_names(filled(cells)) for column, cells in columns.items()}
    best = max(likeness, key=lambda column: likeness[column], default=None)
    return best if best is not None and likeness[best] > 0 else None


def _likeness_to_names(cells: Sequence[str]) -> float:
    """From 0 to 2. Names are words, hardly any of them comes twice, and some tell of an organisation."""
    words = [text for text in cells if _has_letters(text) and len(text) <= 80]
    if not words or len(words) < 0.8 * len(cells):
        return 0
    distinct = len(set(map(fold, words))) / len(words)
    longer = sum(1 for text in words if len(text) > 3) / len(words)
    if distinct < 0.7 or longer < 0.7:
        return 0
    told = sum(1 for text in words if _ORGANISATION.fullmatch(fold(text))) / len(words)
    capital = sum(1 for text in words if text[:1].isupper()) / len(words)
    return distinct * capital / 2 + told


def reads_as_city(column: Cells) -> bool:
    """Words without a digit (a CEDEX aside): beside postcodes, that is a city."""
    cells = filled(column)
    told = [
        text for text in cells if _has_letters(text) and not _has_digits(re.sub(r"(?i)cedex.*", "", text))
    ]
    return bool(cells) and len(told) >= 0.8 * len(cells)


def reads_as_reference(column: Cells) -> bool:
    """Short, without blanks, never twice."""
    cells = filled(column)
    return (
        len(cells) >= _A_FEW
        and len(set(cells)) == len(cells)
        and all(len(text) <= 15 and " " not in text for text in cells)
    )
