"""What people fill in about invitations: the person invited, and the firm."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.forms import PASSWORD_HELP
from accounts.models import Role, User
from accounts.newcomers import Newcomer
from clients.cleaning import clean_email, clean_text, likely_email
from invitations.models import InvitationKind, InvitationQuerySet, InvitationState

_CARD = "<strong>{}</strong><small>{}</small>"
_WHAT_ROLES_MEAN = {
    Role.COLLABORATOR: _("Sees the client files that a portfolio or an assignment opens to them"),
    Role.ADMIN: _("Sees and manages everything in the firm, its own file included"),
}


class AnswerForm(forms.Form):
    """What every acceptance carries: the terms, and the mark of what the page showed. Never a role or a dossier."""

    shown = forms.CharField(widget=forms.HiddenInput)
    terms = forms.BooleanField(label=_("I accept the terms of use"))


class PersonForm(AnswerForm):
    """Somebody who has an account. `spaces`: (key, name) of those that they manage, of which they may choose one."""

    space = forms.ChoiceField(
        label=_("In which space?"), required=False, widget=forms.RadioSelect({"class": "cards"})
    )

    field_order = ("space", "terms", "shown")

    def __init__(
        self, *args: Any, spaces: list[tuple[str, str]], accepted: bool, dossier_name: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if accepted:
            del self.fields["terms"]
        if not spaces:
            del self.fields["space"]
            return
        field = self.fields["space"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            ("", format_html(_CARD, dossier_name, _("A new space, apart from your others"))),
            *((key, format_html(_CARD, name, _("The space that you have already"))) for key, name in spaces),
        ]
        field.initial = ""


class NewcomerForm(AnswerForm):
    """Somebody who has no account yet. `address` is the invitation's."""

    first_name = forms.CharField(
        label=_("First name"),
        max_length=80,
        widget=forms.TextInput({"autocomplete": "given-name", "data-span": "half"}),
    )
    last_name = forms.CharField(
        label=_("Last name"),
        max_length=80,
        widget=forms.TextInput({"autocomplete": "family-name", "data-span": "half"}),
    )
    password = forms.CharField(
        label=_("Choose a password"),
        strip=False,
        max_length=256,
        help_text=PASSWORD_HELP,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )

    field_order = ("first_name", "last_name", "password", "terms", "shown")

    def __init__(self, *args: Any, address: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.address = address

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        person = User(
            email=self.address,
            first_name=cleaned.get("first_name", ""),
            last_name=cleaned.get("last_name", ""),
        )
        if "password" in cleaned:
            try:
                validate_password(cleaned["password"], person)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return cleaned

    def newcomer(self, language: str) -> Newcomer:
        data = self.cleaned_data
        return Newcomer(
            first_name=clean_text(data["first_name"]),
            last_name=clean_text(data["last_name"]),
            password=data["password"],
            language=language,
        )


class AddressForm(forms.Form):
    """One e-mail address; a likely slip of the finger gets a question, not a refusal."""

    email = forms.CharField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput({"autocomplete": "off", "inputmode": "email"}),
    )
    email_checked = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_email(self) -> str:
        return clean_email(self.cleaned_data["email"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        address = cleaned.get("email", "")
        likely = likely_email(address)
        if likely and address != cleaned.get("email_checked"):
            self.data = {**dict(self.data.items()), "email_checked": address}
            question = _("Did you mean %(likely)s? If the address is right, send again.")
            self.add_error("email", forms.ValidationError(question, code="doubt", params={"likely": likely}))
        return cleaned


class MemberForm(AddressForm):
    """A colleague to invite."""

    first_name = forms.CharField(
        label=_("First name"), max_length=80, required=False, widget=forms.TextInput({"data-span": "half"})
    )
    last_name = forms.CharField(
        label=_("Last name"), max_length=80, required=False, widget=forms.TextInput({"data-span": "half"})
    )
    role = forms.ChoiceField(
        label=_("Role"), initial=Role.COLLABORATOR, widget=forms.RadioSelect({"class": "cards"})
    )

    field_order = ("email", "first_name", "last_name", "role")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            (role, format_html(_CARD, role.label, means)) for role, means in _WHAT_ROLES_MEAN.items()
        ]


class InvitationFilter(forms.Form):
    """What the list of invitations is narrowed down by."""

    q = forms.CharField(label=_("Search"), required=False, max_length=100)
    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("All states")), *InvitationState.choices]
    )
    kind = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("", _("Clients and members")), *InvitationKind.choices]
    )

    def narrow(self, invitations: InvitationQuerySet) -> InvitationQuerySet:
        """Those that fit; all of them where the query makes no sense."""
        wanted = self.cleaned_data if self.is_valid() else {}
        if wanted.get("q"):
            invitations = invitations.search(wanted["q"])
        if wanted.get("state"):
            invitations = invitations.in_state(wanted["state"])
        if wanted.get("kind"):
            invitations = invitations.filter(kind=wanted["kind"])
        return invitations
