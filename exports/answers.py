"""How a view answers somebody who asks for an export: with the file, or with the page of its preparation."""

import tempfile
from typing import IO

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, HttpResponseBase
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts.answers import done
from accounts.places import FirmRequest
from exports.actions import export_now
from exports.jobs import TooManyAtWork, order_export
from exports.kinds import Book, Kind, Parameters
from exports.limits import MOST_LINES

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def exported(request: FirmRequest, kind: Kind, parameters: Parameters) -> HttpResponseBase:
    """What is asked for, as far as the member may have it: at once if that takes a moment, else from a worker.

    Raises PermissionDenied, and Gone for parameters that the request should not have let through.
    """
    kind.require(request.member)
    book = kind.book(request.member, parameters)
    if book.weight() <= settings.EXPORTS_AT_ONCE:
        return _at_once(request, kind, book)
    if (lines := book.expected()) > MOST_LINES:
        return _refused(request, kind, parameters, lines)
    try:
        export = order_export(actor=request.member, kind=kind, parameters=parameters, book=book)
    except TooManyAtWork:
        messages.error(request, _("Several exports of yours are being prepared: wait until one is ready."))
        return done(request, request.firm.url("exports:list"))
    return done(request, request.firm.url("exports:export", pk=export.pk))


def workbook(file: IO[bytes], name: str) -> FileResponse:
    """The file as a download; closed once it is sent."""
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=name, content_type=_XLSX)


def _at_once(request: FirmRequest, kind: Kind, book: Book) -> FileResponse:
    target = tempfile.TemporaryFile()  # noqa: SIM115 - the answer closes it once it is sent
    export_now(actor=request.member, kind=kind, book=book, target=target)
    return workbook(target, book.name() or kind.file_name())


def _refused(request: FirmRequest, kind: Kind, parameters: Parameters, lines: int) -> HttpResponseBase:
    """Back to where filters are, which make it less."""
    told = _("That would be about %(lines)s lines; an export holds %(most)s. Narrow it down by the filters.")
    numbers = {"lines": lines, "most": MOST_LINES}
    shown = {
        name: number_format(number, use_l10n=True, force_grouping=True) for name, number in numbers.items()
    }
    messages.error(request, told % shown)
    return done(request, kind.page(request.firm, parameters))
