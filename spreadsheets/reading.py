"""Reading workbooks that strangers send: in a child process with limits, whose death is a `Refused` like
any other."""

import contextlib
import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self, cast

from .cells import Kind
from .guard import Format
from .limits import CHILD_CPU_SECONDS, CHILD_WAIT_SECONDS, MAX_FILE_BYTES, MEGABYTE
from .refusals import Param, Refused

logger = logging.getLogger(__name__)

Source = bytes | Path | str

_ROOT = Path(__file__).resolve().parent.parent
_LARGEST_FRAME = 64 * MEGABYTE


@dataclass(frozen=True, slots=True)
class Note:
    """Something the reader noticed. Store both; word with `messages.describe`."""

    code: str
    params: Mapping[str, Param]


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """`number` is the row's number in the sheet, as a person sees it; long cells are shortened."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SheetInfo:
    """`rows` counts filled rows, header included. With a `refusal`, this sheet cannot be read, but others
    may be."""

    index: int
    name: str
    visible: bool
    rows: int
    columns: int
    preview: tuple[PreviewRow, ...]
    merged: tuple[str, ...]
    notes: tuple[Note, ...]
    refusal: Refused | None


@dataclass(frozen=True, slots=True)
class WorkbookInfo:
    format: Format
    sheets: tuple[SheetInfo, ...]
    peak_kilobytes: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Up to 4,000 filled rows, by columns; blank rows are left out, so `numbers` may jump.

    `columns[c][r]` is a cell's text, `kinds[c][r]` one letter of `Kind`. Column 0 is the sheet's column A.
    A chunk is as wide as its widest row: ask for a column by `column(c)` where another chunk may have been
    wider.
    """

    numbers: Sequence[int]
    columns: Sequence[Sequence[str]]
    kinds: Sequence[str]

    def column(self, index: int) -> Sequence[str]:
        return self.columns[index] if index < len(self.columns) else [""] * len(self.numbers)

    def kind(self, index: int) -> str:
        return self.kinds[index] if index < len(self.kinds) else Kind.EMPTY * len(self.numbers)

    def rows(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Row number and cells, row by row."""
        return zip(self.numbers, zip(*self.columns, strict=True), strict=True)


def list_sheets(source: Source) -> WorkbookInfo:
    """All sheets with their size and first rows. Raises Refused where the file, or every sheet of it, is
    unreadable."""
    with OpenWorkbook(source) as workbook:
        return workbook.info


def read_sheet(source: Source, sheet: int = 0) -> "SheetReading":
    """The rows of the sheet with this `SheetInfo.index`, header and titles included, in chunks."""
    return SheetReading(source, sheet)


class OpenWorkbook:
    """`list_sheets`, then `read` for one of them: the largest costs no second look at the file, since the child goes on
    with its rows."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._child = Child(source, "list")
        try:
            self.info, self._next = _listed(self._child.frame())
        except BaseException:
            self._child.close()
            raise

    def read(self, sheet: int) -> "SheetReading":
        return SheetReading(self._source, sheet, self._child if sheet == self._next else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.close()


class SheetReading:
    """Iterate once. `rows`, `notes` and `peak_kilobytes` are complete when the iteration is.

    Raises Refused while iterating: rows yielded before that must not be used. Leaving early, by `with` or
    `close()`, ends the child. `begun`: a child that is about to say these very rows.
    """

    def __init__(self, source: Source, sheet: int, begun: "Child | None" = None) -> None:
        self._source = source
        self._sheet = sheet
        self._child = begun
        self.rows = 0
        self.notes: tuple[Note, ...] = ()
        self.peak_kilobytes = 0

    def __iter__(self) -> Iterator[Chunk]:
        self._child = self._child or Child(self._source, "read", self._sheet)
        with self._child:
            while (frame := self._child.frame()).get("frame") == "rows":
                with distrusting():
                    chunk = _chunk(frame)
                self.rows += len(chunk.numbers)
                yield chunk
            with distrusting():
                self.notes = _notes(frame["notes"])
                self.peak_kilobytes = int(frame["peak_kilobytes"])

    def close(self) -> None:
        if self._child is not None:
            self._child.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def distrusting() -> Iterator[None]:
    """A child that was taken over may say anything: what does not have the shape agreed upon is a refusal."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Refused("unreadable") from error


def _chunk(frame: dict[str, Any]) -> Chunk:
    numbers, columns, kinds = frame["numbers"], frame["columns"], frame["kinds"]
    height = len(numbers)
    sound = (
        set(map(type, numbers)) == {int}
        and len(columns) == len(kinds)
        and all(len(column) == height and set(map(type, column)) == {str} for column in columns)
        and all(isinstance(kind, str) and len(kind) == height for kind in kinds)
    )
    if not sound:
        raise ValueError("not a chunk")
    return Chunk(numbers, columns, kinds)


def _listed(frame: dict[str, Any]) -> tuple[WorkbookInfo, int]:
    """And the index of the sheet whose rows come next."""
    if frame.get("frame") != "sheets":
        raise Refused("unreadable")
    with distrusting():
        return _workbook_info(frame), int(frame["next"])


def _workbook_info(frame: dict[str, Any]) -> WorkbookInfo:
    sheets = tuple(_sheet_info(sheet) for sheet in frame["sheets"])
    return WorkbookInfo(Format(frame["format"]), sheets, int(frame["peak_kilobytes"]))


def _sheet_info(sheet: dict[str, Any]) -> SheetInfo:
    refusal = sheet["refusal"]
    return SheetInfo(
        index=int(sheet["index"]),
        name=str(sheet["name"]),
        visible=bool(sheet["visible"]),
        rows=int(sheet["rows"]),
        columns=int(sheet["columns"]),
        preview=tuple(PreviewRow(int(number), tuple(map(str, cells))) for number, cells in sheet["preview"]),
        merged=tuple(map(str, sheet["merged"])),
        notes=_notes(sheet["notes"]),
        refusal=None if refusal is None else _refusal(refusal),
    )


def _notes(notes: list[Any]) -> tuple[Note, ...]:
    return tuple(Note(str(code), _params(params)) for code, params in notes)


def _refusal(frame: dict[str, Any]) -> Refused:
    return Refused(str(frame["code"]), **_params(frame["params"]))


def _params(params: dict[str, Any]) -> dict[str, Param]:
    return {str(name): value if isinstance(value, int) else str(value) for name, value in params.items()}


class Child:
    """One run of `spreadsheets.child`, or of another `program` like it. Time is counted while waiting for it, not
    while its rows are worked upon. `before`: what it reads before the file."""

    def __init__(
        self,
        source: Source,
        mode: str,
        sheet: int = 0,
        *,
        program: str = "spreadsheets.child",
        before: bytes = b"",
    ) -> None:
        self._patience = float(CHILD_WAIT_SECONDS)
        with _as_file(source, before) as file:
            self._process = subprocess.Popen(
                [sys.executable, "-s", "-m", program, mode, str(sheet), str(os.getpid())],
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={
                    "PYTHONPATH": str(_ROOT),
                    "PYTHONUTF8": "1",
                    "MALLOC_ARENA_MAX": "1",
                },  # and no secret of ours
                cwd=_ROOT,
                close_fds=True,
                start_new_session=True,
                bufsize=0,
            )
        self._pipe = cast(IO[bytes], self._process.stdout)

    def frame(self) -> dict[str, Any]:
        """The next frame. A refusal, the child's death included, is raised."""
        length = int.from_bytes(self._exactly(4), "big")
        if length > _LARGEST_FRAME:
            raise Refused("unreadable")
        with distrusting():
            frame = json.loads(self._exactly(length))
            if frame["frame"] != "refused":
                return dict(frame)
            refused = _refusal(frame)
        if "cause" in frame:
            logger.warning("spreadsheet refused as %s: %s", refused.code, str(frame["cause"])[:200])
        raise refused

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _exactly(self, length: int) -> bytes:
        pieces = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(self._pipe, selectors.EVENT_READ)
            while len(pieces) < length:
                self._wait(selector)
                piece = os.read(self._pipe.fileno(), min(length - len(pieces), MEGABYTE))
                if not piece:
                    raise self._cause_of_death()
                pieces += piece
        return bytes(pieces)

    def _wait(self, selector: selectors.BaseSelector) -> None:
        began = time.monotonic()
        ready = selector.select(max(self._patience, 0))
        self._patience -= time.monotonic() - began
        if not ready:
            raise Refused("too_slow", limit=CHILD_WAIT_SECONDS)

    def _cause_of_death(self) -> Refused:
        status = self._process.wait()
        logger.warning("the child that read a spreadsheet died with status %s", status)
        if status == -signal.SIGXCPU:
            return Refused("too_slow", limit=CHILD_CPU_SECONDS)
        return Refused("unreadable")


@contextlib.contextmanager
def _as_file(source: Source, before: bytes) -> Iterator[IO[bytes]]:
    """A file rather than a pipe: nobody waits for a child that does not read."""
    if not isinstance(source, bytes):
        with open(source, "rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as copy:
        copy.write(before)
        copy.write(source[: MAX_FILE_BYTES + 1])
        copy.seek(0)
        yield copy
