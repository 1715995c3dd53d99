"""A firm's own number, typed as a SIREN or as the SIRET of its head office."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from stdnum.fr import siren, siret

# White space of all kinds, dots, and the hyphens that stdnum leaves in.
_SEPARATORS = re.compile(r"[\s.\-\u2010-\u2015\u2212]+")
_SIREN_DIGITS, _SIRET_DIGITS = 9, 14


def siren_and_siret(text: str) -> tuple[str, str]:
    """The SIREN and, where fourteen digits were given, the SIRET; stored forms. Raises ValidationError."""
    number = _SEPARATORS.sub("", text)
    if not number.isascii() or not number.isdigit() or len(number) not in (_SIREN_DIGITS, _SIRET_DIGITS):
        raise ValidationError(_("A SIREN has 9 digits, a SIRET has 14."), code="length")
    if len(number) == _SIREN_DIGITS:
        if not siren.is_valid(number):
            raise ValidationError(
                _("The check digit of this SIREN does not match: one digit is probably mistyped."),
                code="checksum",
            )
        return number, ""
    if not siret.is_valid(number):
        raise ValidationError(
            _("The check digit of this SIRET does not match: one digit is probably mistyped."),
            code="checksum",
        )
    return number[:_SIREN_DIGITS], number
