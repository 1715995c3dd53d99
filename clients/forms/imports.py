"""What people fill in about imports: the file, the sheet, the search in the plan."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy

from clients.imports.words import refusal
from spreadsheets.guard import recognise
from spreadsheets.limits import MAX_FILE_BYTES, MEGABYTE
from spreadsheets.refusals import Refused

ACCEPTED = ".xlsx,.xlsm,.xls,.ods,.csv,.tsv,.txt,.html,.xml"


class UploadForm(forms.Form):
    """The file; `content` is there once it is valid. What its first bytes already tell is refused at once."""

    file = forms.FileField(
        label=gettext_lazy("Your client list"),
        help_text=gettext_lazy(
            "Excel (.xlsx, .xls), LibreOffice (.ods) or CSV, at most 20 MB and 120,000 rows. The columns are "
            "recognised by their headers, in any order; a title above them does no harm."
        ),
        error_messages={
            "required": gettext_lazy("Choose a file first."),
            "empty": gettext_lazy(
                "This file is empty (0 bytes): it was probably cut off on its way. "
                "Export it again from your software, then send the new file."
            ),
        },
        widget=forms.FileInput(attrs={"accept": ACCEPTED}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.content = b""
        self.fields["file"].widget.attrs |= {
            "data-max-bytes": MAX_FILE_BYTES,
            "data-too-big": refusal("too_big", {"limit": MAX_FILE_BYTES // MEGABYTE}),
        }

    def clean_file(self) -> "UploadedFile[bytes]":
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        try:
            if (file.size or 0) > MAX_FILE_BYTES:
                raise Refused("too_big", limit=MAX_FILE_BYTES // MEGABYTE)
            self.content = file.read()
            recognise(self.content)
        except Refused as refused:
            raise ValidationError(refusal(refused.code, refused.params), code=refused.code) from refused
        return file


class SheetForm(forms.Form):
    """Which sheet, by its place in the file."""

    sheet = forms.IntegerField(error_messages={"required": gettext_lazy("Choose a sheet first.")})


class PlanFilter(forms.Form):
    """The search in a plan."""

    q = forms.CharField(required=False, max_length=200, label=gettext_lazy("Name, SIREN, SIRET, reference"))
    action = forms.CharField(required=False, widget=forms.HiddenInput)

    def words(self) -> str:
        return str(self.cleaned_data["q"]) if self.is_valid() else ""
