"""What a dropped file is, by its content, and what it may be called."""

import io
import zipfile

import openpyxl
import pytest

from clients.files.limits import MOST_BYTES
from clients.files.naming import safe_name
from clients.files.recognising import SORTS, FileKind, recognise
from clients.files.words import REFUSALS
from spreadsheets.refusals import Refused
from tests.spreadsheets.files import ole


def zipped(*names: str, first: bytes = b"") -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        if first:
            archive.writestr("mimetype", first)
        for name in names:
            archive.writestr(name, b"<x/>")
    return target.getvalue()


def workbook() -> bytes:
    target = io.BytesIO()
    openpyxl.Workbook().save(target)
    return target.getvalue()


ODT = b"application/vnd.oasis.opendocument.text"
TAKEN = [
    (b"%PDF-1.7\n...", FileKind.PDF),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF", FileKind.JPEG),
    (b"\x89PNG\r\n\x1a\n\x00", FileKind.PNG),
    (b"RIFF\x00\x00\x00\x00WEBPVP8 ", FileKind.WEBP),
    (b"\x00\x00\x00\x18ftypheic\x00", FileKind.HEIC),
    (b"II*\x00\x08\x00", FileKind.TIFF),
    (workbook(), FileKind.XLSX),
    (zipped("[Content_Types].xml", "word/document.xml"), FileKind.DOCX),
    (zipped("ppt/presentation.xml"), FileKind.PPTX),
    (zipped("content.xml", first=ODT), FileKind.ODT),
    ("JournalCode|JournalLib\nVE|Ventes é".encode(), FileKind.TEXT),
    ("Débit;Crédit\n1;2".encode("cp1252"), FileKind.TEXT),
    ("Débit\t1".encode("utf-16"), FileKind.TEXT),
    (b'<?xml version="1.0"?><Invoice><Header/></Invoice>', FileKind.XML),
]
REFUSED = [
    (b"", "empty"),
    (b"%PDF-" + b"0" * MOST_BYTES, "too_big"),
    (b"PK\x03\x04 cut off", "damaged"),
    (zipped("facture.pdf"), "archive"),
    (zipped("word/document.xml", "word/vbaProject.bin"), "macros"),
    (zipped("xl/workbook.xml", "xl/macrosheets/sheet1.xml"), "macros"),
    (zipped("content.xml", "Basic/Standard/Module1.xml", first=ODT), "macros"),
    (zipped("content.xml", first=ODT + b"-template"), "archive"),
    (b"MZ\x90\x00\x03\x00", "not_accepted"),
    (b"\x7fELF\x02\x01\x01\x00", "not_accepted"),
    (b"GIF89a\x01\x00", "not_accepted"),
    (b"<html><script>alert(1)</script>", "not_accepted"),
    (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "not_accepted"),
    (b'<?xml version="1.0"?><x:a xmlns:x="http://www.w3.org/1999/xhtml"/>', "not_accepted"),
    (b'<?xml version="1.0"?><?mso-application progid="Word.Document"?><w/>', "not_accepted"),
    (b'<?xml version="1.0"?>' + b" " * 200_000 + b"<!DOCTYPE a>", "not_accepted"),
    (b"{\\rtf1\\ansi}", "not_accepted"),
    (b"#!/bin/sh\nrm", "not_accepted"),
    (b"MIME-Version: 1.0\nContent-Type: multipart/related", "not_accepted"),
    (b"text with a NUL \x00", "not_accepted"),
]


@pytest.mark.parametrize(("content", "kind"), TAKEN)
def test_what_is_accepted_is_known_by_its_content(content: bytes, kind: FileKind) -> None:
    assert recognise(content) == kind


@pytest.mark.parametrize(("content", "code"), REFUSED)
def test_what_is_refused_says_why(content: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        recognise(content)
    assert refused.value.code == code
    assert code in REFUSALS


@pytest.mark.parametrize(
    ("stream", "kind"),
    [("WordDocument", FileKind.DOC), ("Workbook", FileKind.XLS), ("PowerPoint Document", FileKind.PPT)],
)
def test_old_documents_are_known_by_their_main_stream(stream: str, kind: FileKind) -> None:
    assert recognise(ole({stream: b"x"})) == kind
    with pytest.raises(Refused, match="macros"):
        recognise(ole({stream: b"x"}, ["Macros"]))


def test_a_locked_document_and_an_unknown_one_are_refused() -> None:
    for streams, code in (({"EncryptedPackage": b"x"}, "encrypted"), ({"Letters": b"x"}, "not_accepted")):
        with pytest.raises(Refused, match=code):
            recognise(ole(streams))
    with pytest.raises(Refused, match="damaged"):
        recognise(ole({"Workbook": b"x"})[:100])


@pytest.mark.parametrize(
    ("given", "kind", "kept"),
    [
        ("Bilan 2025.pdf", FileKind.PDF, "Bilan 2025.pdf"),
        ("Bilan.PDF", FileKind.PDF, "Bilan.PDF"),
        ("C:\\Users\\Claire\\bilan.pdf", FileKind.PDF, "bilan.pdf"),
        ("../../etc/passwd", FileKind.TEXT, "passwd.txt"),
        ("facture.exe", FileKind.PDF, "facture.exe.pdf"),
        ("script.bat", FileKind.TEXT, "script.bat.txt"),
        ("FEC20251231.csv", FileKind.TEXT, "FEC20251231.csv"),
        ("photo", FileKind.JPEG, "photo.jpg"),
        ("facture\u202efdp.exe", FileKind.PDF, "facturefdp.exe.pdf"),
        ("a\r\nSet-Cookie: x.pdf", FileKind.PDF, "a Set-Cookie_ x.pdf"),
        ("con.pdf", FileKind.PDF, "_con.pdf"),
        (".pdf", FileKind.PDF, "pdf.pdf"),
        ("  ..  ", FileKind.PDF, "fichier.pdf"),
        ("e\u0301te\u0301.pdf", FileKind.PDF, "été.pdf"),
    ],
)
def test_a_name_is_safe_and_says_what_the_file_is(given: str, kind: FileKind, kept: str) -> None:
    assert safe_name(given, kind) == kept


def test_a_long_name_is_cut_and_keeps_its_ending() -> None:
    kept = safe_name("x" * 400 + ".pdf", FileKind.PDF)
    assert len(kept) < 200 and kept.endswith("x.pdf")


def test_nothing_is_sent_as_what_a_browser_would_run() -> None:
    assert set(SORTS) == set(FileKind)
    shown = {sort.mime for sort in SORTS.values()}
    assert not any(kind in mime for mime in shown for kind in ("html", "svg", "text/", "javascript", "/xml"))
