"""What an administrator writes in the firm's invitations."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import get_text_list
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from invitations.models import LONGEST_BODY, LONGEST_SUBJECT, InvitationKind
from invitations.wording import (
    MEANINGS,
    MOST_LINES,
    Mark,
    Wording,
    links_in,
    marks_of_body,
    marks_of_subject,
    one_line,
    standard,
    tidy,
    unknown_marks,
    written,
)


class TextForm(forms.Form):
    """The words of one kind of invitation in one language; what is left empty is ours. Plain text, with marks."""

    subject = forms.CharField(
        label=_("Subject"),
        required=False,
        max_length=LONGEST_SUBJECT,
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    body = forms.CharField(
        label=_("Text"),
        required=False,
        widget=forms.Textarea({"rows": 12, "maxlength": LONGEST_BODY}),
    )
    seen = forms.CharField(required=False, max_length=36, widget=forms.HiddenInput)

    def __init__(self, *args: Any, kind: InvitationKind, language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind, self.language = kind, language
        for name in ("subject", "body"):
            self.fields[name].widget.attrs["lang"] = language
        self.fields["subject"].help_text = _listed(marks_of_subject(), language)
        self.fields["body"].help_text = _listed(marks_of_body(kind), language)

    @property
    def wording(self) -> Wording:
        """With ours where nothing was written."""
        ours = standard(self.kind, self.language)
        return Wording(self.cleaned_data["subject"] or ours.subject, self.cleaned_data["body"] or ours.body)

    def clean_subject(self) -> str:
        subject = one_line(self.cleaned_data["subject"])
        if Mark.CLIENT in _meant(subject, marks_of_subject()):
            words = _("A subject can be read by others, on a locked phone: it names no client.")
            raise ValidationError(words, code="client")
        return self._plain(subject, marks_of_subject())

    def clean_body(self) -> str:
        body = tidy(self.cleaned_data["body"])
        if len(body) > LONGEST_BODY:
            words = _("This text has %(count)s characters; %(most)s is the most.")
            raise ValidationError(words, code="long", params={"count": len(body), "most": LONGEST_BODY})
        if body.count("\n") >= MOST_LINES:
            words = _("This text has too many lines; %(most)s is the most.")
            raise ValidationError(words, code="lines", params={"most": MOST_LINES})
        return self._plain(body, marks_of_body(self.kind))

    def _plain(self, text: str, allowed: tuple[Mark, ...]) -> str:
        if unknown := unknown_marks(text, allowed):
            words = _("Nothing can be put in the place of %(marks)s. You may use: %(allowed)s.")
            said = [written(mark, self.language) for mark in allowed]
            params = {"marks": ", ".join(unknown), "allowed": ", ".join(said)}
            raise ValidationError(words, code="mark", params=params)
        if links := links_in(text):
            words = _(
                "The mail has one link, its button: take out %(links)s. People learn to trust no other link in it."
            )
            raise ValidationError(words, code="link", params={"links": ", ".join(links)})
        return text


def _meant(text: str, allowed: tuple[Mark, ...]) -> list[Mark]:
    return [Mark.CLIENT for word in unknown_marks(text, allowed) if word.strip("{}").lower() == Mark.CLIENT]


def _listed(marks: tuple[Mark, ...], language: str) -> str:
    """What may be written in curly brackets, and what stands there in the mail."""
    said = [f"{written(mark, language)} ({MEANINGS[mark]})" for mark in marks]
    return _now("Filled in for each mail: %(marks)s.") % {"marks": get_text_list(said, _now("and"))}
