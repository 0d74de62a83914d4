"""Where the energy of the high-pass residual lies: radius, angle, lattice peaks, self-similarity.

Up-sampling layers of generators leave a power spectrum that decays differently from a lens and
sensor (Durall et al., CVPR 2020, sections 3 and 4) and peaks at multiples of 1/8 cycle per pixel
(Corvi et al., ICASSP 2023, section 4).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from assay.detector.features.tiling import TILE, TiledPicture, Tiles

RADIAL_BINS = 24
ANGULAR_BINS = 8
_FLOOR = 1e-2

_frequency = np.fft.fftfreq(TILE)
_vertical, _horizontal = np.meshgrid(_frequency, _frequency[: TILE // 2 + 1], indexing="ij")
_radius = np.hypot(_vertical, _horizontal)
# Columns other than the first and last stand for two conjugate frequencies.
_weight = np.full(_radius.shape, 2.0)
_weight[:, [0, -1]] = 1.0
_window = np.outer(np.hanning(TILE), np.hanning(TILE)).astype(np.float32)


def _averaging(
    index: NDArray[np.int64], bins: int, inside: NDArray[np.bool_]
) -> NDArray[np.float64]:
    matrix = np.zeros((bins, index.size))
    flat = np.flatnonzero(inside)
    matrix[index.ravel()[flat], flat] = _weight.ravel()[flat]
    averaged: NDArray[np.float64] = matrix / matrix.sum(1, keepdims=True)
    return averaged


_radial_bin = np.minimum((_radius / 0.5 * RADIAL_BINS).astype(int), RADIAL_BINS)
_radial = _averaging(_radial_bin, RADIAL_BINS, (_radius < 0.5) & (_radius > 0))
_angle = np.mod(np.arctan2(_vertical, _horizontal), np.pi)
_angular = _averaging(
    np.minimum((_angle / np.pi * ANGULAR_BINS).astype(int), ANGULAR_BINS - 1),
    ANGULAR_BINS,
    (_radius > 0.2) & (_radius < 0.5),
)
_EIGHTHS = range(TILE // 8, TILE // 2 + 1, TILE // 8)
_PEAKS = (
    [(0, v) for v in _EIGHTHS]
    + [(u, 0) for u in _EIGHTHS]
    + [(u, v) for u in _EIGHTHS for v in _EIGHTHS]
)
_LAGS = (
    [(0, k) for k in range(1, 9)]
    + [(k, 0) for k in range(1, 9)]
    + [(k, k) for k in (1, 2, 3, 4, 8)]
    + [(k, -k) for k in (1, 2, 3, 4, 8)]
    + [(1, 2), (2, 1), (0, 16), (16, 0)]
)

NAMES = (
    [f"radial-{i}" for i in range(1, RADIAL_BINS)]
    + [f"angular-{i}" for i in range(ANGULAR_BINS)]
    + [f"peak-{u}-{v}" for u, v in _PEAKS]
    + [f"autocorrelation-{u}-{v}" for u, v in _LAGS]
)


def power(tiles: Tiles) -> NDArray[np.float64]:
    """Windowed power spectrum of each tile, n x TILE x (TILE/2+1)."""
    transformed = fft.rfft2(tiles * _window)
    return np.asarray(transformed.real**2 + transformed.imag**2, np.float64)


def radial_profile(spectrum: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean log power per radius, n x RADIAL_BINS, from 0 to 0.5 cycles per pixel."""
    profile: NDArray[np.float64] = np.log(spectrum.reshape(len(spectrum), -1) @ _radial.T + _FLOOR)
    return profile


def residual(picture: TiledPicture) -> Tiles:
    """Tiles of the luma minus its Gaussian blur of sigma 1."""
    smooth = cv2.GaussianBlur(picture.luma, (0, 0), 1.0)
    return picture.tiles(picture.luma - np.asarray(smooth, np.float32))


def measure(picture: TiledPicture) -> NDArray[np.float32]:
    """Feature group `spectrum`, n tiles x len(NAMES); levels are relative, so contrast is out."""
    tiles = residual(picture)
    spectrum = power(tiles)
    profile = radial_profile(spectrum)[:, 1:]
    angular = np.log(spectrum.reshape(len(tiles), -1) @ _angular.T + _FLOOR)
    values = [
        profile - profile.mean(1, keepdims=True),
        angular - angular.mean(1, keepdims=True),
        _peaks(spectrum),
        _autocorrelation(tiles),
    ]
    return np.concatenate(values, 1).astype(np.float32)


def _peaks(spectrum: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log power at each lattice frequency over the mean of its 5x5 neighbourhood."""
    height, width = spectrum.shape[1:]
    columns = []
    for u, v in _PEAKS:
        rows = [u] if u == 0 else [u, -u]
        peak = sum(spectrum[:, row % height, v] for row in rows) / len(rows)
        around = np.mean(
            [
                spectrum[:, (row + du) % height, min(abs(v + dv), 2 * (width - 1) - v - dv)]
                for row in rows
                for du in (-2, -1, 1, 2)
                for dv in (-2, -1, 1, 2)
            ],
            axis=0,
        )
        columns.append(np.log((peak + _FLOOR) / (around + _FLOOR)))
    return np.stack(columns, 1)


def _autocorrelation(tiles: Tiles) -> NDArray[np.float64]:
    centred = tiles - tiles.mean((1, 2), keepdims=True)
    transformed = fft.rfft2(centred)
    correlation = fft.irfft2(transformed.real**2 + transformed.imag**2, s=(TILE, TILE))
    correlation = correlation / (correlation[:, :1, :1] + 1e-6)
    return np.stack([correlation[:, u % TILE, v % TILE] for u, v in _LAGS], 1)
