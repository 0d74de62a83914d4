"""The laundering suite: what happens to pictures on their way through the internet.

One suite for the whole project: it attacks watermarks, is searched through by matching, and can
augment the training of detectors. Every edit takes and returns an upright uint8 picture of
shape (H, W, 3) and draws all its randomness from a seed, so that a run can be repeated exactly:

    laundered = SUITE["crop-50-anywhere"](pixels, seed=7)

Edits that no measured watermark is expected to survive whole are in `laundering_beyond`.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]
Operation = Callable[[Pixels, np.random.Generator], Pixels]

#: ITU-R BT.601 luma weights, those of JPEG.
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Edit:
    """A named, documented, seeded operation.

    Attributes:
        name: stable kebab-case name.
        group: family of edits, for summaries.
        description: what is done, with all parameters.
        operation: from pixels and a random generator to edited pixels.
    """

    name: str
    group: str
    description: str
    operation: Operation

    def __call__(self, pixels: Pixels, seed: int = 0) -> Pixels:
        """The edited copy of `pixels`; the same seed gives the same result."""
        check_picture(pixels)
        generator = np.random.default_rng([seed, zlib.crc32(self.name.encode())])
        return np.ascontiguousarray(self.operation(pixels, generator))


def check_picture(pixels: Pixels) -> None:
    """Refuse what is not an (H, W, 3) uint8 array."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"expected uint8 (H, W, 3), got {pixels.dtype} {pixels.shape}")


def recompress(image_format: str, quality: int) -> Operation:
    """Encode and decode with an image codec; JPEG with 4:2:0 chroma as the web does."""
    options: dict[str, int] = {"subsampling": 2} if image_format == "JPEG" else {}

    def apply(pixels: Pixels, _: np.random.Generator) -> Pixels:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, image_format, quality=quality, **options)
        return np.array(Image.open(file).convert("RGB"))

    return apply


def resized(pixels: Pixels, width: float, height: float) -> Pixels:
    """Bicubic resampling with anti-aliasing, to at least 8 pixels a side."""
    size = (max(8, round(width)), max(8, round(height)))
    return np.array(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def resize(across: float, down: float | None = None) -> Operation:
    """Scale width and height by factors."""
    along = across if down is None else down
    return lambda pixels, _: resized(pixels, pixels.shape[1] * across, pixels.shape[0] * along)


def resize_and_back(factor: float) -> Operation:
    """Scale, then return to the first size."""

    def apply(pixels: Pixels, _: np.random.Generator) -> Pixels:
        height, width = pixels.shape[:2]
        return resized(resized(pixels, width * factor, height * factor), width, height)

    return apply


def fit_long_side(limit: int) -> Operation:
    """Scale down until the longer side is at most `limit`."""

    def apply(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        factor = limit / max(pixels.shape[:2])
        return pixels if factor >= 1 else resize(factor)(pixels, generator)

    return apply


def crop(area: float, *, anywhere: bool = False) -> Operation:
    """Keep a window of this share of the area, in the centre or anywhere."""

    def apply(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        height, width = (int(side * area**0.5) for side in pixels.shape[:2])
        top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
        if anywhere:
            top = int(generator.integers(0, pixels.shape[0] - height + 1))
            left = int(generator.integers(0, pixels.shape[1] - width + 1))
        return pixels[top : top + height, left : left + width].copy()

    return apply


def trim(share: float) -> Operation:
    """Cut this share of the width and height off every edge."""

    def apply(pixels: Pixels, _: np.random.Generator) -> Pixels:
        y, x = int(pixels.shape[0] * share), int(pixels.shape[1] * share)
        return pixels[y : pixels.shape[0] - y, x : pixels.shape[1] - x].copy()

    return apply


def rotate(degrees: float) -> Operation:
    """Rotate about the centre, size kept, corners black."""

    def apply(pixels: Pixels, _: np.random.Generator) -> Pixels:
        return np.array(Image.fromarray(pixels).rotate(degrees, Image.Resampling.BICUBIC))

    return apply


def blur(sigma: float) -> Operation:
    """Gaussian blur of this standard deviation in pixels."""
    return lambda pixels, _: np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8)


def noise(sigma: float) -> Operation:
    """Independent Gaussian noise of this standard deviation in grey levels."""
    return lambda pixels, generator: rounded(pixels + generator.normal(0, sigma, pixels.shape))


def tone(function: Callable[[NDArray[np.float32]], NDArray[np.floating]]) -> Operation:
    """A change of tones or colours given as a function of float32 pixels of 0 to 255."""
    return lambda pixels, _: rounded(function(pixels.astype(np.float32)))


def rounded(values: NDArray[np.floating]) -> Pixels:
    """Floating-point grey levels as uint8."""
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def gray(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Luma of float pixels, shape (H, W, 1)."""
    return np.asarray((pixels @ LUMA)[..., None], np.float32)


def brightness(factor: float) -> Operation:
    """Scale all levels."""
    return tone(lambda pixels: pixels * factor)


def contrast(factor: float) -> Operation:
    """Scale differences to the mean of the picture."""
    return tone(lambda pixels: (pixels - pixels.mean()) * factor + pixels.mean())


def gamma(exponent: float) -> Operation:
    """Raise relative grey levels to a power."""
    return tone(lambda pixels: 255 * (pixels / 255) ** exponent)


def sharpened(pixels: NDArray[np.float32], amount: float = 1.0) -> NDArray[np.float32]:
    """Unsharp mask of radius 1.5 pixels."""
    return pixels + amount * (pixels - cv2.GaussianBlur(pixels, (0, 0), 1.5))


def overlay(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Print a line of text and a red badge over the picture."""
    picture = Image.fromarray(pixels)
    draw = ImageDraw.Draw(picture)
    width, height = picture.size
    font = ImageFont.load_default(size=max(14, height // 8))
    place = (width * 0.08, height * 0.42)
    white, black = (255, 255, 255), (0, 0, 0)
    draw.text(place, "SAMPLE LOGO", fill=white, font=font, stroke_width=2, stroke_fill=black)
    draw.rectangle((width * 0.7, height * 0.04, width * 0.96, height * 0.2), fill=(220, 30, 40))
    draw.text((width * 0.72, height * 0.06), "NEWS", fill=white, font=font)
    return np.array(picture)


def in_turn(*operations: Operation) -> Operation:
    """One operation after the other."""

    def apply(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        for operation in operations:
            pixels = operation(pixels, generator)
        return pixels

    return apply


def shift(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Cut 3 rows off the top and 5 columns off the left: off the JPEG grid."""
    return pixels[3:, 5:].copy()


def jpeg(quality: int) -> Operation:
    """JPEG with 4:2:0 chroma."""
    return recompress("JPEG", quality)


def _median(pixels: Pixels, _: np.random.Generator) -> Pixels:
    return np.asarray(cv2.medianBlur(pixels, 3), np.uint8)


_SATURATED = tone(lambda pixels: gray(pixels) + 1.5 * (pixels - gray(pixels)))
_GRAYSCALE = tone(lambda pixels: gray(pixels) + 0 * pixels)

_ROWS: tuple[tuple[str, str, str, Operation], ...] = (
    ("none", "identity", "unchanged", lambda pixels, _: pixels.copy()),
    ("jpeg-90", "compression", "JPEG 90, 4:2:0", jpeg(90)),
    ("jpeg-70", "compression", "JPEG 70, 4:2:0", jpeg(70)),
    ("jpeg-50", "compression", "JPEG 50, 4:2:0", jpeg(50)),
    ("jpeg-30", "compression", "JPEG 30, 4:2:0", jpeg(30)),
    ("webp-80", "compression", "WebP 80", recompress("WEBP", 80)),
    ("webp-50", "compression", "WebP 50", recompress("WEBP", 50)),
    ("resize-0.75", "resize", "scaled to 0.75", resize(0.75)),
    ("resize-0.5", "resize", "scaled to 0.5", resize(0.5)),
    ("resize-1.5", "resize", "scaled to 1.5", resize(1.5)),
    ("resize-0.5-back", "resize", "scaled to 0.5 and back", resize_and_back(0.5)),
    ("aspect-0.9", "resize", "width scaled to 0.9, height kept", resize(0.9, 1.0)),
    ("crop-75", "crop", "the centre 75 % of the area", crop(0.75)),
    ("crop-50", "crop", "the centre 50 % of the area", crop(0.50)),
    ("crop-25", "crop", "the centre 25 % of the area", crop(0.25)),
    ("crop-50-anywhere", "crop", "any 50 % of the area", crop(0.5, anywhere=True)),
    ("crop-25-anywhere", "crop", "any 25 % of the area", crop(0.25, anywhere=True)),
    ("shift", "crop", "3 rows and 5 columns cut off", shift),
    ("rotate-2", "rotation", "2 degrees, size kept", rotate(2)),
    ("rotate-5", "rotation", "5 degrees, size kept", rotate(5)),
    ("rotate-15", "rotation", "15 degrees, size kept", rotate(15)),
    ("rotate-90", "rotation", "a quarter turn", lambda pixels, _: np.rot90(pixels)),
    ("flip", "rotation", "mirrored left to right", lambda pixels, _: pixels[:, ::-1]),
    ("blur-1", "filter", "Gaussian blur, 1 pixel", blur(1)),
    ("blur-2", "filter", "Gaussian blur, 2 pixels", blur(2)),
    ("noise-5", "filter", "Gaussian noise, 5 levels", noise(5)),
    ("noise-10", "filter", "Gaussian noise, 10 levels", noise(10)),
    ("brightness-1.3", "tone", "levels times 1.3", brightness(1.3)),
    ("brightness-0.7", "tone", "levels times 0.7", brightness(0.7)),
    ("contrast-1.3", "tone", "contrast times 1.3", contrast(1.3)),
    ("contrast-0.7", "tone", "contrast times 0.7", contrast(0.7)),
    ("saturation-1.5", "tone", "colour differences times 1.5", _SATURATED),
    ("grayscale", "tone", "luma only", _GRAYSCALE),
    ("gamma-0.7", "tone", "relative levels to the power 0.7", gamma(0.7)),
    ("gamma-1.5", "tone", "relative levels to the power 1.5", gamma(1.5)),
    ("median-3", "filter", "median of 3 x 3", _median),
    ("sharpen", "filter", "unsharp mask, radius 1.5, amount 1", tone(sharpened)),
    ("overlay", "overlay", "text and a badge printed over", overlay),
    ("screenshot", "journey", "scaled to 0.8, 5 % trimmed, JPEG 75",
     in_turn(resize(0.8), trim(0.05), jpeg(75))),
    ("social", "journey", "long side 1080, JPEG 71", in_turn(fit_long_side(1080), jpeg(71))),
    ("social-640", "journey", "long side 640, JPEG 60", in_turn(fit_long_side(640), jpeg(60))),
    ("crop-resize-jpeg", "journey", "any 70 %, scaled to 0.75, JPEG 60",
     in_turn(crop(0.7, anywhere=True), resize(0.75), jpeg(60))),
    ("rotate-jpeg", "journey", "5 degrees, 6 % trimmed, JPEG 70",
     in_turn(rotate(5), trim(0.06), jpeg(70))),
    ("bright-blur-jpeg", "journey", "levels times 1.15, blur 0.8, JPEG 60",
     in_turn(brightness(1.15), blur(0.8), jpeg(60))),
    ("jpeg-shift-jpeg", "journey", "JPEG 60, shifted off the grid, JPEG 50",
     in_turn(jpeg(60), shift, jpeg(50))),
)  # fmt: skip

#: All edits that need no model, by name; `laundering_beyond.autoencoder_edits` adds two.
SUITE: Mapping[str, Edit] = MappingProxyType({row[0]: Edit(*row) for row in _ROWS})
