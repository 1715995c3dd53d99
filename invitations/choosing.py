"""What is chosen when a client asks a firm to follow them: by the client, by whoever holds the link, by the firm."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from clients.models import Dossier, LinkRight, SpaceLink
from invitations.forms import AddressForm, SpokenForm

_CARD = "<strong>{}</strong><small>{}</small>"
_WHAT_RIGHTS_MEAN = {
    LinkRight.MANAGE: _("It keeps its record of you up to date, and tells you what it changes"),
    LinkRight.READ: _("It sees your details, and changes nothing in its record of you"),
}
BESIDE, INSTEAD = "beside", "instead"
NEW = "new"


class InviteFirmForm(SpokenForm, AddressForm):
    """The firm's address, what it may do, and (where firms follow the space) whether it takes their place."""

    right = forms.ChoiceField(
        label=_("What the firm may do"),
        initial=LinkRight.MANAGE,
        widget=forms.RadioSelect({"class": "cards"}),
    )
    ends_others = forms.ChoiceField(
        label=_("And the firm that follows you now?"),
        initial=BESIDE,
        widget=forms.RadioSelect({"class": "cards"}),
    )

    field_order = ("email", "right", "ends_others", "language", "email_checked")

    def __init__(self, *args: Any, firms: Iterable[SpaceLink], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail address of the firm, or of your accountant")
        _offer(self, "right", [(right, right.label, means) for right, means in _WHAT_RIGHTS_MEAN.items()])
        names = ", ".join(link.firm_name for link in firms)
        if not names:
            del self.fields["ends_others"]
            return
        beside = _now("%(firms)s keeps following you") % {"firms": names}
        instead = _now("As soon as the new firm has accepted, the access of %(firms)s ends") % {
            "firms": names
        }
        choices = [(BESIDE, _now("In addition"), beside), (INSTEAD, _now("It takes its place"), instead)]
        _offer(self, "ends_others", choices)

    @property
    def asked(self) -> dict[str, Any]:
        """What the action takes."""
        data = self.cleaned_data
        ends_others = data.get("ends_others", BESIDE) == INSTEAD
        said = {"email": data["email"], "language": data["language"]}
        return {**said, "right": LinkRight(data["right"]), "ends_others": ends_others}


class ChooseFirmForm(forms.Form):
    """For which of their firms a person answers."""

    firm = forms.ChoiceField(
        label=_("For which firm do you answer?"), widget=forms.RadioSelect({"class": "cards"})
    )

    def __init__(self, *args: Any, firms: Iterable[tuple[UUID, str, str]], **kwargs: Any) -> None:
        """`firms`: key, name, and the person's role there."""
        super().__init__(*args, **kwargs)
        found = [(str(key), name, role) for key, name, role in firms]
        _offer(self, "firm", found)
        if len(found) == 1:
            self.fields["firm"].initial = found[0][0]

    @property
    def chosen(self) -> UUID:
        return UUID(self.cleaned_data["firm"])


class FollowForm(forms.Form):
    """By which dossier the firm follows the client: a new one, or one of that SIREN which it has already.

    The only one of that SIREN is proposed: a second one would be a duplicate.
    """

    shown = forms.CharField(widget=forms.HiddenInput)
    dossier = forms.ChoiceField(
        label=_("Which client file?"), initial=NEW, widget=forms.RadioSelect({"class": "cards"})
    )

    def __init__(self, *args: Any, dossiers: Iterable[Dossier], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._dossiers = {str(one.pk): one for one in dossiers}
        new = (NEW, _now("A new client file"), _now("With the details that the client gives"))
        known = [(key, one.name, _described(one)) for key, one in self._dossiers.items()]
        _offer(self, "dossier", [new, *known])
        if len(known) == 1:
            self.fields["dossier"].initial = known[0][0]

    @property
    def chosen(self) -> Dossier | None:
        return self._dossiers.get(self.cleaned_data["dossier"])


def _described(dossier: Dossier) -> str:
    parts = [_now("A client file that your firm has already; it stays as it is")]
    if dossier.reference:
        parts.append(_now("reference %(reference)s") % {"reference": dossier.reference})
    return " · ".join(parts)


def _offer(form: forms.Form, name: str, choices: Iterable[tuple[str, object, object]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = [(value, format_html(_CARD, title, means)) for value, title, means in choices]
