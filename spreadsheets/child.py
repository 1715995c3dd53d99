"""The process that reads a workbook: `python -m spreadsheets.child list|read <sheet> <parent pid>`, file on
stdin.

It confines itself before it looks at a single byte: 1 GB of memory, 60 s of processor time, no new
processes, no file opened or written, no privileges, death with its parent. What it says goes to stdout as
frames: four bytes of length, then JSON. Nothing it could say makes the parent run code. After the list it goes on with
the rows of the largest sheet, which are the ones most likely wanted: the parent reads them, or ends it.
"""

import contextlib
import ctypes
import gc
import itertools
import json
import os
import re
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from . import delimited, markup, workbooks
from .books import Book, FilledRows, Sheet
from .cells import Packer, texts_and_kinds
from .guard import Format, inspect
from .limits import (
    CHILD_CPU_SECONDS,
    CHILD_MEMORY_BYTES,
    MAX_FILE_BYTES,
    MAX_SHEETS,
    MEGABYTE,
    PREVIEW_CHARACTERS,
    PREVIEW_ROWS,
)
from .refusals import Refused

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_NOBODY = 65534
_STANDARD_STREAMS = 3

Frame = dict[str, Any]


def main(arguments: list[str]) -> None:
    mode, sheet, parent = arguments[0], int(arguments[1]), int(arguments[2])
    serve(parent, lambda: answer(sys.stdin.buffer.read(MAX_FILE_BYTES + 1), mode, sheet))


def serve(parent: int, job: Callable[[], Iterator[Frame]]) -> None:
    """Confined, say what the job has to say. Also the life of `spreadsheets.marker`."""
    gc.disable()  # a short life without cycles: a fifth of the time
    memory = _MemoryGauge()  # opened before no file can be
    confine(parent)
    for frame in _never_failing(job):
        _send(frame | {"peak_kilobytes": memory.peak()} if frame["frame"] in ("sheets", "end") else frame)


def confine(parent: int) -> None:
    """Gives up, for good, all that reading does not need. Everything that is ever imported must be so by
    now."""
    limits = (
        (resource.RLIMIT_AS, CHILD_MEMORY_BYTES),
        (resource.RLIMIT_CPU, CHILD_CPU_SECONDS),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _STANDARD_STREAMS),
    )
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    for limit, value in limits:
        with contextlib.suppress(ValueError, OSError):  # a lower limit is in force already
            resource.setrlimit(limit, (value, value))
    if os.getuid() == 0:
        _drop_root()
    if prctl is not None:
        prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # after setuid, which clears it
    if os.getppid() != parent:
        os._exit(1)


def _drop_root() -> None:
    """The limit on processes does not hold for root."""
    with contextlib.suppress(OSError):  # a container may know no other user; the other limits hold
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)


def answer(content: bytes, mode: str, sheet: int) -> Iterator[Frame]:
    """The frames for one request."""
    kind = inspect(content)
    book = _open(content, kind)
    yield from _list(book, kind) if mode == "list" else _read(book, sheet)


def _never_failing(job: Callable[[], Iterator[Frame]]) -> Iterator[Frame]:
    """A refusal is the last frame, and every failure is a refusal."""
    try:
        yield from job()
    except Refused as refused:
        yield _refusal(refused)
    except MemoryError:
        yield _refusal(Refused("too_heavy", limit=CHILD_MEMORY_BYTES // MEGABYTE))
    except GeneratorExit:
        raise
    except BaseException as error:  # calamine's PanicException is no Exception
        yield _refusal(Refused("damaged")) | {"cause": _cause(error)}


def _open(content: bytes, kind: Format) -> Book:
    book: Book
    match kind:
        case Format.TEXT:
            book = delimited.DelimitedBook(content)
        case Format.HTML:
            book = markup.read_html(content)
        case Format.XML_2003:
            book = markup.read_xml_2003(content)
        case _:
            book = workbooks.CalamineBook(content, kind)
    if not book.sheets:
        raise Refused("no_rows" if kind is Format.HTML else "no_sheet")
    if len(book.sheets) > MAX_SHEETS:
        raise Refused("too_many_sheets", count=len(book.sheets), limit=MAX_SHEETS)
    return book


def _list(book: Book, kind: Format) -> Iterator[Frame]:
    sheets = [_describe(book, sheet) for sheet in book.sheets]
    if not any(sheet["rows"] or sheet["refusal"] for sheet in sheets):
        raise Refused("no_rows")
    largest = max(sheets, key=lambda sheet: (sheet["refusal"] is None, sheet["rows"]))["index"]
    yield {"frame": "sheets", "format": kind.value, "sheets": sheets, "next": largest}
    yield from _read(book, largest)


def _describe(book: Book, sheet: Sheet) -> Frame:
    described: Frame = {"index": sheet.index, "name": sheet.name, "visible": sheet.visible}
    described |= {"rows": 0, "columns": 0, "merged": [], "preview": [], "notes": [], "refusal": None}
    try:
        grid = book.grid(sheet)
        rows = FilledRows(sheet, grid)
        numbered = iter(rows)
        first = list(itertools.islice(numbered, PREVIEW_ROWS))
        width = max((len(row) for _, row in itertools.chain(first, numbered)), default=0)
    except Refused as refused:
        return described | {"refusal": {"code": refused.code, "params": refused.params}}
    margin = [""] * grid.first_column
    preview = [[number, margin + _short(texts_and_kinds(row)[0])] for number, row in first]
    return described | {
        "rows": rows.count,
        "columns": grid.first_column + width,
        "merged": grid.merged,
        "preview": preview,
        "notes": rows.notes,
    }


def _short(texts: list[str]) -> list[str]:
    return [text[:PREVIEW_CHARACTERS] for text in texts]


def _read(book: Book, index: int) -> Iterator[Frame]:
    sheet = next((sheet for sheet in book.sheets if sheet.index == index), None)
    if sheet is None:
        raise Refused("sheet_missing", sheet=index + 1)
    grid = book.grid(sheet)
    rows = FilledRows(sheet, grid)
    yield from Packer(sheet.name, grid.first_column).frames(rows)
    yield {"frame": "end", "rows": rows.count, "notes": rows.notes}


def _refusal(refused: Refused) -> Frame:
    return {"frame": "refused", "code": refused.code, "params": refused.params}


def _cause(error: BaseException) -> str:
    """Where it failed, for the log: never the message, which may quote a client's data."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {os.path.basename(last.filename)}:{last.lineno}"


class _MemoryGauge:
    """Highest resident size. Where there is no /proc, rusage tells it, too high if the parent was larger."""

    def __init__(self) -> None:
        self._status: int | None = None
        with contextlib.suppress(OSError):
            self._status = os.open("/proc/self/status", os.O_RDONLY)

    def peak(self) -> int:
        found = (
            re.search(rb"VmHWM:\s*(\d+)", os.pread(self._status, 4096, 0))
            if self._status is not None
            else None
        )
        return int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _send(frame: Frame) -> None:
    body = json.dumps(frame, ensure_ascii=False, separators=(",", ":"), check_circular=False).encode(
        "utf-8", "replace"
    )
    sys.stdout.buffer.write(len(body).to_bytes(4, "big"))
    sys.stdout.buffer.write(body)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
