"""Read the comb of an undistorted plane by folding it onto two by two tiles.

A pattern that repeats every 64 pixels survives adding up all blocks of 128 x 128 pixels, while
the picture averages out. The Fourier transform of the sum holds the comb in its even bins; the
other bins hold no mark and measure the noise around each line. This costs one pass over the
plane and a transform of 128 x 128.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from assay.watermark.carrier import TILE

#: Two tiles: half of the bins in each direction lie between the lines of the comb.
FOLD = 2 * TILE

#: Half side, in bins of 1/128 cycle per pixel, of the square in which noise is measured.
NOISE_REACH = 5


def fold(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum of the blocks of a plane (h, w), shape (FOLD, FOLD); its centre goes to the origin."""
    height, width = plane.shape
    rows, columns = -(-height // FOLD) + 1, -(-width // FOLD) + 1
    top, left = (-(height // 2)) % FOLD, (-(width // 2)) % FOLD
    padded = np.zeros((rows * FOLD, columns * FOLD), np.float32)
    padded[top : top + height, left : left + width] = plane
    by_column = padded.reshape(rows, FOLD, columns * FOLD).sum(axis=0)
    return np.asarray(by_column.reshape(FOLD, columns, FOLD).sum(axis=1), np.float32)


class FoldedSpectrum:
    """Spectrum of a folded whitened plane (h, w) about its centre."""

    def __init__(self, plane: NDArray[np.float32]) -> None:
        self._values = fft.fft2(fold(plane).astype(np.float64))
        self._power = self._values.real**2 + self._values.imag**2

    def at(self, lines: NDArray[np.int64]) -> NDArray[np.complex128]:
        """Fourier sums at whole lines (n, 2) in cycles per tile, shape (n,)."""
        return self._values[(2 * lines[:, 1]) % FOLD, (2 * lines[:, 0]) % FOLD]

    def noise(self, lines: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean power of the bins around each line that carry no mark, shape (n,)."""
        dy, dx = _OFFSETS
        around = self._power[(2 * lines[:, 1:] + dy) % FOLD, (2 * lines[:, :1] + dx) % FOLD]
        return np.asarray(around.mean(axis=1) + 1e-12)

    def normalised(self, lines: NDArray[np.int64]) -> NDArray[np.complex128]:
        """`at` in units of the noise's standard deviation."""
        return self.at(lines) / np.sqrt(self.noise(lines))


def _noise_offsets() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Offsets (rows, columns) from a line to the bins between lines around it."""
    reach = np.arange(-NOISE_REACH, NOISE_REACH + 1)
    dy, dx = (grid.ravel() for grid in np.meshgrid(reach, reach, indexing="ij"))
    between = (dy % 2 == 1) | (dx % 2 == 1)
    return dy[between], dx[between]


_OFFSETS = _noise_offsets()
