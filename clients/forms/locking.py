"""Which of a client's details the firm keeps."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clients.cleaning import clean_text
from clients.forms.space import ONE_KIND_ONLY
from clients.locks import LABELS
from clients.models import DossierKind


class KeptForm(forms.Form):
    """The details of a client of that kind, to tick, and the reason that the client reads."""

    fields_kept = forms.MultipleChoiceField(
        label=_("Details that the client may not change"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("SIREN and SIRET go together."),
    )
    reason = forms.CharField(
        label=_("Reason, which the client reads"),
        max_length=200,
        required=False,
        help_text=_("For example: these details stand in a filing under way."),
    )

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["fields_kept"]
        assert isinstance(field, forms.MultipleChoiceField)
        of_others = ONE_KIND_ONLY[DossierKind(kind)]
        field.choices = [(name, label) for name, label in LABELS.items() if name not in of_others]

    def clean_reason(self) -> str:
        return clean_text(self.cleaned_data["reason"])
