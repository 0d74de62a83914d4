"""One rendition for every picture: the same field of view, crop, resampling and compression.

A detector that sees native crops learns how large the original was: a crop of a 12-megapixel
photograph is flat, a crop of a 1024-px generated picture holds half of the scene, and contrast
alone then separates the classes. Training and scoring both pass every picture, of both
classes, through `neutralise`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.errors import InputRefused


@dataclass(frozen=True)
class Rendition:
    """How a picture is brought to the form that features are measured on.

    Attributes:
        long_side: pictures with a longer long side are reduced to it (pixels). A shorter one
            is never enlarged: that would write a resampling trace into it.
        crop: side of the centre crop (pixels); smaller pictures are kept whole.
        quality: JPEG quality of the final compression, 4:2:0.
    """

    long_side: int = 512
    crop: int = 320
    quality: int = 90

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


STANDARD = Rendition()
# Training makes many deliveries of one picture; nothing in them needs more than this, and a
# 40-megapixel original would cost a second for each.
WORKING_LONG_SIDE = 1400


def neutralise(pixels: NDArray[np.uint8], rendition: Rendition = STANDARD) -> NDArray[np.uint8]:
    """Bring a picture to the standard rendition.

    Args:
        pixels: sRGB uint8, HxWx3.
        rendition: field of view, crop and compression.

    Returns:
        sRGB uint8, at most `crop` x `crop` x 3, compressed once at `quality` and decoded.

    Raises:
        InputRefused: `pixels` is not an HxWx3 uint8 array.
    """
    check_pixels(pixels)
    return compress(
        centre_crop(reduce(pixels, rendition.long_side), rendition.crop), rendition.quality
    )


def check_pixels(pixels: NDArray[np.uint8]) -> None:
    """Refuse anything that is not an HxWx3 uint8 picture.

    Raises:
        InputRefused: says what it is instead.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise InputRefused(
            f"pixels are {pixels.dtype} of shape {pixels.shape}, expected uint8 of HxWx3"
        )


def reduce(pixels: NDArray[np.uint8], long_side: int) -> NDArray[np.uint8]:
    """Reduce by pixel-area averaging until the longer side is at most `long_side` pixels.

    What is longer than `WORKING_LONG_SIDE` is brought to that first, so that a table of features
    measured from working copies and a score measured from the original agree exactly.
    """
    if max(pixels.shape[:2]) > WORKING_LONG_SIDE > long_side:
        pixels = _average(pixels, WORKING_LONG_SIDE)
    return _average(pixels, long_side)


def _average(pixels: NDArray[np.uint8], long_side: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    if max(height, width) <= long_side:
        return pixels
    scale = long_side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return _u8(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def centre_crop(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The central `side` x `side` pixels, or the whole picture along a shorter axis."""
    height, width = pixels.shape[:2]
    top, left = max(0, (height - side) // 2), max(0, (width - side) // 2)
    return np.ascontiguousarray(pixels[top : top + side, left : left + side])


def compress(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Encode as a baseline 4:2:0 JPEG of this quality and decode again."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    encoded = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)[1]
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    if decoded is None:
        raise InputRefused("the picture could not be compressed to its standard rendition")
    return _u8(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB))


def _u8(array: object) -> NDArray[np.uint8]:
    return np.asarray(array, dtype=np.uint8)
