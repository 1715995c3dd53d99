"""The process that marks a workbook: `python -m spreadsheets.marker mark 0 <parent pid>`; on stdin four bytes of
length, the marks as JSON, then the file. Confined as `spreadsheets.child` is, which does not pay for openpyxl.
"""

import base64
import json
import sys
import warnings
from collections.abc import Iterator

from .child import Frame, serve
from .colouring import coloured, warm_up
from .guard import Format, inspect
from .limits import MAX_FILE_BYTES, MEGABYTE
from .marks import Marks
from .refusals import Refused

_PIECE = 3 * MEGABYTE


def main(arguments: list[str]) -> None:
    warm_up()
    warnings.simplefilter("ignore")
    serve(int(arguments[2]), _marked)


def _marked() -> Iterator[Frame]:
    length = int.from_bytes(sys.stdin.buffer.read(4), "big")
    marks = Marks.of(json.loads(sys.stdin.buffer.read(length)))
    content = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    if inspect(content) is not Format.XLSX:
        raise Refused("not_a_workbook")
    marked = coloured(content, marks)
    for start in range(0, len(marked), _PIECE):
        yield {"frame": "piece", "content": base64.b64encode(marked[start : start + _PIECE]).decode("ascii")}
    yield {"frame": "end"}


if __name__ == "__main__":
    main(sys.argv[1:])
