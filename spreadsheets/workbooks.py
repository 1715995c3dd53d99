"""xlsx, xls and ods through python-calamine."""

import io
import posixpath
import zipfile

from defusedxml import ElementTree
from python_calamine import CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from .books import Grid, Sheet
from .cells import column_letters
from .decoding import Note
from .guard import Format
from .layout import Layout, Xml, survey
from .limits import MAX_BLANK_ROWS, MAX_COLUMNS, MEGABYTE, PREVIEW_ROWS
from .refusals import Refused

# More than a client list has; what is larger is rather parsed twice than held beside another sheet.
_MOST_CELLS_KEPT = 3_000_000


class CalamineBook:
    def __init__(self, content: bytes, kind: Format) -> None:
        self.content = content
        # The largest sheet that was looked at: its index, and what came out.
        self._kept: tuple[int, CalamineSheet, list[Note]] | None = None
        try:
            self.workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        except PasswordError as error:
            raise Refused("encrypted") from error
        described = self.workbook.sheets_metadata
        if any(sheet.typ in (SheetTypeEnum.MacroSheet, SheetTypeEnum.Vba) for sheet in described):
            raise Refused("macros")
        self.sheets = [
            Sheet(index, sheet.name, sheet.visible is SheetVisibleEnum.Visible)
            for index, sheet in enumerate(described)
            if sheet.typ is SheetTypeEnum.WorkSheet
        ]
        self.parts = worksheet_parts(content) if kind is Format.XLSX else {}

    def grid(self, sheet: Sheet) -> Grid:
        if self._kept is not None and self._kept[0] == sheet.index:
            _index, cells, notes = self._kept
        else:
            cells, notes = self._parsed(sheet)
            self._keep(sheet, cells, notes)
        first_column = cells.start[1] if cells.start else 0
        return Grid(cells.iter_rows(), first_column, _merged_on_top(cells), list(notes))

    def _keep(self, sheet: Sheet, cells: CalamineSheet, notes: list[Note]) -> None:
        larger = self._kept is None or cells.height > self._kept[1].height
        if larger and cells.height * cells.width <= _MOST_CELLS_KEPT:
            self._kept = sheet.index, cells, notes

    def _parsed(self, sheet: Sheet) -> tuple[CalamineSheet, list[Note]]:
        notes: list[Note] = []
        workbook = self.workbook
        part = self.parts.get(sheet.name)
        if part is not None:
            xml = _read_part(self.content, part)
            layout = survey(xml)
            _refuse_far_cell(sheet, layout)
            notes = _notes(layout)
            if layout.cut is not None:
                shortened = _with_part(self.content, part, layout.shortened(xml))
                workbook = CalamineWorkbook.from_filelike(io.BytesIO(shortened))
            del xml  # calamine is about to inflate it once more
        return workbook.get_sheet_by_index(sheet.index), notes


def worksheet_parts(content: bytes) -> dict[str, str]:
    """Sheet names and the parts that hold them; a sheet that cannot be placed is left out, and read
    unsurveyed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = set(archive.namelist())
        if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
            return {}
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        workbook = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    targets = {relation.get("Id"): _target(relation.get("Target", "")) for relation in relations}
    parts: dict[str, str] = {}
    for element in workbook.iter():
        if element.tag.rpartition("}")[2] == "sheet":
            relation = next((value for key, value in element.items() if key.endswith("}id")), None)
            parts[element.get("name", "")] = targets.get(relation, "")
    return {name: part for name, part in parts.items() if part in names}


def _target(target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))


def _read_part(content: bytes, part: str) -> Xml:
    """Piece by piece: read at once, it would be held twice, which is more than calamine takes for all its cells."""
    xml = bytearray()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(part) as stream:
        while piece := stream.read(MEGABYTE):
            xml += piece
    return xml


def _with_part(content: bytes, part: str, replacement: Xml) -> bytes:
    """The same workbook, uncompressed, with one part replaced."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, replacement if name == part else old.read(name))
    return target.getvalue()


def _refuse_far_cell(sheet: Sheet, layout: Layout) -> None:
    if layout.far_cell is not None:
        raise Refused("too_many_columns", sheet=sheet.name, cell=layout.far_cell, limit=MAX_COLUMNS)


def _notes(layout: Layout) -> list[Note]:
    notes: list[Note] = []
    if layout.cut is not None:
        notes.append(("ended_by_blank_rows", {"row": layout.last_row, "limit": MAX_BLANK_ROWS}))
    for code, (count, cells) in (
        ("error_cells", layout.errors),
        ("uncalculated_formulas", layout.uncalculated),
    ):
        if count:
            notes.append((code, {"count": count, "cells": cells}))
    return notes


def _merged_on_top(cells: CalamineSheet) -> list[str]:
    """Merged ranges that begin in the rows of the preview: those that group header cells."""
    ranges = sorted(area for area in cells.merged_cell_ranges or [] if area[0][0] < PREVIEW_ROWS)
    return [
        f"{column_letters(left)}{top + 1}:{column_letters(right)}{bottom + 1}"
        for (top, left), (bottom, right) in ranges[:100]
    ]
