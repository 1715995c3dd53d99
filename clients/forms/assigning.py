"""What people fill in to assign dossiers: many to many members, or one to one."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Membership
from accounts.permissions import ObjectRole
from clients.actions.bulk import Into
from portfolios.models import Portfolio

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Choices = list[tuple[str, str | _StrPromise]]

UNCHANGED, REMOVE, NO_PORTFOLIO = "", "remove", "none"


class BulkForm(forms.Form):
    """For each member a role, “withdraw”, or nothing; and another portfolio, none, or nothing, which is the default."""

    # Not `portfolio`: that is, in the same request, the page on which the selection was made.
    into = forms.ChoiceField(required=False, label=gettext_lazy("Portfolio"))

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        members: Iterable[Membership],
        portfolios: Iterable[Portfolio],
        notes: Mapping[UUID, str],
    ) -> None:
        super().__init__(data)
        self.members = {self.name_of(member): member for member in members}
        self.portfolios = {str(portfolio.pk): portfolio for portfolio in portfolios}
        field = self.fields["into"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = self._places()
        for name, member in self.members.items():
            self.fields[name] = forms.ChoiceField(
                required=False,
                label=member.name,
                choices=self._roles(member),
                help_text=notes.get(member.pk, ""),
            )

    @staticmethod
    def name_of(member: Membership) -> str:
        return f"m-{member.pk}"

    @staticmethod
    def may_get(member: Membership) -> bool:
        """May something be assigned to them? Others are there to be taken from."""
        return member.is_open and not member.is_admin

    @property
    def people(self) -> "list[tuple[Membership, forms.BoundField]]":
        return [(member, self[name]) for name, member in self.members.items()]

    @property
    def add(self) -> dict[Membership, ObjectRole]:
        return {
            member: ObjectRole(chosen)
            for name, member in self.members.items()
            if (chosen := self.cleaned_data[name]) not in (UNCHANGED, REMOVE)
        }

    @property
    def remove(self) -> list[Membership]:
        return [member for name, member in self.members.items() if self.cleaned_data[name] == REMOVE]

    @property
    def destination(self) -> Into | None:
        chosen = self.cleaned_data["into"]
        return None if chosen == UNCHANGED else Into(self.portfolios.get(chosen))

    @property
    def choices_made(self) -> list[tuple[str, str]]:
        """What was chosen, for the pages that follow."""
        return [(name, value) for name, value in self.cleaned_data.items() if value]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not any(cleaned.values()):
            raise ValidationError(
                _("Everything is left unchanged: choose something for one member at least.")
            )
        return cleaned

    def _roles(self, member: Membership) -> "Choices":
        roles = ObjectRole.choices if self.may_get(member) else []
        return [(UNCHANGED, _("Leave unchanged")), *roles, (REMOVE, _("Withdraw the assignment"))]

    def _places(self) -> "Choices":
        into = [(key, _("Move to %(name)s") % {"name": one.name}) for key, one in self.portfolios.items()]
        return [(UNCHANGED, _("Leave unchanged")), (NO_PORTFOLIO, _("Take out of any portfolio")), *into]


class AssignForm(forms.Form):
    """One member and their role on one dossier."""

    member = forms.ModelChoiceField(
        Membership.objects.none(), label=gettext_lazy("Member"), empty_label=gettext_lazy("Choose a member")
    )
    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        initial=ObjectRole.ACCOUNTANT.value,
        widget=forms.RadioSelect(attrs={"class": "cards"}),
    )

    def __init__(self, *args: Any, members: Iterable[Membership], may_support: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people, role = self.fields["member"], self.fields["role"]
        assert isinstance(people, forms.ModelChoiceField) and isinstance(role, forms.ChoiceField)
        people.queryset = Membership.objects.filter(pk__in=[member.pk for member in members])
        role.choices = [
            (choice.value, format_html("<strong>{}</strong><small>{}</small>", choice.label, words))
            for choice, words in _in_words().items()
            if may_support or choice != ObjectRole.SUPPORT
        ]


def _in_words() -> "dict[ObjectRole, str]":
    return {
        ObjectRole.ACCOUNTANT: _("Sees the client file and changes it."),
        ObjectRole.READER: _("Sees the client file, without changing it."),
        ObjectRole.SUPPORT: _("Sees the client file as long as the client's authorisation runs."),
    }
