"""Pictures as arrays: what is accepted, and the canonical plane all analysis happens in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.errors import InputRefused, LimitExceeded
from assay.watermark.carrier import TILE
from assay.watermark.compilation import compiled

#: Larger pictures are analysed at 1024 x 1024 pixels' worth of area. The mark then scales with
#: the picture, and the cost of analysis stops growing.
CANONICAL_SIDE = 1024

#: One and a half tiles: below that no line of the comb is resolved.
MINIMUM_SIDE = 96

#: A strip keeps 96 canonical pixels across and may therefore have more area than other
#: pictures; beyond this many times the usual area it is refused.
LONGEST_STRIP = 4

#: Guards the memory of the marked copy; `assay.media` has its own, lower default.
MAXIMUM_PIXELS = 400_000_000

#: ITU-R BT.601 luma, the luminance JPEG codes.
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, eq=False)
class CanonicalPlanes:
    """A picture at canonical size.

    Attributes:
        luma: float32, shape (h, w), 0 to 255.
        headroom: float32, shape (h, w), 0 to 127.5; grey levels from the colour channel nearest to
            black or white to that end of the range.
    """

    luma: NDArray[np.float32]
    headroom: NDArray[np.float32]


def check_pixels(pixels: NDArray[np.generic]) -> NDArray[np.generic]:
    """`pixels` as an (H, W, C) array with C of 1, 3 or 4.

    Raises:
        TypeError: not an array.
        InputRefused: not uint8 or uint16, or not a picture's shape.
        LimitExceeded: a side below 96 pixels, more than 400 million pixels, or a very long strip.
    """
    if not isinstance(pixels, np.ndarray):
        raise TypeError(f"pixels are a NumPy array, got {type(pixels).__name__}")
    if pixels.dtype not in (np.uint8, np.uint16):
        raise InputRefused(
            f"pixels have dtype {pixels.dtype}, expected uint8 or uint16",
            advice="Convert the picture to 8 or 16 bits per channel first.",
        )
    shaped = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if shaped.ndim != 3 or shaped.shape[2] not in (1, 3, 4):
        raise InputRefused(
            f"pixels have shape {pixels.shape}, expected (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)"
        )
    height, width = shaped.shape[:2]
    if min(height, width) < MINIMUM_SIDE:
        raise LimitExceeded(
            f"the picture has {width} x {height} pixels, a watermark needs {MINIMUM_SIDE} a side"
        )
    if height * width > MAXIMUM_PIXELS:
        raise LimitExceeded(f"the picture has {width} x {height} pixels, more than the limit")
    scale = native_tile(height, width) / TILE
    if height * width > LONGEST_STRIP * (CANONICAL_SIDE * scale) ** 2:
        raise LimitExceeded(f"{width} x {height} pixels are too long a strip for a watermark")
    return shaped


def native_tile(height: int, width: int) -> int:
    """Period of the mark in native pixels, at least TILE.

    It is 3 or 5 more than a multiple of 8. Compression works on blocks of 8, 16 or 64 pixels; a
    period that shares no factor with them meets the blocks in all phases, and their rounding
    averages out instead of repeating with the mark. With a period of 64 a flat area loses the
    mark at JPEG 70, with 61 it keeps it at JPEG 50.
    """
    by_area = TILE * (height * width) ** 0.5 / CANONICAL_SIDE
    by_side = TILE * min(height, width) / MINIMUM_SIDE  # long strips keep 96 canonical pixels
    tile = TILE
    while tile < by_area:
        tile += 2 if tile % 8 == 3 else 6
    while tile > max(by_side, TILE):
        tile -= 6 if tile % 8 == 3 else 2
    return tile


def canonical_planes(shaped: NDArray[np.generic]) -> CanonicalPlanes:
    """Reduce a checked picture to canonical size by exact area averaging.

    The picture is read once, row by row; memory beyond the input is that of the result.
    """
    luma, low, high = _canonical(shaped, extremes=True)
    np.subtract(np.float32(255), high, out=high)
    return CanonicalPlanes(luma, np.minimum(low, high, out=low))


def canonical_luma(shaped: NDArray[np.generic]) -> NDArray[np.float32]:
    """The luma of `canonical_planes`, which is all that a detector looks at."""
    return _canonical(shaped, extremes=False)[0]


def _canonical(
    shaped: NDArray[np.generic], *, extremes: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    height, width, channels = shaped.shape
    scale = native_tile(height, width) / TILE
    rows, columns = max(1, round(height / scale)), max(1, round(width / scale))
    colours = np.ascontiguousarray(shaped) if channels < 4 else shaped
    unit = 1.0 if shaped.dtype == np.uint8 else 1 / 257.0
    reduce = _copy if (rows, columns) == (height, width) else _reduce
    return reduce(colours, rows, columns, min(channels, 3), unit, extremes)


@compiled
def _copy(
    pixels: NDArray[np.generic],
    rows: int,
    columns: int,
    channels: int,
    unit: float,
    extremes: bool,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """As `_reduce`, for pictures that have canonical size."""
    share = np.float32(unit)
    luma = np.empty((rows, columns), np.float32)
    low = np.empty((rows, columns) if extremes else (0, 0), np.float32)
    high = np.empty_like(low)
    for y in range(rows):
        for x in range(columns):
            red = np.float32(pixels[y, x, 0])
            green = np.float32(pixels[y, x, channels // 2])
            blue = np.float32(pixels[y, x, channels - 1])
            value = np.float32(0.299) * red + np.float32(0.587) * green
            luma[y, x] = (value + np.float32(0.114) * blue) * share
            if extremes:
                low[y, x] = min(red, green, blue) * share
                high[y, x] = max(red, green, blue) * share
    return luma, low, high


@compiled
def _reduce(
    pixels: NDArray[np.generic],
    rows: int,
    columns: int,
    channels: int,
    unit: float,
    extremes: bool,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Area-averaged luma, minimum and maximum channel, each (rows, columns), scaled by unit.

    Without `extremes` the last two are empty.
    """
    height, width = pixels.shape[:2]
    luma = np.zeros((rows, columns), np.float32)
    low = np.zeros((rows, columns) if extremes else (0, 0), np.float32)
    high = np.zeros_like(low)
    first = np.empty(width, np.int32)
    share = np.empty(width, np.float32)
    x_step, y_step = columns / width, rows / height
    for x in range(width):
        first[x] = min(int(x * x_step), columns - 1)
        edge = (first[x] + 1) / x_step
        share[x] = min(1.0, edge - x) * x_step
    for y in range(height):
        top = min(int(y * y_step), rows - 1)
        upper = min(1.0, (top + 1) / y_step - y) * y_step
        lower = y_step - upper
        if top + 1 >= rows or lower < 1e-6:
            upper, lower = y_step, 0.0
        for x in range(width):
            red = float(pixels[y, x, 0])
            green = float(pixels[y, x, channels // 2])
            blue = float(pixels[y, x, channels - 1])
            value = (0.299 * red + 0.587 * green + 0.114 * blue) * unit
            left = first[x]
            near = share[x]
            far = x_step - near
            if left + 1 >= columns or far < 1e-6:
                near, far = x_step, 0.0
            a, b, c, d = upper * near, upper * far, lower * near, lower * far
            _add(luma, top, left, value, a, b, c, d)
            if extremes:
                _add(low, top, left, min(red, green, blue) * unit, a, b, c, d)
                _add(high, top, left, max(red, green, blue) * unit, a, b, c, d)
    return luma, low, high


@compiled
def _add(
    plane: NDArray[np.float32],
    top: int,
    left: int,
    value: float,
    a: float,
    b: float,
    c: float,
    d: float,
) -> None:
    """Share a value out over the pixel (top, left) and those right, below and diagonal to it."""
    plane[top, left] += a * value
    if b > 0.0:
        plane[top, left + 1] += b * value
    if c > 0.0:
        plane[top + 1, left] += c * value
    if d > 0.0:
        plane[top + 1, left + 1] += d * value
