"""What was found in a cell: kept with the row as JSON, worded when it is shown."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

Text = str | Promise


class Level(StrEnum):
    """ERROR keeps the row out; IGNORED leaves the cell out; DOUBT, REPAIRED and CORRECTED (by a person) only tell."""

    ERROR = "error"
    IGNORED = "ignored"
    DOUBT = "doubt"
    REPAIRED = "repaired"
    CORRECTED = "corrected"


# Repairs and doubts of the import itself; what is wrong with a value is said by `clients.cleaning`, for forms as well.
WORDS: Mapping[str, Text] = {
    "zeros": _("Excel had removed the leading zeros: they were restored."),
    "float": _("Excel had added decimals to this number: they were removed."),
    "exponent": _("Excel showed this number with an exponent: all its digits were still there."),
    "digits_lost": _(
        "Excel turned this number into “%(value)s”: its last digits are lost for good. Format the column as text in "
        "the original file, enter the number again, and import once more."
    ),
    "phone_zero": _("Excel had removed the leading zero of this phone number: it was restored."),
    "phone_first": _("There are several phone numbers in this cell: the first one was kept."),
    "postcode_zero": _("Excel had removed the leading zero of this postcode: it was restored."),
    "email_case": _("The e-mail address was put into lower case."),
    "email_extracted": _("The e-mail address was taken out of the surrounding text."),
    "email_first": _("There are several e-mail addresses in this cell: the first one was kept."),
    "email_typo": _("Is it “%(meant)s”? The address was kept as it is."),
    "siren_in_siret": _("This is a SIREN in the SIRET column: it was read as the SIREN."),
    "siret_in_siren": _("This is a SIRET in the SIREN column: it was read as the SIRET."),
    "vat_in_siret": _("This is a VAT number in the SIRET column: it was read as the VAT number and the SIREN."),
    "rna": _("This is the RNA number of an association, not a company number: it was left out."),
    "zeros_only": _("A number made of zeros only was left out."),
    "form_is_individual": _("The legal form says that this client is an individual."),
    "ended_there": _(
        "This client file has ended at the other platform (“%(value)s”): one that you have not is not created, unless "
        "you ask for it."
    ),
    "told_there": _("The other platform says of this client file: “%(value)s”."),
    "stranger": _("No single member of the firm bears this name: nobody is assigned."),
    "name_from_person": _("The company has no legal name: the person's name was taken."),
    "unknown_kind": _("Write “Company” or “Individual”; the kind was guessed instead."),
    "unknown_civility": _("Write “Ms” or “Mr”; the civility was left out."),
    "unknown_form": _("This legal form is not known: it was left out. Its four-digit INSEE code always is."),
    "too_long": _("This holds %(count)s characters; at most %(limit)s fit."),
    "corrected": _("Corrected here; the file says “%(value)s”."),
    "filled_in": _("Filled in here; the file says nothing."),
    # of the whole row, found when it is compared with the firm's dossiers
    "no_name": _("The row has no name: fill in the legal name, or the last name of an individual."),
    "siret_ambiguous": _("Several dossiers have this SIRET: choose the right one, or add its reference to the row."),
    "siren_ambiguous": _(
        "Several dossiers have this SIREN: choose the right one, or add its SIRET or its reference to the row."
    ),
    "name_ambiguous": _(
        "Several dossiers have this name and address: choose the right one, or add its reference to the row."
    ),
    "archived": _(
        "This client file is archived: restore it first (list of client files, filter “Archived”), then import again."
    ),
    "read_only": _("The client lets your firm read this client file only: nothing in it can be changed by an import."),
    "siren_conflict": _("The dossier has a SIRET that does not begin with this SIREN: give the new SIRET as well."),
    "reference_taken": _("The client file “%(name)s” has this reference already: each has its own."),
    "siret_exists": _("The client file “%(name)s” has this SIRET already."),
    "siren_known": _(
        "The client file “%(name)s” has this SIREN and no SIRET: choose it if it is the same client, or have a new one "
        "created."
    ),
}  # fmt: skip


class Remark(NamedTuple):
    """`field` is where the value would have gone; `text` is the English sentence, translated when shown. `offers` is a
    repair that waits for a person's word: texts by field. Stored ones may also bear `dossiers`, the keys of those that
    the row may be about.
    """

    level: Level
    field: str
    code: str
    value: str = ""
    text: str = ""
    params: Mapping[str, Any] | None = None
    offers: Mapping[str, str] | None = None

    def stored(self) -> dict[str, Any]:
        """As JSON holds it; what is empty is left out."""
        return {key: value for key, value in self._asdict().items() if value}


_LONGEST_VALUE = 120


def remark(
    level: Level,
    field: str,
    code: str,
    value: str = "",
    *,
    offers: Mapping[str, str] | None = None,
    **params: Any,
) -> Remark:
    """One of `WORDS`."""
    return Remark(level, field, code, value[:_LONGEST_VALUE], "", params or None, offers)


def refused(
    level: Level, field: str, value: str, error: ValidationError, offers: Mapping[str, str] | None = None
) -> Remark:
    """What a cleaner said."""
    text, code = _english(error.message), error.code or "invalid"
    return Remark(level, field, code, value[:_LONGEST_VALUE], text, error.params or None, offers)


def worded(stored: Mapping[str, Any]) -> str:
    """The sentence of a stored remark, in the active language."""
    text = gettext(stored["text"]) if stored.get("text") else str(WORDS[stored["code"]])
    params = stored.get("params") or {}
    return text % {"value": stored.get("value", ""), **params} if "%(" in text else text


def _english(message: Any) -> str:
    return _source(message) if isinstance(message, Promise) else str(message)


@cache
def _source(message: Promise) -> str:
    """The message as it stands in the code: the key of its translations."""
    with translation.override(None):
        return str(message)
