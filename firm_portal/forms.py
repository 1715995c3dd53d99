"""How forms look: one renderer for all of them, allauth's included (setting FORM_RENDERER)."""

from collections.abc import Mapping
from html import escape
from typing import Any

from django.forms.renderers import TemplatesSetting
from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe

SELECT, HIDDEN = "django/forms/widgets/select.html", "django/forms/widgets/hidden.html"


class PortalRenderer(TemplatesSetting):
    """Renders `{{ form }}` with the templates under `templates/django/forms/`."""

    form_template_name = "django/forms/form.html"
    field_template_name = "django/forms/field.html"

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        """A choice of hundreds (a firm's portfolios), and the hidden fields of a list, without a template for each."""
        if template_name == SELECT:
            return _select(context["widget"])
        if template_name == HIDDEN:
            return _hidden(context["widget"])
        return super().render(template_name, context, request)


def _select(widget: Mapping[str, Any]) -> SafeString:
    attributes = {**widget["attrs"], "class": f"form-select {widget['attrs'].get('class', '')}".strip()}
    groups = "".join(_group(name, options) for name, options, _index in widget["optgroups"])
    # Each piece was escaped, as Django's template would.
    return mark_safe(f'<select name="{_text(widget["name"])}"{_attributes(attributes)}>{groups}</select>')  # noqa: S308


def _hidden(widget: Mapping[str, Any]) -> SafeString:
    value = widget["value"]
    attributes = {"name": widget["name"], "value": False if value is None else value, **widget["attrs"]}
    return mark_safe(f'<input type="hidden"{_attributes(attributes)}>')  # noqa: S308 - each piece was escaped


def _group(name: str | None, options: list[Mapping[str, Any]]) -> str:
    made = "".join(
        f'<option value="{_text(option["value"])}"{_attributes(option["attrs"])}>{_text(option["label"])}</option>'
        for option in options
    )
    return f'<optgroup label="{_text(name)}">{made}</optgroup>' if name else made


def _attributes(attributes: Mapping[str, Any]) -> str:
    """True stands alone, False is left out."""
    return "".join(
        f" {_text(name)}" if value is True else f' {_text(name)}="{_text(value)}"'
        for name, value in attributes.items()
        if value is not False
    )


def _text(value: Any) -> str:
    text = str(value)
    return text if hasattr(text, "__html__") else escape(text)
