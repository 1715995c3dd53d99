"""The form base of all models that belong to a firm."""

from typing import TYPE_CHECKING, Any, TypeVar

from django import forms
from django.db import models

M = TypeVar("M", bound=models.Model)

if TYPE_CHECKING:
    ModelForm = forms.ModelForm
else:

    class ModelForm(forms.ModelForm):
        """Django's, which may be written `ModelForm[Portfolio]` as the type checker wants it."""

        def __class_getitem__(cls, model: type[models.Model]) -> type:
            return cls


class FirmForm(ModelForm[M]):
    """A model form whose unique constraints are checked within the firm.

    Django leaves a constraint out when one of its fields is not in the form; `firm` never is, so it is put back.
    Saving is an action's business: `save()` is refused.
    """

    def _get_validation_exclusions(self) -> set[str]:
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # not in the stubs
        return exclusions - {"firm"}

    def save(self, commit: bool = True) -> Any:
        raise TypeError("Forms clean, actions write.")
