"""What an administrator fills in about the firm's mails."""

import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from accounts.models import Firm
from accounts.pictures import FEWEST_DOTS, MEGABYTE, MOST_BYTES, MOST_DOTS, NoLogo, Picture, logo_of
from activity.wire import writable
from tenancy.forms import ModelForm

_LONGEST_NAME = 200
_REFUSALS = {
    "empty": _("This file is empty."),
    "too_big": _("This file is larger than 5 MB. Save a smaller one, and try again."),
    "no_picture": _("This is no PNG, JPEG or WebP. Open it where it was drawn, and export it as a PNG."),
    "too_many_dots": _("This picture has more than 16 million dots. A logo needs a thousandth of them."),
    "animated": _(
        "This picture moves. Mail programs show it or not, each as it likes: choose one that stands still."
    ),
    "damaged": _("This picture is damaged: it can't be read to its end."),
    "too_small": _("This picture is too small or too narrow for a mail: 16 dots at least on each side."),
    "blank": _("Nothing can be seen on this picture: it is transparent all over."),
}
assert (FEWEST_DOTS, MOST_BYTES, MOST_DOTS) == (16, 5 * MEGABYTE, 16_000_000)  # as the sentences say


class SenderForm(ModelForm[Firm]):
    """Whose name the firm's mails bear, and who gets the answers."""

    class Meta:
        model = Firm
        fields = ("mail_name", "reply_to")
        help_texts = {
            "mail_name": _("What people see as the sender in their list of mails. Empty: the firm's name."),
            "reply_to": _("Where their answers arrive. Empty: the firm's e-mail address."),
        }
        widgets = {
            "mail_name": forms.TextInput(attrs={"autocomplete": "off"}),
            "reply_to": forms.EmailInput(attrs={"autocomplete": "off"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mail_name"].widget.attrs["placeholder"] = self.instance.name
        self.fields["reply_to"].widget.attrs["placeholder"] = self.instance.email

    def clean_mail_name(self) -> str:
        """On one line, of letters that can be seen; nothing that would pass for an address."""
        name = " ".join(self.cleaned_data["mail_name"].split())
        if any(unicodedata.category(sign)[0] == "C" for sign in name):
            raise ValidationError(
                _("This name holds a sign that can't be seen. Type it anew."), code="control"
            )
        if any(sign in name for sign in "@<>"):
            words = _("A sender's name holds no address: whoever gets the mail sees ours beside it.")
            raise ValidationError(words, code="address")
        return name

    def clean_reply_to(self) -> str:
        address: str = self.cleaned_data["reply_to"].strip().lower()
        if address and not writable(address):
            words = _("This address cannot receive mail: check how it is written.")
            raise ValidationError(words, code="unwritable")
        return address


class LogoForm(forms.Form):
    """A picture of the firm's logo; `picture` is what is kept of it."""

    file = forms.FileField(
        label=_("Logo"),
        help_text=_(
            "PNG, JPEG or WebP, 5 MB at most. Mails show it 64 dots high at most; a transparent ground becomes white."
        ),
        error_messages={"required": _("Choose a file first.")},
        widget=forms.FileInput(
            {
                "accept": ".png,.jpg,.jpeg,.webp",
                "data-max-bytes": MOST_BYTES,
                "data-too-big": _REFUSALS["too_big"],
            }
        ),
    )

    def clean_file(self) -> Picture:
        given: UploadedFile[bytes] = self.cleaned_data["file"]
        try:
            if (given.size or 0) > MOST_BYTES:
                raise NoLogo("too_big")
            return logo_of(given.read())
        except NoLogo as error:
            raise ValidationError(_REFUSALS[error.code], code=error.code) from error

    @property
    def picture(self) -> Picture:
        found: Picture = self.cleaned_data["file"]
        return found

    @property
    def file_name(self) -> str:
        """As the journal shows it."""
        given: Any = self.files["file"]
        name = (given.name or "").replace("\\", "/").rpartition("/")[2]
        seen = "".join(sign for sign in name if unicodedata.category(sign)[0] != "C")
        return seen[-_LONGEST_NAME:]
