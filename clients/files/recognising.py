"""What a dropped file really is: its content decides, never its name. What is not in the list is refused.

Nothing is unpacked and nothing parsed: signatures and tables of contents only, a few milliseconds.
"""

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from clients.files.limits import MEGABYTE, MOST_BYTES, MOST_PARTS
from spreadsheets import ole
from spreadsheets.refusals import Refused


class FileKind(StrEnum):
    PDF = "pdf"
    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    HEIC = "heic"
    TIFF = "tiff"
    DOCX = "docx"
    XLSX = "xlsx"
    PPTX = "pptx"
    ODT = "odt"
    ODS = "ods"
    ODP = "odp"
    DOC = "doc"
    XLS = "xls"
    PPT = "ppt"
    XML = "xml"
    TEXT = "text"


@dataclass(frozen=True)
class Sort:
    """How a kind of file is sent, and how its name may end; the first ending is given to a name that has another."""

    mime: str
    endings: tuple[str, ...]


_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."
SORTS: Mapping[FileKind, Sort] = {
    FileKind.PDF: Sort("application/pdf", ("pdf",)),
    FileKind.JPEG: Sort("image/jpeg", ("jpg", "jpeg")),
    FileKind.PNG: Sort("image/png", ("png",)),
    FileKind.WEBP: Sort("image/webp", ("webp",)),
    FileKind.HEIC: Sort("image/heic", ("heic", "heif")),
    FileKind.TIFF: Sort("image/tiff", ("tif", "tiff")),
    FileKind.DOCX: Sort(f"{_OOXML}wordprocessingml.document", ("docx",)),
    FileKind.XLSX: Sort(f"{_OOXML}spreadsheetml.sheet", ("xlsx",)),
    FileKind.PPTX: Sort(f"{_OOXML}presentationml.presentation", ("pptx",)),
    FileKind.ODT: Sort(f"{_ODF}text", ("odt",)),
    FileKind.ODS: Sort(f"{_ODF}spreadsheet", ("ods",)),
    FileKind.ODP: Sort(f"{_ODF}presentation", ("odp",)),
    FileKind.DOC: Sort("application/msword", ("doc",)),
    FileKind.XLS: Sort("application/vnd.ms-excel", ("xls",)),
    FileKind.PPT: Sort("application/vnd.ms-powerpoint", ("ppt",)),
    # Never as XML or text: a browser would show it.
    FileKind.XML: Sort("application/octet-stream", ("xml",)),
    FileKind.TEXT: Sort("application/octet-stream", ("txt", "csv", "tsv", "ofx", "qif", "fec")),
}

_SIGNATURES: Mapping[bytes, FileKind] = {
    b"\xff\xd8\xff": FileKind.JPEG,
    b"\x89PNG\r\n\x1a\n": FileKind.PNG,
    b"II*\x00": FileKind.TIFF,
    b"MM\x00*": FileKind.TIFF,
}
_HEIC = re.compile(rb"....ftyp(?:heic|heix|hevc|mif1|msf1)", re.DOTALL)
_WEBP = re.compile(rb"RIFF....WEBP", re.DOTALL)
_OOXML_MAIN = {
    "word/document.xml": FileKind.DOCX,
    "xl/workbook.xml": FileKind.XLSX,
    "ppt/presentation.xml": FileKind.PPTX,
}
_OLE_MAIN = {
    "worddocument": FileKind.DOC,
    "workbook": FileKind.XLS,
    "book": FileKind.XLS,
    "powerpoint document": FileKind.PPT,
}
_MACRO_PART = re.compile(
    r"(?:^|/)vbaproject\w*\.bin$|^xl/(?:macrosheets|dialogsheets)/|/activex/|^(?:basic|scripts)/.+"
)
_MACRO_STREAMS = {"macros", "vba", "_vba_project", "_vba_project_cur"}
_LOCKED_STREAMS = {"encryptedpackage", "encryptioninfo"}
# Of a text, what a program or a browser would run; of an XML, what turns it into one of Office's or a browser's.
_RUNS = re.compile(
    r"<(?:!doctype|!entity|html|script|svg|iframe|\?xml-stylesheet|\?mso-application|\?php)\b"
    r"|w3\.org/(?:1999/xhtml|1999/xsl|2000/svg)|urn:schemas-microsoft-com:office|^mime-version:",
    re.IGNORECASE | re.MULTILINE,
)
_CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\n\f\r\x1a"))
_HEAD = 64 * 1024  # characters


def recognise(content: bytes) -> FileKind:
    """The kind of file. Raises Refused: `empty`, `too_big`, `damaged`, `encrypted`, `macros`, `not_accepted`."""
    if not content:
        raise Refused("empty")
    if len(content) > MOST_BYTES:
        raise Refused("too_big", limit=MOST_BYTES // MEGABYTE)
    if content.startswith(b"PK\x03\x04"):
        return _of_zip(content)
    if content.startswith(ole.SIGNATURE):
        return _of_ole(content)
    return _of_signature(content) or _of_text(content)


def _of_signature(content: bytes) -> FileKind | None:
    if content[:16].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"%PDF-"):
        return FileKind.PDF
    if _HEIC.match(content):
        return FileKind.HEIC
    if _WEBP.match(content):
        return FileKind.WEBP
    return next((kind for mark, kind in _SIGNATURES.items() if content.startswith(mark)), None)


def _of_zip(content: bytes) -> FileKind:
    try:
        names = [part.filename for part in zipfile.ZipFile(io.BytesIO(content)).infolist()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError, EOFError) as error:
        raise Refused("damaged") from error
    if len(names) > MOST_PARTS:
        raise Refused("not_accepted")
    lower = {name.lower().replace("\\", "/") for name in names}
    kind = _of_odf(content) or next((kind for main, kind in _OOXML_MAIN.items() if main in lower), None)
    if kind is None:
        raise Refused("archive")
    if any(_MACRO_PART.search(name) for name in lower):
        raise Refused("macros")
    return kind


def _of_odf(content: bytes) -> FileKind | None:
    """An OpenDocument says what it is in its first part, which is neither compressed nor anywhere else."""
    said = content[30:120]
    if not said.startswith(b"mimetype"):
        return None
    told = said.removeprefix(b"mimetype")
    found = (kind for kind in (FileKind.ODT, FileKind.ODS, FileKind.ODP) if _says(told, SORTS[kind].mime))
    return next(found, None)


def _says(told: bytes, mime: str) -> bool:
    """Is it that type, and not one whose name only begins like it (a template, a master document)?"""
    return told.startswith(mime.encode()) and told[len(mime) : len(mime) + 1] != b"-"


def _of_ole(content: bytes) -> FileKind:
    streams = {name.lower() for name in ole.entries(content)}
    if streams & _LOCKED_STREAMS:
        raise Refused("encrypted")
    kind = next((kind for main, kind in _OLE_MAIN.items() if main in streams), None)
    if kind is None:
        raise Refused("not_accepted")
    if streams & _MACRO_STREAMS:
        raise Refused("macros")
    return kind


def _of_text(content: bytes) -> FileKind:
    """What can be read as text, and nothing runs: a bank's statement, an accounting file, an invoice as XML."""
    text = _decoded(content)
    start = text[:_HEAD].lstrip("\ufeff \t\r\n")
    is_xml = start.startswith("<?xml")
    if start.startswith(("#!", "{\\rtf")) or (start.startswith("<") and not is_xml):
        raise Refused("not_accepted")
    if _RUNS.search(text if is_xml else start):
        raise Refused("not_accepted")
    return FileKind.XML if is_xml else FileKind.TEXT


def _decoded(content: bytes) -> str:
    """Raises Refused for what is no text: it holds what no text holds."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError as error:
            raise Refused("not_accepted") from error
    if len(content) != len(content.translate(None, _CONTROLS)):
        raise Refused("not_accepted")
    return content.decode("utf-8", "replace")
