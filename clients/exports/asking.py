"""The filters of a page as what an export is asked for by."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.choices import flatten_choices
from django.utils.translation import gettext as _

from exports.kinds import Gone, Parameters


def chosen(filters: forms.Form, names: Iterable[str]) -> dict[str, str]:
    """What these filters hold; those that are empty, or make no sense, are left out."""
    filters.is_valid()
    found = {name: str(filters.cleaned_data.get(name) or "") for name in names if name in filters.fields}
    return {name: value for name, value in found.items() if value}


def refuse_others(filters: forms.Form, parameters: Parameters) -> None:
    """Raise Gone if one of the parameters filters nothing any more: the export would tell more than was asked for."""
    if chosen(filters, parameters) != dict(parameters):
        raise Gone(filters.errors)


def in_words(filters: forms.Form, parameters: Parameters) -> str:
    """The filters in force, as people read them."""
    return ", ".join(
        _("%(filter)s: %(value)s") % {"filter": filters[name].label, "value": _shown(filters[name], value)}
        for name, value in parameters.items()
    )


def _shown(field: forms.BoundField, value: str) -> str:
    choices: Any = field.field.choices if isinstance(field.field, forms.ChoiceField) else ()
    return str(dict(flatten_choices(choices)).get(value, value))
