"""Joint statistics of noise residuals: what neighbouring prediction errors do together.

Third-order co-occurrences of quantised residuals follow the rich models of steganalysis
(Fridrich and Kodovsky, IEEE TIFS 2012, section II); the residual is divided by its local mean
magnitude first, so that the contrast of the scene does not enter.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.detector.features.tiling import Plane, TiledPicture, count_codes, moments

LEVELS = 5
_REACH = LEVELS // 2
_LOCAL = (15, 15)

_SECOND = np.array([[0.5, -1, 0.5]], np.float32)
_SQUARE = np.array([[-0.25, 0.5, -0.25], [0.5, -1, 0.5], [-0.25, 0.5, -0.25]], np.float32)
_WIDE = np.array(
    [
        [-1, 2, -2, 2, -1],
        [2, -6, 8, -6, 2],
        [-2, 8, -12, 8, -2],
        [2, -6, 8, -6, 2],
        [-1, 2, -2, 2, -1],
    ],
    np.float32,
) * np.float32(1 / 12)
_FIRST = np.array([[0, -1, 1]], np.float32)


def _classes() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Class of each of the LEVELS**3 triples under sign change and reversal, and class sizes."""
    triples = np.indices((LEVELS,) * 3).reshape(3, -1)
    flipped = LEVELS - 1 - triples
    codes = [
        a * LEVELS**2 + b * LEVELS + c
        for a, b, c in (triples, triples[::-1], flipped, flipped[::-1])
    ]
    smallest = np.min(codes, axis=0)
    _, index, size = np.unique(smallest, return_inverse=True, return_counts=True)
    return index, size.astype(float)


_CLASS, _SIZE = _classes()
_CLASSES = len(_SIZE)
_PLANES = ("line", "first", "square", "wide")

NAMES = (
    [f"cooccurrence-{plane}-{i}" for plane in _PLANES for i in range(_CLASSES)]
    + [f"{moment}-{plane}" for plane in _PLANES for moment in ("skewness", "kurtosis")]
    + [
        f"joint-{pair}-{i}"
        for pair in ("red-green", "blue-green")
        for i in range(LEVELS * _REACH + 3)
    ]
)


def measure(picture: TiledPicture) -> NDArray[np.float32]:
    """Feature group `residuals`, n tiles x len(NAMES)."""
    luma = picture.luma
    histograms, shape = [], []
    for kernel in (_SECOND, _FIRST):
        along = _filter(luma, kernel)
        across = _filter(luma, np.ascontiguousarray(kernel.T))
        counts = _triples(picture, along, (0, 1)) + _triples(picture, across, (1, 0))
        histograms.append(_log_share(counts))
        shape.append(moments(picture.tiles(along)))
    for kernel in (_SQUARE, _WIDE):
        plane = _filter(luma, kernel)
        counts = _triples(picture, plane, (0, 1)) + _triples(picture, plane, (1, 0))
        histograms.append(_log_share(counts))
        shape.append(moments(picture.tiles(plane)))
    channels = [_filter(np.ascontiguousarray(picture.rgb[..., c]), _SQUARE) for c in range(3)]
    joint = [_joint(picture, channels[c], channels[1]) for c in (0, 2)]
    return np.concatenate(histograms + shape + joint, 1).astype(np.float32)


def _filter(plane: Plane, kernel: NDArray[np.float32]) -> Plane:
    return np.asarray(cv2.filter2D(plane, cv2.CV_32F, kernel), np.float32)


def _quantise(residual: Plane) -> NDArray[np.int32]:
    """Levels 0..LEVELS-1; one step is the local mean magnitude (at least half a grey level)."""
    local = np.asarray(cv2.blur(np.abs(residual), _LOCAL), np.float32)
    steps = np.rint(residual / np.maximum(local, 0.5))
    return (np.clip(steps, -_REACH, _REACH) + _REACH).astype(np.int32)


def _triples(
    picture: TiledPicture, residual: Plane, direction: tuple[int, int]
) -> NDArray[np.float64]:
    """Counts of symmetric classes of three successive residuals, n tiles x classes."""
    levels = _quantise(residual)
    down, right = direction
    height, width = levels.shape
    codes = np.zeros((height, width), np.int32)
    inner = np.s_[: height - 2 * down, : width - 2 * right]
    codes[inner] = (
        levels[inner] * LEVELS**2
        + levels[down : height - down, right : width - right] * LEVELS
        + levels[2 * down :, 2 * right :]
    )
    return count_codes(picture.tiles(_CLASS[codes].astype(np.float32)), _CLASSES)


def _joint(picture: TiledPicture, one: Plane, other: Plane) -> NDArray[np.float64]:
    """Log shares of the quantised residuals of two colour channels at the same place."""
    codes = _quantise(one) * LEVELS + _quantise(other)
    codes = np.minimum(codes, LEVELS**2 - 1 - codes)
    counts = count_codes(picture.tiles(codes.astype(np.float32)), LEVELS * _REACH + 3)
    shares: NDArray[np.float64] = np.log(counts / counts.sum(1, keepdims=True) + 1e-4)
    return shares


def _log_share(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.log(counts / counts.sum(1, keepdims=True) / _SIZE + 1e-5)
    return shares
