"""Why a file was refused, and what to do: in the active language."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

INFECTED, UNCHECKED, ENDED = "infected", "unchecked", "ended"

REFUSALS: Mapping[str, str | Promise] = {
    "empty": _(
        "This file is empty (0 bytes): it was probably cut off on its way. Save it again, then drop it."
    ),
    "too_big": _(
        "This file is larger than %(limit)s MB. Split it, or lower the resolution of the scan, then drop it again."
    ),
    "damaged": _("This file is damaged: it can't be opened. Save it again in its program, then drop it."),
    "encrypted": _(
        "This document is protected by a password, so that nobody could check it. Save it without the password: what "
        "you drop here is seen by the two of you only."
    ),
    "macros": _("This document holds macros (programs). Save it without them (.docx, .xlsx), or as a PDF."),
    "archive": _("Archives (.zip) are not accepted. Drop the files that it holds, up to 10 at once."),
    "not_accepted": _(
        "This kind of file is not accepted, whatever its name says. Accepted are PDF, pictures, documents of Word, "
        "Excel, PowerPoint and LibreOffice, texts, CSV and XML."
    ),
    INFECTED: _(
        "The virus scanner found something in this file (%(found)s). It was deleted; nobody has received it."
    ),
    UNCHECKED: _(
        "This file could not be checked for viruses within a day, so it was deleted. Drop it again."
    ),
    ENDED: _(
        "The firm and the client were no longer linked when this file had been checked: it was deleted."
    ),
}


def refusal(code: str, params: Mapping[str, Any]) -> str:
    """Raises KeyError for a code that nobody has put into words."""
    return str(REFUSALS[code]) % params
