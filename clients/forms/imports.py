"""What people fill in about imports: the file, the sheet, the search in the plan."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext, gettext_lazy

from clients.forms.register import LookedUp
from clients.imports.asked import CREATE, WITHOUT, Asked
from clients.imports.findings import NO_PORTFOLIO, Finding, Narrowing
from clients.imports.remarks import Level, worded
from clients.imports.rows import check_row
from clients.imports.words import refusal
from clients.models import Import, ImportRow, MatchRule
from clients.resources import columns_by_name
from spreadsheets.cells import Kind
from spreadsheets.guard import recognise
from spreadsheets.limits import MAX_FILE_BYTES, MEGABYTE
from spreadsheets.refusals import Refused
from spreadsheets.text import fold

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
    """What is looked for in a plan, all of it in the URL; what is unknown filters nothing."""

    q = forms.CharField(required=False, max_length=200, label=gettext_lazy("Search"))
    remark = forms.ChoiceField(required=False, label=gettext_lazy("Remarks"))
    portfolio = forms.ChoiceField(required=False, label=gettext_lazy("Portfolio"))
    # Searching keeps the tab and the page's size. They are put right when another tab comes in.
    action = forms.CharField(required=False, widget=forms.HiddenInput({"hx-swap-oob": "true"}))
    size = forms.CharField(required=False, widget=forms.HiddenInput({"hx-swap-oob": "true"}))

    def __init__(
        self,
        data: Mapping[str, Any],
        *,
        findings: Iterable[Finding],
        portfolios: Iterable[tuple[str, str]],
    ) -> None:
        super().__init__(data)
        self._offer("remark", gettext_lazy("All remarks"), [(one.key, one.label) for one in findings])
        without = (NO_PORTFOLIO, gettext_lazy("No portfolio"))
        named = list(portfolios)
        self._offer("portfolio", gettext_lazy("All portfolios"), [without, *named] if named else [])

    def _offer(self, name: str, everything: Any, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", everything), *choices]
        if not choices:
            del self.fields[name]

    def narrowing(self) -> Narrowing:
        self.is_valid()
        found = self.cleaned_data.get
        return Narrowing(found("q") or "", found("remark") or "", found("portfolio") or "")


class CorrectionForm(forms.Form):
    """The cells of one row as texts of the file, one field per column.

    Fields bear what they said when the form was shown (`initial-…`), so that only what this person has changed is a
    correction, also where somebody else has corrected the same row meanwhile.
    """

    prefix = "cell"
    # Where the row may be completed from the public register, and what came of it; see `clients.forms.register`.
    look_up_url = ""
    looked_up: LookedUp | None = None

    def __init__(self, data: Mapping[str, Any] | None, *, source: Import, row: ImportRow) -> None:
        super().__init__(data)
        self.texts = _texts_of(row)
        letters = {column["field"]: column["letter"] for column in source.columns}
        mentioned = {one["field"] for one in row.problems}
        for name, column in columns_by_name().items():
            self.fields[name] = _cell(str(column.header), letters.get(name, ""), self.texts[name])
        shown = mentioned & self.fields.keys() or letters.keys() & self.fields.keys()
        self.first = [name for name in self.fields if name in shown]
        self.others = [name for name in self.fields if name not in shown]
        if self.first and data is None:
            self.fields[self.first[0]].widget.attrs["autofocus"] = True

    @property
    def first_fields(self) -> list[Any]:
        """Those about which there is something to say; all of the file where there is nothing."""
        return [self[name] for name in self.first]

    @property
    def other_fields(self) -> list[Any]:
        return [self[name] for name in self.others]

    @property
    def has_others_wrong(self) -> bool:
        return any(name in self.errors for name in self.others)

    def clean(self) -> dict[str, Any]:
        """A text that would be an error again is said so at once."""
        changed = self.corrections()
        written = {**self.texts, **changed}
        checked = check_row(columns_by_name(), {name: (text, Kind.TEXT) for name, text in written.items()})
        for one in checked.remarks:
            if one.level == Level.ERROR and one.field in changed:
                self.add_error(one.field, worded(one.stored()))
        return self.cleaned_data

    def corrections(self) -> dict[str, str]:
        """The cells that say something else now."""
        return {name: self.cleaned_data.get(name, "") for name in self.changed_data}


def _texts_of(row: ImportRow) -> dict[str, str]:
    raw: Mapping[str, str] = row.raw or {}
    return {name: raw[name] if name in raw else str(getattr(row, name)) for name in columns_by_name()}


def _cell(header: str, letter: str, text: str) -> forms.CharField:
    label = gettext("%(header)s (column %(letter)s)") % {"header": header, "letter": letter}
    return forms.CharField(
        required=False,
        max_length=10_000,
        label=label if letter else header,
        initial=text,
        show_hidden_initial=True,
        widget=forms.TextInput({"data-span": "half", "autocomplete": "off", "spellcheck": "false"}),
    )


class RuleForm(forms.Form):
    """By what rows find the dossiers that they are about."""

    rule = forms.ChoiceField(
        label=gettext_lazy("A row is about a client file that exists if it has the same"),
        choices=MatchRule.choices,
        widget=forms.RadioSelect(attrs={"class": "cards"}),
    )


class PortfoliosForm(forms.Form):
    """What becomes of each portfolio that the file names and the firm has not."""

    def __init__(
        self, data: Mapping[str, Any] | None, *, source: Import, portfolios: Iterable[tuple[Any, str]]
    ) -> None:
        super().__init__(data)
        said = Asked.of(source.asked).portfolios
        known = [(str(key), name) for key, name in portfolios]
        self.names = sorted({*source.new_portfolios.values(), *said}, key=fold)
        for place, name in enumerate(self.names):
            self.fields[f"portfolio-{place}"] = forms.ChoiceField(
                label=name,
                required=False,
                initial=said.get(name, CREATE),
                choices=[
                    (CREATE, gettext("Create this portfolio")),
                    (WITHOUT, gettext("Leave these client files without a portfolio")),
                    (gettext("Put them into"), known),
                ]
                if known
                else [
                    (CREATE, gettext("Create this portfolio")),
                    (WITHOUT, gettext("Leave these client files without a portfolio")),
                ],
            )

    def choices(self) -> dict[str, str]:
        """By the name in the file: CREATE, WITHOUT or the key of a portfolio."""
        return {name: self.cleaned_data[f"portfolio-{place}"] for place, name in enumerate(self.names)}


class AssigneesForm(forms.Form):
    """Who looks after the dossiers for which the file names nobody of the firm. Of very many names (a column that holds
    something else), the first only."""

    _MOST = 100

    def __init__(
        self, data: Mapping[str, Any] | None, *, source: Import, members: Iterable[tuple[Any, str]]
    ) -> None:
        super().__init__(data)
        said = Asked.of(source.asked).assignees
        names = sorted({*source.unknown_assignees, *said}, key=fold)
        self.names, self.more = names[: self._MOST], max(len(names) - self._MOST, 0)
        choices: list[tuple[str, Any]] = [
            (WITHOUT, gettext("Leave these client files without an assignee")),
            (gettext("Assign them to"), [(str(key), name) for key, name in members]),
        ]
        for place, name in enumerate(self.names):
            self.fields[f"assignee-{place}"] = forms.ChoiceField(
                label=name, choices=choices, initial=said.get(name, WITHOUT)
            )

    def choices(self) -> dict[str, str]:
        """By the name in the file: WITHOUT or the key of a membership."""
        return {name: self.cleaned_data[f"assignee-{place}"] for place, name in enumerate(self.names)}
