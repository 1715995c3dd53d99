"""What a client fills in about themselves."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients.actions.support import SupportDuration
from clients.cleaning import CLEANERS, clean_together
from clients.locks import Kept
from clients.models import ClientSpace, DossierKind, SpaceLink
from clients.models.details import DETAIL_FIELDS
from tenancy.forms import ModelForm

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

_CARD = "<strong>{}</strong><small>{}</small>"
_WHAT_DURATIONS_MEAN = {
    SupportDuration.DAY: _("Enough for one question"),
    SupportDuration.WEEK: _("For a longer repair"),
}


class SupportForm(forms.Form):
    """For how long the technical support of the link's firm is let in."""

    duration = forms.ChoiceField(
        label=_("For how long?"), initial=SupportDuration.DAY, widget=forms.RadioSelect({"class": "cards"})
    )

    def __init__(self, *args: Any, link: SpaceLink, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": f"id_{link.pk}_%s", **kwargs})
        self.link = link
        field = self.fields["duration"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            (duration, format_html(_CARD, duration.label, means))
            for duration, means in _WHAT_DURATIONS_MEAN.items()
        ]


ONE_KIND_ONLY = {
    DossierKind.COMPANY: ("civility", "first_name", "last_name"),
    DossierKind.INDIVIDUAL: ("legal_name",),
}
_NAME_OF = {DossierKind.COMPANY: "legal_name", DossierKind.INDIVIDUAL: "last_name"}
_HALF_WIDTH = ("first_name", "last_name", "email", "city", "country")


def _number(label: "_StrPromise", **attrs: str) -> forms.CharField:
    """A number may be typed with spaces, so it is longer than what is stored."""
    widget = forms.TextInput({"data-span": "half", "autocomplete": "off", "spellcheck": "false", **attrs})
    return forms.CharField(required=False, max_length=40, label=label, widget=widget)


def _found(base: str) -> dict[str, Any]:
    """What a form shows to have been there; empty if it does not tell."""
    try:
        found = json.loads(base or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _why(kept: Kept) -> str:
    text = gettext("Kept by %(firm)s.") % {"firm": kept.firm_name}
    return f"{text} {kept.reason}".strip()


class SpaceDetailsForm(ModelForm[ClientSpace]):
    """The client's details, by what the client is: a company or an individual."""

    siren = _number(_("SIREN"), inputmode="numeric")
    siret = _number(_("SIRET"), inputmode="numeric")
    vat_number = _number(_("VAT number"), **{"data-span": "full"})
    phone = _number(_("Phone"), type="tel", autocomplete="tel")
    postcode = _number(_("Postcode"), autocomplete="postal-code")
    # The details as this person found them, to see what somebody else changed meanwhile.
    base = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = ClientSpace
        fields = DETAIL_FIELDS
        help_texts = {"country": _("Empty for France.")}

    def __init__(self, *args: Any, kept: Mapping[str, Kept], **kwargs: Any) -> None:
        """`kept`: what firms keep (`clients.locks`), which is shown and not changed."""
        super().__init__(*args, **kwargs)
        kind = DossierKind(self.instance.kind)
        for name in ONE_KIND_ONLY[kind]:
            del self.fields[name]
        self.fields[_NAME_OF[kind]].required = True
        for name in _HALF_WIDTH:
            if name in self.fields:
                self.fields[name].widget.attrs["data-span"] = "half"
        for name, one in kept.items():
            if name in self.fields:
                self.fields[name].disabled = True
                self.fields[name].help_text = _why(one)
        shown = {name: getattr(self.instance, name) for name in DETAIL_FIELDS if name in self.fields}
        self.initial["base"] = json.dumps(shown)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self._see_what_others_changed(cleaned)
        for name, cleaner in CLEANERS.items():
            # What stands there already may stay: the firm may have entered a SIRET whose check digit fails.
            if name in cleaned and cleaned[name] != getattr(self.instance, name):
                self._tidy(cleaned, name, cleaner)
        changed, errors = clean_together({**cleaned, "kind": self.instance.kind})
        mine = {name for name in cleaned if name in self.fields and not self.fields[name].disabled}
        for name, error in errors.items():
            if name not in self.errors and (name in mine or name not in cleaned):
                self.add_error(name, error)
        return {**cleaned, **{name: value for name, value in changed.items() if name in mine}}

    def _see_what_others_changed(self, cleaned: dict[str, Any]) -> None:
        """What this person left as they found it stays as it is by now; what both changed is asked once more."""
        found = _found(cleaned.pop("base", ""))
        for name in [name for name in cleaned if name in found]:
            now = getattr(self.instance, name)
            if now == found[name] or cleaned[name] == now:
                continue
            if cleaned[name] == found[name]:
                cleaned[name] = now
                continue
            text = gettext(
                "Somebody has changed this meanwhile, to “%(now)s”. Save again to put yours in its place."
            )
            self.add_error(name, text % {"now": now or "–"})
            found[name] = now
            self.data = {**{key: self.data[key] for key in self.data}, "base": json.dumps(found)}

    def _tidy(self, cleaned: dict[str, Any], name: str, cleaner: Any) -> None:
        try:
            cleaned[name] = cleaner(cleaned[name])
        except forms.ValidationError as error:
            self.add_error(name, error)
