"""The degradation gate: pictures whose traces are gone or overwritten are not judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# One tile is 160 px; below 256 px a side the standard rendition has too little to average.
MIN_SIDE = 256
# Ratio of the mean luma step across 8-px block borders to the mean step inside blocks. Quality 90
# gives about 1.0, quality 30 about 1.8; above this the block grid is the strongest structure.
MAX_BLOCKINESS = 1.8
# Mean first difference over mean second difference. Bilinear or bicubic enlargement makes
# second differences vanish; photographs at native size lie under 1.2.
MAX_SMOOTHNESS = 1.9
# A picture with hardly any distinct values or nearly no detail shows no traces of its making.
MIN_DEVIATION = 4.0
# Drawings, charts and screenshots have large areas of exactly equal neighbours.
MAX_EQUAL_NEIGHBOURS = 0.55


@dataclass(frozen=True)
class Condition:
    """What was measured on the picture as it came.

    Attributes:
        short_side: pixels.
        blockiness: step across 8-px borders over step inside, 1 without visible blocks.
        smoothness: first over second differences; high after enlargement.
        deviation: standard deviation of the luma, grey levels.
        equal_neighbours: share of horizontally adjacent pixels that are exactly equal.
    """

    short_side: int
    blockiness: float
    smoothness: float
    deviation: float
    equal_neighbours: float

    def objection(self) -> str | None:
        """Why a picture in this condition is not judged, or None."""
        if self.short_side < MIN_SIDE:
            return (
                f"too small: the shorter side is {self.short_side} px, at least {MIN_SIDE} needed"
            )
        if self.deviation < MIN_DEVIATION:
            return "almost uniform: there is no texture to examine"
        if self.equal_neighbours > MAX_EQUAL_NEIGHBOURS:
            return "large flat areas: a drawing, chart, screenshot or extreme compression"
        if self.blockiness > MAX_BLOCKINESS:
            return "heavily compressed: block borders dominate what could be measured"
        if self.smoothness > MAX_SMOOTHNESS:
            return "enlarged or strongly blurred: fine structure is missing"
        return None


def examine_condition(pixels: NDArray[np.uint8]) -> Condition:
    """Measure the condition of a picture, sRGB uint8 HxWx3, at its own size.

    Only the central 1024 x 1024 pixels are looked at, so the cost is bounded.
    """
    height, width = pixels.shape[:2]
    # Multiples of 8 keep the origin of the JPEG block grid.
    top, left = max(0, (height - 1024) // 16 * 8), max(0, (width - 1024) // 16 * 8)
    luma = pixels[top : top + 1024, left : left + 1024].astype(np.float32) @ np.array(
        [0.299, 0.587, 0.114], np.float32
    )
    return Condition(
        short_side=min(height, width),
        blockiness=max(_blockiness(luma), _blockiness(luma.T)),
        smoothness=_smoothness(luma),
        deviation=float(luma.std()),
        equal_neighbours=_equal_neighbours(pixels[top : top + 1024, left : left + 1024]),
    )


def _blockiness(luma: NDArray[np.float32]) -> float:
    steps = np.abs(np.diff(luma, axis=1)).mean(0)
    if len(steps) < 16:
        return 1.0
    border = np.zeros(len(steps), bool)
    border[7::8] = True
    return float((steps[border].mean() + 0.1) / (steps[~border].mean() + 0.1))


def _smoothness(luma: NDArray[np.float32]) -> float:
    if min(luma.shape) < 3:
        return 1.0
    first = np.abs(np.diff(luma, axis=1)).mean() + np.abs(np.diff(luma, axis=0)).mean()
    second = np.abs(np.diff(luma, 2, axis=1)).mean() + np.abs(np.diff(luma, 2, axis=0)).mean()
    return float((first + 0.1) / (second + 0.1))


def _equal_neighbours(pixels: NDArray[np.uint8]) -> float:
    if pixels.shape[1] < 2:
        return 1.0
    return float((pixels[:, 1:] == pixels[:, :-1]).all(2).mean())
