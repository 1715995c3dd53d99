"""The template that people fill in: what Excel needs of it, and what comes back."""

import io
from typing import Any

import openpyxl
from openpyxl.utils import column_index_from_string

from clients.imports.template import template
from clients.models import Dossier
from tests.clients.lists import actions, plan, rows_of
from tests.worlds import World

MEMBERS = [
    ("Alice Martin", "alice@lemoine.fr"),
    ("Paul Petit", "paul@lemoine.fr"),
    ("Paul PETIT", "pp@lemoine.fr"),
]


def made(portfolios: list[str]) -> Any:
    return openpyxl.load_workbook(io.BytesIO(template(portfolios, MEMBERS)))


def lists_of(book: Any) -> dict[str, list[str]]:
    """What the drop-down of each column offers, read from the cells that its rule refers to."""
    sheet = book["Clients"]
    found = {}
    for rule in sheet.data_validations.dataValidation:
        if rule.type == "list":
            name, _mark, cells = rule.formula1.removeprefix("=").rpartition("!")
            header = sheet.cell(1, next(iter(rule.sqref.ranges)).min_col).value.rstrip("*")
            found[header] = [row[0].value for row in book[name.strip("'")][cells.replace("$", "")]]
    return found


def test_drop_downs_offer_portfolios_members_and_kinds_by_a_range_however_many_there_are() -> None:
    portfolios = [f"Portefeuille, de l'équipe {number}" for number in range(200)]
    offered = lists_of(made(portfolios))
    assert offered["Portefeuille"] == portfolios
    assert offered["Responsable"] == ["Alice Martin", "paul@lemoine.fr", "pp@lemoine.fr"], (
        "no name means two people"
    )
    assert offered["Nature"] == ["Entreprise", "Particulier"]
    assert offered["Civilité"] == ["Mme", "M."]


def test_the_whole_column_is_text_so_that_zeros_stay_and_nothing_is_complained_about() -> None:
    sheet = made([])["Clients"]
    headers = {cell.value: cell.column_letter for cell in sheet[1]}
    dimensions = [one for one in sheet.column_dimensions.values() if one.number_format == "@"]
    for header in ("SIREN", "SIRET", "Code postal", "Téléphone", "Code client", "Code NAF / APE"):
        place = column_index_from_string(headers[header])
        assert any(one.min <= place <= one.max for one in dimensions), header


def test_a_firm_without_portfolios_has_no_empty_drop_down() -> None:
    assert "Portefeuille" not in lists_of(made([]))


def test_examples_sent_back_as_they_are_are_left_out_and_told(firm: World) -> None:
    sent = plan(firm.admin, template(["Sarah"], MEMBERS))
    assert actions(sent) == ["skipped"] * 3
    assert [(note["code"], note["params"]) for note in sent.notes] == [
        ("rows_of_examples", {"count": 3, "rows": "2, 3, 4"})
    ]


def test_a_client_written_over_an_example_is_a_client(firm: World) -> None:
    book = made(["Sarah"])
    sheet = book["Clients"]
    headers = {str(cell.value).rstrip("*"): cell.column for cell in sheet[1]}
    sheet.cell(2, headers["Raison sociale"]).value = "Boulangerie Martin & Filles"
    target = io.BytesIO()
    book.save(target)
    sent = plan(firm.admin, target.getvalue())
    assert [(row.number, row.action) for row in rows_of(sent)] == [
        (2, "create"),
        (3, "skipped"),
        (4, "skipped"),
    ]
    assert not Dossier.objects.clients().exists()
