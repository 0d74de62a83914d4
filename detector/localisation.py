"""The region of a picture that resembles generated pictures most, against the rest of it.

A scan over rectangles (Kulldorff, "A spatial scan statistic", 1997, with means in place of
counts) of the frequency model's log-odds by place. Neighbouring places are alike in every
picture, so shuffling places would call each untouched photograph significant; the contrast is
held against that of untouched photographs instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.detector.features import extract_tiles
from assay.detector.features.tiling import TILE
from assay.detector.linear import LinearModel
from assay.detector.neutralisation import compress, reduce

Grid = NDArray[np.float64]

# Twice the long side of the standard rendition: places half as large. Never enlarged.
LONG_SIDE = 1024
_STRIDE = 80
_QUALITY = 90
# A region spans at least this many places a side, and at most half of the picture.
_FEWEST = 2
_SMALLEST_GRID = 4
# Contrast that these shares of untouched photographs exceed: the higher of 188 that the model was
# trained with and 43 that it was not (`tests/benchmarks/detector_limits.py splices`).
_UNTOUCHED = ((1.0, 0.0), (0.5, 5.1), (0.1, 7.0), (0.05, 7.2), (0.01, 8.1))


@dataclass(frozen=True)
class Region:
    """The rectangle with the highest contrast.

    Attributes:
        box: (left, top, right, bottom) in pixels of the picture.
        contrast: difference of the mean log-odds inside and outside, in standard errors of
            unrelated places.
        rarity: share of untouched photographs in which some region contrasts as much.
    """

    box: tuple[int, int, int, int]
    contrast: float
    rarity: float


def locate(pixels: NDArray[np.uint8], model: LinearModel) -> Region | None:
    """The region that resembles generated pictures most; None for a small picture.

    Args:
        pixels: sRGB uint8, HxWx3.
        model: gives log-odds by place.
    """
    presented = compress(reduce(pixels, LONG_SIDE), _QUALITY)
    if min(presented.shape[:2]) < TILE + (_SMALLEST_GRID - 1) * _STRIDE:
        return None
    tiles, grid = extract_tiles(presented, _STRIDE)
    log_odds = model.by_place(tiles).reshape(grid)
    (top, bottom, left, right), contrast = strongest_rectangle(log_odds)
    scale = max(pixels.shape[:2]) / max(presented.shape[:2])
    # A place stands for the middle of its tile.
    margin = (TILE - _STRIDE) / 2
    box = tuple(round(scale * (side * _STRIDE + margin)) for side in (left, top, right, bottom))
    return Region(box, contrast, rarity(contrast))


def strongest_rectangle(values: Grid) -> tuple[tuple[int, int, int, int], float]:
    """Rows and columns (top, bottom, left, right) of the rectangle with the highest contrast.

    Args:
        values: at least 2 x 2, rows x columns.
    """
    rectangles = _rectangles(*values.shape)
    sums = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    sums[1:, 1:] = values.cumsum(0).cumsum(1)
    top, bottom, left, right = rectangles.T
    inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    count, whole = (bottom - top) * (right - left), values.size
    difference = inside / count - (values.sum() - inside) / (whole - count)
    error = (values.std() + 1e-6) * np.sqrt(whole / (count * (whole - count)))
    contrast = difference / error
    best = int(contrast.argmax())
    first, last, start, end = (int(side) for side in rectangles[best])
    return (first, last, start, end), float(contrast[best])


def rarity(contrast: float) -> float:
    """Share of untouched photographs with at least this contrast, between measured points."""
    shares, contrasts = zip(*_UNTOUCHED, strict=True)
    log_share = np.interp(contrast, contrasts, np.log(shares))
    return float(np.exp(log_share))


def _rectangles(rows: int, columns: int) -> NDArray[np.int64]:
    found = [
        (top, bottom, left, right)
        for top in range(rows)
        for bottom in range(top + _FEWEST, rows + 1)
        for left in range(columns)
        for right in range(left + _FEWEST, columns + 1)
        if 2 * (bottom - top) * (right - left) <= rows * columns
    ]
    return np.array(found)
