"""Form controls of lists, which show hundreds of choices at each look."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from django import forms
from django.forms.renderers import BaseRenderer
from django.utils.choices import BaseChoiceIterator
from django.utils.safestring import SafeString, mark_safe

from accounts.stencils import escaped


class PlainSelect(forms.Select):
    """A choice without groups. Django makes a dictionary of each option; this only its HTML."""

    def render(
        self,
        name: str,
        value: Any,
        attrs: dict[str, Any] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        chosen = set(self.format_value(value))
        attributes = _attributes(
            {"name": name, "class": "form-select", **self.build_attrs(self.attrs, attrs)}
        )
        keys, labels = zip(*((str(key), str(label)) for key, label in self.choices), strict=True)
        options = "".join(
            f'<option value="{safe}"{" selected" if key in chosen else ""}>{label}</option>'
            for key, safe, label in zip(keys, escaped(keys), escaped(labels), strict=True)
        )
        return mark_safe(f"<select{attributes}>{options}</select>")  # noqa: S308 - each piece was escaped


class PlainHidden(forms.HiddenInput):
    """A field that nobody sees, without a template."""

    def render(
        self,
        name: str,
        value: Any,
        attrs: dict[str, Any] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        said = {} if value in (None, "") else {"value": value}
        attributes = _attributes(
            {"type": "hidden", "name": name, **said, **self.build_attrs(self.attrs, attrs)}
        )
        return mark_safe(f"<input{attributes}>")  # noqa: S308 - each piece was escaped


class Offered(BaseChoiceIterator):
    """Choices without groups, which Django need not look through for them."""

    def __init__(self, choices: list[tuple[str, Any]]) -> None:
        self.given = choices

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(self.given)


def _attributes(given: Mapping[str, Any]) -> str:
    return "".join(f' {key}="{escape(str(text))}"' for key, text in given.items() if text is not False)
