"""The 38 edits under which a copy must still be recognised as a copy.

What people do to pictures before they post them again: recompress, crop, turn, mirror, recolour,
caption, frame, photograph a screen, paste into a collage. Operations that `laundering_suite` has
are taken from there. Edits that need other pictures draw them from `backgrounds`:

    edits = copy_edits(backgrounds)
    copy = edits["collage"](pixels, seed=7)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from assay.datasets.laundering_suite import (
    Edit,
    Operation,
    Pixels,
    blur,
    gamma,
    gray,
    in_turn,
    jpeg,
    noise,
    recompress,
    resize,
    resized,
    rotate,
    rounded,
    tone,
)
from assay.datasets.overlays import (
    app_screenshot,
    corner_logo,
    meme_caption,
    overlaid_text,
    stock_watermark,
)


def copy_edits(backgrounds: Sequence[Pixels]) -> Mapping[str, Edit]:
    """The edits by name.

    Args:
        backgrounds: at least three other pictures, for collages and insets.
    """
    rows = (*_ROWS, *_with_others(backgrounds))
    return MappingProxyType({row[0]: Edit(*row) for row in rows})


def cut_sides(share: float) -> Operation:
    """Cut this share off the width and off the height, anywhere."""

    def apply(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        height, width = (int(side * (1 - share)) for side in pixels.shape[:2])
        top = int(generator.integers(0, pixels.shape[0] - height + 1))
        left = int(generator.integers(0, pixels.shape[1] - width + 1))
        return pixels[top : top + height, left : left + width].copy()

    return apply


def rotate_and_trim(degrees: float) -> Operation:
    """Rotate, then keep the largest window of the same shape without black corners."""

    def apply(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        turned = rotate(degrees)(pixels, generator)
        height, width = pixels.shape[:2]
        angle = abs(math.radians(degrees))
        longer = max(height / width, width / height)
        keep = 1 / (math.cos(angle) + math.sin(angle) * longer)
        top, left = int(height * (1 - keep) / 2), int(width * (1 - keep) / 2)
        return turned[top : height - top, left : width - left].copy()

    return apply


def colour_jitter(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Brightness and contrast times 0.7 to 1.3, saturation times 0.5 to 1.5, hue by 20 degrees."""
    picture = Image.fromarray(pixels)
    picture = ImageEnhance.Brightness(picture).enhance(generator.uniform(0.7, 1.3))
    picture = ImageEnhance.Contrast(picture).enhance(generator.uniform(0.7, 1.3))
    picture = ImageEnhance.Color(picture).enhance(generator.uniform(0.5, 1.5))
    hsv = np.array(picture.convert("HSV"))
    hsv[..., 0] += np.uint8(generator.integers(0, 30) - 15 & 255)
    return np.array(Image.frombytes("HSV", picture.size, hsv.tobytes()).convert("RGB"))


def letterbox(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Black bars above and below, an eighth of the height each."""
    bar = pixels.shape[0] // 8
    return np.pad(pixels, ((bar, bar), (0, 0), (0, 0)))


def blurred_pillars(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Widened to 1.6 with an enlarged, blurred copy of itself, as phone videos are."""
    height, width = pixels.shape[:2]
    wide = Image.fromarray(pixels).resize((int(width * 1.6), int(height * 1.6)))
    wide = wide.filter(ImageFilter.GaussianBlur(15))
    top = int(height * 0.3)
    behind = wide.crop((0, top, wide.width, top + height))
    behind.paste(Image.fromarray(pixels), ((wide.width - width) // 2, 0))
    return np.array(behind)


def social_round_trip(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Reduced to 480 or 640, sharpened, more colourful, two JPEG generations of 60 to 75."""
    factor = float(generator.choice([640, 480])) / max(pixels.shape[:2])
    if factor < 1:
        pixels = resize(factor)(pixels, generator)
    picture = Image.fromarray(pixels).filter(ImageFilter.UnsharpMask(1, 60, 2))
    picture = ImageEnhance.Color(picture).enhance(1.1)
    qualities = generator.integers(60, 76, 2)
    steps = in_turn(jpeg(int(qualities[0])), resize(0.8), jpeg(int(qualities[1])))
    return steps(np.array(picture), generator)


def photographed_screen(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Perspective of up to 8 %, moire, a warm cast, noise, JPEG 70."""
    height, width = pixels.shape[:2]
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)
    inward = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)], np.float32)
    moved = corners + inward * generator.uniform(0, 0.08, (4, 2)).astype(np.float32)
    size = np.array([width, height], np.float32)
    warp = cv2.getPerspectiveTransform(corners * size, moved * size)
    seen = cv2.warpPerspective(pixels, warp, (width, height), borderValue=(20, 20, 25))
    y, x = np.mgrid[0:height, 0:width]
    lit: NDArray[np.float64] = seen * (1 + 0.04 * np.sin(x * 2.1 + y * 0.3))[..., None]
    lit = lit * (1.05, 1.0, 0.93) + generator.normal(0, 6, pixels.shape)
    return jpeg(70)(rounded(lit), generator)


def collage(backgrounds: Sequence[Pixels]) -> Operation:
    """One of four quarters of an 800x600 picture, JPEG 85."""

    def apply(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        chosen = generator.choice(len(backgrounds), 3, replace=False)
        parts = [backgrounds[i] for i in chosen]
        parts.insert(int(generator.integers(4)), pixels)
        parts = [resized(part, 400, 300) for part in parts]
        rows = [np.concatenate(parts[i : i + 2], axis=1) for i in (0, 2)]
        return jpeg(85)(np.concatenate(rows), generator)

    return apply


def inset(backgrounds: Sequence[Pixels]) -> Operation:
    """Half the width of another picture of 640x480, anywhere in it, JPEG 85."""

    def apply(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        canvas = resized(backgrounds[int(generator.integers(len(backgrounds)))], 640, 480)
        height = min(360, max(8, round(320 * pixels.shape[0] / pixels.shape[1])))
        top, left = (int(generator.integers(0, side)) for side in (481 - height, 321))
        canvas[top : top + height, left : left + 320] = resized(pixels, 320, height)
        return jpeg(85)(canvas, generator)

    return apply


_GRAYSCALE = tone(lambda pixels: gray(pixels) + 0 * pixels)

_ROWS: tuple[tuple[str, str, str, Operation], ...] = (
    ("jpeg-80", "photometric", "JPEG 80", jpeg(80)),
    ("jpeg-50", "photometric", "JPEG 50", jpeg(50)),
    ("jpeg-30", "photometric", "JPEG 30", jpeg(30)),
    ("jpeg-10", "photometric", "JPEG 10", jpeg(10)),
    ("webp-50", "photometric", "WebP 50", recompress("WEBP", 50)),
    ("resize-0.5", "photometric", "scaled to 0.5", resize(0.5)),
    ("resize-0.25", "photometric", "scaled to 0.25", resize(0.25)),
    ("stretch-1.33", "small geometry", "width times 1.33", resize(1.33, 1.0)),
    ("cut-5", "small geometry", "5 % of both sides cut", cut_sides(0.05)),
    ("cut-10", "hard", "10 % of both sides cut", cut_sides(0.10)),
    ("cut-20", "hard", "20 % of both sides cut", cut_sides(0.20)),
    ("cut-30", "hard", "30 % of both sides cut", cut_sides(0.30)),
    ("cut-50", "hard", "half of both sides cut", cut_sides(0.50)),
    ("rotate-1", "small geometry", "1 degree, corners black", rotate(1)),
    ("rotate-3", "small geometry", "3 degrees, corners black", rotate(3)),
    ("rotate-5", "hard", "5 degrees, corners black", rotate(5)),
    ("rotate-5-trimmed", "hard", "5 degrees, corners cut", rotate_and_trim(5)),
    ("rotate-90", "dihedral", "a quarter turn", lambda pixels, _: np.rot90(pixels)),
    ("rotate-180", "dihedral", "upside down", lambda pixels, _: np.rot90(pixels, 2)),
    ("flip", "dihedral", "mirrored left to right", lambda pixels, _: pixels[:, ::-1]),
    ("colour-jitter", "photometric", "brightness, contrast, saturation, hue", colour_jitter),
    ("gamma-0.6", "photometric", "relative levels to the power 0.6", gamma(0.6)),
    ("gamma-1.7", "photometric", "relative levels to the power 1.7", gamma(1.7)),
    ("grayscale", "photometric", "luma only", _GRAYSCALE),
    ("invert", "dihedral", "negative", lambda pixels, _: 255 - pixels),
    ("overlaid-text", "overlay", "a line of outlined capitals", overlaid_text),
    ("corner-logo", "overlay", "a badge in a corner", corner_logo),
    ("meme-caption", "padding", "a white bar with text above", meme_caption),
    ("letterbox", "padding", "black bars above and below", letterbox),
    ("blurred-pillars", "padding", "widened with its own blur", blurred_pillars),
    ("app-screenshot", "padding", "in the feed of an app", app_screenshot),
    ("stock-watermark", "overlay", "rows of half-transparent lettering", stock_watermark),
    ("blur-2", "photometric", "Gaussian blur, 2 pixels", blur(2)),
    ("noise-15", "photometric", "Gaussian noise, 15 levels", noise(15)),
    ("social-round-trip", "photometric", "reduced, sharpened, two JPEGs", social_round_trip),
    ("photographed-screen", "hard", "perspective, moire, cast, noise", photographed_screen),
)


def _with_others(
    backgrounds: Sequence[Pixels],
) -> tuple[tuple[str, str, str, Operation], ...]:
    return (
        ("collage", "hard", "a quarter of a collage", collage(backgrounds)),
        ("inset", "hard", "half the width of another picture", inset(backgrounds)),
    )
