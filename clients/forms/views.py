"""What people fill in about saved views of the dossier table."""

from datetime import datetime

from django import forms
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from clients.models import SavedView
from tenancy.forms import FirmForm


class ViewNameForm(FirmForm[SavedView]):
    """A view's name."""

    # The view as this person found it, to see whether somebody else changed it meanwhile.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = SavedView
        fields = ("name",)
        widgets = {"name": forms.TextInput({"autocomplete": "off", "autofocus": True})}

    def clean_name(self) -> str:
        return " ".join(str(self.cleaned_data["name"]).split())

    @property
    def seen_at(self) -> datetime | None:
        return moment(self.cleaned_data.get("seen", ""))


class NewViewForm(ViewNameForm):
    """A new view: the list's state, its name, and for whom."""

    query = forms.CharField(required=False, max_length=2_000, widget=forms.HiddenInput)

    class Meta(ViewNameForm.Meta):
        fields = ("name", "is_shared")  # type: ignore[assignment]  # one more
        help_texts = {
            "is_shared": _(
                "Everybody finds it under “Views”; each sees in it the client files open to them anyway."
            )
        }


def moment(text: str) -> datetime | None:
    """The moment that a form carries; none if it carries no such thing."""
    try:
        return parse_datetime(text)
    except ValueError:  # a moment that there never is
        return None
