"""What a client says of themself who opens a space of their own."""

from typing import Any, ClassVar

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.forms import NewPersonForm
from accounts.identifiers import siren_and_siret
from accounts.models import User
from clients.actions.following import register_space
from clients.cleaning import clean_text
from clients.models import DossierKind

_CARD = "<strong>{}</strong><small>{}</small>"
_WHAT_KINDS_ARE = {
    DossierKind.COMPANY: _("A company or an association, by its legal name"),
    DossierKind.INDIVIDUAL: _("Yourself, by your own name; a sole trader too"),
}
_NUMBER_HELP = _(
    "If there is one: 9 or 14 digits, with or without spaces. Your firm finds your client file by it."
)


class ClientFields(forms.Form):
    """A company, or the person themself."""

    # A browser would insist on a company's name of an individual, to whom it is not shown.
    use_required_attribute = False

    kind = forms.ChoiceField(
        label=_("Who is the client?"),
        initial=DossierKind.COMPANY,
        widget=forms.RadioSelect({"class": "cards"}),
    )
    legal_name = forms.CharField(
        label=_("Company's legal name"),
        max_length=200,
        error_messages={"required": _("Fill in the company's legal name.")},
        widget=forms.TextInput({"autocomplete": "organization"}),
    )
    number = forms.CharField(
        label=_("SIREN or SIRET"),
        max_length=40,
        required=False,
        help_text=_NUMBER_HELP,
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            (kind, format_html(_CARD, kind.label, means)) for kind, means in _WHAT_KINDS_ARE.items()
        ]

    def clean_number(self) -> str:
        typed: str = self.cleaned_data["number"]
        numbers = siren_and_siret(typed) if typed else ("", "")
        self.cleaned_data["siren"], self.cleaned_data["siret"] = numbers
        return typed

    def full_clean(self) -> None:
        self.fields["legal_name"].required = self.data.get("kind") != DossierKind.INDIVIDUAL
        super().full_clean()
        self.fields["legal_name"].required = True

    def clean_legal_name(self) -> str:
        return clean_text(self.cleaned_data["legal_name"])

    def details(self, first_name: str, last_name: str) -> dict[str, str]:
        """What `register_space` takes, of a client whose person is called so."""
        data = self.cleaned_data
        if data["kind"] == DossierKind.COMPANY:
            names = {"legal_name": data["legal_name"]}
        else:
            names = {"first_name": first_name, "last_name": last_name}
        return {"kind": data["kind"], "siren": data["siren"], "siret": data["siret"], **names}


class ClientSignupForm(ClientFields, NewPersonForm):
    """A client who has no account yet, with their space."""

    field_order = (
        "kind", "legal_name", "number", "first_name", "last_name", "email", "password1", "terms",
    )  # fmt: skip
    helps: ClassVar = {
        **NewPersonForm.helps,
        "number": _NUMBER_HELP,
    }

    def bring(self, user: User) -> None:
        register_space(user=user, details=self.details(user.first_name, user.last_name))


class NewSpaceForm(ClientFields):
    """A space of their own for somebody who is signed in."""
