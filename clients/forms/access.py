"""What people ask of the pages of accesses."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy

from accounts.models import Membership
from accounts.permissions import Perm, granted
from clients.access import Source, opened_by
from clients.models import Dossier, DossierQuerySet
from portfolios.models import Portfolio, PortfolioQuerySet

NO_PORTFOLIO = "none"


class _Filter(forms.Form):
    """All of its state is in the URL; what is unknown filters nothing."""

    q = forms.CharField(required=False, max_length=200, label=gettext_lazy("Search"))
    size = forms.CharField(required=False, widget=forms.HiddenInput({"hx-swap-oob": "true"}))

    def chosen(self, name: str) -> str:
        self.is_valid()
        return str(self.cleaned_data.get(name) or "")

    @property
    def is_narrowing(self) -> bool:
        return any(self.chosen(name) for name in self.fields if name != "size")


class MatrixFilter(_Filter):
    """Which rows and columns the matrix shows, and the export holds."""

    portfolio = forms.ChoiceField(required=False, label=gettext_lazy("Portfolio"))
    member = forms.ChoiceField(required=False, label=gettext_lazy("Member"))

    def __init__(
        self,
        data: Mapping[str, Any],
        *,
        members: Iterable[Membership],
        portfolios: Iterable[Portfolio] | None = None,
    ) -> None:
        super().__init__(data)
        self._members = {str(one.pk): one for one in members}
        names = [(key, one.name) for key, one in self._members.items()]
        self._offer("member", [("", gettext_lazy("All members")), *names])
        if portfolios is None:
            del self.fields["portfolio"]
        else:
            named = [(str(one.pk), one.name) for one in portfolios]
            without = (NO_PORTFOLIO, gettext_lazy("Without a portfolio"))
            self._offer("portfolio", [("", gettext_lazy("All portfolios")), without, *named])

    @property
    def person(self) -> Membership | None:
        return self._members.get(self.chosen("member"))

    @property
    def portfolio_choices(self) -> list[tuple[str, Any]]:
        field = self.fields.get("portfolio")
        return list(field.choices) if isinstance(field, forms.ChoiceField) else []  # type: ignore[arg-type]

    def portfolios(self, rows: PortfolioQuerySet) -> QuerySet[Portfolio]:
        """Of these, those that are asked for."""
        found: QuerySet[Portfolio] = rows.search(self.chosen("q"))
        return granted(found, self.person, Perm.VIEW_PORTFOLIO) if self.person else found

    def dossiers(self, rows: DossierQuerySet) -> QuerySet[Dossier]:
        """Of these, those that are asked for."""
        found: QuerySet[Dossier] = rows.search(self.chosen("q"))
        if portfolio := self.chosen("portfolio"):
            of_one = Q(portfolio=None) if portfolio == NO_PORTFOLIO else Q(portfolio=UUID(portfolio))
            found = found.filter(of_one)
        return granted(found, self.person, Perm.VIEW_DOSSIER) if self.person else found

    def _offer(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices


class SourceFilter(_Filter):
    """Which of the dossiers that a member reaches are listed."""

    source = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Source"),
        choices=[("", gettext_lazy("All sources")), *Source.choices],
    )

    def narrow(self, dossiers: QuerySet[Dossier], member: Membership) -> QuerySet[Dossier]:
        assert isinstance(dossiers, DossierQuerySet)
        found: QuerySet[Dossier] = dossiers.search(self.chosen("q"))
        source = self.chosen("source")
        return opened_by(found, member, Source(source)) if source else found
