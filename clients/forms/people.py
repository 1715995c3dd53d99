"""What a client fills in about people of their own: the profile."""

from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from clients.models import SpaceProfile

_CARD = "<strong>{}</strong><small>{}</small>"
WHAT_PROFILES_MEAN = {
    SpaceProfile.MANAGER: _("May do everything, also invite people and choose the accounting firm"),
    SpaceProfile.FULL: _("May do everything but manage the people and choose the accounting firm"),
    SpaceProfile.BILLING: _("Sees the files about billing, and changes nothing"),
    SpaceProfile.READER: _("Sees the details and all files, and changes nothing"),
}


class ProfileForm(forms.Form):
    """One profile, each with what it means."""

    profile = forms.ChoiceField(label=_("Profile"), widget=forms.RadioSelect({"class": "cards"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["profile"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            (profile.value, format_html(_CARD, profile.label, means))
            for profile, means in WHAT_PROFILES_MEAN.items()
        ]

    @property
    def chosen(self) -> SpaceProfile:
        return SpaceProfile(self.cleaned_data["profile"])
