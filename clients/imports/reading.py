"""From the file to the plan, in a worker: which sheet and which columns, then `clients.imports.planning`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.models import Membership
from clients.imports.asked import Asked
from clients.imports.headers import ESSENTIAL, Laid, Preview, described, is_said, laid_out, shapes
from clients.imports.planning import called, make_plan
from clients.imports.working import claim, fail, keep
from clients.models import ColumnMapping, Import, ImportFile, ImportState
from portfolios.models import Portfolio
from spreadsheets.reading import OpenWorkbook, SheetReading, WorkbookInfo, read_sheet
from spreadsheets.refusals import Refused
from tenancy.binding import read_bound
from tenancy.leases import LostHold, Progress, beating, let_go
from tenancy.scopes import scope

_TO_READ = (ImportState.UPLOADED, ImportState.READING, ImportState.PLANNING)


def read_import(firm_id: UUID, import_id: UUID) -> None:
    """Read an uploaded file up to its plan, or up to a question: which sheet is meant, what the columns hold."""
    with scope(firm=firm_id):
        held = claim(import_id, _TO_READ, _working)
        if held is None:
            return
        content = read_bound(ImportFile.objects.filter(source=held), "content")
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
    if held.sheet is not None:
        _plan(firm_id, held, read_sheet(content, held.sheet), progress)
        return
    with OpenWorkbook(content) as workbook:
        with scope(firm=firm_id):
            sheets = _listed(workbook.info, own_names())
            chosen = _only_choice(sheets)
            if chosen is None:
                keep(held, sheets=sheets, state=ImportState.CHOOSING)
                return
            held.sheet, held.sheet_name, held.sheets = chosen["index"], chosen["name"][:200], sheets
            held.save(update_fields=["sheet", "sheet_name", "sheets"])
        _plan(firm_id, held, workbook.read(chosen["index"]), progress)


def _plan(firm_id: UUID, held: Import, reading: SheetReading, progress: Progress) -> None:
    with scope(firm=firm_id):
        sheet = next(sheet for sheet in held.sheets if sheet["index"] == held.sheet)
        laid = _laid_out(held, sheet)
        if laid.doubtful:
            _ask(held, laid)
            return
        make_plan(held, reading, {**sheet, "header_row": laid.header_row, "columns": laid.columns}, progress)


# --- Which sheet ------------------------------------------------------------------------------------------------


def _listed(workbook: WorkbookInfo, known: Mapping[str, frozenset[str]]) -> list[dict[str, Any]]:
    """The sheets that hold something, visible ones first. Raises Refused if none of them can be a client list."""
    found = [described(sheet, known) for sheet in workbook.sheets if sheet.rows or sheet.refusal]
    if not any(sheet["open"] for sheet in found):
        refusal = next((sheet["refusal"] for sheet in found if sheet["refusal"]), None)
        if refusal:
            raise Refused(refusal["code"], **refusal["params"])
        raise Refused("no_columns")
    return sorted(found, key=lambda sheet: not sheet["visible"])


def _is_list(sheet: Mapping[str, Any]) -> bool:
    fields = {column["field"] for column in sheet["columns"]}
    return bool(sheet["open"]) and bool(fields & ESSENTIAL) and sheet["rows"] > 1


def _only_choice(sheets: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The one sheet that can be meant: the only one of a remembered shape, else the only visible client list, or the
    only hidden one where none is visible. Where no sheet reads as a client list, the only one that may be one."""
    lists = [sheet for sheet in sheets if _is_list(sheet)]
    remembered = [sheet for sheet in sheets if sheet["open"] and _remembered(sheet)]
    found = remembered or lists or [sheet for sheet in sheets if sheet["open"]]
    visible = [sheet for sheet in found if sheet["visible"]] or found
    return visible[0] if len(visible) == 1 else None


# --- Which columns ----------------------------------------------------------------------------------------------


def own_names() -> dict[str, frozenset[str]]:
    """By what the firm's own portfolios and members are recognised in a column."""
    members = (key for member in Membership.objects.open() for key, _user in called(member))
    portfolios = Portfolio.objects.running().values_list("name_key", flat=True)
    return {"portfolio": frozenset(portfolios), "assignee": frozenset(members)}


def _laid_out(held: Import, sheet: Mapping[str, Any]) -> Laid:
    """As a person said; else as the firm remembers lists of this shape; else as guessed."""
    asked = Asked.of(held.asked)
    if not is_said(asked) and (found := _remembered(sheet)):
        mapping, row = found
        asked = replace(Asked.of({**held.asked, **mapping.asked}), header_row=row, remembered=True)
        held.asked = asked.stored()
        held.save(update_fields=["asked"])
        ColumnMapping.objects.filter(pk=mapping.pk).update(used_at=timezone.now())
    return laid_out(sheet, asked, own_names())


def _remembered(sheet: Mapping[str, Any]) -> tuple[ColumnMapping, int] | None:
    """What the firm remembers of lists of this shape, and the number of the row that has the shape."""
    rows = shapes(Preview.of(sheet))
    mappings = {mapping.shape: mapping for mapping in ColumnMapping.objects.filter(shape__in=list(rows))}
    return next(((mappings[one], row) for one, row in rows.items() if one in mappings), None)


def _ask(held: Import, laid: Laid) -> None:
    """Have a person say what the columns hold before there is a plan; that of another sheet is gone."""
    held.rows.all().delete()
    keep(held, state=ImportState.MAPPING, columns=laid.columns, counts={}, notes=[], step=0, total=0)
