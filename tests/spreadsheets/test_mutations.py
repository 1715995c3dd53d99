"""2,000 changes to good files, by fixed seeds. What does no harm yields exactly its rows; what does, its rows or a
refusal that people understand. Nothing else ever happens."""

import io
import random
import zipfile
from collections.abc import Callable

import pytest
from django.utils import translation

from spreadsheets.guard import Format, recognise
from spreadsheets.messages import REFUSALS, describe
from spreadsheets.reading import list_sheets, read_sheet
from spreadsheets.refusals import Refused

from . import files
from .files import ROWS, xlsx_parts, zipped

GOOD = [
    files.xlsx(),
    files.by_openpyxl(),
    files.by_xlsxwriter(),
    files.xls(),
    files.ods(),
    files.html(),
    files.xml_2003(),
    files.csv(),
    files.csv(encoding="utf-16"),
]
ALL, SHORT, BATCH = 2_000, 30, 100
Rows = list[tuple[str, ...]]


# --- Changes that do no harm ------------------------------------------------------------------------------------


def _separated_otherwise(dice: random.Random) -> bytes:
    encoding = dice.choice(["utf-8", "utf-8-sig", "utf-16", "cp1252"])
    text = files.csv(separator=dice.choice(";,\t|")).decode()
    return text.replace("\r\n", dice.choice(["\n", "\r\n", "\r"])).encode(encoding)


def _quoted(dice: random.Random) -> bytes:
    rows = [[f'"{cell}"' if dice.random() < 0.5 else cell for cell in row] for row in ROWS]
    return files.csv(rows, separator=dice.choice(";,\t"))


def _packed_otherwise(dice: random.Random) -> bytes:
    """The same parts in another order, stored or deflated, with others that nobody reads."""
    with zipfile.ZipFile(
        io.BytesIO(dice.choice([files.xlsx(), files.by_openpyxl(), files.ods()]))
    ) as archive:
        parts = [(name, archive.read(name)) for name in archive.namelist()]
    parts += [(f"docProps/extra{n}.xml", b"<a/>") for n in range(dice.randrange(4))]
    dice.shuffle(parts)
    return zipped(dict(parts), dice.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))


def _laid_out_otherwise(dice: random.Random) -> bytes:
    """A dimension that lies, blank rows with formats, white space, attributes that mean nothing here."""
    far = dice.choice(["A1", "A1:XFD1048576", "B2:C3", "A1:D3"])
    before = f'<dimension ref="{far}"/>' if dice.random() < 0.7 else ""
    rows = files.rows_xml().replace("<row ", f'<row spans="1:{dice.randint(1, 9)}" ')
    rows += "".join(f'<row r="{n}"><c r="A{n}" s="0"/></row>' for n in range(4, 4 + dice.randrange(900)))
    if dice.random() < 0.5:
        rows = rows.replace("><", ">\n <").replace("<t>\n ", "<t>")
    return files.xlsx(files.sheet_xml(rows, before=before))


def _with_rows_below(dice: random.Random) -> bytes:
    """Blank lines, of which the end of a list has many."""
    blank = [("",) * dice.randint(1, 4)] * dice.randrange(50)
    kinds: list[Callable[[list[tuple[str, ...]]], bytes]] = [files.csv, files.html, files.ods]
    return dice.choice(kinds)([*ROWS, *blank])


HARMLESS: list[Callable[[random.Random], bytes]] = [
    _separated_otherwise, _quoted, _packed_otherwise, _laid_out_otherwise, _with_rows_below,
]  # fmt: skip


# --- Changes that do ----------------------------------------------------------------------------------------------


def damaged(seed: int) -> bytes:
    """Bytes changed, cut, doubled; or XML inside a sound archive, which gets further than the checksum."""
    dice = random.Random(seed)
    if seed % 3 == 0:
        parts = {name: text.encode() for name, text in xlsx_parts().items()}
        victim = dice.choice(["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"])
        return zipped(parts | {victim: mutate(dice, parts[victim])})
    return mutate(dice, dice.choice(GOOD))


def mutate(dice: random.Random, content: bytes) -> bytes:
    data = bytearray(content)
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(data))
        match dice.randrange(5):
            case 0:
                data[at] = dice.randrange(256)
            case 1:
                del data[at : at + dice.randint(1, 40)]
            case 2:
                data[at:at] = data[at : at + dice.randint(1, 40)]
            case 3:
                data[at:at] = dice.choice([b"\xff" * 4, b"9" * 20, b"<", b'"', b"\0" * 8, b"</row>"])
            case _:
                data[at] ^= 1 << dice.randrange(8)
        if not data:
            return b""
    return bytes(data)


# --- What must hold -------------------------------------------------------------------------------------------------


def read(content: bytes) -> list[Rows]:
    """The rows of every sheet that can be read, the cells at the end of a row left out where they are empty."""
    found = []
    for sheet in list_sheets(content).sheets:
        if sheet.refusal is not None:
            _is_understood(sheet.refusal)
            continue
        rows: Rows = []
        numbers: list[int] = []
        for chunk in read_sheet(content, sheet.index):
            numbers += chunk.numbers
            rows += [files.trimmed(cells) for _number, cells in chunk.rows()]
        assert numbers == sorted(set(numbers)) and len(rows) == sheet.rows, (
            "as many as were announced, in order"
        )
        found.append(rows)
    return found


def _is_understood(refused: Refused) -> None:
    with translation.override("fr"):
        text = describe(refused.code, refused.params)
    assert refused.code in REFUSALS
    assert len(text) > 30 and text.rstrip().endswith((".", "!")) and "%(" not in text


def holds(seed: int) -> None:
    if seed % 4 == 0:
        dice = random.Random(seed)
        assert read(dice.choice(HARMLESS)(dice)) == [ROWS]
        return
    content = damaged(seed)
    try:
        found = read(content)
    except Refused as refused:
        _is_understood(refused)
        return
    if seed % 3 and recognise(content) in (Format.XLSX, Format.ODS):
        assert found in ([ROWS], []), "a checksum that holds holds for every row"


@pytest.mark.parametrize("seed", range(SHORT))
def test_a_changed_file_yields_its_rows_or_a_refusal(seed):
    holds(seed)


@pytest.mark.long
@pytest.mark.parametrize("first", range(SHORT, ALL, BATCH))
def test_every_changed_file_yields_its_rows_or_a_refusal(first):
    for seed in range(first, min(first + BATCH, ALL)):
        try:
            holds(seed)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error
