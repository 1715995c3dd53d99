"""What may be asked of a journal."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from activity.queries import Asked, kinds


class JournalFilter(forms.Form):
    """Bound to the address; `people` are (key, name) of those who may be chosen."""

    q = forms.CharField(label=_("Person or object"), required=False, max_length=100)
    person = forms.TypedChoiceField(label=_("Person"), required=False, coerce=UUID, empty_value=None)
    kind = forms.ChoiceField(label=_("Action"), required=False)
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label=_("Until"), required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )
    subject = forms.UUIDField(required=False, widget=forms.HiddenInput)
    group = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, people: Iterable[tuple[UUID, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields
        chosen["person"].choices = [("", _("All people")), *((str(key), name) for key, name in people)]
        chosen["kind"].choices = [("", _("All actions")), *kinds()]

    def asked(self) -> Asked:
        """Whatever is valid; a filter that can't be read filters nothing."""
        self.is_valid()
        given = self.cleaned_data
        return Asked(
            person=given.get("person"),
            kind=given.get("kind", ""),
            subject=given.get("subject"),
            since=given.get("since"),
            until=given.get("until"),
            text=given.get("q", ""),
            group=given.get("group"),
        )
