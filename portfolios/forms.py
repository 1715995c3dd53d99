"""What people fill in about portfolios."""

from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, MembershipQuerySet
from accounts.permissions import ObjectRole
from portfolios.models import Portfolio
from tenancy.forms import FirmForm

TERMINATED = "terminated"


class PortfolioForm(FirmForm[Portfolio]):
    """A portfolio's name."""

    class Meta:
        model = Portfolio
        fields = ("name",)
        widgets = {"name": forms.TextInput({"autocomplete": "off", "autofocus": True})}

    def clean_name(self) -> str:
        return " ".join(str(self.cleaned_data["name"]).split())


class RenameForm(PortfolioForm):
    """`seen` is the name that it had when the person began."""

    seen = forms.CharField(required=False, max_length=100, widget=forms.HiddenInput)


class PortfolioSearch(forms.Form):
    """The state of the list, all of it in the URL."""

    q = forms.CharField(required=False, max_length=100, label=_("Name of the portfolio"))
    state = forms.ChoiceField(
        required=False,
        label=_("State"),
        choices=[("", _("Running portfolios")), (TERMINATED, _("Terminated"))],
    )
    sort = forms.CharField(required=False, widget=forms.HiddenInput({"hx-swap-oob": "true"}))
    size = forms.CharField(required=False, widget=forms.HiddenInput({"hx-swap-oob": "true"}))

    def __init__(self, *args: Any, shows_states: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not shows_states:
            del self.fields["state"]

    def chosen(self, name: str) -> str:
        """The value of a field; "" for none and for one that can't be."""
        self.is_valid()
        return str(self.cleaned_data.get(name) or "")


def _role_field() -> forms.ChoiceField:
    """What a portfolio may be opened as."""
    return forms.ChoiceField(
        label=_("Role on these client files"),
        initial=ObjectRole.ACCOUNTANT,
        widget=forms.RadioSelect({"class": "cards"}),
        choices=[
            (role.value, format_html("<strong>{}</strong><small>{}</small>", role.label, text))
            for role, text in (
                (ObjectRole.ACCOUNTANT, _("Sees, changes and adds client files.")),
                (ObjectRole.READER, _("Sees the client files, changes nothing.")),
            )
        ],
    )


class GrantForm(forms.Form):
    """To whom the portfolio is opened, and as what."""

    member = forms.ModelChoiceField(
        Membership.objects.none(),
        label=_("Member"),
        empty_label=_("Choose a member"),
        error_messages={
            "invalid_choice": _("This member has the portfolio by now, or is no longer in the firm.")
        },
    )
    role = _role_field()

    def __init__(self, *args: Any, members: MembershipQuerySet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["member"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = members


class RoleForm(forms.Form):
    """A subscriber's role; `seen` is the one that they had when the person began."""

    role = _role_field()
    seen = forms.TypedChoiceField(choices=ObjectRole.choices, coerce=ObjectRole, widget=forms.HiddenInput)
