"""From the lines of the comb to a tile of pixels, and back.

A Fourier transform of the comb's 12 x 25 frequencies alone, first along one side and then along
the other: at 61 pixels a side that is less work than a fast transform or a table of all lines.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.watermark.carrier import OUTER_RADIUS, TILE

_REACH = int(OUTER_RADIUS)


def _waves(first: int) -> NDArray[np.complex64]:
    """Waves of `first` to _REACH cycles over a tile, shape (n, TILE)."""
    turns = np.outer(np.arange(first, _REACH + 1), np.arange(TILE))
    return np.asarray(np.exp(2j * np.pi / TILE * (turns % TILE)), np.complex64)


_ACROSS, _DOWN = _waves(-_REACH), _waves(1)


def tiles_of(values: NDArray[np.complex64], lines: NDArray[np.int64]) -> NDArray[np.float32]:
    """Real sums of the waves at `lines` (m, 2) with amplitudes (n, m), (n, TILE, TILE)."""
    comb = np.zeros((len(values), len(_DOWN), len(_ACROSS)), np.complex64)
    comb[:, lines[:, 1] - 1, lines[:, 0] + _REACH] = values
    return np.asarray((_DOWN.T @ (comb @ _ACROSS)).real, np.float32)


def lines_of(tiles: NDArray[np.float32], lines: NDArray[np.int64]) -> NDArray[np.complex64]:
    """Fourier sums of tiles (n, TILE, TILE) at `lines` (m, 2), shape (n, m)."""
    comb = (_DOWN.conj() @ tiles) @ _ACROSS.conj().T
    return np.asarray(comb[:, lines[:, 1] - 1, lines[:, 0] + _REACH], np.complex64)
