import json
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.paths import ROOT
from tools.translations import spaced

PYTHON_CODE = """
from django.utils.translation import gettext_lazy as _, ngettext, pgettext
SAVE = _("Save " "it")
FILES = ngettext("%(n)s file", "%(n)s files", 3) % {"n": 3}
OPEN = pgettext("menu", "Open")
LATER = _(SAVE)
"""
TEMPLATE = """{% load i18n %}
{{ name|default:_("Nobody") }} {% translate "%(count)s chosen" %}
{% blocktranslate trimmed count n=n %}
  {{ n }} client
{% plural %}
  {{ n }} clients
{% endblocktranslate %}
"""
FRENCH = {
    "Save it": "L’enregistrer",
    "%(n)s file": ["%(n)s fichier", "%(n)s fichiers"],
    "menu\u0004Open": "Ouvrir",
    "Nobody": "Personne",
    "%(count)s chosen": "%(count)s choisis",
    "%(n)s client": ["%(n)s client", "%(n)s clients"],
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The tool in a checkout with one module and one template."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "translations.py").write_text((ROOT / "tools" / "translations.py").read_text())
    (tmp_path / "app.py").write_text(PYTHON_CODE)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text(TEMPLATE)
    return tmp_path


def tool(checkout: Path, command: str, texts: object = None) -> tuple[int, str]:
    result = subprocess.run(
        [sys.executable, "tools/translations.py", command],
        cwd=checkout,
        input=json.dumps(texts) if texts is not None else "",
        capture_output=True,
        text=True,
        check=False,
    )
    return result.returncode, result.stdout + result.stderr


def test_every_text_of_code_and_templates_is_found_with_its_place(checkout: Path) -> None:
    _, found = tool(checkout, "extract")
    assert found.splitlines() == [
        "app.py:3: 'Save it'",
        "app.py:5: [menu] 'Open'",
        "app.py:4: '%(n)s file' | '%(n)s files'",
        "templates/page.html:2: 'Nobody'",
        "templates/page.html:2: '%%(count)s chosen'",
        "templates/page.html:3: '%(n)s client' | '%(n)s clients'",
    ]


def test_a_complete_catalogue_passes_and_django_can_read_it(checkout: Path) -> None:
    assert tool(checkout, "add", FRENCH)[0] == 0
    assert tool(checkout, "check") == (0, "The French is complete: 6 texts.\n")
    assert (checkout / "locale/fr/LC_MESSAGES/django.mo").stat().st_size > 0


@pytest.mark.parametrize(
    ("texts", "complaint"),
    [
        ({"Nobody": ""}, "templates/page.html:2: has no French: 'Nobody'"),
        ({"Nobody": "%(who)s"}, "templates/page.html:2: other placeholders in '%(who)s': 'Nobody'"),
        ({"%(n)s file": ["un fichier", "%(n)s fichiers"]}, "app.py:4: other placeholders in 'un fichier'"),
        ({"Gone": "Parti"}, "no code uses this text any more: 'Gone'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    checkout: Path, texts: dict[str, object], complaint: str
) -> None:
    tool(checkout, "add", FRENCH | texts)
    code, told = tool(checkout, "check")
    assert code == 1
    assert complaint in told


def test_a_fuzzy_text_is_not_french(checkout: Path) -> None:
    tool(checkout, "add", FRENCH)
    catalogue = checkout / "locale/fr/LC_MESSAGES/django.po"
    catalogue.write_text(catalogue.read_text().replace('msgid "Nobody"', '#, fuzzy\nmsgid "Nobody"'))
    assert "its French is marked fuzzy: 'Nobody'" in tool(checkout, "check")[1]


def test_what_no_code_uses_can_be_pruned(checkout: Path) -> None:
    tool(checkout, "add", FRENCH | {"Gone": "Parti"})
    assert tool(checkout, "prune") == (0, "1 unused texts removed.\n")
    assert tool(checkout, "check")[0] == 0


def test_an_f_string_is_refused(checkout: Path) -> None:
    (checkout / "app.py").write_text('_(f"Hello {name}")\n')
    assert "app.py:1: an f-string cannot be translated" in tool(checkout, "check")[1]


def test_texts_added_at_once_are_all_kept(checkout: Path) -> None:
    command = [sys.executable, "tools/translations.py", "add"]
    adders = [subprocess.Popen(command, cwd=checkout, stdin=subprocess.PIPE, text=True) for _ in range(6)]
    for number, adder in enumerate(adders):
        adder.communicate(json.dumps({f"text {number}": f"texte {number}"}))
    catalogue = (checkout / "locale/fr/LC_MESSAGES/django.po").read_text()
    assert all(f'msgstr "texte {number}"' in catalogue for number in range(6))


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("Nom : Martin ; reste", "Nom~: Martin~; reste"),
        ("Vraiment?! Oui!", "Vraiment~?! Oui~!"),
        ("«Sarah» et « Nord »;", "«~Sarah~» et «~Nord~»~;"),
        ("<strong>%(name)s</strong>: %(a)s:%(b)s", "<strong>%(name)s</strong>~: %(a)s:%(b)s"),
        ("à 12:30, https://exemple.fr/?q=a ou &amp; <code>x: y</code>", None),
        ("déjà\u202f! et déjà\u00a0: rien", None),
    ],
)
def test_french_signs_stand_behind_a_no_break_space(typed: str, right: str | None) -> None:
    assert spaced(typed).replace("\u00a0", "~") == (right or typed).replace("\u00a0", "~")
    assert spaced(spaced(typed)) == spaced(typed)


def test_missing_no_break_spaces_are_told_and_mended(checkout: Path) -> None:
    tool(checkout, "add", FRENCH | {"Nobody": "Qui : personne"})
    assert tool(checkout, "check")[0] == 0
    catalogue = checkout / "locale/fr/LC_MESSAGES/django.po"
    catalogue.write_text(catalogue.read_text().replace("Qui\u00a0:", "Qui :"))
    assert "no-break spaces are missing (run “mend”) in 'Qui : personne'" in tool(checkout, "check")[1]
    assert tool(checkout, "mend") == (0, "1 texts mended.\n")
    assert tool(checkout, "check")[0] == 0


def test_a_name_does_not_follow_a_word_that_french_elides(checkout: Path) -> None:
    (checkout / "app.py").write_text(PYTHON_CODE + '_("Departure of %(name)s")\n')
    tool(checkout, "add", FRENCH | {"Departure of %(name)s": "Départ de %(name)s"})
    code, told = tool(checkout, "check")
    assert code == 1 and "a name may begin with a vowel (“d'Alice”)" in told
    tool(checkout, "add", {"Departure of %(name)s": "Départ : %(name)s"})
    assert tool(checkout, "check")[0] == 0
