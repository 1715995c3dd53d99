"""How a form reads: labels, help, errors, all tied together."""

import re

from django import forms
from django.forms.renderers import DjangoTemplates
from django.utils import translation

from firm_portal.forms import PortalRenderer


class Person(forms.Form):
    name = forms.CharField(label="Nom", help_text="Comme sur la carte.")
    phone = forms.CharField(label="Téléphone", required=False)
    role = forms.ChoiceField(
        label="Rôle", choices=[("a", "Administrateur"), ("c", "Collaborateur")], widget=forms.RadioSelect
    )
    password = forms.CharField(label="Mot de passe", widget=forms.PasswordInput)
    file = forms.FileField(label="Fichier", required=False)
    agreed = forms.BooleanField(label="J'accepte")
    token = forms.CharField(widget=forms.HiddenInput, required=False)


def rendered(data: dict[str, str] | None = None) -> str:
    with translation.override("fr"):
        return str(Person(data))


def test_an_optional_field_says_so_in_words() -> None:
    assert rendered().count("(facultatif)") == 2
    assert "*" not in rendered()


def test_an_error_is_tied_to_its_field_and_named_in_the_summary() -> None:
    page = rendered({"name": ""})
    assert 'aria-describedby="id_name_helptext id_name_error"' in page
    assert 'aria-invalid="true"' in page
    assert 'id="id_name_error"' in page
    assert 'href="#id_name"' in page


def test_a_form_without_errors_has_no_summary() -> None:
    assert "error-summary" not in rendered()


def test_inputs_wear_the_classes_of_the_kit_once() -> None:
    page = rendered()
    assert page.count('class="form-check-input"') == 3
    assert '<input type="hidden" name="token" id="id_token">' in page
    assert 'data-reveal="id_password"' in page
    assert "data-drop" in page


def test_a_widgets_own_class_stands_beside_the_kits() -> None:
    field = forms.CharField(widget=forms.TextInput(attrs={"class": "id"}))
    form = type("One", (forms.Form,), {"siren": field})()
    assert 'class="form-control id"' in str(form["siren"])


def test_an_initial_value_with_markup_is_escaped() -> None:
    assert "<script>" not in rendered({"name": "<script>", "phone": '"><script>'})


def test_a_choice_is_written_as_djangos_own_template_writes_it() -> None:
    class Choice(forms.Form):
        one = forms.ChoiceField(
            choices=[("", "—"), ("x<", 'X & "y"'), ("Groupe", [("1", "un"), ("2", "deux")])],
            widget=forms.Select({"data-x": "1<2", "class": "wide", "disabled": False}),
        )
        many = forms.MultipleChoiceField(choices=[(1, "a"), (2, "b")])

    def pieces(text: str) -> list[str]:
        return sorted(re.findall(r"[^ <>\n]+", re.sub(r' class="[^"]*"', "", text)))

    for data in ({"one": "2", "many": ["2"]}, {"one": "x<"}):
        for name in ("one", "many"):
            ours, theirs = (
                str(Choice(data, renderer=made())[name]) for made in (PortalRenderer, DjangoTemplates)
            )
            assert pieces(ours) == pieces(theirs)
            assert f'class="form-select{" wide" if name == "one" else ""}"' in ours
