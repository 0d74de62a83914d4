"""How the colour channels agree: residual correlation, chroma energy, lateral misregistration.

A sensor interpolates two of three colours at each pixel and a lens spreads wavelengths; a
decoder network makes all three channels from the same features (McCloskey and Albright,
ICIP 2019, section 3).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.detector.features.tiling import TILE, TiledPicture, Tiles, moments

SIGMAS = (0.7, 1.5, 3.0)
_PAIRS = ((0, 1), (1, 2), (0, 2))
_SHIFTS = ((0, 1), (1, 0), (0, -1), (-1, 0))

NAMES = [
    f"{what}-{sigma}"
    for sigma in SIGMAS
    for what in (
        "red-green",
        "green-blue",
        "red-blue",
        "blue-luma",
        "red-luma",
        "blue-red",
        "blue-energy",
        "red-energy",
        "shift-red",
        "shift-blue",
    )
] + ["skewness-cb", "kurtosis-cb", "skewness-cr", "kurtosis-cr"]


def measure(picture: TiledPicture) -> NDArray[np.float32]:
    """Feature group `colour`, n tiles x len(NAMES)."""
    columns: list[NDArray[np.float32]] = []
    chroma = [
        np.asarray(picture.rgb[..., 2] - picture.luma, np.float32),
        np.asarray(picture.rgb[..., 0] - picture.luma, np.float32),
    ]
    for sigma in SIGMAS:
        channels = [_detail(picture, picture.rgb[..., c], sigma) for c in range(3)]
        luma = _detail(picture, picture.luma, sigma)
        blue, red = (_detail(picture, plane, sigma) for plane in chroma)
        columns += [_correlation(channels[a], channels[b]) for a, b in _PAIRS]
        columns += [_correlation(blue, luma), _correlation(red, luma), _correlation(blue, red)]
        energy = _mean_product(luma, luma) + 1e-2
        columns += [np.log(_mean_product(plane, plane) / energy + 1e-3) for plane in (blue, red)]
        columns += [_misregistration(channels[c], channels[1]) for c in (0, 2)]
    shape = [moments(_detail(picture, plane, 1.0)) for plane in chroma]
    return np.concatenate([np.stack(columns, 1), *shape], 1).astype(np.float32)


def _detail(picture: TiledPicture, plane: NDArray[np.float32], sigma: float) -> Tiles:
    plane = np.ascontiguousarray(plane)
    return picture.tiles(plane - np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32))


def _mean_product(one: Tiles, other: Tiles) -> NDArray[np.float32]:
    product: NDArray[np.float32] = np.einsum("nij,nij->n", one, other) / one[0].size
    return product


def _correlation(one: Tiles, other: Tiles) -> NDArray[np.float32]:
    norm = np.sqrt(_mean_product(one, one) * _mean_product(other, other) + 1e-4)
    correlation: NDArray[np.float32] = _mean_product(one, other) / norm
    return correlation


def _misregistration(channel: Tiles, green: Tiles) -> NDArray[np.float32]:
    """Best correlation after a shift of one pixel, minus the correlation in place."""
    fixed = green[:, 1:-1, 1:-1]
    in_place = _correlation(channel[:, 1:-1, 1:-1], fixed)
    shifted = [
        _correlation(channel[:, 1 + y : TILE - 1 + y, 1 + x : TILE - 1 + x], fixed)
        for y, x in _SHIFTS
    ]
    gain: NDArray[np.float32] = np.max(shifted, axis=0) - in_place
    return gain
