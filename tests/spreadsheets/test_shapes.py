"""Every shape of file that has ever fooled a reader of spreadsheets: it is read exactly, or refused with its cause."""

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from spreadsheets.cells import column_letters
from spreadsheets.guard import recognise
from spreadsheets.reading import list_sheets, read_sheet
from spreadsheets.refusals import Refused

from . import files
from .files import ROWS, cell, read_all, row_xml, rows_xml, sheet_xml, xlsx, xlsx_parts, zipped

Make = Callable[[], bytes]

WORD = {"[Content_Types].xml": "<Types/>", "word/document.xml": "<w:document/>"}
STRICT_RELATIONS = "http://purl.oclc.org/ooxml/officeDocument/relationships"
HEADER_ONLY = rows_xml(ROWS[:1])


def shared_strings(strings: bytes) -> dict[str, bytes]:
    return {"xl/sharedStrings.xml": b'<sst xmlns="%s">%s</sst>' % (files.MAIN.encode(), strings)}


def zip_with_twins() -> bytes:
    parts = xlsx_parts()
    plain = zipped(parts | {"xl/worksheets/sheet9.xml": sheet_xml()})
    return plain.replace(b"sheet9.xml", b"sheet1.xml")


def zip_of_zips() -> bytes:
    inner = zipped({"zeros": bytes(50_000_000)})
    return zipped({f"{number}.zip": inner for number in range(100)})


def lying_about_size() -> bytes:
    """A part that claims 10 bytes and inflates to 220 MB."""
    content = bytearray(zipped(xlsx_parts() | {"xl/comments1.xml": bytes(220_000_000)}))
    name = content.rindex(b"xl/comments1.xml")
    struct.pack_into("<I", content, name - 22, 10)
    return bytes(content)


def locked_by_zip() -> bytes:
    content = bytearray(xlsx())
    at = content.rindex(b"PK\x01\x02")
    content[at + 8] |= 1
    return bytes(content)


def second_sheet_hidden(book, sheet):
    book.create_sheet("Autre").append(["à cacher"])
    book["Autre"].sheet_state = "hidden"


def error_and_formula(book, sheet):
    sheet["E2"] = "#N/A"
    sheet["E3"] = "=1+1"


def chart_only(book, sheet):
    chart = book.add_chart({"type": "bar"})
    chart.add_series({"values": "=Sheet1!$A$1:$A$2"})
    book.add_chartsheet().set_chart(chart)


def only_a_chart() -> bytes:
    parts = xlsx_parts()
    sheet = f"<chartsheet xmlns='{files.MAIN}'/>"
    return zipped({
        name.replace("worksheets", "chartsheets"): text.replace("worksheets/", "chartsheets/")
        .replace("worksheet+xml", "chartsheet+xml")
        .replace("/worksheet", "/chartsheet")
        if "sheet1" not in name
        else sheet
        for name, text in parts.items()
    })  # fmt: skip


def dates_of_1904() -> bytes:
    styles = (
        f'<styleSheet xmlns="{files.MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
        "</styleSheet>"
    )
    sheet = sheet_xml('<row r="1"><c r="A1" s="1"><v>43831</v></c></row>')
    return xlsx(sheet, properties='<workbookPr date1904="1"/>', extra={"xl/styles.xml": styles})


def many_styles() -> bytes:
    styles = f'<styleSheet xmlns="{files.MAIN}"><cellXfs>'.encode() + b'<xf numFmtId="0"/>' * 2_000_000
    return xlsx(extra={"xl/styles.xml": styles + b"</cellXfs></styleSheet>"})


def wide(columns: int) -> str:
    cells = "".join(cell(column_letters(index) + "1", "x") for index in range(columns))
    return sheet_xml(f'<row r="1">{cells}</row>')


MUST_READ: dict[str, tuple[Make, list[tuple[str, ...]]]] = {
    "inline strings": (xlsx, ROWS),
    "shared strings": (files.by_xlsxwriter, ROWS),
    "openpyxl": (files.by_openpyxl, ROWS),
    "strict OOXML": (
        lambda: xlsx(sheet_xml(namespace=files.STRICT), namespace=files.STRICT, relations=STRICT_RELATIONS), ROWS,
    ),
    "prefixed XML names": (
        lambda: xlsx(
            sheet_xml().replace("xmlns=", "xmlns:x=").replace("<", "<x:").replace("<x:/", "</x:").replace("<x:?", "<?")
        ),
        ROWS,
    ),
    "dimension too small": (lambda: xlsx(sheet_xml(before='<dimension ref="A1:A1"/>')), ROWS),
    "dimension too large": (lambda: xlsx(sheet_xml(before='<dimension ref="A1:XFD1048576"/>')), ROWS),
    "far cell": (lambda: xlsx(sheet_xml(rows_xml() + '<row r="1048576">' + cell("XFD1048576", "x") + "</row>")), ROWS),
    "formatting in a far cell": (
        lambda: xlsx(sheet_xml(rows_xml() + '<row r="1048576"><c r="XFD1048576" s="0"/></row>')), ROWS,
    ),
    "formatting in a far column": (
        lambda: xlsx(sheet_xml(rows_xml() + '<row r="4"><c r="XFD4" s="0"/></row>')), ROWS,
    ),
    "a million blank rows": (
        lambda: xlsx(sheet_xml(rows_xml() + "".join(f'<row r="{n}"/>' for n in range(4, 1_000_004)))), ROWS,
    ),
    "a million blank rows, then one more": (
        lambda: xlsx(
            sheet_xml(
                rows_xml() + "".join(f'<row r="{n}"/>' for n in range(4, 1_000_004)) + row_xml(1_000_004, ["late"])
            )
        ),
        ROWS,
    ),
    "rows without numbers": (
        lambda: xlsx(
            sheet_xml("".join(
                "<row>" + "".join(f'<c t="inlineStr"><is><t>{text.replace("&", "&amp;")}</t></is></c>' for text in row)
                + "</row>" for row in ROWS
            ))
        ),
        ROWS,
    ),
    "whole sheet merged": (
        lambda: xlsx(sheet_xml(after='<mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>')), ROWS,
    ),
    "two million styles": (many_styles, ROWS),
    "external links": (
        lambda: xlsx(
            extra={
                "xl/externalLinks/externalLink1.xml": "<externalLink/>",
                "xl/externalLinks/_rels/externalLink1.xml.rels": "<Relationships/>",
            }
        ),
        ROWS,
    ),
    "hidden sheets only": (lambda: xlsx(sheet_xml(), states=["hidden"]), ROWS),
    "second sheet hidden": (lambda: files.by_openpyxl(second_sheet_hidden), ROWS),
    "errors and formulas without values": (lambda: files.by_openpyxl(error_and_formula), ROWS),
    "worksheet beside a chart sheet": (lambda: files.by_xlsxwriter(chart_only), ROWS),
    "dates of 1904": (dates_of_1904, [("2024-01-02",)]),
    "xls": (files.xls, ROWS),
    "ods": (files.ods, ROWS),
    "html": (files.html, ROWS),
    "html in cp1252": (lambda: files.html(encoding="cp1252"), ROWS),
    "html in UTF-16": (lambda: files.html().decode().replace("utf-8", "utf-16").encode("utf-16"), ROWS),
    "xml 2003": (files.xml_2003, ROWS),
    "csv, semicolons": (files.csv, ROWS),
    "csv, commas": (lambda: files.csv(separator=","), ROWS),
    "tsv": (lambda: files.csv(separator="\t"), ROWS),
    "csv, declared separator": (lambda: b"sep=|\r\n" + files.csv(separator="|"), ROWS),
    "csv, UTF-8 with BOM": (lambda: files.csv(encoding="utf-8-sig"), ROWS),
    "csv, cp1252": (lambda: files.csv(encoding="cp1252"), ROWS),
    "csv, UTF-16": (lambda: files.csv(encoding="utf-16"), ROWS),
    "csv, UTF-16 without BOM": (lambda: files.csv(encoding="utf-16-le"), ROWS),
    "csv, DOS": (lambda: files.csv([("Nom", "Ville"), ("Élan", "Nîmes à côté")], encoding="cp850"),
                 [("Nom", "Ville"), ("Élan", "Nîmes à côté")]),
    "csv, old Mac": (lambda: files.csv([("Nom", "Ville"), ("Œuf", "Évry")], encoding="mac_roman"),
                     [("Nom", "Ville"), ("Œuf", "Évry")]),
    "csv, a stray NUL": (lambda: files.csv().replace(b"Garage", b"Ga\0rage"), ROWS),
    "csv, a broken UTF-8 character": (
        lambda: "Société Générale d'Électricité à Évry-le-Château;côté été où ça\n".encode() + b"b\xe9;c\n",
        [("Société Générale d'Électricité à Évry-le-Château", "côté été où ça"), ("b�", "c")],
    ),
    "csv, quoted separators and lines": (lambda: b'a;b\r\n"x;y";"1\r\n2"\r\n', [("a", "b"), ("x;y", "1\r\n2")]),
    "csv, one quote too many": (
        lambda: b'Nom;Ville\n"Dupont;Paris\n"Martin";Lyon\nDurand;Lille\n',
        [("Nom", "Ville"), ('"Dupont', "Paris"), ("Martin", "Lyon"), ("Durand", "Lille")],
    ),
    "csv, quote that swallows lines in silence": (
        lambda: b'Nom;Taille\n"Dupont;3\nMartin;12"\nDurand;4\n',
        [("Nom", "Taille"), ('"Dupont', "3"), ("Martin", '12"'), ("Durand", "4")],
    ),
    "csv, one column": (lambda: b"SIRET\n73282932000074\n", [("SIRET",), ("73282932000074",)]),
}  # fmt: skip

MUST_REFUSE: dict[str, tuple[Make, str]] = {
    "empty": (lambda: b"", "empty"),
    "white space": (lambda: b"\r\n \r\n;;\r\n", "no_rows"),
    "21 MB": (lambda: b"a;b\n" * 5_500_000, "too_big"),
    "pdf": (lambda: b"%PDF-1.7\n%\xe2\xe3\n1 0 obj", "pdf"),
    "a zip": (lambda: zipped({"readme.txt": "hello"}), "not_a_workbook"),
    "a Word document": (lambda: zipped(WORD), "not_a_workbook"),
    "an empty zip": (lambda: zipped({}), "not_a_workbook"),
    "a zip of zip bombs": (zip_of_zips, "not_a_workbook"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), "not_a_workbook"),
    "only NULs": (lambda: bytes(10_000), "not_a_workbook"),
    "random bytes": (lambda: bytes(range(256)) * 40, "not_a_workbook"),
    "some XML": (lambda: b'<?xml version="1.0"?><clients/>', "not_a_workbook"),
    "web archive": (lambda: b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n", "not_a_workbook"),
    "Excel 4": (lambda: b"\x09\x04\x06\x00\x00\x00\x10\x00", "old_excel"),
    "xlsb": (lambda: zipped({"[Content_Types].xml": "", "xl/workbook.bin": "x"}), "binary_workbook"),
    "truncated xlsx": (lambda: xlsx()[:-200], "damaged"),
    "truncated xls": (lambda: files.xls()[:700], "damaged"),
    "flipped bytes in a part": (
        lambda: zipped(xlsx_parts(), zipfile.ZIP_STORED).replace(b"Garage", b"Garbge"), "damaged",
    ),
    "plain zip bomb": (lambda: xlsx(extra={"xl/media/a.bin": bytes(250_000_000)}), "inflates_too_much"),
    "2 GB of comments": (
        lambda: xlsx(extra={f"xl/comments{n}.xml": b"<!-- -->" * 4_000_000 for n in range(7)}), "inflates_too_much",
    ),
    "a cell of a GB": (
        lambda: xlsx(extra={"xl/worksheets/sheet2.xml": b"<c><is><t>" + b"G" * 400_000_000}), "inflates_too_much",
    ),
    "20 million shared strings": (
        lambda: xlsx(extra=shared_strings(b"<si><t>a</t></si>" * 20_000_000)), "inflates_too_much",
    ),
    "a bomb that claims 10 bytes": (lying_about_size, "inflates_too_much"),
    "a long cell": (lambda: xlsx(sheet_xml().replace("Garage", "G" * 10_001)), "cell_too_long"),
    "201 parts": (lambda: xlsx(extra={f"xl/media/{n}.png": "x" for n in range(200)}), "too_many_parts"),
    "21 sheets": (lambda: xlsx(*[sheet_xml()] * 21), "too_many_sheets"),
    "101 columns": (lambda: xlsx(wide(101)), "too_many_columns"),
    "all 16,384 columns": (lambda: xlsx(wide(16_384)), "too_many_columns"),
    "101 columns in csv": (lambda: b";".join([b"x"] * 101), "too_many_columns"),
    "120,001 rows": (lambda: b"a;b\n" * 120_001, "too_many_rows"),
    "entity bomb": (
        lambda: xlsx(sheet_xml().replace("<worksheet", '<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet')), "has_doctype",
    ),
    "entity bomb in UTF-16": (
        lambda: xlsx(extra={"docProps/app.xml": '<!DOCTYPE x [<!ENTITY a "a">]><x/>'.encode("utf-16")}), "has_doctype",
    ),
    "external entity": (
        lambda: xlsx(extra={"xl/styles.xml": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'}),
        "has_doctype",
    ),
    "entity bomb in XML 2003": (lambda: files.xml_2003(doctype='<!DOCTYPE x [<!ENTITY a "a">]>'), "has_doctype"),
    "parts of the same name": (zip_with_twins, "bad_part_names"),
    "parts that climb": (lambda: xlsx(extra={"../../etc/cron.d/x": "x"}), "bad_part_names"),
    "macros": (lambda: xlsx(extra={"xl/vbaProject.bin": "x"}), "macros"),
    "macros in xls": (lambda: files.xls(storages=["_VBA_PROJECT_CUR"]), "macros"),
    "macro sheet in xls": (lambda: files.xls(macro_sheet=True), "macros"),
    "macros in ods": (lambda: files.ods(extra={"Basic/Standard/Module1.xml": b"<x/>"}), "macros"),
    "encrypted xlsx": (
        lambda: files.ole({"EncryptionInfo": b"x", "EncryptedPackage": b"x"}), "encrypted",
    ),
    "encrypted xls": (lambda: files.xls(encrypted=True), "encrypted"),
    "encrypted ods": (
        lambda: files.ods(manifest='<manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data/>'
                          "</manifest:file-entry>"),
        "encrypted",
    ),
    "encrypted parts": (locked_by_zip, "encrypted"),
    "embedded objects": (lambda: xlsx(extra={"xl/embeddings/oleObject1.bin": "x"}), "embedded_objects"),
    "embedded objects in xls": (lambda: files.xls(storages=["MBD0001"]), "embedded_objects"),
    "embedded document in ods": (
        lambda: files.ods(
            manifest='<manifest:file-entry manifest:full-path="Object 1/" '
            'manifest:media-type="application/vnd.oasis.opendocument.text"/>'
        ),
        "embedded_objects",
    ),
    "chart sheet only": (only_a_chart, "no_sheet"),
    "a Word document of old": (lambda: files.ole({"WordDocument": b"x"}), "not_a_workbook"),
    "csv, quotes that cannot be mended": (lambda: b'a;b\n"c;d;e\nf\n', "unbalanced_quotes"),
    "csv, one line of 19 MB": (lambda: b"x" * 19_000_000, "cell_too_long"),
    "csv, one line of 50 MB": (lambda: b"x" * 50_000_000, "too_big"),
    "html without rows": (lambda: b"<html><body>Session expir\xc3\xa9e</body></html>", "no_rows"),
}  # fmt: skip


@pytest.mark.parametrize("shape", MUST_READ)
def test_exactly_the_rows_of_a_good_shape_come_out(shape):
    make, rows = MUST_READ[shape]
    assert read_all(make()) == rows


@pytest.mark.parametrize("shape", MUST_REFUSE)
def test_a_bad_shape_is_refused_with_its_cause(shape):
    make, code = MUST_REFUSE[shape]
    content = make()
    with pytest.raises(Refused) as refusal:
        first_sheet(content)
    assert refusal.value.code == code


def first_sheet(content: bytes) -> None:
    sheet = list_sheets(content).sheets[0]
    if sheet.refusal is not None:
        raise sheet.refusal
    for _ in read_sheet(content, sheet.index):
        pass


@pytest.mark.parametrize("make", [files.html, files.xml_2003, files.ods, files.xlsx, files.csv])
def test_the_name_of_a_file_does_not_matter(make, tmp_path: Path):
    path = tmp_path / "clients.xls"
    path.write_bytes(make())
    (chunk,) = read_sheet(path)
    assert [cells for _, cells in chunk.rows()] == ROWS


def test_an_archive_that_lists_a_size_over_the_limit_is_refused_without_inflating():
    content = xlsx(extra={"xl/media/a.bin": bytes(250_000_000)})
    with pytest.raises(Refused, match="inflates_too_much"):
        recognise(content)


def test_a_sheet_too_wide_leaves_the_others_readable():
    info = list_sheets(xlsx(wide(200), sheet_xml()))
    refusal = info.sheets[0].refusal
    assert refusal is not None
    assert refusal.params == {"sheet": "Feuil1", "cell": "CW1", "limit": 100}
    assert (info.sheets[1].rows, info.sheets[1].refusal) == (3, None)
