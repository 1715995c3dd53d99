"""How forms look: one renderer for all of them, allauth's included (setting FORM_RENDERER)."""

from collections.abc import Mapping
from typing import Any

from django.forms.renderers import TemplatesSetting
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

SELECT = "django/forms/widgets/select.html"


class PortalRenderer(TemplatesSetting):
    """Renders `{{ form }}` with the templates under `templates/django/forms/`."""

    form_template_name = "django/forms/form.html"
    field_template_name = "django/forms/field.html"

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        """A choice of hundreds (a firm's portfolios) without a template for each of them."""
        if template_name == SELECT:
            return _select(context["widget"])
        return super().render(template_name, context, request)


def _select(widget: Mapping[str, Any]) -> SafeString:
    attributes = {**widget["attrs"], "class": f"form-select {widget['attrs'].get('class', '')}".strip()}
    groups = format_html_join(
        "", "{}", ((_group(name, options),) for name, options, _index in widget["optgroups"])
    )
    return format_html('<select name="{}"{}>{}</select>', widget["name"], _attributes(attributes), groups)


def _group(name: str | None, options: list[Mapping[str, Any]]) -> SafeString:
    rows = ((option["value"], _attributes(option["attrs"]), option["label"]) for option in options)
    made = format_html_join("", '<option value="{}"{}>{}</option>', rows)
    return SafeString(format_html('<optgroup label="{}">{}</optgroup>', name, made)) if name else made


def _attributes(attributes: Mapping[str, Any]) -> SafeString:
    """As HTML; True stands alone, False is left out."""
    if not attributes:
        return SafeString("")
    made = (
        (format_html(" {}", name) if value is True else format_html(' {}="{}"', name, value),)
        for name, value in attributes.items()
        if value is not False
    )
    return format_html_join("", "{}", made)
