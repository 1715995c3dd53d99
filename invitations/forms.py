"""What people fill in about invitations: the person invited, and the firm."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.html import format_html
from django.utils.text import get_text_list
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.forms import PASSWORD_HELP
from accounts.models import MOST_REMINDERS, Role, User
from accounts.newcomers import Newcomer
from accounts.passkeys import MadeKey
from accounts.permissions import ObjectRole
from clients.cleaning import clean_email, clean_text, likely_email
from clients.forms.people import ProfileForm
from clients.models import Dossier
from invitations import reminders
from invitations.models import (
    FROM_FIRMS,
    GRANTED_ROLES,
    WAITING,
    InvitationQuerySet,
    InvitationState,
    LetterQuerySet,
    LetterState,
)
from portfolios.models import Portfolio

_CARD = "<strong>{}</strong><small>{}</small>"
_WHAT_ROLES_MEAN = {
    Role.COLLABORATOR: _("Sees the client files that a portfolio or an assignment opens to them"),
    Role.ADMIN: _("Sees and manages everything in the firm, its own file included"),
}


class AnswerForm(forms.Form):
    """What every acceptance carries: the terms, and the mark of what the page showed. Never a role or a dossier."""

    shown = forms.CharField(widget=forms.HiddenInput)
    terms = forms.BooleanField(label=_("I accept the terms of use"))


class PersonForm(AnswerForm):
    """Somebody who has an account. `spaces`: (key, name) of those that they manage, of which they may choose one."""

    space = forms.ChoiceField(
        label=_("In which space?"), required=False, widget=forms.RadioSelect({"class": "cards"})
    )

    field_order = ("space", "terms", "shown")

    def __init__(
        self, *args: Any, spaces: list[tuple[str, str]], accepted: bool, dossier_name: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if accepted:
            del self.fields["terms"]
        if not spaces:
            del self.fields["space"]
            return
        field = self.fields["space"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            ("", format_html(_CARD, dossier_name, _("A new space, apart from your others"))),
            *((key, format_html(_CARD, name, _("The space that you have already"))) for key, name in spaces),
        ]
        field.initial = ""


class NewcomerForm(AnswerForm):
    """Somebody who has no account yet. `address` is the invitation's; `by_key`: they made a passkey, so no password."""

    first_name = forms.CharField(
        label=_("First name"),
        max_length=80,
        widget=forms.TextInput({"autocomplete": "given-name", "data-span": "half"}),
    )
    last_name = forms.CharField(
        label=_("Last name"),
        max_length=80,
        widget=forms.TextInput({"autocomplete": "family-name", "data-span": "half"}),
    )
    password = forms.CharField(
        label=_("Choose a password"),
        strip=False,
        max_length=256,
        help_text=PASSWORD_HELP,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )

    field_order = ("first_name", "last_name", "password", "terms", "shown")

    def __init__(self, *args: Any, address: str, by_key: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.address, self.by_key = address, by_key
        self.fields["password"].required = not by_key

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.by_key:
            cleaned["password"] = ""
            return cleaned
        person = User(
            email=self.address,
            first_name=cleaned.get("first_name", ""),
            last_name=cleaned.get("last_name", ""),
        )
        if "password" in cleaned:
            try:
                validate_password(cleaned["password"], person)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return cleaned

    def newcomer(self, language: str, key: MadeKey | None, browser: str) -> Newcomer:
        data = self.cleaned_data
        return Newcomer(
            first_name=clean_text(data["first_name"]),
            last_name=clean_text(data["last_name"]),
            password=data["password"],
            key=key,
            language=language,
            browser=browser,
        )


class AddressForm(forms.Form):
    """One e-mail address; a likely slip of the finger gets a question, not a refusal."""

    email = forms.CharField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput({"autocomplete": "off", "inputmode": "email"}),
    )
    email_checked = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_email(self) -> str:
        return clean_email(self.cleaned_data["email"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        address = cleaned.get("email", "")
        likely = likely_email(address)
        if likely and address != cleaned.get("email_checked"):
            data: Any = self.data
            self.data = data.copy()  # with all the boxes that are ticked
            self.data["email_checked"] = address  # type: ignore[index]  # a copy may be changed
            question = _("Did you mean %(likely)s? If the address is right, send again.")
            self.add_error("email", forms.ValidationError(question, code="doubt", params={"likely": likely}))
        return cleaned


class SpokenForm(forms.Form):
    """In which language people are written to of whom no account says it."""

    language = forms.ChoiceField(
        label=_("Language of the mail"),
        required=False,
        choices=[
            ("", _("As each person reads, French where nothing is known")),
            ("fr", _("French")),
            ("en", _("English")),
        ],
        help_text=_("Who has an account is written to in the language that they have chosen there."),
    )


class InvitePersonForm(SpokenForm, ProfileForm, AddressForm):
    """A person of the client to invite: an address and a profile."""

    field_order = ("email", "profile", "language")


class ClientForm(SpokenForm, AddressForm):
    """A dossier's client to invite: where. Who comes first manages their space, so there is no profile to choose."""

    field_order = ("email", "language")


class ClientsForm(SpokenForm):
    """The clients of a selection to invite."""

    @property
    def wanted(self) -> dict[str, Any]:
        """What the actions take; what makes no sense is left to them."""
        return {"language": self.cleaned_data["language"]} if self.is_valid() else {}


class CorrectForm(AddressForm):
    """The right address, in place of a wrong one, and (of a client) whether the client file gets it too."""

    also_dossier = forms.BooleanField(label=_("Also put it into the client file"), required=False)

    def __init__(self, *args: Any, has_dossier: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_dossier:
            del self.fields["also_dossier"]


class RemindersForm(forms.Form):
    """How often the firm reminds of an invitation."""

    number = forms.TypedChoiceField(
        label=_("Automatic reminders"), coerce=int, widget=forms.RadioSelect({"class": "cards"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["number"]
        assert isinstance(field, forms.TypedChoiceField)
        field.choices = [(number, _reminders(number)) for number in range(MOST_REMINDERS + 1)]


def _reminders(number: int) -> str:
    """So many, and on which days they leave."""
    if not number:
        return format_html(_CARD, _("No reminder"), _("Only the mail of the invitation itself leaves"))
    days = get_text_list([str(day) for day in reminders.days(number)], gettext("and"))
    count = ngettext("%(n)s reminder", "%(n)s reminders", number) % {"n": number}
    when = ngettext("Day %(days)s after the mail", "Days %(days)s after the mail", number) % {"days": days}
    return format_html(_CARD, count, when)


class MemberForm(SpokenForm, AddressForm):
    """A colleague to invite."""

    first_name = forms.CharField(
        label=_("First name"), max_length=80, required=False, widget=forms.TextInput({"data-span": "half"})
    )
    last_name = forms.CharField(
        label=_("Last name"), max_length=80, required=False, widget=forms.TextInput({"data-span": "half"})
    )
    role = forms.ChoiceField(
        label=_("Role"), initial=Role.COLLABORATOR, widget=forms.RadioSelect({"class": "cards"})
    )

    portfolios = forms.MultipleChoiceField(required=False)
    dossiers = forms.MultipleChoiceField(required=False)
    grant_role = forms.ChoiceField(
        label=_("Role on them"), choices=GRANTED_ROLES, initial=ObjectRole.ACCOUNTANT.value, required=False
    )
    # What to look for among the dossiers, of which a page shows a few.
    find = forms.CharField(label=_("Find a client file"), max_length=200, required=False)

    PERSON = ("email", "first_name", "last_name", "role", "language")
    field_order = PERSON

    def __init__(
        self, *args: Any, portfolios: Iterable[Portfolio], dossiers: Iterable[Dossier], **kwargs: Any
    ) -> None:
        """`dossiers`: those that are ticked already, and those that were found."""
        super().__init__(*args, **kwargs)
        self._offered: dict[str, list[tuple[str, str]]] = {}
        self._offer(
            "role", [(role, format_html(_CARD, role.label, what)) for role, what in _WHAT_ROLES_MEAN.items()]
        )
        self._offer("portfolios", [(str(one.pk), one.name) for one in portfolios])
        self._offer("dossiers", [(str(one.pk), one.name) for one in dossiers])

    @property
    def person(self) -> list[forms.BoundField]:
        """Whom one invites; the rest is what opens to them."""
        return [self[name] for name in self.PERSON]

    @property
    def portfolio_lines(self) -> list[tuple[str, str, bool]]:
        return self._lines("portfolios")

    @property
    def dossier_lines(self) -> list[tuple[str, str, bool]]:
        return self._lines("dossiers")

    @property
    def invited(self) -> dict[str, Any]:
        """What the action takes."""
        data = {
            name: value for name, value in self.cleaned_data.items() if name not in ("email_checked", "find")
        }
        keys = {name: [UUID(key) for key in data[name]] for name in ("portfolios", "dossiers")}
        return {**data, **keys, "grant_role": ObjectRole(data["grant_role"] or ObjectRole.ACCOUNTANT)}

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = self._offered[name] = choices

    def _lines(self, name: str) -> list[tuple[str, str, bool]]:
        """Value, name and whether it is ticked."""
        ticked = {str(value) for value in self[name].value() or ()}
        return [(value, label, value in ticked) for value, label in self._offered[name]]


class CodeForm(forms.Form):
    """The code of a printed letter."""

    code = forms.CharField(
        label=_("Code of your letter"),
        max_length=60,
        help_text=_("Four groups of four; capitals or not, with or without dashes."),
        widget=forms.TextInput(
            {
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "placeholder": "XXXX-XXXX-XXXX-XXXX",
            }
        ),
    )


class GuestForm(AddressForm):
    """The address that whoever holds a letter gives as theirs."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("Your e-mail address")
        self.fields["email"].widget.attrs["autocomplete"] = "email"

    def refuse_more(self) -> None:
        self.add_error(
            "email", _("By this letter, too many addresses have been given. Ask the firm for a new one.")
        )


class LetterForm(forms.Form):
    """How letters are printed."""

    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=[
            ("", _("As each person reads, French where nothing is known")),
            ("fr", _("French")),
            ("en", _("English")),
        ],
    )


class LetterFilter(forms.Form):
    """What the list of letters is narrowed down by."""

    q = forms.CharField(label=_("Search"), required=False, max_length=100)
    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("All states")), *LetterState.choices]
    )

    def narrow(self, letters: LetterQuerySet) -> LetterQuerySet:
        """Those that fit; all of them where the query makes no sense."""
        wanted = self.cleaned_data if self.is_valid() else {}
        if wanted.get("q"):
            letters = letters.search(wanted["q"])
        return letters.in_state(wanted["state"]) if wanted.get("state") else letters


class InvitationFilter(forms.Form):
    """What the list of invitations is narrowed down by."""

    q = forms.CharField(label=_("Search"), required=False, max_length=100)
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("All states")), (WAITING, _("Waiting for an answer")), *InvitationState.choices],
    )
    kind = forms.ChoiceField(
        label=_("Kind"),
        required=False,
        choices=[("", _("Clients and members")), *((kind.value, kind.label) for kind in FROM_FIRMS)],
    )

    def narrow(self, invitations: InvitationQuerySet) -> InvitationQuerySet:
        """Those that fit; all of them where the query makes no sense."""
        wanted = self.cleaned_data if self.is_valid() else {}
        if wanted.get("q"):
            invitations = invitations.search(wanted["q"])
        if wanted.get("state"):
            invitations = invitations.in_state(wanted["state"])
        if wanted.get("kind"):
            invitations = invitations.filter(kind=wanted["kind"])
        return invitations
