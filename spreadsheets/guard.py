"""What a file really is, and whether it may be parsed at all. The content decides, never the extension.

`recognise` looks at signatures and tables of contents only (a few milliseconds: fit for a web request);
`inspect` also inflates every part of a zip, counting as it goes, so that no parser ever meets a bomb.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from enum import StrEnum

from . import decoding, ole
from .limits import MAX_FILE_BYTES, MAX_INFLATED_BYTES, MAX_PARTS, MEGABYTE
from .refusals import Refused


class Format(StrEnum):
    XLSX = "xlsx"
    XLS = "xls"
    ODS = "ods"
    XML_2003 = "xml2003"
    HTML = "html"
    TEXT = "text"


_PIECE = MEGABYTE
_LONGEST_MARK = 64
_OLD_EXCEL = re.compile(rb"\x09[\x00\x02\x04\x08][\x04\x06\x08]\x00")
_BINARY = (
    b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"{\\rtf", b"\x7fELF",
    b"MZ", b"PAR1", b"SQLite format 3",
)  # fmt: skip
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body|meta|table|style|div|title)\b", re.IGNORECASE)
_DOCTYPE = re.compile(r"<!(?:DOCTYPE|ENTITY)")
_DOCTYPE_BYTES = tuple(
    mark.encode(encoding)
    for mark in ("<!DOCTYPE", "<!ENTITY")
    for encoding in ("ascii", "utf-16-le", "utf-16-be")
)
_MACRO_PART = re.compile(
    r"(?:^|/)vbaproject\w*\.bin$|^xl/(?:macrosheets|dialogsheets)/|^(?:basic|scripts)/.+\.xml$"
)
_EMBEDDED_PART = re.compile(r"^xl/(?:embeddings|activex)/.")
_XML_PART = re.compile(r"\.(?:xml|rels|vml|rdf)$")
_ODS_EMBEDDED = re.compile(
    rb'media-type="application/(?:vnd\.sun\.star\.oleobject'
    rb'|vnd\.oasis\.opendocument\.(?!chart|formula)[\w-]+"\s+[\w:]*full-path="[^"/])'
    rb'|full-path="[^"/][^"]*"\s+[\w:]*media-type="application/(?:vnd\.sun\.star\.oleobject'
    rb"|vnd\.oasis\.opendocument\.(?!chart|formula)[\w-]+\")"
)


def recognise(content: bytes) -> Format:
    """The kind of file, from its first bytes and its table of contents. Raises Refused."""
    if not content:
        raise Refused("empty")
    if len(content) > MAX_FILE_BYTES:
        raise Refused("too_big", limit=MAX_FILE_BYTES // MEGABYTE)
    if content.startswith(b"PK\x03\x04"):
        return _recognise_zip(_parts(content))
    if content.startswith(ole.SIGNATURE):
        return _recognise_ole(content)
    if b"%PDF-" in content[:1024]:
        raise Refused("pdf")
    if _OLD_EXCEL.match(content):
        raise Refused("old_excel")
    if content.startswith((*_BINARY, b"PK")):
        raise Refused("not_a_workbook")
    return _recognise_text(content)


def inspect(content: bytes) -> Format:
    """Everything that is checked before a parser may see the file. Raises Refused."""
    kind = recognise(content)
    if kind in (Format.XLSX, Format.ODS):
        _inspect_parts(content, kind)
    if kind is Format.XML_2003 and _DOCTYPE.search(decoding.decode_markup(content)):
        raise Refused("has_doctype")
    return kind


def inflated_size(content: bytes) -> int:
    """How many bytes a file that was inspected holds once decompressed."""
    if not content.startswith(b"PK\x03\x04"):
        return len(content)
    return sum(part.file_size for part in _parts(content))


def _recognise_ole(content: bytes) -> Format:
    entries = ole.entries(content)
    lower = {name.lower() for name in entries}
    if lower & {"encryptedpackage", "encryptioninfo"}:
        raise Refused("encrypted")
    if not lower & {"workbook", "book"}:
        raise Refused("not_a_workbook")
    if lower & {"_vba_project_cur", "_vba_project", "vba"}:
        raise Refused("macros")
    if any(name.startswith("mbd") or name in ("objectpool", "\x01ole10native") for name in lower):
        raise Refused("embedded_objects")
    if any(
        ole.is_locked(content, start)
        for name, start in entries.items()
        if name.lower() in ("workbook", "book")
    ):
        raise Refused("encrypted")
    return Format.XLS


def _recognise_text(content: bytes) -> Format:
    head = decoding.decode_markup(content[:4096]).lstrip("\ufeff \t\r\n")
    if head.startswith("MIME-Version:"):
        raise Refused("not_a_workbook")  # a web archive (.mht): its table is hidden in a mail
    if not head.startswith("<"):
        return Format.TEXT
    if "urn:schemas-microsoft-com:office:spreadsheet" in head and "<html" not in head.lower():
        return Format.XML_2003
    if _HTML.search(head):
        return Format.HTML
    raise Refused("not_a_workbook")


def _parts(content: bytes) -> list[zipfile.ZipInfo]:
    try:
        parts = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError, EOFError) as error:
        raise Refused("damaged") from error
    if len(parts) > MAX_PARTS:
        raise Refused("too_many_parts", count=len(parts), limit=MAX_PARTS)
    return parts


def _plain(part: zipfile.ZipInfo) -> str:
    return part.filename.replace("\\", "/").lower()


def _recognise_zip(parts: list[zipfile.ZipInfo]) -> Format:
    names = {_plain(part) for part in parts}
    if any(part.flag_bits & 0x1 for part in parts):
        raise Refused("encrypted")
    kind = _zip_kind(names)
    if len(names) < len(parts) or any(_is_forbidden(part) for part in parts):
        raise Refused("bad_part_names")
    if any(_MACRO_PART.search(name) for name in names):
        raise Refused("macros")
    if any(_EMBEDDED_PART.search(name) for name in names):
        raise Refused("embedded_objects")
    if sum(part.file_size for part in parts) > MAX_INFLATED_BYTES:  # what it admits; `inspect` counts
        raise Refused("inflates_too_much", limit=MAX_INFLATED_BYTES // MEGABYTE)
    return kind


def _zip_kind(names: set[str]) -> Format:
    if "xl/workbook.bin" in names:
        raise Refused("binary_workbook")
    if "xl/workbook.xml" in names:
        return Format.XLSX
    if "content.xml" in names and "mimetype" in names:
        return Format.ODS
    raise Refused("not_a_workbook")


def _is_forbidden(part: zipfile.ZipInfo) -> bool:
    name = part.orig_filename.replace("\\", "/")
    return name.startswith("/") or ".." in name.split("/") or "\x00" in name or ":" in name


def _inspect_parts(content: bytes, kind: Format) -> None:
    room = MAX_INFLATED_BYTES
    for part in _parts(content):
        name = _plain(part)
        watch = _XML_PART.search(name) is not None and not name.startswith(("xl/media/", "pictures/"))
        tail = b""
        for piece in inflate(content, part):
            room -= len(piece)
            if room < 0:
                raise Refused("inflates_too_much", limit=MAX_INFLATED_BYTES // MEGABYTE)
            if watch:
                _refuse_doctype(tail + piece[:_LONGEST_MARK], piece)
                tail = piece[-_LONGEST_MARK:]
    if kind is Format.ODS:
        _inspect_ods(content)


def _refuse_doctype(seam: bytes, piece: bytes) -> None:
    for text in (seam, piece):
        if any(mark in text for mark in _DOCTYPE_BYTES):
            raise Refused("has_doctype")


def _inspect_ods(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = {part.filename for part in archive.infolist()}
        if not archive.read("mimetype").startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
            raise Refused("not_a_workbook")
        manifest = archive.read("META-INF/manifest.xml") if "META-INF/manifest.xml" in names else b""
    if b"encryption-data" in manifest:
        raise Refused("encrypted")
    if _ODS_EMBEDDED.search(manifest):
        raise Refused("embedded_objects")


def inflate(content: bytes, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """The part's real bytes in pieces of at most a megabyte, whatever size the archive claims for it.

    zipfile stops at the claimed size, other unzippers do not: so this one goes on to the true end, then
    compares. Raises Refused("damaged") where size or checksum differ.
    """
    total, checksum = 0, 0
    for piece in _pieces(content, part):
        total += len(piece)
        checksum = zlib.crc32(piece, checksum)
        yield piece
    if total != part.file_size or checksum != part.CRC:
        raise Refused("damaged")


def _pieces(content: bytes, part: zipfile.ZipInfo) -> Iterator[bytes]:
    raw = _compressed(content, part)
    if part.compress_type == zipfile.ZIP_STORED:
        yield bytes(raw)
        return
    if part.compress_type != zipfile.ZIP_DEFLATED:
        raise Refused("damaged")
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        piece = engine.decompress(raw, _PIECE)
        while piece:
            yield piece
            piece = engine.decompress(engine.unconsumed_tail, _PIECE)
    except zlib.error as error:
        raise Refused("damaged") from error


def _compressed(content: bytes, part: zipfile.ZipInfo) -> memoryview:
    at = part.header_offset
    if content[at : at + 4] != b"PK\x03\x04":
        raise Refused("damaged")
    name_length = int.from_bytes(content[at + 26 : at + 28], "little")
    extra_length = int.from_bytes(content[at + 28 : at + 30], "little")
    start = at + 30 + name_length + extra_length
    if start + part.compress_size > len(content):
        raise Refused("damaged")
    return memoryview(content)[start : start + part.compress_size]
