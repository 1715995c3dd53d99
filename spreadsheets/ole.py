"""The table of contents of an OLE compound file ([MS-CFB]): enough to know what a .xls, or an encrypted
.xlsx, holds."""

import struct
from collections.abc import Iterator

from .refusals import Refused

SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_END_OF_CHAIN = 0xFFFFFFFA  # this and above are not sectors: free, end, FAT, DIFAT
_ENTRY_BYTES = 128
_FILEPASS = 0x002F


def entries(content: bytes) -> dict[str, int]:
    """All streams and storages with the first sector of each. Raises Refused("damaged") where the structure does
    not hold."""
    try:
        directory = b"".join(_CompoundFile(content).directory())
    except (struct.error, IndexError) as error:
        raise Refused("damaged") from error
    found = (directory[at : at + _ENTRY_BYTES] for at in range(0, len(directory), _ENTRY_BYTES))
    return {
        _name(entry): int.from_bytes(entry[116:120], "little")
        for entry in found
        if len(entry) == _ENTRY_BYTES and entry[66]
    }


def is_locked(content: bytes, start: int) -> bool:
    """Whether the workbook stream that starts in this sector is encrypted: a FILEPASS record follows its beginning
    ([MS-XLS] 2.4.117)."""
    sector_bytes = 1 << int.from_bytes(content[30:32], "little")
    records = content[(start + 1) * sector_bytes :][:sector_bytes]
    at = 0
    while at + 4 <= len(records):
        kind, length = struct.unpack_from("<HH", records, at)
        if kind == _FILEPASS:
            return True
        at += 4 + length
    return False


def _name(entry: bytes) -> str:
    length = min(max(int.from_bytes(entry[64:66], "little") - 2, 0), 62)
    return entry[:length].decode("utf-16-le", "replace")


class _CompoundFile:
    def __init__(self, content: bytes) -> None:
        self.content = content
        shift = struct.unpack_from("<H", content, 30)[0]
        if shift not in (9, 12):
            raise Refused("damaged")
        self.sector_bytes = 1 << shift
        self.sector_count = len(content) // self.sector_bytes
        self.fat = [entry for sector in self._fat_sectors() for entry in self._numbers(sector)]

    def directory(self) -> Iterator[bytes]:
        sector = struct.unpack_from("<I", self.content, 48)[0]
        for _ in range(self.sector_count):
            if sector >= _END_OF_CHAIN:
                return
            yield self._sector(sector)
            sector = self.fat[sector]
        raise Refused("damaged")  # a chain longer than the file runs in a circle

    def _fat_sectors(self) -> list[int]:
        listed = list(struct.unpack_from("<109I", self.content, 76))
        more = struct.unpack_from("<I", self.content, 68)[0]
        for _ in range(self.sector_count):
            if more >= _END_OF_CHAIN:
                break
            *numbers, more = self._numbers(more)
            listed += numbers
        return [sector for sector in listed if sector < _END_OF_CHAIN][: self.sector_count]

    def _numbers(self, sector: int) -> tuple[int, ...]:
        return struct.unpack(f"<{self.sector_bytes // 4}I", self._sector(sector))

    def _sector(self, sector: int) -> bytes:
        start = (sector + 1) * self.sector_bytes
        return self.content[start : start + self.sector_bytes]
