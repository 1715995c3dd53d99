"""What is chosen in a departure: to whom all portfolios go, and all single dossiers; which of them go elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from clients.holdings import Held, Holdings
from clients.leftovers import Leftover, LeftoverKind

NOBODY = "nobody"
# So many of the dossiers, to be chosen one by one, stand on a page.
SIZE = 50
_ROW = "to-"


@dataclass(frozen=True)
class Line:
    """One portfolio or dossier of the page, with its own choice; "" is “as for all”."""

    held: Held
    name: str
    chosen: str


class DepartureForm(forms.Form):
    """To whom all goes, and the exceptions.

    The exceptions are the fields `to-<key>` of the dossiers and portfolios that the page shows; those of the dossiers
    on other pages travel in `kept`, so that turning the page loses nothing. Works without JavaScript.
    """

    all_portfolios = forms.ChoiceField(label=_("All portfolios go to"))
    all_dossiers = forms.ChoiceField(label=_("All single client files go to"))
    kept = forms.CharField(required=False, widget=forms.HiddenInput())
    shown = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput())

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        holdings: Holdings,
        takers: Iterable[Membership],
        leftovers: list[tuple[LeftoverKind, list[Leftover]]],
    ) -> None:
        super().__init__(data)
        self.posted = data if data is not None else QueryDict()
        self.holdings, self.leftovers = holdings, leftovers
        self.takers = {str(taker.pk): taker for taker in takers}
        self.people = [(key, taker.name) for key, taker in self.takers.items()]
        choices = [("", _("Choose")), *self.people, (NOBODY, _("Nobody: administrators only"))]
        for name, held in (("all_portfolios", holdings.portfolios), ("all_dossiers", holdings.dossiers)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = choices
            field.error_messages["required"] = str(_("Choose a member, or nobody."))
            if not held:
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        if any(value not in self.takers and value != NOBODY for value in self.exceptions.values()):
            raise forms.ValidationError(
                _("Somebody whom you chose has no open access to the firm any more: choose again.")
            )
        return super().clean() or {}

    @cached_property
    def exceptions(self) -> dict[UUID, str]:
        """What does not go where all of its kind goes: its key → the member's, or NOBODY."""
        chosen: dict[UUID, str] = {}
        for pair in str(self.posted.get("kept", "")).split():
            key, _colon, value = pair.partition(":")
            self._note(chosen, key, value)
        for name, posted in self.posted.items():
            if name.startswith(_ROW):
                self._note(chosen, name.removeprefix(_ROW), str(posted))
        return chosen

    def _note(self, chosen: dict[UUID, str], text: str, value: str) -> None:
        """What the member does not hold (any more), and what no key is, is left aside."""
        try:
            key = UUID(text)
        except ValueError:
            return
        chosen.pop(key, None)
        if value and key in self.holdings.keys:
            chosen[key] = value

    @property
    def chosen(self) -> dict[UUID, Membership | None]:
        """Each portfolio and dossier, and to whom it goes. Of a valid form."""
        found: dict[UUID, Membership | None] = {}
        for name, things in (
            ("all_portfolios", self.holdings.portfolios),
            ("all_dossiers", self.holdings.dossiers),
        ):
            for held in things:
                value = self.exceptions.get(held.key) or self.cleaned_data[name]
                found[held.key] = self.takers.get(value)
        return found

    @property
    def ticked(self) -> dict[str, list[UUID]]:
        """What is to be revoked, by kind; of what still stands."""
        return {
            kind.name: [thing.key for thing in things if str(thing.key) in self.posted.getlist(kind.name)]
            for kind, things in self.leftovers
        }

    # --- what the page shows

    @property
    def portfolio_lines(self) -> list[Line]:
        return self._lines(self.holdings.portfolios)

    @property
    def dossier_lines(self) -> list[Line]:
        """Those of this page."""
        start = (self.page - 1) * SIZE
        return self._lines(self.holdings.dossiers[start : start + SIZE])

    def _lines(self, things: list[Held]) -> list[Line]:
        return [Line(held, f"{_ROW}{held.key}", self.exceptions.get(held.key, "")) for held in things]

    @property
    def pages(self) -> int:
        return max(1, -(-len(self.holdings.dossiers) // SIZE))

    @cached_property
    def page(self) -> int:
        """The page of dossiers that is asked for, or the one that was shown."""
        for name in ("page", "shown"):
            text = str(self.posted.get(name, ""))
            if text.isdecimal() and len(text) < 6:
                return min(max(1, int(text)), self.pages)
        return 1

    @property
    def first(self) -> int:
        return (self.page - 1) * SIZE + 1

    @property
    def last(self) -> int:
        return min(self.page * SIZE, len(self.holdings.dossiers))

    @property
    def is_one_by_one(self) -> bool:
        """Is there something to see in the folded list?"""
        return "page" in self.posted or any(held.key in self.exceptions for held in self.holdings.dossiers)

    @property
    def kept_elsewhere(self) -> str:
        """The exceptions among the dossiers of other pages."""
        here = {line.held.key for line in self.dossier_lines} | {
            held.key for held in self.holdings.portfolios
        }
        return " ".join(f"{key}:{value}" for key, value in self.exceptions.items() if key not in here)

    @property
    def again(self) -> list[tuple[str, str]]:
        """All that was chosen, as pairs to post again."""
        pairs = [(name, str(self.posted.get(name, ""))) for name in ("all_portfolios", "all_dossiers")]
        pairs = [(name, value) for name, value in pairs if name in self.fields]
        if self.exceptions:
            pairs.append(("kept", " ".join(f"{key}:{value}" for key, value in self.exceptions.items())))
        return pairs + [(name, str(key)) for name, keys in self.ticked.items() for key in keys]
