"""What comes out of the confined child, and what happens when it cannot go on."""

import io
import os
import subprocess
import sys
import time
import tracemalloc
import zipfile
from typing import Any

import pytest

from spreadsheets import reading, workbooks
from spreadsheets.cells import Kind, number_text
from spreadsheets.reading import Note, list_sheets, read_sheet
from spreadsheets.refusals import Refused

from . import files
from .files import ROWS, sheet_xml, xlsx

STYLES = (
    f'<styleSheet xmlns="{files.MAIN}"><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/>'
    "</cellXfs></styleSheet>"
)


def only_chunk(content: bytes):
    (chunk,) = read_sheet(content)
    return chunk


def test_numbers_come_out_as_people_type_them_and_stay_known_as_numbers():
    cells = (
        '<c r="A1"><v>73282932000074</v></c><c r="B1"><v>0.1</v></c><c r="C1"><v>7.3282932000074E13</v></c>'
    )
    chunk = only_chunk(xlsx(sheet_xml(f'<row r="1">{cells}</row>')))
    assert [column[0] for column in chunk.columns] == ["73282932000074", "0.1", "73282932000074"]
    assert chunk.kinds == [Kind.NUMBER] * 3


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.1 + 0.2, "0.3"), (1e20, "1" + "0" * 20), (-5.0, "-5"), (1e300, "1e+300"), (9220.0, "9220")],
)
def test_number_text(number, text):
    assert number_text(number) == text


def test_dates_booleans_and_text_keep_their_kind():
    cells = (
        '<c r="A1" s="1"><v>45292</v></c><c r="B1" s="2"><v>45292.5</v></c><c r="C1" t="b"><v>1</v></c>'
        '<c r="D1" t="str"><v>007</v></c><c r="F1"><v>1</v></c>'
    )
    chunk = only_chunk(xlsx(sheet_xml(f'<row r="1">{cells}</row>'), extra={"xl/styles.xml": STYLES}))
    assert [column[0] for column in chunk.columns] == [
        "2024-01-01",
        "2024-01-01T12:00:00",
        "TRUE",
        "007",
        "",
        "1",
    ]
    assert "".join(chunk.kinds) == "ddbten"


def test_rows_and_columns_keep_their_place_in_the_sheet():
    chunk = only_chunk(
        xlsx(sheet_xml('<row r="3"><c r="B3"><v>1</v></c></row><row r="7"><c r="C7"><v>2</v></c></row>'))
    )
    assert list(chunk.rows()) == [(3, ("", "1", "")), (7, ("", "", "2"))]
    assert chunk.column(9) == ["", ""]
    assert chunk.kind(9) == "ee"


def test_what_was_not_read_is_told():
    empty = '<row r="4"><c r="A4" t="e"><v>#N/A</v></c><c r="B4"><f>A1</f></c></row>'
    far = '<row r="2000"><c r="A2000"><v>1</v></c></row>'
    content = xlsx(sheet_xml(files.rows_xml() + empty + far))
    noted = (
        Note("ended_by_blank_rows", {"row": 4, "limit": 1000}),
        Note("error_cells", {"count": 1, "cells": "A4"}),
        Note("uncalculated_formulas", {"count": 1, "cells": "B4"}),
    )
    result = read_sheet(content)
    assert sum(len(chunk.numbers) for chunk in result) == 3
    assert result.notes == noted
    assert list_sheets(content).sheets[0].notes == noted


def test_blank_rows_end_a_list_in_any_format():
    content = b"a;b\n" + b"\n" * 1001 + b"c;d\n"
    result = read_sheet(content)
    assert [len(chunk.numbers) for chunk in result] == [1]
    assert result.notes == (Note("ended_by_blank_rows", {"row": 1, "limit": 1000}),)


def test_a_thousand_blank_rows_end_nothing():
    assert files.read_all(b"a;b\n" + b"\n" * 1000 + b"c;d\n") == [("a", "b"), ("c", "d")]


def test_sheets_are_listed_with_size_visibility_merged_cells_and_first_rows():
    merged = sheet_xml(after='<mergeCells count="1"><mergeCell ref="A1:D1"/></mergeCells>')
    info = list_sheets(xlsx(merged, sheet_xml(""), states=["visible", "hidden"]))
    first, second = info.sheets
    assert (first.name, first.visible, first.rows, first.columns, first.merged) == (
        "Feuil1",
        True,
        3,
        4,
        ("A1:D1",),
    )
    assert [row.cells for row in first.preview] == ROWS
    assert (second.index, second.name, second.visible, second.rows) == (1, "Feuil2", False, 0)


def test_long_lists_come_in_chunks():
    result = read_sheet(files.csv([("Code", "Nom"), *((str(n), "x") for n in range(9_000))]))
    assert [len(chunk.numbers) for chunk in result] == [4_000, 4_000, 1_001]
    assert result.rows == 9_001


def test_heavy_rows_come_in_smaller_chunks():
    result = read_sheet(files.csv([("x" * 9_000,)] * 900))
    assert [len(chunk.numbers) for chunk in result] == [225] * 4


def test_a_child_that_aborts_is_a_refusal():
    hidden_from_the_survey = "<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>"
    with pytest.raises(Refused) as refusal:
        list_sheets(xlsx(sheet_xml(files.rows_xml() + hidden_from_the_survey)))
    assert refusal.value.code == "unreadable"


def test_a_child_that_takes_too_long_is_a_refusal(monkeypatch):
    monkeypatch.setattr(reading, "CHILD_WAIT_SECONDS", 0.001)
    with pytest.raises(Refused, match="too_slow"):
        list_sheets(xlsx())


def test_leaving_early_ends_the_child():
    content = files.csv([(str(n), "x" * 100) for n in range(100_000)])
    with read_sheet(content) as result:
        next(iter(result))
        child = result._child
    assert child is not None
    assert child._process.returncode is not None


def test_a_sheet_that_is_not_there_is_a_refusal():
    with pytest.raises(Refused) as refusal:
        list(read_sheet(xlsx(), 7))
    assert refusal.value == Refused("sheet_missing", sheet=8)


@pytest.mark.parametrize(
    "frame",
    [
        {},
        {"frame": "rows"},
        {"frame": "rows", "numbers": [1], "columns": [[1]], "kinds": ["t"]},
        {"frame": "x"},
    ],
)
def test_a_child_that_says_nonsense_is_a_refusal(frame, monkeypatch):
    monkeypatch.setattr(reading.Child, "frame", lambda self: frame)
    with pytest.raises(Refused, match="unreadable"):
        list(read_sheet(xlsx()))


def confined(statement: str) -> str:
    """What becomes of a statement in a confined process."""
    program = (
        "import os, socket, sys\nfrom spreadsheets.child import confine\nconfine(os.getppid())\n"
        f"try:\n    {statement}\n    print('done')\nexcept BaseException as error:\n    print(type(error).__name__)\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    return result.stdout.strip()


@pytest.mark.parametrize(
    ("statement", "outcome"),
    [
        ("len(b'x' * 10)", "done"),
        ("bytes(1_200_000_000)", "MemoryError"),
        ("os.fork()", "BlockingIOError"),
        ("open('/etc/passwd')", "OSError"),
        ("open('/tmp/written', 'w')", "OSError"),
        ("socket.socket()", "OSError"),
        ("os.setuid(0) or (os.getuid() and sys.exit())", "PermissionError"),
    ],
)
def test_the_child_has_given_up_what_reading_does_not_need(statement, outcome):
    assert confined(statement) == outcome


def test_the_child_dies_with_its_parent():
    program = (
        "import os, sys, time, subprocess\n"
        "child = subprocess.Popen([sys.executable, '-m', 'spreadsheets.child', 'list', '0', str(os.getpid())],"
        " stdin=subprocess.PIPE)\n"
        "time.sleep(0.5)\nprint(child.pid, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    time.sleep(0.3)
    assert not os.path.exists(f"/proc/{result.stdout.strip()}/exe") or is_a_corpse(result.stdout.strip())


def is_a_corpse(pid: str) -> bool:
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().split()[2] == "Z"


def test_the_child_sees_no_secret_of_ours(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "hush")
    seen: list[dict[str, str]] = []
    start: Any = subprocess.Popen

    def spy(*arguments, env, **options):
        seen.append(env)
        return start(*arguments, env=env, **options)

    monkeypatch.setattr(subprocess, "Popen", spy)
    list_sheets(xlsx())
    assert "SECRET_KEY" not in seen[0]


def test_a_worksheet_is_held_once_while_it_is_looked_over() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"<row/>" * 3_000_000)
    tracemalloc.start()
    try:
        xml = workbooks._read_part(target.getvalue(), "xl/worksheets/sheet1.xml")
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * len(xml)
