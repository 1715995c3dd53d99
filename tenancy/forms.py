"""The form base of all models that belong to a firm."""

from typing import Any

from django import forms


class FirmForm(forms.ModelForm):  # type: ignore[type-arg]  # can't be subscripted when it runs
    """A model form whose unique constraints are checked within the firm.

    Django leaves a constraint out when one of its fields is not in the form; `firm` never is, so it is put back.
    Saving is an action's business: `save()` is refused.
    """

    def _get_validation_exclusions(self) -> set[str]:
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # not in the stubs
        return exclusions - {"firm"}

    def save(self, commit: bool = True) -> Any:
        raise TypeError("Forms clean, actions write.")
