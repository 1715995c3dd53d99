"""What people fill in to hand files over."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.actions.files import Handed
from clients.files.limits import MEGABYTE, MOST_AT_ONCE, MOST_BYTES
from clients.files.naming import safe_name
from clients.files.recognising import SORTS, recognise
from clients.files.words import refusal
from clients.models import FileCategory, SpaceLink
from spreadsheets.refusals import Refused

ACCEPTED = ",".join(f".{ending}" for sort in SORTS.values() for ending in sort.endings)


class _SeveralFiles(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One file or several, each recognised by its content; cleaned, they are `Handed`. One that is refused keeps all
    of them back, by name."""

    widget = _SeveralFiles

    def clean(self, data: Any, initial: Any = None) -> Any:
        given: list[UploadedFile[bytes]] = list(data or ())
        if not given:
            raise ValidationError(self.error_messages["required"], code="required")
        if len(given) > MOST_AT_ONCE:
            words = _("Drop at most %(count)s files at once.")
            raise ValidationError(words % {"count": MOST_AT_ONCE}, code="too_many")
        handed, refused = [], []
        for file in given:
            try:
                handed.append(_handed(file))
            except Refused as error:
                told = refusal(error.code, error.params)
                words = _("%(name)s: %(reason)s") if len(given) > 1 else "%(reason)s"
                refused.append(ValidationError(words % {"name": file.name, "reason": told}, code=error.code))
        if refused:
            raise ValidationError(refused)
        return handed


def _handed(file: "UploadedFile[bytes]") -> Handed:
    """Raises Refused."""
    if (file.size or 0) > MOST_BYTES:
        raise Refused("too_big", limit=MOST_BYTES // MEGABYTE)
    kind = recognise(file.read())
    file.seek(0)
    return Handed(safe_name(file.name or "", kind), kind, file.size or 0, file)


class DropForm(forms.Form):
    """The files, and what they are about. `by_client`: it is the client who drops; `firms`: those to choose from, where
    they have several."""

    file = FilesField(
        label=gettext_lazy("Files"),
        help_text=gettext_lazy(
            "PDF, pictures, Word, Excel, PowerPoint, LibreOffice, text, CSV or XML; up to 10 at once, each of 20 MB at "
            "most."
        ),
        error_messages={"required": gettext_lazy("Choose a file first.")},
    )
    firm = forms.ChoiceField(label=gettext_lazy("For which firm?"))
    category = forms.ChoiceField(
        label=gettext_lazy("What are they about?"),
        choices=FileCategory.choices,
        initial=FileCategory.GENERAL,
        help_text=gettext_lazy(
            "The client's people with the profile “Billing” see the files about billing, and no others."
        ),
    )

    def __init__(
        self,
        *args: Any,
        categories: Sequence[FileCategory] = tuple(FileCategory),
        firms: Sequence[SpaceLink] = (),
        by_client: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if by_client:
            self.fields["category"].help_text = _(
                "Those of your people with the profile “Billing” see the files about billing, and no others."
            )
        self.fields["file"].widget.attrs |= {
            "accept": ACCEPTED,
            "data-max-bytes": MOST_BYTES,
            "data-too-big": refusal("too_big", {"limit": MOST_BYTES // MEGABYTE}),
        }
        category, firm = self.fields["category"], self.fields["firm"]
        assert isinstance(category, forms.ChoiceField) and isinstance(firm, forms.ChoiceField)
        category.choices = [(one.value, one.label) for one in categories]
        firm.choices = [(str(link.pk), link.firm_name) for link in firms]
        if len(firms) < 2:
            del self.fields["firm"]

    @property
    def handed(self) -> list[Handed]:
        found: list[Handed] = self.cleaned_data["file"]
        return found

    @property
    def about(self) -> FileCategory:
        return FileCategory(self.cleaned_data["category"])

    def chosen(self, firms: Sequence[SpaceLink]) -> SpaceLink:
        """The link to the firm that the files are for."""
        if "firm" not in self.fields:
            return firms[0]
        return next(link for link in firms if link.pk == UUID(self.cleaned_data["firm"]))
