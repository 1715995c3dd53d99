"""What people fill in about dossiers: the filters of the list, the dossier itself, where it goes."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django import forms
from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.identifiers import clean_siret, suggested_vat_number
from accounts.models import Membership
from accounts.permissions import Perm, granted
from accounts.widgets import Offered, PlainHidden, PlainSelect
from clients.cleaning import CLEANERS, clean_together, likely_email
from clients.columns import STATE_FILTERS
from clients.forms.register import LookedUp
from clients.models import Dossier, DossierKind, DossierQuerySet
from clients.paging import Order
from portfolios.models import Portfolio
from tenancy.forms import FirmForm

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Choices = list[tuple[str, str | _StrPromise]]

ORDERS = {"name": "name_key", "reference": "reference", "siren": "siren", "created": "id"}
DEFAULT_ORDER = "name"
NO_PORTFOLIO = "none"
MINE = "me"
ARCHIVED = "1"


class DossierFilter(forms.Form):
    """The state of the list, all of it in the URL. `narrow()` needs no valid form: what is unknown filters nothing."""

    q = forms.CharField(required=False, max_length=200, label=gettext_lazy("Search"))
    portfolio = forms.ChoiceField(required=False, label=gettext_lazy("Portfolio"), widget=PlainSelect)
    member = forms.ChoiceField(required=False, label=gettext_lazy("Member"), widget=PlainSelect)
    kind = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Kind"),
        widget=PlainSelect,
        choices=[("", gettext_lazy("All kinds")), *DossierKind.choices],
    )
    state = forms.ChoiceField(required=False, label=gettext_lazy("Invitation"), widget=PlainSelect)
    archived = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Archiving"),
        widget=PlainSelect,
        choices=[("", gettext_lazy("Not archived")), (ARCHIVED, gettext_lazy("Archived"))],
    )
    # Searching keeps the order and the page's size. They are put right when a sorted list comes in.
    sort = forms.CharField(required=False, widget=PlainHidden({"hx-swap-oob": "true"}))
    size = forms.CharField(required=False, widget=PlainHidden({"hx-swap-oob": "true"}))
    cols = forms.CharField(required=False, widget=PlainHidden({"hx-swap-oob": "true"}))
    depuis = forms.CharField(required=False, widget=PlainHidden({"hx-swap-oob": "true"}))

    def __init__(
        self,
        data: Mapping[str, Any],
        *,
        member: Membership,
        portfolios: dict[UUID, str],
        members: Iterable[Membership],
        without: Iterable[str] = (),
    ) -> None:
        super().__init__(data)
        self.portfolios = portfolios
        self.members = {str(one.pk): one for one in members} | {MINE: member}
        self._offer("portfolio", gettext_lazy("All portfolios"), self._portfolios())
        self._offer("member", gettext_lazy("All members"), self._members(member))
        self._offer("state", gettext_lazy("All states"), self._states())
        for name in (*without, *([] if STATE_FILTERS else ["state"])):
            del self.fields[name]

    @property
    def order(self) -> Order:
        name = self._chosen("sort") or DEFAULT_ORDER
        column = ORDERS.get(name.removeprefix("-"), ORDERS[DEFAULT_ORDER])
        return Order(column, descending=name.startswith("-"))

    @property
    def is_narrowing(self) -> bool:
        return any(self._chosen(name) for name in ("q", "portfolio", "member", "kind", "state", "archived"))

    @property
    def is_searching(self) -> bool:
        return bool(self._chosen("q"))

    @property
    def shows_archived(self) -> bool:
        return self._chosen("archived") == ARCHIVED

    def narrow(self, dossiers: QuerySet[Dossier]) -> QuerySet[Dossier]:
        """Of these dossiers, those that the filters let through."""
        assert isinstance(dossiers, DossierQuerySet)
        dossiers = dossiers.archived() if self.shows_archived else dossiers.active()
        if sought := self._chosen("q"):
            dossiers = dossiers.search(sought)
        if portfolio := self._chosen("portfolio"):
            chosen = Q(portfolio=None) if portfolio == NO_PORTFOLIO else Q(portfolio=UUID(portfolio))
            dossiers = dossiers.filter(chosen)
        if kind := self._chosen("kind"):
            dossiers = dossiers.filter(kind=kind)
        if state := self._chosen("state"):
            dossiers = dossiers.filter(STATE_FILTERS[state].condition())
        member = self.members.get(self._chosen("member"))
        return granted(dossiers, member, Perm.VIEW_DOSSIER) if member else dossiers

    def _chosen(self, name: str) -> str:
        self.is_valid()
        return str(self.cleaned_data.get(name) or "")

    def _offer(self, name: str, everything: "_StrPromise", choices: "Choices") -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = Offered([("", everything), *choices])

    def _portfolios(self) -> "Choices":
        named: Choices = [(str(key), name) for key, name in self.portfolios.items()]
        return [(NO_PORTFOLIO, gettext_lazy("Without a portfolio")), *named]

    def _members(self, myself: Membership) -> "Choices":
        others: Choices = [
            (key, one.name) for key, one in self.members.items() if key not in (MINE, str(myself.pk))
        ]
        return [(MINE, gettext_lazy("My client files")), *others]

    @staticmethod
    def _states() -> "Choices":
        return [(key, known.label) for key, known in STATE_FILTERS.items()]


def _number(label: "_StrPromise", **attrs: str) -> forms.CharField:
    """A number may be typed with spaces, so it is longer than what is stored."""
    widget = forms.TextInput({"data-span": "half", "autocomplete": "off", "spellcheck": "false", **attrs})
    return forms.CharField(required=False, max_length=40, label=label, widget=widget)


class DossierForm(FirmForm[Dossier]):
    """A dossier's fields. A doubt (an address that looks mistyped) is asked once: sending the form again answers it."""

    template_name = "clients/_dossier_fields.html"
    # Where the form may be completed from the public register, and what came of it; see `clients.forms.register`.
    look_up_url = ""
    looked_up: LookedUp | None = None
    # A browser would insist on the name that belongs to the other kind, which is hidden.
    use_required_attribute = False
    NAMES: ClassVar = {
        "legal_name": (DossierKind.COMPANY, gettext_lazy("Fill in the company's legal name.")),
        "last_name": (DossierKind.INDIVIDUAL, gettext_lazy("Fill in the person's last name.")),
    }

    siren = _number(gettext_lazy("SIREN"), inputmode="numeric")
    siret = _number(gettext_lazy("SIRET"), inputmode="numeric")
    vat_number = _number(gettext_lazy("VAT number"))
    urssaf_account = _number(gettext_lazy("Urssaf account number"), inputmode="numeric")
    naf_code = _number(gettext_lazy("NAF code"))
    legal_form = _number(gettext_lazy("Legal form"), inputmode="numeric", list="legal-forms")
    fiscal_year_end = _number(gettext_lazy("Fiscal year end"), placeholder="31/12")
    postcode = _number(gettext_lazy("Postcode"))
    siret_as_is = forms.BooleanField(required=False, label=gettext_lazy("Accept this SIRET as it is"))
    email_checked = forms.CharField(required=False, widget=forms.HiddenInput)
    # The fields as this person found them, to see what somebody else changed meanwhile.
    base = forms.CharField(required=False, widget=forms.HiddenInput)

    IDENTITY: tuple[str, ...] = (
        "kind", "legal_name", "civility", "last_name", "first_name", "siren", "siret", "siret_as_is", "reference",
    )  # fmt: skip
    CONTACT = ("email", "phone", "address", "postcode", "city", "country")
    MORE = (
        "legal_representative", "legal_form", "naf_code", "vat_number", "fiscal_year_end", "urssaf_account",
    )  # fmt: skip
    STORED = tuple(name for name in (*IDENTITY, *CONTACT, *MORE) if name != "siret_as_is")

    class Meta:
        model = Dossier
        fields = (
            "kind", "legal_name", "civility", "last_name", "first_name", "siren", "siret", "reference",
            "email", "phone", "address", "postcode", "city", "country",
            "legal_representative", "legal_form", "naf_code", "vat_number", "fiscal_year_end", "urssaf_account",
        )  # fmt: skip
        widgets = {
            "kind": forms.RadioSelect(attrs={"class": "cards"}),
            "civility": forms.Select(attrs={"data-span": "half"}),
            "last_name": forms.TextInput({"data-span": "half", "autocomplete": "off"}),
            "first_name": forms.TextInput({"data-span": "half", "autocomplete": "off"}),
            "legal_name": forms.TextInput({"autocomplete": "off"}),
            "reference": forms.TextInput({"data-span": "half", "autocomplete": "off"}),
            "phone": forms.TextInput({"data-span": "half", "inputmode": "tel", "autocomplete": "off"}),
            "email": forms.EmailInput({"data-span": "half", "autocomplete": "off"}),
            "city": forms.TextInput({"data-span": "half", "autocomplete": "off"}),
            "country": forms.TextInput({"data-span": "half", "autocomplete": "off"}),
            "address": forms.TextInput({"autocomplete": "off"}),
            "legal_representative": forms.TextInput({"data-span": "half", "autocomplete": "off"}),
        }
        help_texts = {
            "reference": gettext_lazy("Your firm's own short code for this client."),
            "country": gettext_lazy("Empty for France."),
        }

    def __init__(self, *args: Any, may_accept_siret: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.may_accept_siret, self.offers_siret_as_is = may_accept_siret, False
        civility = self.fields["civility"]
        assert isinstance(civility, forms.ChoiceField)
        civility.choices = [("", "—"), *Dossier._meta.get_field("civility").flatchoices]
        for name, (_kind, error) in self.NAMES.items():
            self.fields[name].required = True
            self.fields[name].error_messages["required"] = error
        if self.instance._state.adding:
            del self.fields["base"]
        else:
            self.initial["base"] = json.dumps(self.found(self.instance))
        if likely := suggested_vat_number(self.instance.siren):
            self.fields["vat_number"].help_text = _("Usually %(number)s for this SIREN.") % {"number": likely}

    @classmethod
    def found(cls, dossier: Dossier) -> dict[str, str]:
        """What the form shows of the dossier, and when it was last changed."""
        shown = {name: str(getattr(dossier, name)) for name in cls.STORED}
        return {**shown, "updated_at": dossier.updated_at.isoformat()}

    @property
    def began(self) -> dict[str, str]:
        """The dossier as this person found it; empty if the form does not tell."""
        try:
            began = json.loads(self.cleaned_data.get("base") or "{}")
        except ValueError:
            return {}
        return began if isinstance(began, dict) else {}

    @property
    def seen(self) -> datetime | None:
        try:
            return parse_datetime(str(self.began.get("updated_at", "")))
        except ValueError:  # the form of a moment that there never is
            return None

    @property
    def values(self) -> dict[str, Any]:
        """The cleaned fields of the dossier itself."""
        return {name: self.cleaned_data[name] for name in self.STORED}

    @property
    def sections(self) -> dict[str, list[forms.BoundField]]:
        """The fields as the page groups them."""
        identity = [name for name in self.IDENTITY if name != "siret_as_is" or self.offers_siret_as_is]
        return {
            "identity": [self[name] for name in identity],
            "contact": [self[name] for name in self.CONTACT],
            "more": [self[name] for name in self.MORE],
        }

    @property
    def open_sections(self) -> set[str]:
        """Those that hold something, or need attention."""
        return {
            name
            for name, fields in self.sections.items()
            if any(field.errors or field.value() for field in fields)
        }

    def full_clean(self) -> None:
        """Of the two names, the one that the chosen kind of client has is required."""
        for name, (kind, _error) in self.NAMES.items():
            self.fields[name].required = self.data.get("kind") == kind
        super().full_clean()
        for name in self.NAMES:
            self.fields[name].required = True

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name, cleaner in CLEANERS.items():
            if name in cleaned:
                self._tidy(cleaned, name, cleaner)
        changed, errors = clean_together({name: cleaned[name] for name in self.STORED if name in cleaned})
        for name, error in errors.items():
            if name not in self.errors:
                self.add_error(name, error)
        self._ask_about_email(cleaned.get("email", ""))
        return {**cleaned, **{name: value for name, value in changed.items() if name in cleaned}}

    def _tidy(self, cleaned: dict[str, Any], name: str, cleaner: Any) -> None:
        try:
            cleaned[name] = self._siret(cleaned) if name == "siret" else cleaner(cleaned[name])
        except forms.ValidationError as error:
            self.add_error(name, error)

    def _siret(self, cleaned: Mapping[str, Any]) -> str:
        """The one that the dossier has already passes; another whose check digit fails, if an administrator says so."""
        written = str(cleaned["siret"])
        try:
            return clean_siret(written)
        except forms.ValidationError as error:
            if error.code != "checksum":
                raise
            as_is = clean_siret(written, as_is=True)
            self.offers_siret_as_is = self.may_accept_siret
            if as_is == self.instance.siret or (self.may_accept_siret and cleaned.get("siret_as_is")):
                return as_is
            raise

    def _ask_about_email(self, address: str) -> None:
        likely = likely_email(address)
        known = (self.cleaned_data.get("email_checked"), self.instance.email)
        if not likely or address in known:
            return
        self.data = {**{name: self.data[name] for name in self.data}, "email_checked": address}
        question = _("Did you mean %(likely)s? If the address is right, save again.")
        self.add_error("email", forms.ValidationError(question, code="doubt", params={"likely": likely}))


class NewDossierForm(DossierForm):
    """With the portfolio into which the dossier goes."""

    portfolio = forms.ModelChoiceField(
        Portfolio.objects.none(),
        required=False,
        label=gettext_lazy("Portfolio"),
        empty_label=gettext_lazy("Without a portfolio"),
        widget=forms.Select({"data-span": "half"}),
    )
    IDENTITY = (*DossierForm.IDENTITY, "portfolio")

    def __init__(self, *args: Any, portfolios: QuerySet[Portfolio], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["portfolio"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = portfolios


class MoveForm(forms.Form):
    """Another portfolio for a dossier."""

    portfolio = forms.ModelChoiceField(Portfolio.objects.none(), label=gettext_lazy("Portfolio"))

    def __init__(
        self, *args: Any, portfolios: QuerySet[Portfolio], may_leave_all: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["portfolio"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset, field.required = portfolios, not may_leave_all
        field.empty_label = str(_("Without a portfolio")) if may_leave_all else "—"
