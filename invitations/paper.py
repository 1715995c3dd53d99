"""The printed letter: one A4 page for each client, as PDF, for an envelope with its window at the right (DL or C5).

The window: folded in three for DL (110 × 220 mm) or in two for C5 (162 × 229 mm), the sheet may slip inside its
envelope; what always shows of it then are the millimetres 109 to 190 from the left and 57 to 79 from the top. The
address stands there, six lines at most, as La Poste reads them; nothing else stands where a window might show it.
"""

import io
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

from accounts.models import Firm
from clients.models import Dossier, DossierKind
from invitations.models import grouped

WIDTH, HEIGHT = A4
LEFT, RIGHT = 20 * mm, 190 * mm
# The window, from the top.
WINDOW_LEFT, WINDOW_TOP, WINDOW_LINES = 109 * mm, 57 * mm, 6
LINE, SIZE = 3.6 * mm, 9.5
SMALLEST = 7.0
DATE_TOP, BODY_TOP = 107 * mm, 112 * mm
FOLD = 99 * mm
QR_SIDE = 40 * mm
# Readers take any of the eight masks. To weigh them all would take most of a page's time, and random codes have
# no pattern that one of them would have to break.
MASK = 4
PLAIN, BOLD, CODE = "Helvetica", "Helvetica-Bold", "Courier-Bold"
INK, QUIET, RULE = HexColor("#1b2430"), HexColor("#55606e"), HexColor("#c3cad3")
# What the fonts of every PDF reader lack, and what stands for it.
_OTHERWISE = str.maketrans({"Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "ı": "i", "ẞ": "SS", "\u202f": "\u00a0"})
FRANCE = frozenset({"", "france", "fr"})


@dataclass(frozen=True)
class Sheet:
    """One letter: to the client of this dossier, with this code, good until then, in `fr` or `en`."""

    dossier: Dossier
    code: str
    until: datetime
    language: str = "fr"


def as_pdf(*, firm: Firm, sheets: Iterable[Sheet]) -> bytes:
    """The letters, one page each, in this order."""
    sheets, target = list(sheets), io.BytesIO()
    # A file names one language, for whoever has it read aloud; where there are several, it names none.
    languages = {sheet.language for sheet in sheets}
    canvas = Canvas(target, pagesize=A4, lang=languages.pop() if len(languages) == 1 else None)
    canvas.setTitle(printable(firm.name))
    canvas.setAuthor(printable(firm.name))
    for sheet in sheets:
        with translation.override(sheet.language):
            _draw(canvas, firm, sheet)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def printable(text: str) -> str:
    """The text in the letters that the fonts have, accents of French included; others lose theirs, or are a `?`."""
    return "".join(_in_font(sign) for sign in unicodedata.normalize("NFC", text).translate(_OTHERWISE))


def _in_font(sign: str) -> str:
    if _has(sign):
        return sign
    bare = "".join(part for part in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(part))
    return bare if bare and _has(bare) else "?"


def _has(text: str) -> bool:
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def address_lines(dossier: Dossier) -> list[str]:
    """As it stands in the window: who, at whose attention, where; the line of the town in capitals."""
    who = [dossier.name]
    if dossier.kind == DossierKind.INDIVIDUAL:
        civility = dossier.get_civility_display() if dossier.civility else ""
        who = [" ".join(part for part in (civility, dossier.first_name, dossier.last_name) if part)]
        who += [dossier.legal_name] if dossier.legal_name else []
    elif dossier.legal_representative:
        who.append(_("Attn. %(name)s") % {"name": dossier.legal_representative})
    street = simpleSplit(printable(dossier.address.strip()), PLAIN, SIZE, RIGHT - WINDOW_LEFT)
    where = [f"{dossier.postcode} {dossier.city}".strip().upper()]
    where += [] if dossier.country.strip().casefold() in FRANCE else [dossier.country.strip().upper()]
    where = [line for line in where if line]
    room = WINDOW_LINES - len(who) - len(where)
    street = street if len(street) <= room else [*street[: room - 1], ", ".join(street[room - 1 :])]
    return [printable(line) for line in (*who, *street, *where) if line]


def _draw(canvas: Canvas, firm: Firm, sheet: Sheet) -> None:
    _draw_sender(canvas, firm)
    _draw_address(canvas, sheet.dossier)
    canvas.setStrokeColor(RULE)
    canvas.line(5 * mm, HEIGHT - FOLD, 9 * mm, HEIGHT - FOLD)
    canvas.setFillColor(QUIET)
    canvas.setFont(PLAIN, 10)
    canvas.drawRightString(RIGHT, HEIGHT - DATE_TOP, printable(date_format(timezone.localdate(), "j F Y")))
    top = _draw_texts(canvas, BODY_TOP, _opening(firm, sheet.dossier))
    top = _draw_code(canvas, top + 5 * mm, sheet.code)
    _draw_texts(canvas, top + 8 * mm, _closing(firm, sheet.until))


def _draw_sender(canvas: Canvas, firm: Firm) -> None:
    """At the upper left, out of the window's sight."""
    canvas.setFillColor(INK)
    name = Paragraph(_safe(firm.name), _style(13, font=BOLD))
    _width, height = name.wrap(82 * mm, 20 * mm)
    top = HEIGHT - 18 * mm
    name.drawOn(canvas, LEFT, top - height)
    canvas.setFillColor(QUIET)
    canvas.setFont(PLAIN, 9.5)
    for number, line in enumerate(part for part in (firm.phone, firm.email) if part):
        canvas.drawString(LEFT, top - height - (4 + 4.4 * number) * mm, printable(line))


def _draw_address(canvas: Canvas, dossier: Dossier) -> None:
    canvas.setFillColor(INK)
    for number, line in enumerate(address_lines(dossier)):
        text, size = _fitting(line, RIGHT - WINDOW_LEFT)
        canvas.setFont(PLAIN, size)
        canvas.drawString(WINDOW_LEFT, HEIGHT - WINDOW_TOP - SIZE * 0.8 - number * LINE, text)


def _fitting(line: str, room: float) -> tuple[str, float]:
    """The line and the size in which it fits; one that fits in none is cut."""
    width = stringWidth(line, PLAIN, SIZE)
    size = SIZE if width <= room else max(SMALLEST, SIZE * room / width)
    while stringWidth(line, PLAIN, size) > room + 0.01:
        line = f"{line.rstrip('…')[:-1]}…"
    return line, size


def _opening(firm: Firm, dossier: Dossier) -> list[Paragraph]:
    """Why we write, and what to do."""
    names = {"firm": _bold(firm.name), "client": _bold(dossier.name)}
    url = urlsplit(f"{settings.BASE_URL}{reverse('invitations:letter')}")
    place = _bold(f"{url.netloc}{url.path}")
    steps = [
        _("Scan the square with your phone, or go to %(place)s and type the code.") % {"place": place},
        _(
            "Give your e-mail address, and open the mail that we send there: it shows that the address is yours."
        ),
        _("We check that it is you. You then get our invitation, choose a password, and are in your space."),
    ]
    return [
        Paragraph(_safe(_("Your online space")), _style(14, font=BOLD, after=3)),
        Paragraph(_safe(_("Dear Sir or Madam,")), _style(10.5, after=2.5)),
        Paragraph(
            printable(
                _(
                    "%(firm)s opens an online space to you for %(client)s: there you keep your details up to date, "
                    "exchange documents with us, and see who at the firm can see your file. This letter takes "
                    "the place of an invitation by mail."
                )
                % names
            ),
            _style(10.5, after=3.5),
        ),
        *(
            Paragraph(printable(step), _style(10.5, after=1.2, indent=6), bulletText=f"{number}.")
            for number, step in enumerate(steps, 1)
        ),
    ]


def _closing(firm: Firm, until: datetime) -> list[Paragraph]:
    deadline = {"date": _bold(date_format(timezone.localtime(until), "j F Y"))}
    ways = [part for part in (firm.phone, firm.email) if part]
    texts = [
        _("The code works until %(date)s, once. Keep it to yourself, as you would a key.") % deadline,
        _("A question, or this letter is not for you? Reach us: %(ways)s.")
        % {"ways": _bold(" – ".join(ways))}
        if ways
        else _("A question, or this letter is not for you? Please call us."),
    ]
    signed = Paragraph(_safe(firm.name), _style(10.5, font=BOLD, before=4))
    return [*(Paragraph(printable(text), _style(10.5, after=2)) for text in texts), signed]


def _draw_texts(canvas: Canvas, top: float, texts: Iterable[Paragraph]) -> float:
    """Returns where they end, from the top of the page."""
    for text in texts:
        top += text.style.spaceBefore
        _width, height = text.wrap(RIGHT - LEFT, HEIGHT)
        text.drawOn(canvas, LEFT, HEIGHT - top - height)
        top += height + text.style.spaceAfter
    return top


def _draw_code(canvas: Canvas, top: float, code: str) -> float:
    """The code in groups at the left, the same as a square at the right; returns where their frame ends."""
    inset = 5 * mm
    tall: float = QR_SIDE + 2 * inset
    canvas.setStrokeColor(RULE)
    canvas.roundRect(LEFT, HEIGHT - top - tall, RIGHT - LEFT, tall, 3 * mm)
    canvas.setFillColor(QUIET)
    canvas.setFont(PLAIN, 10)
    canvas.drawString(LEFT + inset, HEIGHT - top - 15 * mm, printable(_("Your code")))
    canvas.setFillColor(INK)
    canvas.setFont(CODE, 20)
    canvas.drawString(LEFT + inset, HEIGHT - top - 26 * mm, grouped(code))
    hint = Paragraph(
        _safe(
            _(
                "Capitals or not, with or without dashes. What looks like the letter I or O is the figure 1 or 0."
            )
        ),
        _style(9, colour=QUIET),
    )
    _width, height = hint.wrap(105 * mm, tall)
    hint.drawOn(canvas, LEFT + inset, HEIGHT - top - 31 * mm - height)
    _draw_square(canvas, RIGHT - inset - QR_SIDE, HEIGHT - top - inset - QR_SIDE, code)
    return top + tall


def _draw_square(canvas: Canvas, x: float, y: float, code: str) -> None:
    """The address with the code as a QR code, its lower left corner there."""
    rows = _modules(f"{settings.BASE_URL}{reverse('invitations:open_letter', kwargs={'code': code})}")
    side = QR_SIDE / len(rows)
    path = canvas.beginPath()
    for number, row in enumerate(rows):
        at = 0
        for dark, run in groupby(row):
            width = len(list(run))
            if dark:
                path.rect(x + at * side, y + QR_SIDE - (number + 1) * side, width * side, side)
            at += width
    canvas.setFillColor(INK)
    canvas.drawPath(path, stroke=0, fill=1)


def _modules(text: str) -> list[list[bool]]:
    """The dark and light modules of a QR code, row by row."""
    square = QRCode(None, QRErrorCorrectLevel.M)
    square.addData(text)
    square.version = square.calculate_version()
    square.makeImpl(False, MASK)
    modules: list[list[bool]] = square.modules
    return modules


def _style(
    size: float,
    *,
    font: str = PLAIN,
    before: float = 0,
    after: float = 0,
    indent: float = 0,
    colour: HexColor = INK,
) -> ParagraphStyle:
    """Of a size in points; the rest in millimetres."""
    return ParagraphStyle(
        "text",
        fontName=font,
        fontSize=size,
        leading=size * 1.38,
        spaceBefore=before * mm,
        spaceAfter=after * mm,
        leftIndent=indent * mm,
        bulletFontName=PLAIN,
        bulletFontSize=size,
        textColor=colour,
    )


def _safe(text: str) -> str:
    """For a paragraph, which reads marks like those of HTML."""
    return escape(printable(text))


def _bold(text: str) -> str:
    return f"<b>{_safe(text)}</b>"
