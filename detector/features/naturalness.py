"""Natural-scene statistics at several scales: contrast-normalised luma, wavelets, noise.

Contrast-normalised coefficients of photographs are nearly Gaussian and their neighbour products
have a known asymmetry (Mittal et al., BRISQUE, IEEE TIP 2012, section III); noise of a sensor
grows with intensity, that of a generator need not.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.detector.features.tiling import Plane, TiledPicture, Tiles

SCALES = (1, 2, 4)
_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
_QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75)
_ENVELOPE_SIGMA = 7 / 6

NAMES = (
    [
        f"{what}-{scale}"
        for scale in SCALES
        for what in (
            "mscn-mean-magnitude",
            "mscn-kurtosis",
            "mscn-skewness",
            *(f"product-{d}-{s}" for d in range(4) for s in ("mean", "magnitude", "asymmetry")),
        )
    ]
    + [f"sparsity-{scale}-{o}" for scale in SCALES for o in ("across", "down", "diagonal")]
    + [f"anisotropy-{scale}" for scale in SCALES]
    + [f"diagonal-share-{scale}" for scale in SCALES]
    + [f"decay-{scale}" for scale in SCALES[1:]]
    + [f"noise-quantile-{q}" for q in _QUANTILES]
    + ["noise-intensity", "noise-intensity-square", "variance-spread"]
)


def measure(picture: TiledPicture) -> NDArray[np.float32]:
    """Feature group `naturalness`, n tiles x len(NAMES)."""
    plane = picture.luma
    mscn, sparsity, anisotropy, diagonal, energies = [], [], [], [], []
    for scale in SCALES:
        mscn.append(_mscn(picture.tiles(_normalise(plane), scale)))
        bands = [picture.tiles(band, scale) for band in _haar(plane)]
        magnitude = np.stack([np.abs(band).mean((1, 2)) + 0.05 for band in bands], 1)
        square = np.stack([(band * band).mean((1, 2)) for band in bands], 1)
        sparsity.append(np.log(square / magnitude**2 + 1e-3))
        anisotropy.append(np.log(magnitude[:, :1] / magnitude[:, 1:2]))
        diagonal.append(np.log(magnitude[:, 2:] / np.sqrt(magnitude[:, :1] * magnitude[:, 1:2])))
        energies.append(np.log(magnitude.mean(1, keepdims=True)))
        height, width = plane.shape
        plane = np.asarray(
            cv2.resize(
                plane[: height // 2 * 2, : width // 2 * 2],
                (width // 2, height // 2),
                interpolation=cv2.INTER_AREA,
            ),
            np.float32,
        )
    decay = [later - earlier for earlier, later in pairwise(energies)]
    groups = [*mscn, *sparsity, *anisotropy, *diagonal, *decay, _noise(picture)]
    return np.concatenate(groups, 1).astype(np.float32)


def _normalise(plane: Plane) -> Plane:
    """Subtract the local mean, divide by the local deviation plus one grey level."""
    mean = cv2.GaussianBlur(plane, (7, 7), _ENVELOPE_SIGMA)
    square = cv2.GaussianBlur(plane * plane, (7, 7), _ENVELOPE_SIGMA)
    deviation = np.sqrt(np.maximum(square - mean * mean, 0))
    return np.asarray((plane - mean) / (deviation + 1), np.float32)


def _mscn(tiles: Tiles) -> NDArray[np.float32]:
    squares = tiles * tiles
    square = squares.mean((1, 2)) + 1e-4
    columns = [
        np.log(np.abs(tiles).mean((1, 2)) / np.sqrt(square) + 1e-3),
        np.log((squares * squares).mean((1, 2)) / square**2 + 1e-3),
        (squares * tiles).mean((1, 2)) / square**1.5,
    ]
    height, width = tiles.shape[1:]
    for down, right in _DIRECTIONS:
        here = tiles[:, : height - down, max(0, -right) : width - max(0, right)]
        there = tiles[:, down:, max(0, right) : width + min(0, right)]
        product = here * there
        mean = product.mean((1, 2))
        magnitude = np.abs(product, out=product).mean((1, 2)) + 1e-4
        # The share of the magnitude that is positive: half of 1 + mean / mean magnitude.
        columns += [mean / square, np.log(magnitude / square), (1 + mean / magnitude) / 2]
    return np.stack(columns, 1).astype(np.float32)


def _haar(plane: Plane) -> tuple[Plane, Plane, Plane]:
    """Undecimated Haar details: across, down, diagonal."""
    right = np.roll(plane, -1, 1)
    below, corner = np.roll(plane, -1, 0), np.roll(right, -1, 0)
    half = np.float32(0.5)
    return (
        (plane - right + below - corner) * half,
        (plane + right - below - corner) * half,
        (plane - right - below + corner) * half,
    )


def _noise(picture: TiledPicture) -> NDArray[np.float64]:
    """Quantiles of the local detail energy over its mean, and its relation to intensity."""
    luma = picture.luma
    detail = luma - cv2.GaussianBlur(luma, (0, 0), 1.0)
    variance = np.asarray(cv2.blur(detail * detail, (8, 8)), np.float32)
    mean = np.asarray(cv2.blur(luma, (8, 8)), np.float32)
    energy = np.log(picture.tiles(variance)[:, 4::8, 4::8] + 0.05).reshape(-1, 400)
    level = picture.tiles(mean)[:, 4::8, 4::8].reshape(-1, 400) / np.float32(128) - np.float32(1)
    centre = np.log(np.exp(energy).mean(1, keepdims=True))
    quantiles = np.quantile(energy, _QUANTILES, axis=1).T - centre
    slopes = [_correlation(energy, level), _correlation(energy, level * level)]
    return np.column_stack([quantiles, *slopes, energy.std(1)])


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    one = one - one.mean(1, keepdims=True)
    other = other - other.mean(1, keepdims=True)
    norm = np.sqrt((one * one).mean(1) * (other * other).mean(1)) + 1e-3
    correlation: NDArray[np.float32] = (one * other).mean(1) / norm
    return correlation
