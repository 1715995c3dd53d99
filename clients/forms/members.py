"""What people ask of the list of members, and fill in about one of them."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q
from django.utils.html import format_html
from django.utils.translation import gettext_lazy

from accounts.models import MembershipQuerySet, MemberState, Role
from accounts.permissions import ObjectRole, without_grants
from clients.paging import DEFAULT_SIZE, SIZES
from portfolios.models import Portfolio, PortfolioGrant

NOTHING = "none"
_CARD = "<strong>{}</strong><small>{}</small>"


class MemberFilter(forms.Form):
    """All of its state is in the URL. Those who have left are shown where they are asked for."""

    q = forms.CharField(required=False, max_length=100, label=gettext_lazy("Search"))
    role = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Role"),
        choices=[("", gettext_lazy("All roles")), *Role.choices],
    )
    state = forms.ChoiceField(
        required=False,
        label=gettext_lazy("State"),
        choices=[("", gettext_lazy("All but those who left")), *MemberState.choices],
    )
    portfolio = forms.ChoiceField(required=False, label=gettext_lazy("Portfolio"))
    access = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Access"),
        choices=[
            ("", gettext_lazy("With or without access")),
            (NOTHING, gettext_lazy("Without any access")),
        ],
    )
    size = forms.CharField(required=False, widget=forms.HiddenInput({"hx-swap-oob": "true"}))

    def __init__(self, data: Mapping[str, Any], *, portfolios: Iterable[Portfolio], manages: bool) -> None:
        super().__init__(data)
        field = self.fields["portfolio"]
        assert isinstance(field, forms.ChoiceField)
        named = [(str(portfolio.pk), portfolio.name) for portfolio in portfolios]
        field.choices = [("", gettext_lazy("All portfolios")), *named]
        # Who has access to what is for those who manage it.
        for name in () if manages else ("portfolio", "access"):
            del self.fields[name]

    @property
    def is_narrowing(self) -> bool:
        return any(self.chosen(name) for name in self.fields if name != "size")

    @property
    def page_size(self) -> int:
        text = self.chosen("size")
        return int(text) if text in map(str, SIZES) else DEFAULT_SIZE

    def chosen(self, name: str) -> str:
        self.is_valid()
        return str(self.cleaned_data.get(name) or "")

    def narrow(self, members: MembershipQuerySet) -> MembershipQuerySet:
        """Of these members, those that the filters let through."""
        for word in self.chosen("q").split():
            named = Q(first_name__icontains=word) | Q(last_name__icontains=word)
            members = members.filter(named | Q(email__icontains=word))
        if role := self.chosen("role"):
            members = members.filter(role=role)
        state = self.chosen("state")
        members = members.filter(state=state) if state else members.exclude(state=MemberState.TERMINATED)
        if portfolio := self.chosen("portfolio"):
            holding = PortfolioGrant.objects.running().filter(content_object=UUID(portfolio))
            members = members.filter(user_id__in=holding.order_by().values("user_id"))
        return without_grants(members) if self.chosen("access") else members


class SubscriptionsForm(forms.Form):
    """A member's portfolios as a list of boxes; those that are ticked or cleared change, and nothing else.

    `held` is what the page showed as ticked: what somebody else has changed since is left alone.
    """

    portfolios = forms.MultipleChoiceField(
        required=False, label=gettext_lazy("Portfolios"), widget=forms.CheckboxSelectMultiple
    )
    role = forms.ChoiceField(
        label=gettext_lazy("Role on the portfolios that are added"),
        initial=ObjectRole.ACCOUNTANT.value,
        widget=forms.RadioSelect({"class": "cards"}),
    )
    held = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, data: Mapping[str, Any] | None, *, portfolios: Iterable[Portfolio], held: Collection[UUID]
    ) -> None:
        ticked = [str(key) for key in held]
        super().__init__(data, initial={"portfolios": ticked, "held": " ".join(ticked)})
        self.named = {str(one.pk): one.name for one in portfolios}
        boxes, role = self.fields["portfolios"], self.fields["role"]
        assert isinstance(boxes, forms.MultipleChoiceField) and isinstance(role, forms.ChoiceField)
        boxes.choices = list(self.named.items())
        role.choices = [
            (choice.value, format_html(_CARD, choice.label, means)) for choice, means in _MEANS.items()
        ]

    @property
    def lines(self) -> list[tuple[str, str, bool]]:
        """Key, name and whether it is ticked."""
        ticked = set(self["portfolios"].value() or [])
        return [(key, name, key in ticked) for key, name in self.named.items()]

    @property
    def add(self) -> list[UUID]:
        return [UUID(key) for key in self.cleaned_data["portfolios"] if key not in self._held()]

    @property
    def remove(self) -> list[UUID]:
        ticked = self.cleaned_data["portfolios"]
        return [UUID(key) for key in self._held() if key in self.named and key not in ticked]

    @property
    def chosen(self) -> list[tuple[str, str]]:
        """What was filled in, for the page that confirms."""
        boxes = [("portfolios", key) for key in self.cleaned_data["portfolios"]]
        return [*boxes, ("role", self.cleaned_data["role"]), ("held", self.cleaned_data["held"])]

    def _held(self) -> list[str]:
        return str(self.cleaned_data["held"]).split()


_MEANS = {
    ObjectRole.ACCOUNTANT: gettext_lazy("Sees the client files, changes them and adds others."),
    ObjectRole.READER: gettext_lazy("Sees the client files, without changing them."),
}
