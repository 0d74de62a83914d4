"""Coherent search along the common edits, for pictures too small for the search on power.

In a small textured picture the pilots hardly rise above the picture's own power; only their
phases give them away. Trying phases and all shifts at every rotation and scale would take
seconds, but most edits are simpler: scaled, turned by a few degrees, or stretched along one axis.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from assay.watermark.carrier import Carrier
from assay.watermark.geometry import Matrix, frequencies, similarity, stretch
from assay.watermark.spectrum import Spectrum

#: Larger planes are found by the search on power, and would need finer steps here.
LARGEST_EXTENT = 800

#: Ranges: uniform scale, turn in radians at scale 1, scale of one axis alone.
SCALES = (0.4, 2.2)
LARGEST_TURN = math.radians(20)
STRETCHES = (0.7, 1.4)

#: Share of a spectral line's width between two trials, and the pilots' mean radius.
STEP_SHARE = 0.28
MEAN_RADIUS = 0.15

#: Shifts are tried about a pixel apart: at most a sixth of the correlation is lost.
GRID = 64

#: Pilot magnitudes are clipped here, in noise deviations.
CLIP = 2.5

#: Matrices transformed together; more only take more memory.
BATCH = 128


@lru_cache(maxsize=8)
def trials(extent: int) -> tuple[Matrix, ...]:
    """The matrices of all common edits for a plane of this longer side."""
    step = STEP_SHARE / (extent * MEAN_RADIUS)

    def steps(low: float, high: float) -> NDArray[np.float64]:
        return np.linspace(low, high, math.ceil((high - low) / step) + 1)

    scales = np.exp(steps(*np.log(SCALES)))
    stretches = np.exp(steps(*np.log(STRETCHES)))
    turns = steps(-LARGEST_TURN, LARGEST_TURN)
    found = [similarity(float(scale), 0.0) for scale in scales]
    found += [similarity(1.0, float(turn)) for turn in turns]
    found += [stretch(float(scale), 1.0, 0.0) for scale in stretches]
    found += [stretch(1.0, float(scale), 0.0) for scale in stretches]
    return tuple(found)


def sweep(spectrum: Spectrum, carrier: Carrier, count: int) -> list[Matrix]:
    """The `count` common edits with the highest pilot correlation over all shifts."""
    if spectrum.extent > LARGEST_EXTENT:
        return []
    matrices = trials(spectrum.extent)
    score = np.concatenate(
        [
            _scores(spectrum, carrier, matrices[start : start + BATCH])
            for start in range(0, len(matrices), BATCH)
        ]
    )
    return [matrices[index] for index in np.argsort(-score)[:count]]


def _scores(
    spectrum: Spectrum, carrier: Carrier, matrices: tuple[Matrix, ...]
) -> NDArray[np.float64]:
    """Highest pilot correlation of each matrix, in noise deviations."""
    lines = carrier.pilot_lines
    places = np.concatenate([frequencies(lines, matrix) for matrix in matrices])
    pilots = spectrum.normalised(places).reshape(len(matrices), len(lines))
    pilots = pilots * np.minimum(1, CLIP / np.maximum(np.abs(pilots), 1e-9))
    matched = (pilots * carrier.pilot_phasors.conj()).astype(np.complex64)
    mirrored = lines[:, 0] < 0
    rows = np.where(mirrored, -lines[:, 1], lines[:, 1]) % GRID
    grid = np.zeros((len(matrices), GRID, GRID // 2 + 1), np.complex64)
    grid[:, rows, np.abs(lines[:, 0])] = np.where(mirrored, matched.conj(), matched)
    surface = fft.irfft2(grid, (GRID, GRID)) * (GRID * GRID / 2)
    energy = (np.abs(pilots) ** 2).sum(axis=1)
    return np.asarray(surface.max(axis=(1, 2)) / np.sqrt(energy / 2 + 1e-9), np.float64)
