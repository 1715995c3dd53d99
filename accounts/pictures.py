"""A logo made anew of an uploaded picture: its dots alone leave here, on a ground of their own, small and bounded.

What a file says of itself is believed nowhere: its content decides what it is, its size in dots is read before anything
is unpacked, and nothing but the dots is kept (no place, no camera, no comment, no colour profile).
"""

import hashlib
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageCms, ImageOps, ImageStat
from PIL.Image import Resampling

MEGABYTE = 1024 * 1024
MOST_BYTES = 5 * MEGABYTE
MOST_DOTS = 16_000_000  # 64 MB while it is unpacked
FEWEST_DOTS = 16  # on each side
# What is kept is shown at half its size, so that it is sharp on a fine screen.
BOX = (480, 128)
MOST_KEPT = 64 * 1024
_MARGIN = 16
_FORMATS = ("PNG", "JPEG", "WEBP")
_LIGHT_GROUND, _DARK_GROUND = (255, 255, 255), (28, 36, 48)
_LIGHT_INK = 200  # of 255
_COLOURS = 256


class NoLogo(Exception):
    """The file can't be one. `code`: empty, too_big, no_picture, too_many_dots, animated, damaged, too_small, blank."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Picture:
    """A PNG of at most `BOX` dots and `MOST_KEPT` bytes, without a transparent one."""

    content: bytes
    width: int
    height: int

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:32]


def logo_of(content: bytes) -> Picture:
    """The logo that the file holds. Raises NoLogo."""
    if not content:
        raise NoLogo("empty")
    if len(content) > MOST_BYTES:
        raise NoLogo("too_big")
    dots = _on_a_ground(_unpacked(_opened(content)))
    return Picture(_packed(dots), *dots.size)


def _opened(content: bytes) -> Image.Image:
    """Looked at, not unpacked: a small file may say that it holds any number of dots."""
    # libwebp makes room for all dots of an animation as it opens it.
    if content[:4] == b"RIFF" and content[8:16] == b"WEBPVP8X":
        if content[20] & 0x02:
            raise NoLogo("animated")
        sides = (1 + int.from_bytes(content[at : at + 3], "little") for at in (24, 27))
        _bounded(*sides)
    try:
        picture = Image.open(BytesIO(content), formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise NoLogo("too_many_dots") from error
    except Exception as error:  # a decoder's own, of which there are many kinds
        raise NoLogo("no_picture") from error
    _bounded(*picture.size)
    if picture.format != "JPEG" and getattr(picture, "is_animated", False):
        raise NoLogo("animated")
    return picture


def _bounded(width: int, height: int) -> None:
    if width * height > MOST_DOTS:
        raise NoLogo("too_many_dots")
    if min(width, height) < FEWEST_DOTS:
        raise NoLogo("too_small")


def _unpacked(picture: Image.Image) -> Image.Image:
    """Upright, in eight bits of red, green, blue and opacity, cut to what can be seen."""
    try:
        picture.draft(
            "", (2 * BOX[0], 2 * BOX[1])
        )  # a large photograph is unpacked at a fraction of its size
        picture.load()
        picture = ImageOps.exif_transpose(picture)
        dots = _screen_colours(picture).convert("RGBA")
    except Exception as error:  # as above
        raise NoLogo("damaged") from error
    seen = dots.getchannel("A").getbbox()
    if seen is None:
        raise NoLogo("blank")
    return dots.crop(seen)


def _screen_colours(picture: Image.Image) -> Image.Image:
    """Colours of a printer as a screen shows them; sixteen bits of grey as eight."""
    if picture.mode.startswith("I"):
        return picture.point(lambda value: value / 256).convert("L")
    if picture.mode != "CMYK" or not (profile := picture.info.get("icc_profile")):
        return picture
    try:
        printer = ImageCms.ImageCmsProfile(BytesIO(profile))
        screen = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(picture, printer, screen, outputMode="RGB") or picture
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture


def _on_a_ground(dots: Image.Image) -> Image.Image:
    """On white, or on dark where the ink is light: so the logo is seen in a light and in a dark mail program."""
    opacity = dots.getchannel("A")
    is_opaque = opacity.getextrema()[0] == 255
    margin = 0 if is_opaque else _MARGIN
    dots.thumbnail((BOX[0] - 2 * margin, BOX[1] - 2 * margin), Resampling.LANCZOS)
    if min(dots.size) < FEWEST_DOTS // 2:
        raise NoLogo("too_small")
    opacity = dots.getchannel("A")
    is_light = not is_opaque and ImageStat.Stat(dots.convert("L"), opacity).mean[0] > _LIGHT_INK
    size = (dots.width + 2 * margin, dots.height + 2 * margin)
    ground = Image.new("RGB", size, _DARK_GROUND if is_light else _LIGHT_GROUND)
    ground.paste(dots, (margin, margin), opacity)
    return ground


def _packed(dots: Image.Image) -> bytes:
    """With all its colours, or with 256 where they would weigh too much: then a dot is one byte at most."""
    content = _png(dots)
    return content if len(content) <= MOST_KEPT else _png(dots.quantize(_COLOURS))


def _png(dots: Image.Image) -> bytes:
    kept = BytesIO()
    dots.save(kept, "PNG", optimize=True)
    return kept.getvalue()
