"""From the file to the plan, in a worker: which sheet, then the plan of it (`clients.imports.planning`)."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from clients.imports.headers import described
from clients.imports.planning import make_plan
from clients.imports.working import claim, fail, keep
from clients.models import Import, ImportFile, ImportState
from spreadsheets.reading import WorkbookInfo, list_sheets
from spreadsheets.refusals import Refused
from tenancy.leases import LostHold, Progress, beating, let_go
from tenancy.scopes import scope

_TO_READ = (ImportState.UPLOADED, ImportState.READING, ImportState.PLANNING)
# A list of clients has at least one of these columns.
_ESSENTIAL = {"reference", "legal_name", "last_name", "siren", "siret"}


def read_import(firm_id: UUID, import_id: UUID) -> None:
    """Read an uploaded file up to its plan, or up to the question which sheet is meant."""
    with scope(firm=firm_id):
        held = claim(import_id, _TO_READ, _working)
        if held is None:
            return
        content = bytes(ImportFile.objects.get(source=held).content)
    try:
        with beating(firm_id, held) as progress:
            _read(firm_id, held, content, progress)
    except Refused as refused:
        with scope(firm=firm_id):
            fail(held, refused.code, refused.params)
    except LostHold:
        return
    except Exception:
        let_go(firm_id, held)
        raise


def _working(held: Import) -> ImportState:
    return ImportState.READING if held.sheet is None else ImportState.PLANNING


def _read(firm_id: UUID, held: Import, content: bytes, progress: Progress) -> None:
    if held.sheet is None:
        sheets = _listed(list_sheets(content))
        chosen = _only_choice(sheets)
        with scope(firm=firm_id):
            if chosen is None:
                keep(held, sheets=sheets, state=ImportState.CHOOSING)
                return
            held.sheet, held.sheet_name, held.sheets = chosen["index"], chosen["name"][:200], sheets
            held.save(update_fields=["sheet", "sheet_name", "sheets"])
    with scope(firm=firm_id):
        sheet = next(sheet for sheet in held.sheets if sheet["index"] == held.sheet)
        make_plan(held, content, sheet, progress)


# --- Which sheet ------------------------------------------------------------------------------------------------


def _listed(workbook: WorkbookInfo) -> list[dict[str, Any]]:
    """The sheets that hold something, visible ones first. Raises Refused if none of them can be a client list."""
    found = [described(sheet) for sheet in workbook.sheets if sheet.rows or sheet.refusal]
    if not any(map(_is_list, found)):
        refusal = next((sheet["refusal"] for sheet in found if sheet["refusal"]), None)
        if refusal:
            raise Refused(refusal["code"], **refusal["params"])
        raise Refused("no_columns")
    return sorted(found, key=lambda sheet: not sheet["visible"])


def _is_list(sheet: Mapping[str, Any]) -> bool:
    fields = {column["field"] for column in sheet["columns"]}
    return sheet["refusal"] is None and bool(fields & _ESSENTIAL) and sheet["rows"] > 1


def _only_choice(sheets: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The one sheet that can be meant: the only visible client list, or the only hidden one where none is visible."""
    lists = [sheet for sheet in sheets if _is_list(sheet)]
    visible = [sheet for sheet in lists if sheet["visible"]] or lists
    return visible[0] if len(visible) == 1 else None
