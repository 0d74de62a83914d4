"""The domain gate: documents, charts, screenshots, drawings and noise are not judged.

The model was trained on photographs and on pictures generated to look like photographs or
paintings. On anything else its score means nothing, in either direction.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.detector.neutralisation import STANDARD, reduce

# Everything but equality is measured at a long side of 512 px, where compression noise is averaged
# out. Set on 450 photographs of 56 sources, of which each rule stops at most 2 %; of 224 others
# they stop 2.7 % together (`tests/benchmarks/detector_limits.py gates`). All sixteen kinds of
# documents, charts, screenshots, drawings and noise in `tests/detector/test_gates.py` are stopped.
MIN_DEVIATION = 4.0
MAX_EQUAL_NEIGHBOURS = 0.55
MAX_FLAT_BLOCKS = 0.40
MAX_PAPER = 0.75
MIN_PAPER_LUMA = 150
MIN_NEIGHBOUR_CORRELATION = 0.6
MIN_TEXTURE = 0.035

# Half the width of the range of luma that counts as one background, grey levels.
_BACKGROUND_REACH = 10
_FLAT_RANGE = 2.0
_TEXTURE = (2.0, 20.0)


@dataclass(frozen=True)
class Domain:
    """What kind of picture this is, in numbers.

    Attributes:
        deviation: standard deviation of the luma, grey levels.
        equal_neighbours: share of horizontally adjacent pixels that are exactly equal, at the
            picture's own size.
        flat_blocks: share of 8x8 blocks whose luma spans at most 2 grey levels.
        background: largest share of pixels within 10 grey levels of one luma.
        background_luma: that luma, 0..255.
        neighbour_correlation: of the luma of horizontally adjacent pixels.
        texture: share of adjacent pixels that differ by 2 to 20 grey levels.
    """

    deviation: float
    equal_neighbours: float
    flat_blocks: float
    background: float
    background_luma: int
    neighbour_correlation: float
    texture: float

    def objection(self) -> str | None:
        """Why a picture of this kind is not judged, or None."""
        if self.deviation < MIN_DEVIATION:
            return "almost uniform: there is no texture to examine"
        flat = self.equal_neighbours > MAX_EQUAL_NEIGHBOURS or self.flat_blocks > MAX_FLAT_BLOCKS
        if flat:
            return "large flat areas: a drawing, chart, screenshot or extreme compression"
        if self.background > MAX_PAPER and self.background_luma >= MIN_PAPER_LUMA:
            return "mostly one bright background: a document, scan or cut-out"
        if self.neighbour_correlation < MIN_NEIGHBOUR_CORRELATION:
            return "neighbouring pixels are hardly related: noise, or fine print"
        if self.texture < MIN_TEXTURE:
            return "hardly any texture: a gradient, rendering or blurred surface"
        return None


def examine_domain(pixels: NDArray[np.uint8], small: NDArray[np.uint8] | None = None) -> Domain:
    """Measure a picture, sRGB uint8 HxWx3.

    Of equality every fourth row of the central 1024 x 1024 pixels is looked at, so the cost is
    bounded.

    Args:
        pixels: as they came.
        small: the same, reduced to a long side of 512; made here where it is not at hand.
    """
    height, width = pixels.shape[:2]
    top, left = max(0, (height - 1024) // 2), max(0, (width - 1024) // 2)
    centre = pixels[top : top + 1024 : 4, left : left + 1024]
    if small is None:
        small = reduce(pixels, STANDARD.long_side)
    luma = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    background, background_luma = _background(luma)
    steps = np.abs(np.diff(luma, axis=1)) if luma.shape[1] > 1 else np.zeros((1, 1), np.float32)
    return Domain(
        deviation=float(luma.std()),
        equal_neighbours=_equal_neighbours(centre),
        flat_blocks=_flat_blocks(luma),
        background=background,
        background_luma=background_luma,
        neighbour_correlation=_neighbour_correlation(luma),
        texture=float(((steps > _TEXTURE[0]) & (steps < _TEXTURE[1])).mean()),
    )


def _equal_neighbours(pixels: NDArray[np.uint8]) -> float:
    if pixels.shape[1] < 2:
        return 1.0
    step = np.asarray(cv2.absdiff(pixels[:, 1:], pixels[:, :-1]), np.uint8)
    return float(((step[..., 0] | step[..., 1] | step[..., 2]) == 0).mean())


def _flat_blocks(luma: NDArray[np.float32]) -> float:
    height, width = (side // 8 * 8 for side in luma.shape)
    if not height or not width:
        return 0.0
    blocks = luma[:height, :width].reshape(height // 8, 8, width // 8, 8)
    return float((blocks.max((1, 3)) - blocks.min((1, 3)) <= _FLAT_RANGE).mean())


def _background(luma: NDArray[np.float32]) -> tuple[float, int]:
    counts = np.bincount(luma.astype(np.int64).ravel(), minlength=256) / luma.size
    nearby = np.convolve(counts, np.ones(2 * _BACKGROUND_REACH + 1), "same")
    return float(nearby.max()), int(nearby.argmax())


def _neighbour_correlation(luma: NDArray[np.float32]) -> float:
    centred = luma - luma.mean()
    power = float((centred * centred).mean())
    if power < 1 or luma.shape[1] < 2:
        return 1.0
    return float((centred[:, 1:] * centred[:, :-1]).mean()) / power
