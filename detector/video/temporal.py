"""How successive frames differ: statistics beside the score, not part of it.

There is no labelled collection of videos behind these figures here. They follow two
observations: noise of a sensor is new in every frame, and the second difference in time is
smoother in generated video (Zheng et al., "D3", arXiv 2508.00701, section 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.detector.neutralisation import reduce

Pixels = NDArray[np.uint8]

_LONG_SIDE = 512
# Pixels that change less than this between blurred frames count as still (grey levels).
_STILL = 3.0
_SMALLEST_SHARE = 0.05


@dataclass(frozen=True)
class TemporalStatistics:
    """Of three successive frames, or NaN where they cannot be measured.

    Attributes:
        noise_correlation: of the fine residuals of two frames over still pixels; near 0 for
            fresh noise, near 1 for a repeated frame.
        second_difference: mean |a - 2b + c| over mean |a - c|; 1 and more for noise, small for
            smooth motion.
        still: share of still pixels.
    """

    noise_correlation: float
    second_difference: float
    still: float


def measure(frames: Sequence[Pixels]) -> TemporalStatistics:
    """Statistics of two or three successive frames, sRGB uint8 HxWx3."""
    nan = float("nan")
    if len(frames) < 2:
        return TemporalStatistics(nan, nan, nan)
    planes = [_luma(frame) for frame in frames]
    smooth = [cv2.GaussianBlur(plane, (0, 0), 2.0) for plane in planes]
    still = np.abs(smooth[1] - smooth[0]) < _STILL
    residual = [plane - cv2.GaussianBlur(plane, (0, 0), 1.0) for plane in planes[:2]]
    correlation = nan
    if still.mean() >= _SMALLEST_SHARE:
        a, b = (r[still] - r[still].mean() for r in residual)
        correlation = float((a * b).mean() / (np.sqrt((a * a).mean() * (b * b).mean()) + 1e-6))
    second = nan
    if len(planes) >= 3:
        a, b, c = planes[:3]
        second = float(np.abs(a - 2 * b + c).mean() / (np.abs(a - c).mean() + 0.05))
    return TemporalStatistics(correlation, second, float(still.mean()))


def _luma(frame: Pixels) -> NDArray[np.float32]:
    grey = cv2.cvtColor(reduce(frame, _LONG_SIDE), cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, np.float32)
