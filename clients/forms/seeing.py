"""What may be asked of who saw a client file."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from activity.forms import PeriodFilter
from clients.models import AccessKind


class SeenFilter(PeriodFilter):
    """Bound to the address; `people` are (key, name) of those who ever saw the file."""

    person = forms.TypedChoiceField(label=_("Person"), required=False, coerce=UUID, empty_value=None)
    kind = forms.ChoiceField(
        label=_("What they did"),
        required=False,
        choices=[("", _("Opened or downloaded")), *AccessKind.choices],
    )
    # Of an export: the file itself.
    dossier = forms.UUIDField(label=_("Client file"), required=False, widget=forms.HiddenInput)
    field_order = ("person", "kind", "since", "until", "dossier")

    def __init__(self, *args: Any, people: Iterable[tuple[UUID, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields
        chosen["person"].choices = [("", _("All people")), *((str(key), name) for key, name in people)]

    def asked(self) -> dict[str, Any]:
        """Whatever is valid."""
        self.is_valid()
        return self.cleaned_data
