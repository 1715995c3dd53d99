"""A look over a worksheet's XML before calamine makes a dense table of it: where does the list really end?

Calamine reserves the rectangle from the first to the last filled cell: one cell in XFD1048576 is 549 GB. So
a sheet is cut where more than 1,000 blank rows follow, and one with cells beyond the last column that is
read is refused. What a parser would drop in silence is counted on the way: error values, formulas without a
stored result.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .limits import MAX_BLANK_ROWS, MAX_ROWS

Xml = bytes | bytearray
_PREFIX = re.compile(rb"<((?:\w+:)?)sheetData\b")
_FAR = rb"[A-Z]{3,}[0-9]+|[D-Z][A-Z][0-9]+|C[W-Z][0-9]+"
_SHOWN = 5


@dataclass(frozen=True)
class Layout:
    """`cut`: where the XML must end, after row `last_row`; None where it may stay whole."""

    cut: int | None
    last_row: int
    far_cell: str | None
    errors: tuple[int, str]
    uncalculated: tuple[int, str]
    prefix: bytes = b""

    def shortened(self, xml: Xml) -> Xml:
        return xml[: self.cut] + b"</%ssheetData></%sworksheet>" % (self.prefix, self.prefix)


def survey(xml: Xml) -> Layout:
    """`xml` is the worksheet's part as stored."""
    prefix_match = _PREFIX.search(xml)
    prefix = prefix_match[1] if prefix_match else b""
    cut, last_row = _end_of_list(xml, prefix)
    end = len(xml) if cut is None else cut
    return Layout(
        cut=cut,
        last_row=last_row,
        far_cell=_far_cell(xml, end),
        errors=_addresses(xml, end, b't="e"', rb'\br="([A-Z]+[0-9]+)"[^>]*\bt="e"'),
        uncalculated=_addresses(xml, end, b"<%sf" % prefix, _uncalculated(prefix)),
        prefix=prefix,
    )


def _end_of_list(xml: Xml, prefix: bytes) -> tuple[int | None, int]:
    last = 0
    if not _may_have_a_gap(xml, prefix):
        return None, last
    for number, start, filled in _rows(xml, prefix):
        if not filled:
            continue
        if number - last > MAX_BLANK_ROWS + 1:
            return start, last
        last = number
    return None, last


def _may_have_a_gap(xml: Xml, prefix: bytes) -> bool:
    """Rows are numbered in order in nearly every file, so the last one tells; the slow walk settles the
    rest."""
    last_row = xml.rfind(b"<%srow" % prefix)
    if last_row < 0:
        return False
    number = re.search(rb'\br="([0-9]+)"', xml[last_row : last_row + 300])
    count = xml.count(b"<%srow" % prefix)
    return number is None or count > MAX_ROWS or int(number[1]) - count > MAX_BLANK_ROWS


def _rows(xml: Xml, prefix: bytes) -> Iterator[tuple[int, int, bool]]:
    """Number and start of each row that has cells, and whether one of these holds anything."""
    number, start, body = 0, -1, 0
    for match in re.finditer(rb'<%srow\b[^>]*?\br="([0-9]{1,9})"[^>]*(?<!/)>' % prefix, xml):
        if start >= 0:
            yield number, start, _is_filled(xml, body, match.start(), prefix)
        number, start, body = int(match[1]), match.start(), match.end()
    if start >= 0:
        yield number, start, _is_filled(xml, body, len(xml), prefix)


def _is_filled(xml: Xml, start: int, end: int, prefix: bytes) -> bool:
    return any(xml.find(b"<%s%s" % (prefix, tag), start, end) >= 0 for tag in (b"v>", b"is>", b"v "))


def _far_cell(xml: Xml, end: int) -> str | None:
    filled = re.compile(rb' r="(' + _FAR + rb')"[^>]*(?<!/)>\s*<(?:\w+:)?(?:v|is)\b').search(xml, 0, end)
    return filled[1].decode("ascii") if filled else None


def _uncalculated(prefix: bytes) -> bytes:
    """A formula cell that ends without a value. `t="str"` with an empty one is a formula whose result is
    ""."""
    formula = rb"<%sf\b(?:[^>]*/>|[^>]*>[^<]*</%sf>)" % (prefix, prefix)
    no_value = rb"\s*(?:<%sv\s*/>|<%sv></%sv>)?\s*</%sc>" % (prefix, prefix, prefix, prefix)
    return rb'\br="([A-Z]+[0-9]+)"(?![^>]*\bt="str")[^>]*>\s*' + formula + no_value


def _addresses(xml: Xml, end: int, sign: bytes, pattern: bytes) -> tuple[int, str]:
    """How many, and the first few of them. `sign` saves the search in the many sheets that have none."""
    if xml.find(sign, 0, end) < 0:
        return 0, ""
    found = [match[1].decode("ascii") for match in re.compile(pattern).finditer(xml, 0, end)]
    return len(found), ", ".join(found[:_SHOWN]) + (" …" if len(found) > _SHOWN else "")
