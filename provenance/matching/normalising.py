"""The one way a picture is brought to size before it is fingerprinted (frozen as `_v0`).

PDQ's smoothing window depends on the size of its input: halving a picture moves its hash by
a median of 16 bits. Bringing every picture to the same size first removes that.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.provenance.matching.compiled import compiled

LONGEST_SIDE = 512  # pixels; the size PDQ's authors resize to
SHORTEST_SIDE = 8  # pixels; keeps a hash defined for extreme aspect ratios

# ITU-R BT.601 luma, as the PDQ reference implementation weighs sRGB values.
_RED, _GREEN, _BLUE = np.float32(0.299), np.float32(0.587), np.float32(0.114)


def normalise_v0(
    pixels: NDArray[np.uint8], longest_side: int = LONGEST_SIDE
) -> NDArray[np.float32]:
    """Luma with the given longest side.

    Shrinking averages the covered area, enlarging interpolates linearly between pixel
    centres; both in float32, without rounding in between.

    Args:
        pixels: upright sRGB, uint8, HxWx3.
        longest_side: of the result, in pixels.

    Returns:
        float32, hxw, range 0..255.
    """
    return renormalised(_luma(np.ascontiguousarray(pixels)), longest_side)


def resize_v0(luma: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """Resample each axis of a float32 image: by area when it shrinks, else linearly."""
    vertical = luma if rows == luma.shape[0] else _resample_rows(luma, rows)
    if columns == luma.shape[1]:
        return np.ascontiguousarray(vertical)
    return transposed(_resample_rows(transposed(vertical), columns))


def transposed(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The transpose as an array of its own; OpenCV turns blocks, 15 times as fast as NumPy."""
    turned: NDArray[np.float32] = cv2.transpose(image)  # type: ignore[assignment]
    return turned


def _resample_rows(image: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
    return _shrink_rows(image, rows) if rows < image.shape[0] else _enlarge_rows(image, rows)


def renormalised(
    luma: NDArray[np.float32], longest_side: int = LONGEST_SIDE
) -> NDArray[np.float32]:
    """Luma of any size brought to the given longest side, as `normalise_v0` does."""
    scale = longest_side / max(luma.shape)
    rows, columns = (max(SHORTEST_SIDE, round(side * scale)) for side in luma.shape)
    return resize_v0(luma, rows, columns)


@compiled
def _luma(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    height, width = pixels.shape[:2]
    luma = np.empty((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            luma[y, x] = _RED * pixels[y, x, 0] + _GREEN * pixels[y, x, 1] + _BLUE * pixels[y, x, 2]
    return luma


@compiled
def _shrink_rows(image: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
    height, width = image.shape
    ratio = height / rows
    result = np.zeros((rows, width), np.float32)
    for row in range(rows):
        top, bottom = row * ratio, min((row + 1) * ratio, float(height))
        first, last = int(top), min(int(np.ceil(bottom)), height)
        for source in range(first, last):
            covered = min(bottom, source + 1.0) - max(top, float(source))
            weight = np.float32(covered / ratio)
            for x in range(width):
                result[row, x] += weight * image[source, x]
    return result


@compiled
def _enlarge_rows(image: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
    height, width = image.shape
    ratio = height / rows
    result = np.empty((rows, width), np.float32)
    for row in range(rows):
        position = min(max((row + 0.5) * ratio - 0.5, 0.0), height - 1.0)
        above = int(position)
        below = min(above + 1, height - 1)
        share = np.float32(position - above)
        for x in range(width):
            result[row, x] = image[above, x] + share * (image[below, x] - image[above, x])
    return result
