"""From bytes to text, for files that do not say how they were written."""

import codecs
import re

from .refusals import Refused

Note = tuple[str, dict[str, str | int]]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_FRENCH = frozenset("éèêëàâäîïôöùûüçœÉÈÊËÀÂÄÎÏÔÖÙÛÜÇŒ")
_SINGLE_BYTE = ("cp1252", "cp850", "mac_roman")
_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n\v\f\r\x1a\x1b")

_WANTED_LATER = (
    "ascii utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 latin-1 iso8859-15 iso8859-2 cp1250 cp1251 cp437"
)
for _codec in (*_WANTED_LATER.split(), *_SINGLE_BYTE):
    codecs.lookup(_codec)  # loaded now: the confined child may open no file later (zipfile too decodes names)


def decode_text(content: bytes) -> tuple[str, list[Note]]:
    """The text of a csv or of any plain text, without its byte-order mark and without NULs.

    Raises Refused("not_a_workbook") for what is no text.
    """
    text = _decode(content)
    counts = {"nul_removed": text.count("\x00"), "characters_lost": text.count("\ufffd")}
    return text.replace("\x00", ""), [(code, {"count": count}) for code, count in counts.items() if count]


def decode_markup(content: bytes) -> str:
    """The text of HTML or XML: byte-order mark first, then what the document declares, then what fits."""
    wide = _unicode_by_mark_or_shape(content)
    if wide is not None:
        return wide
    declared = _DECLARED.search(content[:2048])
    if declared is not None:
        try:
            return content.decode(codecs.lookup(declared[1].decode("ascii")).name, "replace")
        except (LookupError, UnicodeError, OSError):
            pass  # an encoding that nobody knows: go by what the bytes look like
    return _utf8_or_single_byte(content)


def _decode(content: bytes) -> str:
    wide = _unicode_by_mark_or_shape(content)
    if wide is not None:
        return wide
    _refuse_binary(content)
    return _utf8_or_single_byte(content)


def _unicode_by_mark_or_shape(content: bytes) -> str | None:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace").removeprefix("\ufeff")
    guess = _utf16_without_mark(content)
    return None if guess is None else content.decode(guess, "replace")


def _refuse_binary(content: bytes) -> None:
    controls = len(content) - len(content.translate(None, _CONTROLS))
    if controls * 100 > len(content):
        raise Refused("not_a_workbook")


def _utf16_without_mark(content: bytes) -> str | None:
    """UTF-16 of a Latin script has a NUL in nearly every other byte, always on the same side."""
    sample = content[:4096]
    half = len(sample) // 2
    if half == 0:
        return None
    if sample[1::2].count(0) > 0.7 * half and sample[0::2].count(0) < 0.1 * half:
        return "utf-16-le"
    if sample[0::2].count(0) > 0.7 * half and sample[1::2].count(0) < 0.1 * half:
        return "utf-16-be"
    return None


def _utf8_or_single_byte(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    accented = sum(1 for c in text[:1_000_000] if c > "\x7f") - broken
    if accented > 10 * broken:  # UTF-8 with a cut character here and there: cp1252 would ruin every accent
        return text
    return content.decode(_likely_single_byte(content), "replace")


def _likely_single_byte(content: bytes) -> str:
    """cp1252 (Windows), unless its accents would make no French while those of DOS or of an old Mac do."""
    high = bytes(byte for byte in content[:200_000] if byte > 0x7F)
    share = {
        encoding: sum(c in _FRENCH for c in high.decode(encoding, "replace")) / max(len(high), 1)
        for encoding in _SINGLE_BYTE
    }
    best = max(_SINGLE_BYTE, key=lambda encoding: share[encoding])
    return best if share["cp1252"] <= 0.5 and share[best] > 0.9 else "cp1252"
