"""Pictures: how large they are before they are decoded, and made anew where everybody sees them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import IO, Literal

from PIL import Image, ImageOps, PngImagePlugin

from serve.platform.files.errors import FileRefused

MOST_PIXELS = 50_000_000
MOST_DECODED_PIXELS = 25_000_000
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
"""Decoders for anything else are never asked."""

Image.MAX_IMAGE_PIXELS = MOST_PIXELS
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
PngImagePlugin.MAX_TEXT_MEMORY = 1 << 20  # compressed texts in a PNG, which nobody reads here


@dataclass(frozen=True, slots=True)
class Shape:
    """What a picture is made to. There is one of the ``purpose`` for each entity of the type."""

    purpose: str
    entity_type: str
    name: str
    media_type: str
    format: Literal["PNG", "WEBP"]
    side_px: int
    is_square: bool


AVATAR = Shape("avatar", "user", "avatar.webp", "image/webp", "WEBP", 256, is_square=True)
LOGO = Shape("logo", "tenant", "logo.png", "image/png", "PNG", 512, is_square=False)


def dimensions(file: IO[bytes], format: str) -> tuple[int, int]:
    """Width and height, from the header. Raises FileRefused."""
    with _opened(file, (format,), MOST_PIXELS) as image:
        return image.size


def made_anew(file: IO[bytes], shape: Shape, target: IO[bytes]) -> tuple[int, int]:
    """Write the picture as we keep it, and nothing else of the file: no metadata, no profile, nothing behind it.

    It stands upright; a square is cut from the middle. Width and height. Raises FileRefused.
    """
    side = shape.side_px
    with _opened(file, FORMATS, MOST_DECODED_PIXELS) as image:
        try:
            image.draft("RGB", (side * 2, side * 2))  # a JPEG need not be decoded in full
            upright = ImageOps.exif_transpose(image)
            seen = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
            if shape.is_square:
                made = ImageOps.fit(seen, (side, side), Image.Resampling.LANCZOS)
            else:
                seen.thumbnail((side, side), Image.Resampling.LANCZOS)
                made = seen
            clean = Image.new(made.mode, made.size)
            clean.paste(made)
            clean.save(target, shape.format)
            return clean.size
        except Exception as error:  # whatever a decoder meets in hostile bytes
            raise FileRefused("is no whole picture") from error


def _opened(file: IO[bytes], formats: tuple[str, ...], most_pixels: int) -> Image.Image:
    file.seek(0)
    try:
        image = Image.open(file, formats=formats)
        width, height = image.size
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many(most_pixels) from error
    except Exception as error:
        raise FileRefused("is no picture that can be shown") from error
    if width * height > most_pixels:
        image.close()
        raise _too_many(most_pixels)
    return image


def _too_many(most_pixels: int) -> FileRefused:
    return FileRefused(f"has more than {most_pixels // 1_000_000} million pixels")
