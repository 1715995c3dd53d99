"""Form controls that a list shows with hundreds of choices."""

from html import escape
from typing import Any

from django import forms
from django.forms.renderers import BaseRenderer
from django.utils.safestring import SafeString, mark_safe


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
        given = {"name": name, "class": "form-select", **self.build_attrs(self.attrs, attrs)}
        attributes = "".join(
            f' {key}="{escape(str(text))}"' for key, text in given.items() if text is not False
        )
        options = "".join(
            f'<option value="{escape(key)}"{" selected" if key in chosen else ""}>{escape(str(label))}</option>'
            for key, label in ((str(key), label) for key, label in self.choices)
        )
        return mark_safe(f"<select{attributes}>{options}</select>")  # noqa: S308 - each piece was escaped
