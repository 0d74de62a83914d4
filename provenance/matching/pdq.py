"""PDQ, the 256-bit perceptual hash of ThreatExchange, bit for bit (frozen as `_v0`).

Facebook, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", 2019.
Conformance with the reference implementation is tested against the `pdqhash` package.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.provenance.matching.compiled import compiled
from assay.provenance.matching.normalising import transposed

BITS = 256
GRID = 64  # side of the decimated luma
FREQUENCIES = 16  # DCT frequencies 1..16 in each direction
JAROSZ_PASSES = 2
SMALLEST_SIDE = 5  # pixels; below it the reference returns an empty hash of quality 0
QUALITY_DIVISOR = 90  # from the reference: scales the gradient sum to 0..100
FEATURELESS_BELOW = 50  # quality; ThreatExchange discards hashes of quality 49 and less

_K = np.arange(1, FREQUENCIES + 1)[:, None]
_N = np.arange(GRID)[None, :]
_DCT = (np.sqrt(2.0 / GRID) * np.cos(np.pi / 2 / GRID * _K * (2 * _N + 1))).astype(np.float32)

UPRIGHT = "upright"
# What is done to the picture, turns counter-clockwise, as (mirrored, quarter turns).
ORIENTATIONS = {
    UPRIGHT: (False, 0),
    "turned-90": (False, 1),
    "turned-180": (False, 2),
    "turned-270": (False, 3),
    "mirrored": (True, 0),
    "mirrored-turned-90": (True, 1),
    "mirrored-turned-180": (True, 2),
    "mirrored-turned-270": (True, 3),
}


@dataclass(frozen=True)
class SmoothLuma:
    """Luma after the Jarosz filter, from which the hash of each orientation is sampled."""

    smooth: NDArray[np.float32]

    @classmethod
    def of(cls, luma: NDArray[np.float32]) -> SmoothLuma:
        """Smooth float32 luma (0..255) of at least 5x5 pixels."""
        smooth = np.ascontiguousarray(luma, np.float32)
        rows, columns = smooth.shape
        for _ in range(JAROSZ_PASSES):
            smooth = _box_along_rows(smooth, _window(columns))
            smooth = _box_along_columns(smooth, _window(rows))
        return cls(smooth)

    def bits(self, orientation: str = UPRIGHT, *, inverted: bool = False) -> bytes:
        """The 32 bytes of the hash, in the order of its hexadecimal notation."""
        grid = self.grid(orientation)
        coefficients = (_DCT @ grid @ _DCT.T).ravel()
        if inverted:
            coefficients = -coefficients
        # The reference takes the lower of the two middle values (Torben's median).
        median = np.sort(coefficients)[BITS // 2 - 1]
        return np.packbits((coefficients > median)[::-1]).tobytes()

    def grid(self, orientation: str = UPRIGHT) -> NDArray[np.float32]:
        """The 64x64 luma that the reference would decimate from the picture so turned."""
        mirrored, quarter_turns = ORIENTATIONS[orientation]
        # Which axes of the upright picture run backwards in the result.
        flip_rows = quarter_turns in (2, 3)
        flip_columns = (quarter_turns in (1, 2)) != mirrored
        rows, columns = self.smooth.shape
        grid = self.smooth[_samples(rows, flip_rows)][:, _samples(columns, flip_columns)]
        return np.ascontiguousarray(np.rot90(grid[:, ::-1] if mirrored else grid, quarter_turns))

    @property
    def quality(self) -> int:
        """How much gradient there is, 0..100."""
        grid = self.grid()
        gradients = 0
        for axis in (0, 1):
            difference = np.diff(grid, axis=axis) * np.float32(-100.0) / np.float32(255.0)
            gradients += int(np.abs(np.trunc(difference)).sum())
        return min(100, gradients // QUALITY_DIVISOR)


def pdq_v0(luma: NDArray[np.float32]) -> tuple[bytes, int]:
    """Hash (32 bytes) and quality (0..100; under 50 is featureless) of float32 luma 0..255."""
    if min(luma.shape) < SMALLEST_SIDE:
        return bytes(BITS // 8), 0
    smooth = SmoothLuma.of(luma)
    return smooth.bits(), smooth.quality


def _window(side: int) -> int:
    """Width of the box filter for this side, per the reference."""
    return (side + 2 * GRID - 1) // (2 * GRID)


def _samples(side: int, flipped: bool) -> NDArray[np.intp]:
    """Where the reference samples this axis, or would sample it in the flipped picture.

    An even window reaches one pixel further right than left; in the flipped picture it
    reaches further left, which is the same smoothing two pixels away.
    """
    positions = ((np.arange(GRID) + 0.5) * side / GRID).astype(np.intp)
    if not flipped:
        return positions
    asymmetry = JAROSZ_PASSES if _window(side) % 2 == 0 else 0
    return np.clip(side - 1 - positions - asymmetry, 0, side - 1)[::-1]


def _box_along_rows(image: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    """Moving average along each row: along a column all sums advance together, which is faster."""
    return transposed(_box_along_columns(transposed(image), window))


@compiled
def _box_along_columns(image: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    """Moving average along each column, shortened at the borders, summed as the reference sums."""
    height, width = image.shape
    half = (window + 2) // 2
    result = np.empty((height, width), np.float32)
    totals = np.zeros(width, np.float32)
    count = np.float32(0.0)
    below = 0
    for y in range(height):
        while below < min(y + half, height):
            for x in range(width):
                totals[x] += image[below, x]
            count += np.float32(1.0)
            below += 1
        above = y - (window - half) - 1
        if above >= 0:
            for x in range(width):
                totals[x] -= image[above, x]
            count -= np.float32(1.0)
        for x in range(width):
            result[y, x] = totals[x] / count
    return result
