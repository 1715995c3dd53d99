"""Client lists as files, and an import of one, from upload to plan or report."""

import io
from collections.abc import Sequence
from typing import Any

import openpyxl

from accounts.models import Membership
from clients.imports.applying import apply_import
from clients.imports.reading import read_import
from clients.jobs import confirm_import, start_import
from clients.models import Import, ImportRow

HEADERS = ("Code", "Raison sociale", "SIRET", "E-mail", "Portefeuille")


def workbook(
    *sheets: Sequence[Sequence[Any]], names: Sequence[str] = (), hidden: Sequence[int] = ()
) -> bytes:
    """An xlsx of these sheets, each a list of rows."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for place, rows in enumerate(sheets):
        sheet = book.create_sheet(names[place] if names else f"Feuille {place + 1}")
        for row in rows:
            sheet.append(list(row))
        if place in hidden:
            sheet.sheet_state = "hidden"
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def plan(
    actor: Membership, rows: Sequence[Sequence[Any]] | bytes, headers: Sequence[str] = HEADERS
) -> Import:
    """The import of a list with these rows, read as far as it gets without a person."""
    content = rows if isinstance(rows, bytes) else workbook([headers, *rows])
    made = start_import(actor=actor, file_name="clients.xlsx", content=content)
    read(made)
    made.refresh_from_db()
    return made


def run(actor: Membership, rows: Sequence[Sequence[Any]] | bytes, headers: Sequence[str] = HEADERS) -> Import:
    """Plan, confirm and apply."""
    made = plan(actor, rows, headers)
    confirm_import(actor=actor, source=made)
    apply(made)
    made.refresh_from_db()
    return made


def read(made: Import) -> None:
    """As a worker does."""
    assert made.firm_id is not None
    read_import(made.firm_id, made.pk)


def apply(made: Import) -> None:
    """As a worker does."""
    assert made.firm_id is not None
    apply_import(made.firm_id, made.pk)


def rows_of(source: Import) -> list[ImportRow]:
    return list(ImportRow.objects.filter(source=source).order_by("number"))


def actions(source: Import) -> list[str]:
    return [row.action for row in rows_of(source)]


def codes(row: ImportRow) -> list[str]:
    return [one["code"] for one in row.problems]
