"""What people choose about portfolios and what stands in them."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portfolios.models import Portfolio

NOWHERE = "none"


class TargetForm(forms.Form):
    """Where dossiers go: another portfolio, or none, which is a choice of its own and never what nobody chose."""

    portfolio = forms.ChoiceField(label=gettext_lazy("Portfolio"))

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        portfolios: Iterable[Portfolio],
        may_leave_all: bool,
        label: str = "",
    ) -> None:
        # On a portfolio's page, the selection names that page's own portfolio as `portfolio`.
        super().__init__(data, prefix="to")
        self.portfolios = {str(one.pk): one for one in portfolios}
        field = self.fields["portfolio"]
        assert isinstance(field, forms.ChoiceField)
        nowhere = [(NOWHERE, _("Without a portfolio"))] if may_leave_all else []
        named = [(key, one.name) for key, one in self.portfolios.items()]
        field.choices = [("", _("Choose a portfolio")), *nowhere, *named]
        field.label = label or field.label

    @property
    def target(self) -> Portfolio | None:
        """Of a valid form; None for no portfolio."""
        return self.portfolios.get(self.cleaned_data["portfolio"])


class NewNameForm(forms.Form):
    """Another name for a portfolio whose own was taken while it was terminated."""

    name = forms.CharField(max_length=100, label=gettext_lazy("New name"))

    def clean_name(self) -> str:
        return " ".join(str(self.cleaned_data["name"]).split())
