"""8x8 DCT statistics: relative energy and peakedness per frequency, Benford's law.

The first digits of DCT coefficients of photographs follow a generalised Benford law that
generated pictures break (Bonettini et al., ICPR 2020, section III).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from assay.detector.features.tiling import TILE, TiledPicture

_BLOCK = 8
_PER_SIDE = TILE // _BLOCK
_AC = _BLOCK * _BLOCK - 1
# The frequencies whose distribution is wide enough after compression to have a shape.
_SHAPED = (0, 1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 31, 35, 44)
_EXPECTED = np.log10(1 + 1 / np.arange(1, 10))

NAMES = (
    [f"dct-energy-{i}" for i in range(1, _AC + 1)]
    + [f"dct-peakedness-{i + 1}" for i in _SHAPED]
    + [f"benford-{digit}" for digit in range(1, 10)]
)


def measure(picture: TiledPicture) -> NDArray[np.float32]:
    """Feature group `blocks`, n tiles x len(NAMES)."""
    tiles = picture.tiles(picture.luma)
    count = len(tiles)
    blocks = tiles.reshape(count, _PER_SIDE, _BLOCK, _PER_SIDE, _BLOCK).swapaxes(2, 3)
    coefficients = fft.dctn(blocks - 128, axes=(3, 4), norm="ortho")
    magnitude = np.abs(coefficients).reshape(count, _PER_SIDE**2, -1)[..., 1:]
    mean = magnitude.mean(1)
    energy = np.log(mean + 0.05)
    square = (magnitude[..., _SHAPED] ** 2).mean(1)
    peakedness = np.log(square / (mean[:, _SHAPED] ** 2 + 1e-3) + 1e-3)
    values = [energy - energy.mean(1, keepdims=True), peakedness, _benford(magnitude)]
    return np.concatenate(values, 1).astype(np.float32)


def _benford(magnitude: NDArray[np.float32]) -> NDArray[np.float64]:
    """Share of each first digit among the coefficients of at least 1, minus Benford's law."""
    count = len(magnitude)
    decade = np.floor(np.log10(np.maximum(magnitude, 1)))
    digit = np.clip(np.floor(np.maximum(magnitude, 1) / 10**decade), 1, 9).astype(int)
    digit[magnitude < 1] = 0
    codes = digit.reshape(count, -1) + 10 * np.arange(count)[:, None]
    counts = np.bincount(codes.ravel(), minlength=10 * count).reshape(count, 10)[:, 1:]
    shares: NDArray[np.float64] = counts / np.maximum(counts.sum(1, keepdims=True), 1) - _EXPECTED
    return shares
