"""A logo made anew: what a picture may be, what is left of it, and what no picture may do to us."""

import struct
import zlib
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from accounts.pictures import BOX, MOST_BYTES, MOST_KEPT, NoLogo, logo_of

BLUE = (10, 40, 200)


def file_of(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    kept = BytesIO()
    picture.save(kept, kind, **options)
    return kept.getvalue()


def made_of(content: bytes) -> Image.Image:
    return Image.open(BytesIO(logo_of(content).content))


def dot(picture: Image.Image, x: int, y: int) -> tuple[int, int, int]:
    found: Any = picture.getpixel((x, y))
    return found[0], found[1], found[2]


def refused(content: bytes) -> str:
    with pytest.raises(NoLogo) as refusal:
        logo_of(content)
    return refusal.value.code


def noise(width: int, height: int) -> Image.Image:
    return Image.effect_noise((width, height), 90).convert("RGB")


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, *chunks: bytes, rows: bytes = b"") -> bytes:
    """A PNG of RGB dots, as its head says."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    dots = chunk(b"IDAT", zlib.compress(rows or bytes(height * (3 * width + 1))))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + dots + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_becomes_a_small_png(kind: str) -> None:
    picture = made_of(file_of(Image.new("RGB", (1200, 300), BLUE), kind))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (480, 120))
    red, _green, blue = dot(picture, 200, 60)
    assert red < 30 < 180 < blue


def test_a_small_one_is_not_blown_up() -> None:
    assert made_of(file_of(Image.new("RGB", (60, 30), BLUE))).size == (60, 30)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_whatever_its_colours_are_made_of(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert made_of(file_of(Image.new("RGBA", (60, 30), BLUE).convert(mode), kind)).mode == "RGB"


def test_sixteen_bits_of_grey_stay_grey() -> None:
    assert made_of(file_of(Image.new("I;16", (60, 30), 40_000))).getpixel((9, 9)) == (156, 156, 156)


def test_a_printers_cyan_is_a_screens() -> None:
    red, green, blue = dot(made_of(file_of(Image.new("CMYK", (60, 30), (255, 0, 0, 0)), "JPEG")), 9, 9)
    assert red < 30 and green > 150 and blue > 200


def test_a_colour_profile_that_is_none_stops_nothing() -> None:
    assert made_of(file_of(Image.new("CMYK", (60, 30)), "JPEG", icc_profile=b"none")).size == (60, 30)


@pytest.mark.parametrize(
    ("ink", "ground"), [((20, 20, 60), (255, 255, 255)), ((250, 250, 255), (28, 36, 48))]
)
def test_a_transparent_one_gets_the_ground_on_which_its_ink_is_seen(ink, ground) -> None:
    picture = Image.new("RGBA", (200, 60), (0, 0, 0, 0))
    ImageDraw.Draw(picture).ellipse((40, 10, 160, 50), (*ink, 255))
    logo = made_of(file_of(picture))
    assert (logo.mode, logo.getpixel((2, 2)), logo.getpixel((80, 32))) == ("RGB", ground, ink)


def test_noise_is_bounded_too() -> None:
    logo = logo_of(file_of(noise(1500, 400)))
    assert len(logo.content) <= MOST_KEPT
    assert logo.width <= BOX[0] and logo.height <= BOX[1]


def test_a_photographs_orientation_is_kept_and_all_else_that_it_says_is_not() -> None:
    said = Image.Exif()
    said[0x0112], said[0x010F], said[0x9286] = 6, "Appareil", "secret"
    said.get_ifd(0x8825)[2] = (48.0, 51.0, 29.0)
    content = file_of(Image.new("RGB", (300, 100), BLUE), "JPEG", exif=said, comment=b"un commentaire")
    picture = made_of(content)
    assert picture.height > picture.width
    assert picture.info == {}
    kept = logo_of(content).content
    assert all(
        word not in kept for word in (b"Appareil", b"secret", b"commentaire", b"eXIf", b"tEXt", b"iCCP")
    )


def test_the_words_in_a_png_are_not_kept() -> None:
    content = png(
        60, 30, chunk(b"tEXt", b"Author\0Alice"), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>")
    )
    assert b"Alice" not in logo_of(content).content
    assert b"adobe" not in logo_of(content).content


def frames() -> Iterable[Image.Image]:
    return [Image.new("RGB", (60, 60), (shade, 0, 0)) for shade in (0, 120, 240)]


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_moves_is_refused(kind: str) -> None:
    first, *others = frames()
    assert refused(file_of(first, kind, save_all=True, append_images=others)) == "animated"


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<?xml version='1.0'?><svg/>",
        b"GIF89a" + b"\0" * 40,
        b"%PDF-1.7",
        b"BM" + b"\0" * 60,
        b"II*\x00" + b"\0" * 60,
        b"RIFF\0\0\0\0WEBP",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
    ],
)
def test_what_is_no_such_picture_is_refused(content: bytes) -> None:
    assert refused(content) == "no_picture"


def test_the_name_decides_nothing_a_gif_stays_a_gif() -> None:
    assert refused(file_of(Image.new("P", (60, 30)), "GIF")) == "no_picture"


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (5_000, 4_000), (2_000_000_000, 1)])
def test_a_small_file_of_very_many_dots_is_refused_before_it_is_unpacked(width: int, height: int) -> None:
    content = png(width, height, rows=b"\0" * 1_000)
    assert len(content) < 2_000
    assert refused(content) in {"too_many_dots", "no_picture"}


def test_a_moving_webp_that_says_it_does_not_and_is_vast_is_refused_before_it_is_opened() -> None:
    first, *others = frames()
    content = bytearray(file_of(first, "WEBP", save_all=True, append_images=others))
    content[20] &= ~0x02
    content[24:30] = b"\xff\x3f\x00\xff\x3f\x00"
    assert refused(bytes(content)) == "too_many_dots"


def test_words_that_unpack_to_a_hundred_megabytes_are_refused() -> None:
    packed = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(100_000_000)))
    assert refused(png(60, 30, packed)) in {"no_picture", "damaged"}


def test_half_a_picture_is_refused() -> None:
    assert refused(file_of(noise(300, 100), "JPEG")[:4_000]) == "damaged"


def test_what_is_too_large_or_empty_is_not_looked_at() -> None:
    assert refused(b"\0" * (MOST_BYTES + 1)) == "too_big"
    assert refused(b"") == "empty"


@pytest.mark.parametrize("size", [(10, 40), (9_000, 20)])
def test_what_would_be_a_line_is_refused(size: tuple[int, int]) -> None:
    assert refused(file_of(Image.new("RGB", size))) == "too_small"


def test_a_picture_of_nothing_is_refused() -> None:
    assert refused(file_of(Image.new("RGBA", (60, 30), (9, 9, 9, 0)))) == "blank"


SEEDS = [
    file_of(Image.new("RGBA", (60, 30), (*BLUE, 120))),
    file_of(noise(60, 30), "JPEG"),
    file_of(Image.new("RGBA", (60, 30), BLUE), "WEBP"),
    file_of(noise(60, 30), "WEBP", lossless=True),
]


@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6))
@settings(max_examples=150, deadline=None)
def test_a_damaged_file_is_a_logo_or_a_refusal(content: bytes, changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(content)
    for at, value in changes:
        damaged[at % len(damaged)] = value
    try:
        logo = logo_of(bytes(damaged))
    except NoLogo:
        return
    assert len(logo.content) <= MOST_KEPT
