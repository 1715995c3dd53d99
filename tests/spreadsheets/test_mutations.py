"""Good files with random damage: each is read or refused, nothing else ever happens."""

import contextlib
import random

import pytest

from spreadsheets.reading import list_sheets, read_sheet
from spreadsheets.refusals import Refused

from . import files
from .files import xlsx_parts, zipped

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
SHORT_SHARE = 30


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


def survives(content: bytes) -> None:
    with contextlib.suppress(Refused):
        for sheet in list_sheets(content).sheets:
            for chunk in read_sheet(content, sheet.index):
                assert len(chunk.columns) == len(chunk.kinds)


@pytest.mark.parametrize("seed", range(SHORT_SHARE))
def test_a_damaged_file_is_read_or_refused(seed):
    survives(damaged(seed))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(SHORT_SHARE, 200))
def test_many_damaged_files_are_read_or_refused(seed):
    survives(damaged(seed))
