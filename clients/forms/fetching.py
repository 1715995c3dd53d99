"""What people enter about other platforms: a token, or the e-mail address and password for one download."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clients.models import ConnectionKind

_LONGEST_TOKEN = 8_000
_WHERE = {
    ConnectionKind.PENNYLANE: _(
        "In Pennylane: Réglages du cabinet, then Jetons cabinet. A token that may read the companies is enough; it "
        "sees the client files that the person who makes it sees."
    ),
    ConnectionKind.MYUNISOFT: _(
        "In MyUnisoft: Écosystème, Connecteurs, then Ajouter. It must be a token of the whole firm."
    ),
}


def _secret(label: Any, help_text: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        max_length=_LONGEST_TOKEN,
        widget=forms.PasswordInput({"autocomplete": "off", "spellcheck": "false"}),
    )


class TokenForm(forms.Form):
    """What opens a platform for the firm. Never shown again, not even after a mistake."""

    token = _secret(_("Token"))
    third_party_secret = _secret(
        _("Secret of the connector (X-Third-Party-Secret)"), _("MyUnisoft gives it together with the token.")
    )

    def __init__(self, kind: ConnectionKind, data: Any = None) -> None:
        super().__init__(data)
        self.fields["token"].help_text = _WHERE[kind]
        if kind != ConnectionKind.MYUNISOFT or settings.MYUNISOFT_THIRD_PARTY_SECRET:
            del self.fields["third_party_secret"]

    def opened(self) -> dict[str, str]:
        """What is kept, encrypted."""
        return {name: str(self.cleaned_data[name]) for name in self.fields}

    def clean(self) -> dict[str, Any] | None:
        for name in self.fields:
            value = self.cleaned_data.get(name, "")
            if value and not (value.isascii() and value.isprintable() and " " not in value.strip()):
                self.add_error(
                    name,
                    ValidationError(_("This is no token: copy it again, alone and whole."), code="no_token"),
                )
        return super().clean()


class SignInForm(forms.Form):
    """How the person signs in to the other platform, for this one download."""

    email = forms.EmailField(
        label=_("E-mail address on that platform"), widget=forms.EmailInput({"autocomplete": "off"})
    )
    password = forms.CharField(
        label=_("Password on that platform"),
        strip=False,
        max_length=500,
        widget=forms.PasswordInput({"autocomplete": "off"}),
    )
