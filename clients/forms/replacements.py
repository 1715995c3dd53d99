"""What people fill in about replacements; `actions.replacements` has the last word on it."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Replacement

_DAY = {"type": "date", "data-span": "half"}


class DaysForm(forms.Form):
    """From which day to which, and how much of what the absent person holds."""

    starts_on = forms.DateField(label=_("First day"), widget=forms.DateInput(_DAY, format="%Y-%m-%d"))
    ends_on = forms.DateField(label=_("Last day (included)"), widget=forms.DateInput(_DAY, format="%Y-%m-%d"))
    includes_assignments = forms.BooleanField(
        label=_("With the client files assigned one by one"),
        required=False,
        help_text=_("Portfolios always go along; technical support never does."),
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        first, last = data.get("starts_on"), data.get("ends_on")
        if first and first < self.earliest():
            self.add_error("starts_on", _("This day is over: choose today or a later one."))
        if last and last < timezone.localdate():
            self.add_error("ends_on", _("This day is over: choose today or a later one."))
        elif first and last and last < first:
            self.add_error("ends_on", _("The last day comes before the first one."))
        return data

    def earliest(self) -> Any:
        return timezone.localdate()


class ArrangeForm(DaysForm):
    """Who covers the absent member, and when."""

    cover = forms.ModelChoiceField(
        Membership.objects.none(), label=_("Replaced by"), empty_label=_("Choose a member")
    )
    field_order = ("cover", "starts_on", "ends_on", "includes_assignments")

    def __init__(self, *args: Any, absent: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["cover"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Membership.objects.open().exclude(pk=absent.pk)


class ChangeForm(DaysForm):
    """Other days. The first one of a replacement that has begun stays."""

    def __init__(self, *args: Any, replacement: Replacement, **kwargs: Any) -> None:
        self.replacement = replacement
        kwargs["initial"] = {
            "starts_on": replacement.starts_on,
            "ends_on": replacement.ends_on,
            "includes_assignments": replacement.includes_assignments,
        }
        super().__init__(*args, **kwargs)
        if replacement.starts_at <= timezone.now():
            # What is posted for a disabled field is left aside.
            self.fields["starts_on"].disabled = True
            self.fields["starts_on"].help_text = _("It has begun: this day stays.")

    def earliest(self) -> Any:
        return min(timezone.localdate(), self.replacement.starts_on)
