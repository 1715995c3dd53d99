"""What people type about themselves and their firm. allauth's forms, in our words, and our own."""

from typing import Any, ClassVar

from allauth.account import forms as account
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as second_factor
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.actions.entering import note_recovery_code, note_registered
from accounts.actions.firms import register_firm
from accounts.actions.people import accept_terms, note_security
from accounts.browsers import browser_name
from accounts.events.people import AddressChangeAsked, Way
from accounts.failures import failed
from accounts.identifiers import siren_and_siret
from accounts.models import Firm, User
from accounts.second_factor import first_use
from accounts.terms import current_terms
from activity.actions import in_one_go
from activity.preferences import ZONES, Chosen
from activity.retention import FAMILIES, Rules, duration
from activity.topics import Timing, topics_of
from tenancy.forms import ModelForm

PASSWORD_HELP = _("At least 12 characters. A sentence of your own is long, and easy to remember.")


class OurWords:
    """Our labels on allauth's fields; no placeholder that says the same again, no password typed twice."""

    words: ClassVar[dict[str, Any]] = {}
    helps: ClassVar[dict[str, Any]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, forms.Field] = self.fields  # type: ignore[attr-defined]  # of the form it is mixed into
        fields.pop("password2", None)
        for name, field in fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = self.words.get(name, field.label)
            field.help_text = str(self.helps.get(name, ""))


class LoginForm(OurWords, account.LoginForm):
    words: ClassVar = {
        "login": _("E-mail address"),
        "password": _("Password"),
        "remember": _("Stay signed in on this device"),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """The start page of a demonstration leads here with an address."""
        super().__init__(*args, **kwargs)
        if settings.DEMO and self.request is not None:
            self.fields["login"].initial = self.request.GET.get("adresse", "")


class ResetPasswordForm(OurWords, account.ResetPasswordForm):
    words: ClassVar = {"email": _("E-mail address")}


class ResetPasswordKeyForm(OurWords, account.ResetPasswordKeyForm):
    words: ClassVar = {"password1": _("New password")}
    helps: ClassVar = {"password1": PASSWORD_HELP}


class ChangePasswordForm(OurWords, account.ChangePasswordForm):
    words: ClassVar = {"oldpassword": _("Current password"), "password1": _("New password")}
    helps: ClassVar = {"password1": PASSWORD_HELP}


class SetPasswordForm(OurWords, account.SetPasswordForm):
    """Of somebody who has signed in with passkeys only."""

    words: ClassVar = {"password1": _("Password")}
    helps: ClassVar = {"password1": PASSWORD_HELP}


class AddEmailForm(OurWords, account.AddEmailForm):
    words: ClassVar = {"email": _("New e-mail address")}

    def save(self, request: HttpRequest) -> Any:
        """The new address gets its link; the present one is told at once: it may be somebody else's doing."""
        asked = super().save(request)
        note_security(
            person=self.user,
            happened=AddressChangeAsked,
            browser=browser_name(request.headers.get("User-Agent", "")),
            details={"address": asked.email},
        )
        return asked


class ReauthenticateForm(OurWords, account.ReauthenticateForm):
    words: ClassVar = {"password": _("Password")}


def _browser() -> str:
    return browser_name(context.request.headers.get("User-Agent", ""))


class CodeForm(OurWords):
    """A code of six digits from an application, or (where it may be one) a recovery code."""

    words: ClassVar = {"code": _("Code")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, forms.Field] = self.fields  # type: ignore[attr-defined]  # of the form it is mixed into
        fields["code"].widget.attrs |= {"inputmode": "numeric", "autocomplete": "one-time-code"}


class _OnceForm(CodeForm, second_factor.BaseAuthenticateForm):
    helps: ClassVar = {
        "code": _("The six digits that your application shows, or one of your recovery codes.")
    }

    def clean_code(self) -> str:
        """Raised outside of the transaction: the attempt counts, whatever becomes of it."""
        refusal = None
        with transaction.atomic():
            try:
                code = self._checked()
            except forms.ValidationError as error:
                refusal = error
        if refusal is not None:
            failed(context.request, address=self.user.email, way=Way.SECOND_FACTOR)
            raise refusal
        return code

    def _checked(self) -> str:
        """A recovery code is used up, and that is told, together."""
        code: str = super().clean_code()
        if self.authenticator.type == Authenticator.Type.TOTP and not first_use(self.user, code):
            raise get_adapter().validation_error("incorrect_code")
        if self.authenticator.type == Authenticator.Type.RECOVERY_CODES:
            left = len(Authenticator.objects.get(pk=self.authenticator.pk).wrap().get_unused_codes())
            note_recovery_code(person=self.user, left=left, browser=_browser())
        return code


class SecondFactorForm(_OnceForm, second_factor.AuthenticateForm):
    pass


class SecondFactorAgainForm(_OnceForm, second_factor.ReauthenticateForm):
    pass


class ActivateSecondFactorForm(CodeForm, ActivateTOTPForm):
    words: ClassVar = {"code": _("Code shown by the application")}


class FirmFields(forms.Form):
    """A firm, as it registers itself. `cleaned_data` has `siren` and `siret` (or "") for `number`."""

    firm_name = forms.CharField(
        label=_("Firm's name"),
        max_length=160,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    number = forms.CharField(
        label=_("SIREN or SIRET"),
        max_length=40,
        help_text=_("9 or 14 digits, with or without spaces."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def clean_number(self) -> str:
        typed: str = self.cleaned_data["number"]
        self.cleaned_data["siren"], self.cleaned_data["siret"] = siren_and_siret(typed)
        return typed

    def firm(self) -> dict[str, str]:
        """What `register_firm` takes."""
        data = self.cleaned_data
        return {"name": data["firm_name"], "siren": data["siren"], "siret": data["siret"]}


class NewPersonForm(OurWords, account.SignupForm):
    """Somebody who opens an account, and what they bring along (`bring`). An address that has an account gets the same
    answer, and a mail."""

    first_name = forms.CharField(
        label=_("First name"),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "given-name", "data-span": "half"}),
    )
    last_name = forms.CharField(
        label=_("Last name"),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "family-name", "data-span": "half"}),
    )
    terms = forms.BooleanField(label=_("I accept the terms of use"))

    account_already_exists: bool
    words: ClassVar = {"email": _("E-mail address"), "password1": _("Password")}
    helps: ClassVar = {
        "email": _("You sign in with it; it gets a link to confirm."),
        "password1": PASSWORD_HELP,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # In a tab of its own, so that nobody loses what they have typed.
        self.fields["terms"].help_text = format_html(
            '<a href="{}" target="_blank" rel="noopener">{}</a>',
            reverse("accounts:terms"),
            _("Read the terms of use (new tab)"),
        )

    def try_save(self, request: HttpRequest) -> Any:
        """As allauth's, and two registrations at the same moment are answered like one after the other."""
        if self.account_already_exists:
            # As long as hashing the password of a new account takes: the time must not tell.
            make_password(self.cleaned_data["password1"])
            return super().try_save(request)
        try:
            with transaction.atomic():
                return super().try_save(request)
        except IntegrityError:
            self.account_already_exists = True
            return super().try_save(request)

    def signup(self, request: HttpRequest, user: User) -> None:
        """Their consent, and what they bring along. Called by allauth once the person is saved."""
        with in_one_go():
            note_registered(person=user)
            accept_terms(person=user, terms=current_terms())
            self.bring(user)

    def bring(self, user: User) -> None:
        """A firm, or a client's space: whatever the person registers with their account."""
        raise NotImplementedError


class FirmSignupForm(FirmFields, NewPersonForm):
    """A firm and its first administrator."""

    field_order = ("firm_name", "number", "first_name", "last_name", "email", "password1", "terms")
    helps: ClassVar = {**NewPersonForm.helps, "number": _("9 or 14 digits, with or without spaces.")}

    def bring(self, user: User) -> None:
        register_firm(user=user, **self.firm())


class FirmForm(FirmFields):
    """A further firm of somebody who is signed in."""


class ProfileForm(forms.Form):
    first_name = forms.CharField(
        label=_("First name"),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "given-name", "data-span": "half"}),
    )
    last_name = forms.CharField(
        label=_("Last name"),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "family-name", "data-span": "half"}),
    )
    language = forms.ChoiceField(
        label=_("Language"),
        choices=settings.LANGUAGES,
        help_text=_("Of the pages, and of the mails that you get."),
    )


class FirmSettingsForm(ModelForm[Firm]):
    """What the firm shows of itself; saving is `change_firm`'s business."""

    class Meta:
        model = Firm
        fields = ("name", "phone", "email", "second_factor_required")
        help_texts = {
            "phone": _("Shown to your clients and to your members at the foot of each page."),
            "email": _("Shown with the phone; clients' answers to your mails arrive here."),
        }
        widgets = {
            "phone": forms.TextInput(attrs={"type": "tel", "autocomplete": "off", "data-span": "half"}),
            "email": forms.EmailInput(attrs={"autocomplete": "off", "data-span": "half"}),
        }


class MailsForm(forms.Form):
    """When a person gets mails of what happens in one place; one field for each of its topics."""

    hour = forms.TypedChoiceField(
        label=_("Hour of the daily e-mail"),
        coerce=int,
        choices=[(hour, f"{hour:02}:00") for hour in range(24)],
    )
    zone = forms.ChoiceField(label=_("Time zone"), choices=list(ZONES.items()))

    def __init__(self, data: Any = None, *, side: str, chosen: Chosen, prefix: str) -> None:
        self.topics = topics_of(side)
        timings = {topic.name: chosen.of_topic(topic.name) for topic in self.topics}
        initial = {**timings, "hour": chosen.hour, "zone": chosen.zone}
        super().__init__(data, initial=initial, prefix=prefix)
        for topic in self.topics:
            self.fields[topic.name] = forms.ChoiceField(
                label=str(topic.label),
                help_text=str(topic.text),
                choices=Timing.choices,
                widget=forms.RadioSelect,
            )

    def rows(self) -> list[forms.BoundField]:
        """The fields of the topics, in their order."""
        return [self[topic.name] for topic in self.topics]

    def chosen(self) -> Chosen:
        """Once it is valid."""
        given = self.cleaned_data
        timings = {topic.name: Timing(given[topic.name]) for topic in self.topics}
        return Chosen(
            {name: timing for name, timing in timings.items() if timing != Timing.AT_ONCE},
            given["hour"],
            given["zone"],
        )


class ProofForm(forms.Form):
    """What the verification of the journal is to be compared with."""

    given = forms.CharField(
        label=_("Proof to compare with"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"}),
        help_text=_(
            "Paste a mail “Proof of the activity log” that you kept. Only then can it be seen that nothing was removed "
            "at the end, nor all of it written anew, by whoever has all powers over the database."
        ),
    )


class RetentionForm(forms.Form):
    """How many months which family of events is kept; a field for each."""

    def __init__(self, *args: Any, rules: Rules, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for key, family in FAMILIES.items():
            self.fields[key] = forms.TypedChoiceField(
                label=str(family.label),
                help_text=str(family.help),
                coerce=int,
                choices=[(months, duration(months)) for months in family.choices],
                initial=rules.months[key],
            )


class HoldForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        help_text=_("For example the number of the case. It stands in the activity log and on its page."),
    )
