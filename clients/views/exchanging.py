"""What the pages of exchanged files have in common on both sides: the lines of the list, and the download."""

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO

from django.http import FileResponse
from django.utils.http import content_disposition_header

from clients.files.recognising import SORTS, FileKind
from clients.files.words import refusal
from clients.models import ExchangedFile, FileState

PER_PAGE = 50
# Nothing that the answer holds may run, be it opened in a browser all the same.
_CONFINED = "sandbox; default-src 'none'; frame-ancestors 'none'"


@dataclass(frozen=True)
class Line:
    """One file in a list, with the addresses of what may be done with it now; "" for what may not."""

    file: ExchangedFile
    is_own: bool
    reason: str = ""
    take_url: str = ""
    take_back_url: str = ""
    put_back_url: str = ""


def lines_of(
    files: Iterable[ExchangedFile],
    *,
    for_client: bool,
    may_add: bool,
    url: Callable[[str, ExchangedFile], str],
) -> list[Line]:
    """`may_add`: may this person drop files, hence handle those of their side? `url` makes an address of `take`,
    `take_back`, `put_back`. The files come with their link, and `with_tie()`."""
    return [_line(file, for_client, may_add, url) for file in files]


def _line(
    file: ExchangedFile, for_client: bool, may_add: bool, url: Callable[[str, ExchangedFile], str]
) -> Line:
    is_own, is_there = file.from_client == for_client, file.state == FileState.AVAILABLE
    may_handle = may_add and is_own and file.is_tied
    may_take_back = may_handle and file.state in (FileState.AVAILABLE, FileState.QUARANTINED)
    return Line(
        file,
        is_own,
        reason=refusal(file.reason, {"found": file.found}) if file.reason else "",
        take_url=url("take", file) if is_there else "",
        take_back_url=url("take_back", file) if may_take_back else "",
        put_back_url=url("put_back", file) if may_handle and file.may_be_put_back else "",
    )


def downloaded(fetch: Callable[[IO[bytes]], ExchangedFile]) -> FileResponse:
    """The file as an attachment, streamed from a temporary one; `fetch` fills that, and may raise."""
    target = tempfile.TemporaryFile()  # noqa: SIM115 - the answer closes it once it is sent
    try:
        file = fetch(target)
    except BaseException:
        target.close()
        raise
    target.seek(0)
    response = FileResponse(target, content_type=SORTS[FileKind(file.kind)].mime)
    response["Content-Disposition"] = content_disposition_header(True, file.name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = _CONFINED
    response["Cache-Control"] = "private, no-store"
    return response
