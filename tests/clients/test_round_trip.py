"""The exported client list comes back as what it was."""

import io
from typing import Any

import openpyxl

from clients.models import Dossier, Import, ImportState
from exports.actions import export_now
from exports.kinds import REGISTRY
from tests.clients.lists import actions, plan
from tests.worlds import World, make_dossier, make_portfolio


def exported(firm: World) -> bytes:
    kind, target = REGISTRY["clients.dossiers"], io.BytesIO()
    export_now(actor=firm.admin, kind=kind, book=kind.book(firm.admin, {}), target=target)
    return target.getvalue()


def sheet_of(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]


def sent_back(firm: World, content: bytes) -> Import:
    return plan(firm.admin, content)


def test_the_export_carries_key_and_version_in_hidden_columns(firm: World) -> None:
    dossier = make_dossier("Boulangerie")
    sheet = sheet_of(exported(firm))
    cells = {cell.value: cell.column_letter for cell in sheet[1]}
    letters = cells["firm-portal-id"], cells["firm-portal-version"]
    hidden = sheet.column_dimensions[letters[0]]  # one entry for neighbours that are alike
    assert hidden.hidden and (hidden.min, hidden.max) == (len(cells) - 1, len(cells))
    dossier.refresh_from_db()
    assert [sheet[f"{letter}2"].value for letter in letters] == [
        str(dossier.pk),
        dossier.updated_at.isoformat(),
    ]


def test_an_export_sent_back_as_it_is_changes_nothing(firm: World) -> None:
    make_dossier("Boulangerie", siren="732829320", siret="73282932000074", portfolio=make_portfolio("Sarah"))
    make_dossier("", kind="individual", last_name="Dupont", first_name="Marie")
    made = sent_back(firm, exported(firm))
    assert (made.state, actions(made)) == (ImportState.READY, ["identical", "identical"])
    assert {column["field"] for column in made.columns} >= {"key", "version"}
    assert Dossier.objects.count() == 2
