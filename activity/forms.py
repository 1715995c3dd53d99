"""What may be asked of a journal."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from activity.queries import Asked, kinds
from spreadsheets.text import fold

LEAST_LETTERS = 2


def _day(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label, required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )


class PeriodFilter(forms.Form):
    """Between two days, both included; bound to the address. What cannot be read filters nothing, and is told."""

    since = _day(_("From"))
    until = _day(_("Until"))

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        since, until = given.get("since"), given.get("until")
        if since and until and until < since:
            self.add_error("until", _("This day is before the first one: nothing can have happened between."))
        return given

    @property
    def troubles(self) -> list[tuple[str, str]]:
        """Of each filter that cannot be read: its label, and why."""
        return [
            (str(self.fields[name].label), str(error))
            for name, errors in self.errors.items()
            for error in errors
        ]


class JournalFilter(PeriodFilter):
    """Bound to the address; `people`, in groups, and `portfolios` are (key, name) of those who may be chosen."""

    q = forms.CharField(label=_("Person, object or action"), required=False, max_length=100)
    person = forms.TypedChoiceField(label=_("Person"), required=False, coerce=UUID, empty_value=None)
    kind = forms.ChoiceField(label=_("Action"), required=False)
    portfolio = forms.TypedChoiceField(label=_("Portfolio"), required=False, coerce=UUID, empty_value=None)
    subject = forms.UUIDField(label=_("Object"), required=False, widget=forms.HiddenInput)
    group = forms.UUIDField(label=_("In one go"), required=False, widget=forms.HiddenInput)
    field_order = ("q", "person", "kind", "portfolio", "since", "until", "subject", "group")

    def __init__(
        self,
        *args: Any,
        people: Iterable[tuple[str, Iterable[tuple[UUID, str]]]] = (),
        portfolios: Iterable[tuple[UUID, str]] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields
        groups = [(label, [(str(key), name) for key, name in some]) for label, some in people]
        chosen["person"].choices = [("", _("All people")), *((label, some) for label, some in groups if some)]
        chosen["kind"].choices = [("", _("All actions")), *kinds()]
        chosen["portfolio"].choices = [
            ("", _("All portfolios")),
            *((str(key), name) for key, name in portfolios),
        ]

    def clean_q(self) -> str:
        """A single letter stands in nearly every name, and a sign in none: it would filter nothing."""
        text: str = self.cleaned_data["q"]
        if text and len(fold(text).replace(" ", "")) < LEAST_LETTERS:
            raise forms.ValidationError(_("A search needs at least two letters or digits."))
        return text

    def asked(self, among: Callable[[UUID], frozenset[UUID]] = lambda _key: frozenset()) -> Asked:
        """Whatever is valid; a filter that can't be read filters nothing, and `troubles` says so.

        `among`: the keys of a portfolio and of what is in it.
        """
        self.is_valid()
        given = self.cleaned_data
        portfolio = given.get("portfolio")
        return Asked(
            person=given.get("person"),
            kind=given.get("kind", ""),
            subject=given.get("subject"),
            among=among(portfolio) if portfolio else None,
            since=given.get("since"),
            until=given.get("until"),
            text=given.get("q", ""),
            group=given.get("group"),
        )
