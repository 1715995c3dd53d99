"""What people fill in about portfolios."""

from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, MembershipQuerySet
from accounts.permissions import ObjectRole
from portfolios.models import Portfolio
from tenancy.forms import FirmForm


class PortfolioForm(FirmForm[Portfolio]):
    """A portfolio's name."""

    class Meta:
        model = Portfolio
        fields = ("name",)
        widgets = {"name": forms.TextInput({"autocomplete": "off", "autofocus": True})}

    def clean_name(self) -> str:
        return " ".join(str(self.cleaned_data["name"]).split())


class PortfolioSearch(forms.Form):
    """The state of the list, all of it in the URL."""

    q = forms.CharField(required=False, max_length=100, label=_("Name of the portfolio"))
    sort = forms.CharField(required=False, widget=forms.HiddenInput({"hx-swap-oob": "true"}))
    size = forms.CharField(required=False, widget=forms.HiddenInput({"hx-swap-oob": "true"}))

    def chosen(self, name: str) -> str:
        """The value of a field; "" for none and for one that can't be."""
        self.is_valid()
        return str(self.cleaned_data.get(name) or "")


class GrantForm(forms.Form):
    """To whom the portfolio is opened, and as what."""

    member = forms.ModelChoiceField(
        Membership.objects.none(), label=_("Member"), empty_label=_("Choose a member")
    )
    role = forms.ChoiceField(
        label=_("Role on these client files"),
        initial=ObjectRole.ACCOUNTANT,
        widget=forms.RadioSelect({"class": "cards"}),
        choices=[
            (
                role.value,
                format_html("<strong>{}</strong><small>{}</small>", role.label, text),
            )
            for role, text in (
                (ObjectRole.ACCOUNTANT, _("Sees, changes and adds client files.")),
                (ObjectRole.READER, _("Sees the client files, changes nothing.")),
            )
        ],
    )

    def __init__(self, *args: Any, members: MembershipQuerySet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["member"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = members
