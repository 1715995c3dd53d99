"""Each refusal and note has words, in French too, and the code says what these words need."""

import ast
import json
import re
from pathlib import Path

import pytest
from django.utils import translation

import spreadsheets
from spreadsheets.messages import NOTES, REFUSALS, describe
from spreadsheets.refusals import Refused

ALL = {**REFUSALS, **NOTES}
PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def raised() -> list[tuple[str, set[str]]]:
    """Every `Refused("code", name=…)` written in the package."""
    found = []
    for path in Path(spreadsheets.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refused":
                code = node.args[0] if node.args else None
                literal = isinstance(
                    code, ast.Constant | ast.IfExp
                )  # else it is made again from what was stored
                codes = (
                    [c.value for c in ast.walk(code) if isinstance(c, ast.Constant)]
                    if code and literal
                    else []
                )
                names = {keyword.arg or "" for keyword in node.keywords}
                found += [(str(value), names) for value in codes]
    return found


@pytest.mark.parametrize(("code", "names"), raised())
def test_every_refusal_has_words_that_it_can_fill(code, names):
    assert set(PLACEHOLDER.findall(str(REFUSALS[code]))) <= names


def test_no_refusal_is_worded_in_vain():
    assert {code for code, _ in raised()} >= set(REFUSALS)


@pytest.mark.parametrize("code", ALL)
def test_every_message_speaks_french_with_the_same_parameters(code):
    parameters = set(PLACEHOLDER.findall(str(ALL[code])))
    values = {name: f"<{name}>" for name in parameters}
    with translation.override("en"):
        english = describe(code, values)
    with translation.override("fr"):
        french = describe(code, values)
    assert french != english
    assert all(value in french for value in values.values())


def test_a_refusal_can_be_stored_and_worded_later():
    stored = json.loads(json.dumps(Refused("too_big", limit=20).params))
    with translation.override("en"):
        assert "20 MB" in describe("too_big", stored)
