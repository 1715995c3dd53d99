"""Workbooks of all shapes, made of strings."""

import io
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import openpyxl
import xlsxwriter

from spreadsheets.reading import list_sheets, read_sheet

ROWS: list[tuple[str, ...]] = [
    ("Code", "Raison sociale", "SIRET", "Ville"),
    ("0001", "Boulangerie Élan", "73282932000074", "Nîmes"),
    ("0002", "Garage du Œuf & Fils", "35600000000048", "Évry"),
]
Parts = dict[str, bytes]

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'


def read_all(content: bytes, sheet: int = 0) -> list[tuple[str, ...]]:
    """Every filled row of a sheet as text, empty cells at the end left out."""
    list_sheets(content)
    return [trimmed(cells) for chunk in read_sheet(content, sheet) for _, cells in chunk.rows()]


def trimmed(cells: Sequence[str]) -> tuple[str, ...]:
    width = max((index + 1 for index, cell in enumerate(cells) if cell), default=0)
    return tuple(cells[:width])


def zipped(parts: Mapping[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression, compresslevel=1) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target.getvalue()


def cell(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def row_xml(number: int, values: Sequence[str]) -> str:
    cells = "".join(
        cell(f"{chr(65 + column)}{number}", value) for column, value in enumerate(values) if value
    )
    return f'<row r="{number}">{cells}</row>'


def rows_xml(rows: Sequence[Sequence[str]] = ROWS) -> str:
    return "".join(row_xml(number, values) for number, values in enumerate(rows, 1))


def sheet_xml(rows: str | None = None, *, before: str = "", after: str = "", namespace: str = MAIN) -> str:
    body = rows_xml() if rows is None else rows
    return f'{_HEAD}<worksheet xmlns="{namespace}">{before}<sheetData>{body}</sheetData>{after}</worksheet>'


def xlsx_parts(
    *sheets: str,
    states: Sequence[str] = (),
    properties: str = "",
    namespace: str = MAIN,
    relations: str = _RELATIONS,
) -> dict[str, str]:
    """The parts of a workbook with these worksheets (XML)."""
    sheets = sheets or (sheet_xml(),)
    entries, targets, types = "", "", ""
    for number in range(1, len(sheets) + 1):
        state = f' state="{states[number - 1]}"' if states else ""
        entries += f'<sheet name="Feuil{number}" sheetId="{number}"{state} r:id="rId{number}"/>'
        target = f"worksheets/sheet{number}.xml"
        targets += f'<Relationship Id="rId{number}" Type="{relations}/worksheet" Target="{target}"/>'
        types += (
            f'<Override PartName="/xl/worksheets/sheet{number}.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        )
    return {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        f"{types}</Types>",
        "_rels/.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{namespace}" xmlns:r="{relations}">{properties}'
        f"<sheets>{entries}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{targets}'
        "</Relationships>",
        **{f"xl/worksheets/sheet{number}.xml": sheet for number, sheet in enumerate(sheets, 1)},
    }


def xlsx(*sheets: str, extra: Mapping[str, bytes | str] | None = None, **options: Any) -> bytes:
    return zipped(xlsx_parts(*sheets, **options) | (dict(extra) if extra else {}))


def by_openpyxl(change: Callable[[Any, Any], None] = lambda book, sheet: None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in ROWS:
        sheet.append(row)
    change(book, sheet)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def by_xlsxwriter(change: Callable[[Any, Any], None] = lambda book, sheet: None, **options: Any) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, options) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(ROWS):
            sheet.write_row(number, 0, row)
        change(book, sheet)
    return target.getvalue()


def ods(rows: Sequence[Sequence[str]] = ROWS, *, manifest: str = "", extra: Parts | None = None) -> bytes:
    body = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'
            for value in row
        )
        + "</table:table-row>"
        for row in rows
    )
    name = "urn:oasis:names:tc:opendocument:xmlns:"
    content = (
        f'{_HEAD}<office:document-content xmlns:office="{name}office:1.0" xmlns:table="{name}table:1.0" '
        f'xmlns:text="{name}text:1.0"><office:body><office:spreadsheet><table:table table:name="Clients">'
        f"{body}</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    entries = f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>' + manifest
    wrapped = f'{_HEAD}<manifest:manifest xmlns:manifest="{name}manifest:1.0">{entries}</manifest:manifest>'
    parts: dict[str, bytes | str] = {
        "mimetype": kind,
        "content.xml": content,
        "META-INF/manifest.xml": wrapped,
    }
    return zipped(parts | (extra or {}))


def html(rows: Sequence[Sequence[str]] = ROWS, *, encoding: str = "utf-8") -> bytes:
    body = "".join("<tr>" + "".join(f"<td>{escape(value)}</td>" for value in row) + "</tr>\n" for row in rows)
    head = f'<html><head><meta http-equiv="Content-Type" content="text/html; charset={encoding}">'
    return f"{head}<style>td {{mso-number-format:'@'}}</style></head><body><table>{body}</table></body></html>".encode(
        encoding, "xmlcharrefreplace"
    )


def xml_2003(rows: str | None = None, *, doctype: str = "", options: str = "") -> bytes:
    if rows is None:
        rows = "".join(
            "<Row>"
            + "".join(f'<Cell><Data ss:Type="String">{escape(v)}</Data></Cell>' for v in row)
            + "</Row>"
            for row in ROWS
        )
    space = "urn:schemas-microsoft-com:office:"
    return (
        f'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n{doctype}'
        f'<Workbook xmlns="{space}spreadsheet" xmlns:ss="{space}spreadsheet" xmlns:x="{space}excel">'
        f'<Worksheet ss:Name="Clients"><Table>{rows}</Table>{options}</Worksheet></Workbook>'
    ).encode()


def csv(rows: Sequence[Sequence[str]] = ROWS, separator: str = ";", encoding: str = "utf-8") -> bytes:
    return "".join(separator.join(row) + "\r\n" for row in rows).encode(encoding, "replace")


def _record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _label(row: int, column: int, text: str) -> bytes:
    return _record(0x0204, struct.pack("<HHHHB", row, column, 0, len(text), 1) + text.encode("utf-16-le"))


def biff(
    rows: Sequence[Sequence[str]] = ROWS, *, encrypted: bool = False, macro_sheet: bool = False
) -> bytes:
    """The Workbook stream of an Excel 97 file ([MS-XLS]) with one sheet."""
    cells = b"".join(_label(y, x, text) for y, row in enumerate(rows) for x, text in enumerate(row))
    sheet = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0)) + cells + _record(0x000A, b"")
    start = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0))
    if encrypted:
        start += _record(0x002F, struct.pack("<HHH", 1, 1, 1) + bytes(48))
    name = b"Clients"
    length = len(start) + 4 + 8 + len(name) + 4
    bound = struct.pack("<IBBBB", length, 0, 1 if macro_sheet else 0, len(name), 0) + name
    return start + _record(0x0085, bound) + _record(0x000A, b"") + sheet


def ole(streams: Mapping[str, bytes], storages: Sequence[str] = ()) -> bytes:
    """A compound file ([MS-CFB], 512-byte sectors); streams are padded past the size of the mini stream."""
    bodies = {name: body.ljust(4096, b"\0") for name, body in streams.items()}
    entries = [("Root Entry", 5, 0xFFFFFFFE, 0), *((name, 1, 0, 0) for name in storages)]
    directory_sectors = (len(entries) + len(bodies) + 3) // 4
    data_sectors = sum(-(-len(body) // 512) for body in bodies.values())
    fat_sectors = -(-(directory_sectors + data_sectors + 4) // 127)
    fat = [0xFFFFFFFD] * fat_sectors + _chain(fat_sectors, directory_sectors)
    data = b""
    for name, body in bodies.items():
        sectors = -(-len(body) // 512)
        entries.append((name, 2, len(fat), len(body)))
        fat += _chain(len(fat), sectors)
        data += body.ljust(sectors * 512, b"\0")
    fat += [0xFFFFFFFF] * (fat_sectors * 128 - len(fat))
    directory = b"".join(_entry(*entry, index, len(entries)) for index, entry in enumerate(entries))
    difat = list(range(fat_sectors)) + [0xFFFFFFFF] * (109 - fat_sectors)
    header = struct.pack("<8s16xHHHHH6xIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0,
                         fat_sectors, fat_sectors, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)  # fmt: skip
    header += struct.pack("<109I", *difat)
    return (
        header + struct.pack(f"<{len(fat)}I", *fat) + directory.ljust(directory_sectors * 512, b"\0") + data
    )


def _chain(start: int, length: int) -> list[int]:
    return [*range(start + 1, start + length), 0xFFFFFFFE]


def _entry(name: str, kind: int, start: int, size: int, index: int, count: int) -> bytes:
    nothing = 0xFFFFFFFF
    right = index + 1 if 0 < index < count - 1 else nothing
    child = 1 if index == 0 and count > 1 else nothing
    encoded = name.encode("utf-16-le") + b"\0\0"
    return struct.pack("<64sHBBIII36xIQ", encoded, len(encoded), kind, 1, nothing, right, child, start, size)


def xls(rows: Sequence[Sequence[str]] = ROWS, storages: Sequence[str] = (), **options: bool) -> bytes:
    return ole({"Workbook": biff(rows, **options)}, storages)
