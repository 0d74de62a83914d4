"""The degradation gate: pictures whose traces are gone or overwritten are not judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.detector.neutralisation import STANDARD, reduce

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# One tile is 160 px; below 256 px a side the standard rendition has too little to average.
MIN_SIDE = 256
# Ratio of the mean luma step across 8-px block borders to the mean step inside blocks. Quality 90
# gives about 1.0, quality 30 about 1.8; above this the block grid is the strongest structure.
MAX_BLOCKINESS = 1.8
# Mean first difference over mean second difference. Enlargement makes second differences vanish.
# At their own size 2 % of 450 photographs lie above 1.25 and 0.2 % above 1.6, where half of those
# enlarged three times do; at a long side of 512, where features are measured, 2 % lie above 1.3 and
# nearly all that were enlarged from 200 px do (`tests/benchmarks/detector_limits.py gates`).
MAX_SMOOTHNESS = 1.6
MAX_RENDITION_SMOOTHNESS = 1.35


@dataclass(frozen=True)
class Condition:
    """What was measured on the picture as it came.

    Attributes:
        short_side: pixels.
        blockiness: step across 8-px borders over step inside, 1 without visible blocks.
        smoothness: first over second differences; high after enlargement.
        rendition_smoothness: the same at a long side of 512 px.
    """

    short_side: int
    blockiness: float
    smoothness: float
    rendition_smoothness: float

    def objection(self) -> str | None:
        """Why a picture in this condition is not judged, or None."""
        if small := too_small(self.short_side):
            return small
        if self.blockiness > MAX_BLOCKINESS:
            return "heavily compressed: block borders dominate what could be measured"
        enlarged = self.rendition_smoothness > MAX_RENDITION_SMOOTHNESS
        if self.smoothness > MAX_SMOOTHNESS or enlarged:
            return "enlarged or strongly blurred: fine structure is missing"
        return None


def too_small(short_side: int) -> str | None:
    """Why a picture with so many pixels on its shorter side is not judged, or None."""
    if short_side >= MIN_SIDE:
        return None
    return f"too small: the shorter side is {short_side} px, at least {MIN_SIDE} needed"


def examine_condition(
    pixels: NDArray[np.uint8], small: NDArray[np.uint8] | None = None
) -> Condition:
    """Measure the condition of a picture, sRGB uint8 HxWx3.

    Of the picture as it came only the central 1024 x 1024 pixels are looked at, so the cost is
    bounded.

    Args:
        pixels: as they came.
        small: the same, reduced to a long side of 512; made here where it is not at hand.
    """
    height, width = pixels.shape[:2]
    # Multiples of 8 keep the origin of the JPEG block grid.
    top, left = max(0, (height - 1024) // 16 * 8), max(0, (width - 1024) // 16 * 8)
    luma = pixels[top : top + 1024, left : left + 1024].astype(np.float32) @ _LUMA
    if small is None:
        small = reduce(pixels, STANDARD.long_side)
    return Condition(
        short_side=min(height, width),
        blockiness=max(_blockiness(luma), _blockiness(luma.T)),
        smoothness=_smoothness(luma),
        rendition_smoothness=_smoothness(small.astype(np.float32) @ _LUMA),
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
